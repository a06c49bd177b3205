//! Where backups go: a store with a name, a folder, a bucket, or the usual folder.

use std::path::{Path, PathBuf};

use backup::Store;

use crate::{Config, Environment, nearest};

/// `$XDG_DATA_HOME/safe-upgrade/backups`, else `~/.local/share/safe-upgrade/backups`; `None` without a home.
pub fn default_store(environment: &Environment) -> Option<PathBuf> {
    let data = environment
        .get("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        let home = environment
            .get("HOME")
            .or_else(|| environment.get("USERPROFILE"))?;
        Some(Path::new(home).join(".local").join("share"))
    };
    Some(data.or_else(home)?.join("safe-upgrade").join("backups"))
}

/// The store as it is written into plans: a name becomes what it stands for, and a folder becomes absolute, since a run
/// may be carried on from another one.
///
/// # Errors
/// The configuration cannot be read, the text names no store, or no store was named and there is no home to put one in.
pub fn store_place(named: Option<&str>, environment: &Environment) -> Result<String, String> {
    let Some(named) = named else {
        let folder =
            default_store(environment).ok_or("there is no home folder to keep backups in: name a folder")?;
        return opened(&folder.display().to_string());
    };
    if !is_word(named) {
        return opened(named);
    }
    let config = match Config::read(environment) {
        Ok(config) => config,
        // Without a home nobody can have given names.
        Err(crate::ConfigError::NoHome) => return opened(named),
        Err(error) => return Err(model::causes(&error)),
    };
    if let Some(text) = config.store(named) {
        return Ok(text);
    }
    if config.names().next().is_some() && !Path::new(named).is_dir() {
        let meant = nearest(named, config.names())
            .map(|name| format!("; did you mean {name}?"))
            .unwrap_or_default();
        return Err(format!(
            "there is neither a store nor a folder called {named}{meant} Write ./{named} for a new folder."
        ));
    }
    opened(named)
}

fn opened(text: &str) -> Result<String, String> {
    Store::open(text)
        .map(|store| store.to_string())
        .map_err(|error| model::causes(&error))
}

/// Whether it could be a name: what has a step of a path in it is a folder.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_go_below_the_data_folder_and_a_named_folder_becomes_absolute() {
        let home = Environment::of(&[("HOME", "/home/ann")]);
        assert_eq!(
            store_place(None, &home).as_deref(),
            Ok("/home/ann/.local/share/safe-upgrade/backups")
        );
        assert!(store_place(Some("here"), &home).unwrap().starts_with('/'));
        assert!(store_place(None, &Environment::default()).is_err());
    }

    #[test]
    fn a_name_is_what_it_stands_for_and_a_mistyped_one_does_not_become_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.yaml");
        std::fs::write(
            &file,
            "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Config\nstores:\n  prod:\n    url: s3://b/prod\n",
        )
        .unwrap();
        let environment = Environment::of(&[("SAFE_UPGRADE_CONFIG", file.to_str().unwrap())]);
        let place = |named: &str| store_place(Some(named), &environment);
        assert_eq!(place("prod").as_deref(), Ok("s3://b/prod"));
        assert!(place("prdo").unwrap_err().contains("did you mean prod?"));
        assert!(place("./prdo").unwrap().ends_with("/prdo"));
        assert_eq!(place("s3://c?region=x").as_deref(), Ok("s3://c?region=x"));
        let told = place("s3://me:hush@c").unwrap_err();
        assert!(told.contains("credentials") && !told.contains("hush"), "{told}");
    }
}
