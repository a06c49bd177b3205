//! `kubectl pgbackup restore`.

use backup::{
    Abandoned, Backup, BackupId, RestoreRequest, Server, abandon_restore, restore, restore_id, undo_restore,
};
use cli::{Consent, Environment, Output};
use jiff::Timestamp;
use model::{
    API_VERSION, ExitCode, NextStep, RestoreOptions, RestorePreview, RestoreReport, Seen, SessionRole,
};
use postgres_room::{Connector, SessionOptions};

use super::act::{ActEnd, act};
use super::arguments::{RestoreFlags, TargetFlags};
use super::failure::failed;
use super::keys::warn_of_drift;
use super::stored::{Words, backup_of};
use super::target::{Target, target};
use crate::session::{Session, UNCHANGED, could_not_begin};

/// Restores, or takes a restore back.
pub(crate) async fn run(flags: &RestoreFlags, environment: &Environment) -> ExitCode {
    let session = match Session::open(&flags.common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let ended = if flags.undo {
        take_back(&session, flags).await
    } else {
        put_back(&session, flags, environment).await
    };
    ended.unwrap_or_else(|code| code)
}

async fn put_back(
    session: &Session,
    flags: &RestoreFlags,
    environment: &Environment,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let refused = |error: &dyn std::error::Error| could_not_begin(output, error);
    let id = flags.id.parse::<BackupId>().map_err(|error| refused(&error))?;
    let backup = backup_of(&id, &flags.store, output, environment).await?;
    let backup = flags.identity.open(backup, output).await?;
    warn_of_drift(session, &backup).await;
    let request = RestoreRequest {
        id: flags
            .again
            .clone()
            .unwrap_or_else(|| restore_id(Timestamp::now())),
        options: RestoreOptions {
            foreign: flags.foreign,
            ..RestoreOptions::default()
        },
    };
    let made_for = backup.manifest.release.as_ref();
    let release = match &flags.target.release {
        Some(release) => Some(release.as_str()),
        None => made_for.map(|release| release.name.as_str()),
    };
    let (target, server) = reach(session, flags, release, &request.id).await?;
    let preview = preview(session, &target, &server, &request.id, Some(&backup)).await;
    agreed(output, &preview, flags.yes)?;
    let title = format!("restore {}", target.location.database);
    let restored = act(output, &title, async |progress| {
        restore(&server, &backup, &request, progress).await
    })
    .await;
    match restored {
        ActEnd::Ended(Ok(done)) => {
            let report = report(session, flags, release, done, &request.id, Some(&id));
            Ok(show(output, &report))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(interrupted(output, &server, &request.id).await),
    }
}

async fn take_back(session: &Session, flags: &RestoreFlags) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let release = flags.target.release.as_deref();
    let (target, server) = reach(session, flags, release, &flags.id).await?;
    let preview = preview(session, &target, &server, &flags.id, None).await;
    agreed(output, &preview, flags.yes)?;
    let title = format!("take back restore {}", flags.id);
    let undone = act(output, &title, async |progress| {
        undo_restore(&server, &flags.id, progress).await
    })
    .await;
    match undone {
        ActEnd::Ended(Ok(done)) => {
            let report = report(session, flags, release, done, &flags.id, None);
            Ok(show(output, &report))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        // Both renames are one transaction: either name is right, and the same command finds out which.
        ActEnd::Interrupted => Err(cli::fail(
            output,
            &Words("interrupted while swapping".into()),
            "Both databases are whole; one of them is in use.",
            Some("the same command again: it takes up what is left"),
            ExitCode::Stopped,
        )),
    }
}

async fn reach(
    session: &Session,
    flags: &RestoreFlags,
    release: Option<&str>,
    id: &str,
) -> Result<(Target, Server), ExitCode> {
    let refused = |error: &dyn std::error::Error| could_not_begin(&session.output, error);
    let target = target(session, &flags.target, release)
        .await
        .map_err(|error| refused(&error))?;
    let server = Server::reach(Some(&session.cluster), &target.location, &target.credentials, id)
        .await
        .map_err(|error| refused(&error))?;
    Ok((target, server))
}

/// What will be done, for the person who has to agree.
async fn preview(
    session: &Session,
    target: &Target,
    server: &Server,
    id: &str,
    backup: Option<&Backup>,
) -> RestorePreview {
    let connector = Connector::new(&session.cluster, &target.location, &target.credentials, id);
    // Who cannot be counted is still told of: their sessions are ended all the same.
    let sessions = match connector.connect(&SessionOptions::default()).await {
        Ok(database) => match postgres_room::sessions(&database).await {
            Seen::Present(sessions) => Some(sessions),
            Seen::Absent | Seen::Unreadable(_) => None,
        },
        Err(_) => None,
    };
    let mut users: Vec<String> = Vec::new();
    for session in sessions.iter().flatten() {
        let theirs = !matches!(session.role, SessionRole::Ours | SessionRole::Server);
        if theirs && !users.contains(&session.application) {
            users.push(session.application.clone());
        }
    }
    RestorePreview {
        database: target.location.database.clone(),
        server: server.identity(),
        backup: backup.map(|backup| backup.summary(Timestamp::now())),
        made_for: backup.and_then(|backup| backup.manifest.release.clone()),
        keep_as: match backup {
            Some(_) => backup::kept_name(&target.location.database, id),
            None => backup::undone_name(&target.location.database, id),
        },
        sessions: sessions.map(|sessions| {
            sessions
                .iter()
                .filter(|session| !matches!(session.role, SessionRole::Ours | SessionRole::Server))
                .count()
        }),
        users,
    }
}

/// Shows what will be done and asks.
fn agreed(output: &Output, preview: &RestorePreview, yes: bool) -> Result<(), ExitCode> {
    let refused = |words: &str| {
        let error = Words(words.to_owned());
        Err(cli::fail(
            output,
            &error,
            UNCHANGED,
            None,
            ExitCode::CouldNotBegin,
        ))
    };
    if output
        .talk(|err, style| render::restore_preview(err, style, preview))
        .is_err()
    {
        return refused("failed to show what would be done");
    }
    match cli::ask("Do it?", yes) {
        Ok(Consent::Yes) => Ok(()),
        Ok(Consent::No) => refused("not agreed to"),
        Ok(Consent::NobodyThere) => refused("nobody is there to agree; add --yes to agree beforehand"),
        Err(_) => refused("failed to ask"),
    }
}

fn report(
    session: &Session,
    flags: &RestoreFlags,
    release: Option<&str>,
    done: backup::RestoreReport,
    id: &str,
    backup: Option<&BackupId>,
) -> RestoreReport {
    let meant = TargetFlags {
        release: release.map(str::to_owned),
        ..flags.target.clone()
    };
    let back = NextStep {
        text: "take the restore back".into(),
        command: Some(format!(
            "kubectl pgbackup restore --undo {id} {}",
            meant.words(&session.namespace).join(" ")
        )),
    };
    RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: id.to_owned(),
        undone: flags.undo,
        backup: backup.map(BackupId::to_string),
        database: done.database,
        kept_as: done.kept_as,
        compared: done.compared,
        done_before: done.done_before,
        next: if flags.undo { Vec::new() } else { vec![back] },
    }
}

fn show(output: &Output, report: &RestoreReport) -> ExitCode {
    let written = output.result(report, |out, style| render::restore_report(out, style, report));
    cli::end_with(output, written, ExitCode::Done)
}

/// Cleans up after a restore that was dropped and tells how things stand.
async fn interrupted(output: &Output, server: &Server, id: &str) -> ExitCode {
    let told = |state: &str, next: Option<&str>, code| {
        cli::fail(output, &Words("interrupted".into()), state, next, code)
    };
    match abandon_restore(server, id).await {
        Ok(Abandoned::Nothing) => told(
            "The database in use is as it was; the new one was taken away.",
            None,
            ExitCode::PutBack,
        ),
        Ok(Abandoned::Swapped) => told(
            "The swap had been done: the restored database is in use, the one before is kept.",
            Some("kubectl pgbackup restore --undo takes it back"),
            ExitCode::Stopped,
        ),
        Err(error) => cli::fail(
            output,
            &error,
            "Interrupted; whether the swap had been done could not be found out.",
            Some("the same command with --again and the restore's id"),
            ExitCode::Stopped,
        ),
    }
}
