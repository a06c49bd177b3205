//! `kubectl pgbackup verify`.

use std::path::Path;
use std::time::Duration;

use backup::{
    Assertion, Backup, Filter, LocalPlace, Place, Questions, StatementError, Store, VerifyPlace,
    VerifyRequest, assertions_of, verify,
};
use checks::BackupAct;
use checks::profiles::resolve;
use cli::{Environment, Output};
use engine::facts;
use model::{ExitCode, Phase, Profile, Verification, causes};
use thiserror::Error;

use super::act::act_until;
use super::arguments::{VerifyFlags, WhichBackup};
use super::failure::{Ends, failed};
use super::rights::{may_do, may_find};
use super::stored::{Words, store_of};
use super::target::{Target, target};
use crate::session::{Session, could_not_begin};

/// Why there is no newest backup.
#[derive(Debug, Error)]
enum NewestError {
    #[error("no backup of {what} in {store}")]
    None { what: String, store: String },
    #[error("{store} holds backups of several databases ({}): name one, or the backup", places.join(", "))]
    Several { store: String, places: Vec<String> },
}

impl Ends for NewestError {
    /// Nothing to restore is what a restore test is to find.
    fn code(&self) -> ExitCode {
        match self {
            Self::None { .. } => ExitCode::Blocked,
            Self::Several { .. } => ExitCode::CouldNotBegin,
        }
    }
}

/// Restores into a throw-away server, compares and asks. A difference is a finding: it ends with 2. What was asked for and
/// could not be judged ends with 3.
pub(crate) async fn run(flags: &VerifyFlags, environment: &Environment) -> ExitCode {
    let tested = if flags.local {
        on_this_machine(flags, environment).await
    } else {
        in_the_cluster(flags, environment).await
    };
    tested.unwrap_or_else(|code| code)
}

async fn on_this_machine(flags: &VerifyFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let output = Output::new(&flags.common.output, environment);
    let filter = Filter {
        database: flags.target.name.clone(),
        ..Filter::default()
    };
    let backup = backup(flags, &output, environment, &filter).await?;
    let backup = flags.identity.open(backup, &output).await?;
    let place = LocalPlace::find(&backup.manifest, flags.programs.as_deref(), flags.timeout)
        .await
        .map_err(|error| failed(&output, &error))?
        .in_folder(flags.scratch.as_deref());
    let questions = questions(flags, &backup, None, &output)?;
    let found = test(&output, &VerifyPlace::Local(place), &backup, &questions).await?;
    Ok(told(&output, &found))
}

async fn in_the_cluster(flags: &VerifyFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    // Which backup is the newest of a database is known only once the database is.
    let (backup, target) = match &flags.backup {
        WhichBackup::Newest => {
            let target = find(&session, flags, flags.target.release.as_deref()).await?;
            let filter = filter(&session, &target).await;
            (backup(flags, output, environment, &filter).await?, Some(target))
        }
        WhichBackup::Id(_) => {
            let backup = backup(flags, output, environment, &Filter::default()).await?;
            let target = if flags.image.is_some() && !flags.app.with_app {
                None
            } else {
                let made_for = backup.manifest.release.as_ref();
                let release = flags.target.release.as_deref();
                let release = release.or_else(|| made_for.map(|release| release.name.as_str()));
                Some(find(&session, flags, release).await?)
            };
            (backup, target)
        }
    };
    let backup = flags.identity.open(backup, output).await?;
    let request = request(&session, flags, target.as_ref()).await?;
    let questions = questions(flags, &backup, target.as_ref(), output)?;
    let cluster = session.cluster.clone();
    let place = match &target {
        Some(target) if flags.app.with_app => {
            let app = flags.app.request(&session, target).await?;
            VerifyPlace::WithApp(cluster, request, Box::new(app))
        }
        Some(_) | None => VerifyPlace::Pod(cluster, request),
    };
    let found = test(output, &place, &backup, &questions).await?;
    remember(&session, &backup, &found).await;
    Ok(told(output, &found))
}

/// Leaves what was measured for the plan of the release's next upgrade. Who may not is told, and the test stands.
async fn remember(session: &Session, backup: &Backup, found: &Verification) {
    let measured = found.restored_bytes.and_then(|bytes| u64::try_from(bytes).ok());
    let seconds = Duration::try_from_secs_f64(found.restore_seconds.ceil());
    let (Some(release), Some(bytes), Ok(seconds)) = (&backup.manifest.release, measured, seconds) else {
        return;
    };
    let mut measured = vec![
        (facts::RESTORE_SECONDS, seconds.as_secs()),
        (facts::RESTORED_BYTES, bytes),
    ];
    let ready = found.with_app.as_ref().and_then(|app| app.ready_seconds);
    let ready = ready.and_then(|seconds| Duration::try_from_secs_f64(seconds.ceil()).ok());
    measured.extend(ready.map(|ready| (facts::BOOT_SECONDS, ready.as_secs())));
    let kept = facts::remember(&session.cluster, &session.namespace, &release.name, &measured).await;
    if let Err(error) = kept {
        let words = format!(
            "what it took is not kept for the next upgrade: {}",
            causes(&error)
        );
        // Whoever cannot be told is not kept from the result.
        let _ = session.output.talk(|err, _| writeln!(err, "{words}"));
    }
}

