//! The restore test: a backup is restored into a throw-away server, compared with its manifest, and questioned.

mod amcheck;
mod app;
mod assertions;
mod error;
mod extensions;
mod fault;
mod files;
mod local;
mod place;
mod pod;
mod statements;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use model::{API_VERSION, AssertionResult, Rehearsal, Verification, WithApp};

use crate::compare::{Content, compare, session};
use crate::fill::{Ownership, fill};
use crate::script::{self, last_words};
use crate::settings::{SETTINGS, Settings};
use crate::{Backup, CheckedArtefacts, Progress, Server, StoreError, check_artefacts};

pub use app::{AppError, AppQuestion, AppRequest, MigrationBy, MigrationWanted, TargetPod};
pub use assertions::Assertion;
pub use error::VerifyError;
pub use place::{LocalPlace, VerifyPlace};
pub use pod::VerifyRequest;
pub use statements::{StatementError, assertions_of};

use app::AppServer;
use place::{Locale, ThrowAway};

/// The database that is filled on the throw-away server.
const DATABASE: &str = "verify";

/// Who may do everything there.
const ADMINISTRATOR: &str = "postgres";

/// How long a statement that must be true may take, unless somebody says otherwise: it reads whole tables.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// What is asked of a restored database besides the comparison with the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// Statements that must be true.
    pub assertions: Vec<Assertion>,
    /// How long one of them may take.
    pub statement_timeout: Duration,
    /// Whether every index and table is checked by the extension `amcheck`.
    pub amcheck: bool,
}

impl Default for Questions {
    /// None; a statement may take five minutes.
    fn default() -> Self {
        Self {
            assertions: Vec::new(),
            statement_timeout: STATEMENT_TIMEOUT,
            amcheck: false,
        }
    }
}

/// What a test has found so far.
#[derive(Debug, Default)]
struct Findings {
    compared: Vec<String>,
    differences: Vec<String>,
    notes: Vec<String>,
    unjudged: Vec<String>,
    assertions: Vec<AssertionResult>,
    restore_seconds: f64,
    restored_bytes: Option<i64>,
    with_app: Option<WithApp>,
    rehearsal: Option<Rehearsal>,
}

/// Restores a backup into a throw-away server, compares and asks. What differs stands in the result, which is also written
/// beside the manifest; the server is taken away whatever happens, also when `interrupted` ends.
///
/// # Errors
/// See [`VerifyError`]: the test could not be done, which says nothing about the backup, and nothing is written.
pub async fn verify(
    place: &VerifyPlace,
    backup: &Backup,
    questions: &Questions,
    progress: Progress<'_>,
    interrupted: impl Future<Output = ()>,
) -> Result<Verification, VerifyError> {
    let deadline = place.deadline();
    let stopped = async {
        tokio::select! {
            () = interrupted => VerifyError::Interrupted,
            () = tokio::time::sleep(deadline) => VerifyError::Deadline(deadline),
        }
    };
    tokio::pin!(stopped);
    progress("reading the files of the backup", None);
    let damaged = tokio::select! {
        damaged = files::damaged(backup) => damaged?,
        error = &mut stopped => return Err(error),
    };
    let artefacts = tokio::select! {
        checked = check_artefacts(backup, progress) => checked?,
        error = &mut stopped => return Err(error),
    };
    let mut findings = Findings::default();
    if damaged.is_empty() {
        let settings = read_settings(backup).await?;
        progress(&format!("starting a throw-away server ({place})"), None);
        let mut server = ThrowAway::begin(place, &Locale::of(settings.as_ref()), &backup.manifest).await?;
        let tested = tokio::select! {
            tested = test(&mut server, backup, settings.as_ref(), questions, artefacts, progress) => tested,
            error = &mut stopped => Err(error),
        };
        progress("taking the throw-away server away", None);
        server.delete().await;
        findings = tested?;
    } else {
        findings.compared = artefacts.compared;
        findings.differences = [damaged, artefacts.differences].concat();
        findings.notes = artefacts.left_out;
    }
    let now = Timestamp::now();
    let Findings {
        compared,
        differences,
        notes,
        unjudged,
        assertions,
        restore_seconds,
        restored_bytes,
        with_app,
        rehearsal,
    } = findings;
    let verification = Verification {
        api_version: API_VERSION.into(),
        kind: "BackupVerification".into(),
        id: backup.id.to_string(),
        verified_at: now.to_string(),
        compared,
        differences,
        notes,
        unjudged,
        assertions,
        restore_seconds,
        restored_bytes,
        restored_in: Some(place.to_string()),
        with_app,
        rehearsal,
    };
    backup.publish_verification(&verification, now).await?;
    Ok(verification)
}

