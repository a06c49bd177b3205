//! `kubectl pgbackup create`.

use backup::{
    Backup, BackupId, Beside, CreateError, CreateRequest, Place, Server, Store, Wanted, backup_report,
    create_with, databases, end_own_sessions, forget_artefacts,
};
use checks::BackupAct;
use cli::{Environment, Output, store_place};
use cluster::Cluster;
use jiff::Timestamp;
use model::text::shell_word;
use model::{API_VERSION, BackupFailure, BackupReport, BackupSetReport, ExitCode, NextStep, Phase, causes};
use thiserror::Error;

use super::act::{ActEnd, act};
use super::arguments::CreateFlags;
use super::artefacts::NO_CLUSTER;
use super::failure::{Ends, failed};
use super::ground::Ground;
use super::keys;
use super::rights::{may_do, may_find};
use super::stored::open_store;
use super::target::{Target, target_server};
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
    let made = match (&flags.via, flags.all) {
        (None, false) => one(flags, environment).await,
        (Some(_), _) | (None, true) => in_cluster(flags, environment).await,
    };
    made.unwrap_or_else(|code| code)
}

async fn in_cluster(flags: &CreateFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    match &flags.via {
        Some(words) => Ok(via::run(&session, words, flags.via_timeout).await),
        None => all(&session, flags, environment).await,
    }
}

async fn one(flags: &CreateFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let ground = Ground::open(&flags.common, &flags.target, environment).await?;
    let output = &ground.output;
    let mut store = store(output, flags, environment).await?;
    let release = flags.target.release.as_deref();
    match &ground.session {
        Some(session) => {
            may_find(session, BackupAct::Create, release).await?;
        }
        None if flags.keys.any() => {
            let words = "keys are Secrets of a cluster, and there is none";
            return Err(could_not_begin(output, &super::stored::Words(words.into())));
        }
        None => {}
    }
    let target = ground.target(&flags.target, release).await?;
    if let Some(session) = &ground.session {
        may_do(session, BackupAct::Create, &target.location, &[Phase::Backup]).await?;
        store = keys::noted(session, flags, &target, store).await?;
    }
    let beside = match &ground.session {
        Some(session) => flags.artefacts.beside(session, &target).await?,
        None if flags.artefacts.any() => {
            return Err(could_not_begin(output, &super::stored::Words(NO_CLUSTER.into())));
        }
        None => Beside::default(),
    };
    let id = BackupId::new(Timestamp::now());
    let server = reach(output, ground.cluster(), flags, &target, &id).await?;
    let place = ground.place(&server).await;
    let request = request(flags, environment, &target, place, id);
    let made = back_up(output, &server, &store, &request, &beside).await;
    server.close().await;
    match made {
        ActEnd::Ended(Ok(backup)) => {
            let mut report = backup_report(&backup, Timestamp::now());
            report.next = next(&report, flags, &ground.words(&flags.target), &store);
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
    if flags.artefacts.any() {
        let words = "artefacts belong to one database: name it instead of --all".to_owned();
        return Err(could_not_begin(output, &super::stored::Words(words)));
    }
    let store = store(output, flags, environment).await?;
    let target = target_server(session, &flags.target)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    let store = keys::noted(session, flags, &target, store).await?;
    let id = BackupId::new(Timestamp::now());
    let server = reach(output, Some(&session.cluster), flags, &target, &id).await?;
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
                let place = Place::observe(Some(&session.cluster), &here).await;
                let request = request(flags, environment, &target, place, id);
                match back_up(output, &here, &store, &request, &Beside::default()).await {
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

async fn store(output: &Output, flags: &CreateFlags, environment: &Environment) -> Result<Store, ExitCode> {
    let place = store_place(flags.to.as_deref(), environment)
        .map_err(|words| could_not_begin(output, &super::stored::Words(words)))?;
    let store = open_store(&place, &flags.common, environment).await?;
    flags.seal.seal(store, output)
}

/// The server's client programs, by the best way or the one that was asked for.
async fn reach(
    output: &Output,
    cluster: Option<&Cluster>,
    flags: &CreateFlags,
    target: &Target,
    id: &BackupId,
) -> Result<Server, ExitCode> {
    let wanted = Wanted {
        route: flags.route,
        format: flags.format,
    };
    let told = |message: &str, _| {
        // Whoever cannot be told is not kept from the act.
        let _ = output.talk(|err, _| writeln!(err, "{message}"));
    };
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

fn request(
    flags: &CreateFlags,
    environment: &Environment,
    target: &Target,
    place: Place,
    id: BackupId,
) -> CreateRequest {
    CreateRequest {
        id,
        place,
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
    beside: &Beside,
) -> ActEnd<Backup, CreateError> {
    let title = format!("back up {}", request.place.database);
    let made = act(output, &title, async |progress| {
        create_with(server, store, request, beside, progress).await
    })
    .await;
    if matches!(made, ActEnd::Interrupted) {
        end_own_sessions(server).await;
        if let Some(wanted) = &beside.artefacts {
            for words in forget_artefacts(wanted, &request.id).await {
                // Whoever cannot be told finds them by their label.
                let _ = output.talk(|err, _| writeln!(err, "{words}"));
            }
        }
        store.settle().await;
    }
    made
}

/// The commands that use the backup, as they have to be typed.
fn next(report: &BackupReport, flags: &CreateFlags, target: &str, store: &Store) -> Vec<NextStep> {
    let words = |target: &str| {
        let mut words = vec![report.backup.id.clone(), target.to_owned()];
        if flags.to.is_some() {
            words.extend(["--from".into(), shell_word(&store.to_string())]);
        }
        words.join(" ")
    };
    let step = |verb: &str, words: String, text: &str| NextStep {
        text: text.into(),
        command: Some(format!("kubectl pgbackup {verb} {words}")),
    };
    // Without a cluster there is no pod for a throw-away server.
    let verified_in = if flags.target.is_address() {
        words("--local")
    } else {
        words(target)
    };
    vec![
        step(
            "verify",
            verified_in,
            "restore it into a throw-away server and compare",
        ),
        step("restore", words(target), "put it back; asks first"),
    ]
}