async fn test(
    output: &Output,
    place: &VerifyPlace,
    backup: &Backup,
    questions: &Questions,
) -> Result<Verification, ExitCode> {
    let title = format!("restore {} into a throw-away server", backup.id);
    let tested = act_until(output, &title, async |progress, cancel| {
        verify(place, backup, questions, progress, cancel.cancelled()).await
    })
    .await;
    tested.map_err(|error| failed(output, &error))
}

fn told(output: &Output, found: &Verification) -> ExitCode {
    let written = output.result(found, |out, style| render::verification(out, style, found));
    let code = if !found.differences.is_empty() {
        ExitCode::Blocked
    } else if !found.unjudged.is_empty() {
        ExitCode::CannotTell
    } else {
        ExitCode::Done
    };
    cli::end_with(output, written, code)
}

/// The backup that the flags mean.
async fn backup(
    flags: &VerifyFlags,
    output: &Output,
    environment: &Environment,
    filter: &Filter,
) -> Result<Backup, ExitCode> {
    let store = store_of(&flags.store, &flags.common, environment).await?;
    match &flags.backup {
        WhichBackup::Id(id) => store.find(id).await.map_err(|error| failed(output, &error)),
        WhichBackup::Newest => newest(&store, filter, output).await,
    }
}

/// The newest dump that the filter lets through; of one database only.
async fn newest(store: &Store, filter: &Filter, output: &Output) -> Result<Backup, ExitCode> {
    let mut backups = store.list(filter).await.map_err(|error| failed(output, &error))?;
    backups.retain(|backup| backup.manifest.base.is_none());
    let mut places: Vec<String> = backups
        .iter()
        .map(|backup| {
            let manifest = &backup.manifest;
            format!(
                "{} of {} in {}",
                manifest.database, manifest.server_name, manifest.cluster
            )
        })
        .collect();
    places.sort();
    places.dedup();
    let store = store.to_string();
    if places.len() > 1 {
        return Err(failed(output, &NewestError::Several { store, places }));
    }
    let what = filter
        .database
        .as_deref()
        .map_or_else(|| "any database".to_owned(), |name| format!("database {name}"));
    let newest = backups.into_iter().next();
    newest.ok_or_else(|| failed(output, &NewestError::None { what, store }))
}

/// Where backups of a database lie.
async fn filter(session: &Session, target: &Target) -> Filter {
    Filter {
        cluster: Place::cluster_uid(&session.cluster).await,
        ..Filter::of(&target.location)
    }
}

async fn find(session: &Session, flags: &VerifyFlags, release: Option<&str>) -> Result<Target, ExitCode> {
    may_find(session, BackupAct::Verify, release).await?;
    target(session, &flags.target, release)
        .await
        .map_err(|error| could_not_begin(&session.output, &error))
}

/// Where to restore: as the flags say, else like the server in use.
async fn request(
    session: &Session,
    flags: &VerifyFlags,
    target: Option<&Target>,
) -> Result<VerifyRequest, ExitCode> {
    if let Some(image) = &flags.image {
        return Ok(VerifyRequest {
            namespace: session.namespace.clone(),
            image: image.clone(),
            pull_secrets: Vec::new(),
            user: flags.run_as,
            deadline: flags.timeout,
        });
    }
    let Some(target) = target else {
        unreachable!("without an image the server in use was looked for");
    };
    may_do(session, BackupAct::Verify, &target.location, &[Phase::TurnBack]).await?;
    VerifyRequest::like(&session.cluster, &target.location, flags.timeout)
        .await
        .map_err(|error| failed(&session.output, &error))
}

/// What the flags and the profile ask of the restored database.
fn questions(
    flags: &VerifyFlags,
    backup: &Backup,
    target: Option<&Target>,
    output: &Output,
) -> Result<Questions, ExitCode> {
    let mut assertions = Vec::new();
    for file in &flags.sql {
        assertions.extend(read_statements(file).map_err(|words| could_not_begin(output, &words))?);
    }
    let profile = match target {
        Some(target) => target.profile.clone(),
        None => profile_of(flags, backup).map_err(|words| could_not_begin(output, &words))?,
    };
    assertions.extend(profile.verify.assertions.into_iter().map(|assertion| Assertion {
        what: assertion.what,
        sql: assertion.sql,
        source: format!("profile {}", profile.name),
    }));
    Ok(Questions {
        assertions,
        statement_timeout: flags.statement_timeout,
        amcheck: flags.amcheck,
    })
}

fn read_statements(file: &Path) -> Result<Vec<Assertion>, Words> {
    let place = file.display().to_string();
    let text =
        std::fs::read_to_string(file).map_err(|error| Words(format!("failed to read {place}: {error}")))?;
    assertions_of(&place, &text).map_err(|error: StatementError| Words(error.to_string()))
}

/// The profile where no release was read: the one that was named, else the one that fits the images of the backup's time.
fn profile_of(flags: &VerifyFlags, backup: &Backup) -> Result<Profile, Words> {
    let choice = flags.target.profile.choice();
    let images: Vec<&str> = backup
        .manifest
        .release
        .iter()
        .flat_map(|release| &release.images)
        .map(String::as_str)
        .collect();
    let resolved = resolve(&choice, &[], &images);
    resolved
        .map(|resolved| resolved.profile)
        .map_err(|error| Words(causes(&error)))
}