/// Restores, compares, asks, and boots the application, or rehearses a migration, where one is meant.
async fn test(
    throw_away: &mut ThrowAway,
    backup: &Backup,
    settings: Option<&Settings>,
    questions: &Questions,
    artefacts: CheckedArtefacts,
    progress: Progress<'_>,
) -> Result<Findings, VerifyError> {
    if let ThrowAway::App(pod) = throw_away
        && pod.migration().is_some()
    {
        // Before hours of restoring: what cannot be cut off is not tried at all.
        pod.up().await?;
        app::apart(pod, progress).await?;
    }
    let (restored, mut findings) = test_database(throw_away, backup, settings, questions, progress).await?;
    findings.compared.extend(artefacts.compared);
    findings.differences.extend(artefacts.differences);
    findings.notes.extend(artefacts.left_out);
    if let ThrowAway::App(pod) = throw_away {
        with_app(pod, restored.as_ref(), backup, settings, &mut findings, progress).await?;
    }
    Ok(findings)
}

/// Restores, compares and asks. The server is given back where the database is restored.
async fn test_database(
    throw_away: &mut ThrowAway,
    backup: &Backup,
    settings: Option<&Settings>,
    questions: &Questions,
    progress: Progress<'_>,
) -> Result<(Option<Server>, Findings), VerifyError> {
    let mut findings = Findings {
        notes: throw_away.up().await?,
        ..Findings::default()
    };
    let server = throw_away.reach(backup.id.as_str()).await?;
    let (found, expected) = (server.probe.major(), backup.manifest.server.version_num / 10_000);
    if found != expected {
        return Err(VerifyError::Major { found, expected });
    }
    extensions::are_there(&server, &backup.manifest).await?;
    prepare(&server, settings, backup).await?;
    progress("restoring", None);
    let begun = Instant::now();
    if let Err(error) = fill(&server, backup, DATABASE, &Ownership::as_was()).await {
        findings.differences.push(fault::of_the_backup(error)?);
        return Ok((None, findings));
    }
    findings.restore_seconds = begun.elapsed().as_secs_f64();
    findings.compared.push("hash and size of every file".into());
    progress("comparing", None);
    let content = Content::look(&server.connector, DATABASE).await?;
    let comparison = compare(&backup.manifest, &content);
    findings.compared.extend(comparison.compared);
    findings.differences.extend(comparison.differences);
    findings.notes.extend(comparison.notes);
    let database = session(&server.connector, DATABASE).await?;
    findings.restored_bytes = Some(postgres_room::database_size(&database).await?);
    drop(database);
    assertions::ask_all(&server, questions, &mut findings, progress).await?;
    if questions.amcheck {
        progress("checking every index and table", None);
        amcheck::check(&server, &mut findings).await?;
    }
    Ok((Some(server), findings))
}

/// Boots the application where the copy is as it must be: on any other its start would prove nothing.
async fn with_app(
    pod: &AppServer,
    restored: Option<&Server>,
    backup: &Backup,
    settings: Option<&Settings>,
    findings: &mut Findings,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let restored = restored.filter(|_| findings.differences.is_empty());
    match (restored, pod.migration()) {
        (Some(server), None) => app::boot(pod, server, backup, settings, findings, progress).await,
        (Some(server), Some(wanted)) => {
            app::rehearse(pod, wanted, server, backup, settings, findings, progress).await
        }
        (None, migration) => {
            let what = match migration {
                None => "the application was not booted",
                Some(_) => "the migration was not rehearsed",
            };
            let words = format!("{what}: the restored copy is not as it must be");
            findings.notes.push(words);
            Ok(())
        }
    }
}

/// Roles that the archive speaks of, without any right to log in, and an empty database.
async fn prepare(server: &Server, settings: Option<&Settings>, backup: &Backup) -> Result<(), VerifyError> {
    let roles = settings.map_or(&backup.manifest.owners, |settings| &settings.roles);
    let roles = serde_json::Value::from(roles.clone()).to_string();
    let mut said = tokio::io::sink();
    let end = server
        .run(
            script::CREATE_EMPTY,
            ADMINISTRATOR,
            "prepare",
            &[DATABASE, &roles],
            |feed| feed,
            &mut said,
        )
        .await?;
    if end.exit_code == 0 {
        Ok(())
    } else {
        Err(VerifyError::Prepare(last_words(&end.stderr_tail)))
    }
}

async fn read_settings(backup: &Backup) -> Result<Option<Settings>, VerifyError> {
    if !backup.manifest.files.iter().any(|file| file.name == SETTINGS) {
        return Ok(None);
    }
    let text = backup.read_small(SETTINGS).await?;
    let settings = serde_json::from_slice(&text).map_err(std::io::Error::from);
    Ok(Some(
        settings.map_err(StoreError::io_at("read", backup.file_uri(SETTINGS)))?,
    ))
}
