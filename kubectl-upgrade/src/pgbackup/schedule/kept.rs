//! Where the pods of a schedule keep backups, and how they reach it.

use backup::{CLAIM_FOLDER, Store};
use model::causes;

use super::set::SetFlags;

/// Where the pods of a schedule keep backups.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The store, as they reach it.
    pub(super) store: String,
    /// The claim that they mount.
    pub(super) claim: Option<String>,
}

/// A claim is mounted, and the store is a folder then: nobody has to be asked for a pod that reaches it.
pub(super) fn kept(flags: &SetFlags, namespace: &str) -> Result<Kept, String> {
    let Some(store) = &flags.to else {
        return Ok(Kept {
            store: CLAIM_FOLDER.to_owned(),
            claim: flags.claim.clone(),
        });
    };
    // Names of stores stand in a file on this machine, which the pods of the schedule do not have.
    if !store.contains("://") && !store.starts_with('/') {
        return Err(format!(
            "{store:?} is no store that a pod can reach: write its URL, or use --claim"
        ));
    }
    let opened = Store::open(store).map_err(|error| causes(&error))?;
    let Some(address) = opened.claim() else {
        return Ok(Kept {
            store: store.clone(),
            claim: flags.claim.clone(),
        });
    };
    if let Some(other) = address.namespace.as_deref().filter(|other| *other != namespace) {
        return Err(format!(
            "a pod mounts claims of its own namespace only: {} is in {other}, and the schedule in {namespace}",
            address.claim
        ));
    }
    if flags.claim.as_ref().is_some_and(|claim| *claim != address.claim) {
        return Err("--to and --claim name two claims".to_owned());
    }
    let below = match address.path.as_str() {
        "" => String::new(),
        path => format!("/{path}"),
    };
    Ok(Kept {
        store: format!("{CLAIM_FOLDER}{below}"),
        claim: Some(address.claim.clone()),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        flags: SetFlags,
    }

    fn kept_of(words: &[&str]) -> Result<(String, Option<String>), String> {
        let fixed = ["x", "shop", "--cron", "@daily", "--image", "i"];
        let parsed = Command::try_parse_from(fixed.iter().chain(words)).unwrap();
        kept(&parsed.flags, "shop").map(|kept| (kept.store, kept.claim))
    }

    #[test]
    fn a_claim_is_mounted_and_its_folder_is_the_store() {
        let mounted = |store: &str| Ok((store.to_owned(), Some("backups".to_owned())));
        assert_eq!(kept_of(&["--claim", "backups"]), mounted("/backups"));
        assert_eq!(kept_of(&["--to", "pvc://backups"]), mounted("/backups"));
        assert_eq!(
            kept_of(&["--to", "pvc://backups/daily"]),
            mounted("/backups/daily")
        );
        assert_eq!(
            kept_of(&["--to", "pvc://shop/backups/a/b"]),
            mounted("/backups/a/b")
        );
        let told = kept_of(&["--to", "pvc://other/backups/a"]).unwrap_err();
        assert!(told.contains("its own namespace"), "{told}");
        assert!(kept_of(&["--to", "pvc://backups", "--claim", "x"]).is_err());
        assert!(kept_of(&["--to", "prod"]).is_err());
        let bucket = "s3://b/p".to_owned();
        assert_eq!(kept_of(&["--to", &bucket]), Ok((bucket.clone(), None)));
    }
}
