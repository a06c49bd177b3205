//! `kubectl pgbackup create`.

use backup::{
    Backup, BackupId, CreateError, CreateRequest, Place, Server, Store, Wanted, backup_report, create,
    databases, end_own_sessions,
};
use checks::BackupAct;
use cli::{Environment, Output, store_place};
use jiff::Timestamp;
use model::{API_VERSION, BackupFailure, BackupReport, BackupSetReport, ExitCode, NextStep, Phase, causes};
use thiserror::Error;

use super::act::{ActEnd, act};
use super::arguments::CreateFlags;
use super::failure::{Ends, failed};
use super::keys;
use super::rights::{may_do, may_find};
use super::stored::{open_store, shell_word};
use super::target::{Target, target, target_server};
use super::via;
use crate::session::{Session, could_not_begin};

/// Somebody no longer wanted the backup.
#[derive(Debug, Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

impl Ends for Interrupted {
    fn code(&self) -> ExitCode {
        ExitCode::PutBack
    }

    fn state(&self) -> &'static str {
        "Nothing was left that looks like a backup, and no session of ours."
    }
}

/// Makes a backup, or one of every database.
pub(crate) async fn run(flags: &CreateFlags, environment: &Environment) -> ExitCode {
    let session = match Session::open(&flags.common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    if let Some(words) = &flags.via {
        return via::run(&session, words, flags.via_timeout).await;
    }
    let made = if flags.all {
        all(&session, flags, environment).await
    } else {
        one(&session, flags, environment).await
    };
    made.unwrap_or_else(|code| code)
}

async fn one(
    session: &Session,
    flags: &CreateFlags,
    environment: &Environment,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let store = store(output, flags, environment)?;
    let store = keys::noted(session, flags, store).await?;
    let release = flags.target.release.as_deref();
    may_find(session, BackupAct::Create, release).await?;
    let target = target(session, &flags.target, release)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    may_do(session, BackupAct::Create, &target.location, &[Phase::Backup]).await?;
    let id = BackupId::new(Timestamp::now());
    let server = reach(session, flags, &target, &id).await?;
    let request = request(session, flags, environment, &target, &server, id).await;
    let made = back_up(output, &server, &store, &request).await;
    server.close().await;
    match made {
        ActEnd::Ended(Ok(backup)) => {
            let mut report = backup_report(&backup, Timestamp::now());
            report.next = next(&report, flags, session, &store);
            let written = output.result(&report, |out, style| render::backup_report(out, style, &report));
            Ok(cli::end_with(output, written, ExitCode::Done))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(failed(output, &Interrupted)),
    }
}

/// One backup of every database. What fails is told and keeps the others from nothing.
async fn all(
    session: &Session,
    flags: &CreateFlags,
    environment: &Environment,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let store = store(output, flags, environment)?;
    let store = keys::noted(session, flags, store).await?;
    let target = target_server(session, &flags.target)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    let server = reach(session, flags, &target, &BackupId::new(Timestamp::now())).await?;
    let (names, skipped) = databases(&server, flags.with_postgres)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    let mut report = BackupSetReport {
        api_version: API_VERSION.into(),
        kind: "BackupSet".into(),
        items: Vec::new(),
        failed: Vec::new(),
        skipped,
    };
    for database in names {
        let id = BackupId::new(Timestamp::now());
        let made = match server.on(&database, id.as_str()).await {
            Ok(here) => {
                let request = request(session, flags, environment, &target, &here, id).await;
                match back_up(output, &here, &store, &request).await {
                    ActEnd::Ended(made) => made.map_err(|error| causes(&error)),
                    ActEnd::Interrupted => {
                        server.close().await;
                        return Err(failed(output, &Interrupted));
                    }
                }
            }
            Err(error) => Err(causes(&error)),
        };
        match made {
            Ok(backup) => report.items.push(backup_report(&backup, Timestamp::now())),
            Err(reason) => report.failed.push(BackupFailure { database, reason }),
        }
    }
    server.close().await;
    let code = if report.failed.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::PutBack
    };
    let written = output.result(&report, |out, style| render::backup_set(out, style, &report));
    Ok(cli::end_with(output, written, code))
}

fn store(output: &Output, flags: &CreateFlags, environment: &Environment) -> Result<Store, ExitCode> {
    let place = store_place(flags.to.as_deref(), environment)
        .map_err(|words| could_not_begin(output, &super::stored::Words(words)))?;
    let store = open_store(output, &place)?;
    flags.seal.seal(store, output)
}

/// The server's client programs, by the best way or the one that was asked for.
async fn reach(
    session: &Session,
    flags: &CreateFlags,
    target: &Target,
    id: &BackupId,
) -> Result<Server, ExitCode> {
    let output = &session.output;
    let wanted = Wanted {
        route: flags.route,
        format: flags.format,
    };
    let told = |message: &str, _| {
        // Whoever cannot be told is not kept from the act.
        let _ = output.talk(|err, _| writeln!(err, "{message}"));
    };
    let cluster = Some(&session.cluster);
    Server::reach_by(
        cluster,
        &target.location,
        &target.credentials,
        id.as_str(),
        wanted,
        &told,
    )
    .await
    .map_err(|error| could_not_begin(output, &error))
}

async fn request(
    session: &Session,
    flags: &CreateFlags,
    environment: &Environment,
    target: &Target,
    server: &Server,
    id: BackupId,
) -> CreateRequest {
    CreateRequest {
        id,
        place: Place::observe(Some(&session.cluster), server).await,
        reason: flags.reason.clone(),
        made_by: environment.person(),
        release: target.release.clone(),
        lock_wait: flags.lock_wait,
        format: flags.format,
        packing: flags.compress,
    }
}

async fn back_up(
    output: &Output,
    server: &Server,
    store: &Store,
    request: &CreateRequest,
) -> ActEnd<Backup, CreateError> {
    let title = format!("back up {}", request.place.database);
    let made = act(output, &title, async |progress| {
        create(server, store, request, progress).await
    })
    .await;
    if matches!(made, ActEnd::Interrupted) {
        end_own_sessions(server).await;
        store.settle().await;
    }
    made
}

/// The commands that use the backup, as they have to be typed.
fn next(report: &BackupReport, flags: &CreateFlags, session: &Session, store: &Store) -> Vec<NextStep> {
    let mut words = vec![report.backup.id.clone()];
    words.extend(flags.target.words(&session.namespace));
    if flags.to.is_some() {
        words.extend(["--from".into(), shell_word(&store.to_string())]);
    }
    let words = words.join(" ");
    let step = |verb: &str, text: &str| NextStep {
        text: text.into(),
        command: Some(format!("kubectl pgbackup {verb} {words}")),
    };
    vec![
        step("verify", "restore it into a throw-away server and compare"),
        step("restore", "put it back; asks first"),
    ]
}
