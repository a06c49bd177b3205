//! Trying a copy of a server: unpacked in a throw-away pod, compared with its own list by the server's own program,
//! recovered, and every database read to its end.

use std::time::Duration;
use std::time::Instant;

use cluster::Cluster;
use jiff::Timestamp;
use model::{API_VERSION, BaseFacts, Verification};
use thiserror::Error;

use super::unpack::{Tools, UnpackError, run, unpack};
use crate::helper_pod::{HelperPod, HelperPodError, HelperRequest, HelperVolume, VOLUME};
use crate::script::{self, last_words};
use crate::{Backup, Progress, StoreError, VerifyRequest};

/// How long recovery may take of all the time there is: the rest is for unpacking and reading.
const START_SHARE: u64 = 2;

/// Why a copy could not be tried; it then says nothing about the copy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BaseVerifyError {
    /// It is no copy.
    #[error("backup {0} is no copy of a server")]
    NoCopy(String),
    /// The image has another version.
    #[error(
        "the image runs PostgreSQL {found}, and the copy is of {expected}: name an image of {expected} with --image"
    )]
    Major {
        /// The image's.
        found: i32,
        /// The copy's.
        expected: i32,
    },
    /// No pod.
    #[error("failed to start the throw-away pod")]
    Pod(#[from] HelperPodError),
    /// The copy could not be unpacked.
    #[error("failed to unpack the copy")]
    Unpack(#[source] UnpackError),
    /// The test broke off.
    #[error("failed to try the copy: {0}")]
    Broken(String),
    /// It took too long.
    #[error("the test was not done within {0:?}")]
    Deadline(Duration),
    /// Somebody no longer wanted it.
    #[error("the test was interrupted; the throw-away pod is gone")]
    Interrupted,
    /// The result could not be kept.
    #[error("failed to keep the result of the test")]
    Store(#[from] StoreError),
}

/// Tries a copy; what differs stands in the result, which is also written beside the manifest. The pod is deleted whatever
/// happens.
///
/// # Errors
/// See [`BaseVerifyError`].
pub async fn verify_base(
    cluster: &Cluster,
    backup: &Backup,
    request: &VerifyRequest,
    progress: Progress<'_>,
    interrupted: impl Future<Output = ()>,
) -> Result<Verification, BaseVerifyError> {
    let no_copy = || BaseVerifyError::NoCopy(backup.id.to_string());
    let base = backup.manifest.base.as_ref().ok_or_else(no_copy)?;
    progress(
        &format!(
            "starting a throw-away pod ({}) in {}",
            request.image, request.namespace
        ),
        None,
    );
    let helper = HelperRequest {
        purpose: "base-verify",
        namespace: &request.namespace,
        image: &request.image,
        pull_secrets: &request.pull_secrets,
        user: request.user,
        group: request.user,
        volume: HelperVolume::Empty,
        deadline: request.deadline,
    };
    let pod = HelperPod::start(cluster, &helper).await?;
    let tested = tokio::time::timeout(request.deadline, test(&pod, backup, base, request, progress));
    let tested = tokio::select! {
        tested = tested => tested.unwrap_or(Err(BaseVerifyError::Deadline(request.deadline))),
        () = interrupted => Err(BaseVerifyError::Interrupted),
    };
    progress("deleting the throw-away pod", None);
    pod.delete().await;
    let (judged, seconds) = tested?;
    let now = Timestamp::now();
    let verification = Verification {
        api_version: API_VERSION.into(),
        kind: "BackupVerification".into(),
        id: backup.id.to_string(),
        verified_at: now.to_string(),
        compared: judged.equal,
        differences: judged.differences,
        notes: Vec::new(),
        unjudged: Vec::new(),
        assertions: Vec::new(),
        restore_seconds: seconds,
        restored_bytes: i64::try_from(base.archive_bytes).ok(),
        restored_in: Some(format!("{} in namespace {}", request.image, request.namespace)),
        with_app: None,
        rehearsal: None,
    };
    backup.publish_verification(&verification, now).await?;
    Ok(verification)
}

async fn test(
    pod: &HelperPod,
    backup: &Backup,
    base: &BaseFacts,
    request: &VerifyRequest,
    progress: Progress<'_>,
) -> Result<(Judged, f64), BaseVerifyError> {
    let runner = pod.runner();
    let tools = Tools::look(&runner).await.map_err(BaseVerifyError::Unpack)?;
    let needed = ["pg_controldata", "pg_ctl", "psql", "pg_dump"];
    let place = runner.place();
    tools.need(&place, &needed).map_err(BaseVerifyError::Unpack)?;
    let expected = backup.manifest.server.version_num / 10_000;
    if let Some(found) = tools.major.filter(|found| *found != expected) {
        return Err(BaseVerifyError::Major { found, expected });
    }
    let begun = Instant::now();
    progress("unpacking", None);
    let (folder, work) = (format!("{VOLUME}/data"), format!("{VOLUME}/work"));
    match unpack(&runner, &tools, backup, &folder).await {
        Ok(()) => {}
        // Not what the manifest says: that is what the test is for.
        Err(error @ UnpackError::Damaged { .. }) => {
            let judged = Judged {
                equal: Vec::new(),
                differences: vec![error.to_string()],
            };
            return Ok((judged, begun.elapsed().as_secs_f64()));
        }
        Err(error) => return Err(BaseVerifyError::Unpack(error)),
    }
    progress("recovering, and reading every database", None);
    let limit = (request.deadline.as_secs() / START_SHARE).max(1).to_string();
    let arguments = [folder.as_str(), &work, &limit, &base.administrator];
    let (said, end) = run(&runner, script::BASE_TRY, &arguments)
        .await
        .map_err(|error| BaseVerifyError::Broken(model::causes(&error)))?;
    if end.exit_code != 0 {
        return Err(BaseVerifyError::Broken(last_words(&end.stderr_tail)));
    }
    let system = backup.manifest.server.system_identifier.as_deref();
    let judged = judge(&said, system, base.data_checksums, &last_words(&end.stderr_tail));
    Ok((judged, begun.elapsed().as_secs_f64()))
}

/// What the test found.
#[derive(Debug, PartialEq, Eq)]
struct Judged {
    equal: Vec<String>,
    differences: Vec<String>,
}

/// Reads what `base_try.sh` said. What was not said was not done, and what must be done and was not is a difference.
fn judge(said: &str, system: Option<&str>, checksums: bool, words: &str) -> Judged {
    let all = |key: &str| -> Vec<&str> {
        said.lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(found, _)| *found == key)
            .map(|(_, value)| value)
            .collect()
    };
    let one = |key: &str| all(key).first().copied();
    let mut judged = Judged {
        equal: vec!["hash and size of the copy".into()],
        differences: Vec::new(),
    };
    let mut note = |good: bool, equal: String, differs: String| {
        if good {
            judged.equal.push(equal);
        } else {
            judged.differences.push(differs);
        }
    };
    if let Some(status) = one("verifybackup") {
        note(
            status == "0",
            "every file and the WAL (pg_verifybackup)".into(),
            format!("pg_verifybackup ended with {status}: {words}"),
        );
    }
    if let Some(expected) = system {
        let found = one("system").unwrap_or("nothing");
        note(
            found == expected,
            "system identifier".into(),
            format!("the copy is of system {found} instead of {expected}"),
        );
    }
    note(
        one("start") == Some("0"),
        "recovery to a consistent state".into(),
        format!("the server did not start on the copy: {words}"),
    );
    if one("start") == Some("0") {
        note(
            one("recovery") == Some("false"),
            "end of recovery".into(),
            "the server is still recovering".into(),
        );
        let databases = all("database");
        let unread = databases.iter().filter(|status| **status != "0").count();
        note(
            unread == 0 && !databases.is_empty(),
            format!("every row of {} databases can be read", databases.len()),
            format!(
                "{unread} of {} databases cannot be read: {words}",
                databases.len()
            ),
        );
        note(
            one("stop") == Some("0"),
            "shut down".into(),
            "the server did not shut down".into(),
        );
    }
    if checksums && one("stop") == Some("0") && one("checksums").is_some() {
        note(
            one("checksums") == Some("0"),
            "checksums of all pages".into(),
            format!("pages have wrong checksums: {words}"),
        );
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "verifybackup 0\nsystem 72\nstate in production\nstart 0\nrecovery false\ndatabase 0\n\
        database 0\nstop 0\nchecksums 0\n";

    fn judged(said: &str) -> Judged {
        judge(said, Some("72"), true, "last words")
    }

    #[test]
    fn a_copy_that_stands_every_test_has_no_difference() {
        let found = judged(GOOD);
        assert_eq!(found.differences, Vec::<String>::new());
        assert!(
            found
                .equal
                .contains(&"every row of 2 databases can be read".to_owned()),
            "{found:?}"
        );
        assert!(found.equal.contains(&"checksums of all pages".to_owned()));
    }

    #[test]
    fn whatever_fails_or_was_not_done_is_told() {
        let told = |from: &str, to: &str| judged(&GOOD.replace(from, to)).differences.join("; ");
        assert!(
            told("verifybackup 0", "verifybackup 1").contains("pg_verifybackup ended with 1: last words")
        );
        assert!(told("system 72", "system 73").contains("of system 73 instead of 72"));
        assert!(told("start 0", "start 1").contains("did not start"));
        assert!(told("recovery false", "recovery true").contains("still recovering"));
        assert!(told("database 0\ndatabase 0", "database 0\ndatabase 1").contains("1 of 2 databases"));
        assert!(told("database 0\ndatabase 0\n", "").contains("0 of 0 databases"));
        assert!(told("stop 0", "").contains("did not shut down"));
        assert!(told("checksums 0", "checksums 1").contains("wrong checksums"));
        assert!(
            judged("")
                .differences
                .iter()
                .any(|told| told.contains("did not start"))
        );
    }
}
