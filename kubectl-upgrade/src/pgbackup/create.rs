//! `kubectl pgbackup create`.

use backup::{
    BackupId, CreateError, CreateRequest, Place, Server, Store, backup_report, create, end_own_sessions,
};
use cli::{Environment, store_place};
use jiff::Timestamp;
use model::{BackupReport, ExitCode, NextStep};
use thiserror::Error;

use super::act::{ActEnd, act};
use super::arguments::CreateFlags;
use super::failure::{Ends, failed};
use super::stored::open_store;
use super::target::target;
use crate::session::{Session, could_not_begin};

/// Somebody no longer wanted the backup.
#[derive(Debug, Error)]
#[error("interrupted")]
struct Interrupted;

impl Ends for Interrupted {
    fn code(&self) -> ExitCode {
        ExitCode::PutBack
    }

    fn state(&self) -> &'static str {
        "Nothing was left that looks like a backup, and no session of ours."
    }
}

/// Makes a backup.
pub(crate) async fn run(flags: &CreateFlags, environment: &Environment) -> ExitCode {
    let session = match Session::open(&flags.common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let output = &session.output;
    let place = match store_place(flags.to.as_deref(), environment) {
        Ok(place) => place,
        Err(words) => return could_not_begin(output, &super::stored::Words(words)),
    };
    let store = match open_store(output, &place) {
        Ok(store) => store,
        Err(code) => return code,
    };
    let target = match target(&session, &flags.target, flags.target.release.as_deref()).await {
        Ok(target) => target,
        Err(error) => return could_not_begin(output, &error),
    };
    let id = BackupId::new(Timestamp::now());
    let server = Server::reach(
        Some(&session.cluster),
        &target.location,
        &target.credentials,
        id.as_str(),
    )
    .await;
    let server = match server {
        Ok(server) => server,
        Err(error) => return could_not_begin(output, &error),
    };
    let request = CreateRequest {
        id,
        place: Place::observe(Some(&session.cluster), &server).await,
        reason: flags.reason.clone(),
        made_by: environment.person(),
        release: target.release,
        lock_wait: flags.lock_wait,
        format: model::BackupFormat::Custom,
        packing: backup::Packing::Best,
    };
    let title = format!("back up {}", request.place.database);
    let made: ActEnd<_, CreateError> = act(output, &title, async |progress| {
        create(&server, &store, &request, progress).await
    })
    .await;
    match made {
        ActEnd::Ended(Ok(backup)) => {
            let mut report = backup_report(&backup, Timestamp::now());
            report.next = next(&report, flags, &session, &store);
            let written = output.result(&report, |out, style| render::backup_report(out, style, &report));
            cli::end_with(output, written, ExitCode::Done)
        }
        ActEnd::Ended(Err(error)) => failed(output, &error),
        ActEnd::Interrupted => {
            end_own_sessions(&server).await;
            failed(output, &Interrupted)
        }
    }
}

/// The commands that use the backup, as they have to be typed.
fn next(report: &BackupReport, flags: &CreateFlags, session: &Session, store: &Store) -> Vec<NextStep> {
    let mut words = vec![report.backup.id.clone()];
    words.extend(flags.target.words(&session.namespace));
    if flags.to.is_some() {
        words.extend(["--from".into(), store.root().display().to_string()]);
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
