//! `kubectl pgbackup restore`.

mod flags;
mod in_place;
mod keep;
mod operator;
mod preview;
mod put_back;
mod run;
mod turn;

use backup::{ForeignDump, RestoreError, Server, undo_restore};
use cli::{Environment, Output};
use model::{API_VERSION, ExitCode, NextStep, RestoreReport, RestoreSource};

use super::act::{ActEnd, act};
use super::arguments::TargetFlags;
use super::failure::failed;
use super::ground::Ground;
use super::keys::warn_of_drift;
use super::stored::{Words, backup_of};
use super::target::Target;
use crate::session::{Session, could_not_begin};
pub(crate) use flags::RestoreFlags;
use flags::Wanted;
use preview::{agree, of_undo};
use put_back::{Given, put_back};

/// Restores, takes a restore back, or tells what is kept.
pub(crate) async fn run(flags: &RestoreFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let (wanted, target) = match flags.meaning() {
        Ok(meaning) => meaning,
        Err(words) => return could_not_begin(&output, &Words(words)),
    };
    let ended = match &wanted {
        Wanted::Resume(id) => {
            in_cluster(flags, environment, |session| async move {
                run::carry_on(&session, flags, &target, id, false).await
            })
            .await
        }
        Wanted::Abort(id) => {
            in_cluster(flags, environment, |session| async move {
                run::carry_on(&session, flags, &target, id, true).await
            })
            .await
        }
        Wanted::ClusterBackup(backup) => {
            in_cluster(flags, environment, |session| async move {
                operator::print_cluster(&session, &target, backup).await
            })
            .await
        }
        Wanted::Backup(_) | Wanted::File(_) | Wanted::List | Wanted::Undo(_) | Wanted::DropOld(_) => {
            on_ground(flags, environment, &wanted, &target).await
        }
    };
    ended.unwrap_or_else(|code| code)
}

async fn in_cluster<F: Future<Output = Result<ExitCode, ExitCode>>>(
    flags: &RestoreFlags,
    environment: &Environment,
    act: impl FnOnce(Session) -> F,
) -> Result<ExitCode, ExitCode> {
    act(Session::open(&flags.common, environment).await?).await
}

async fn on_ground(
    flags: &RestoreFlags,
    environment: &Environment,
    wanted: &Wanted,
    target: &TargetFlags,
) -> Result<ExitCode, ExitCode> {
    let ground = Ground::open(&flags.common, target, environment).await?;
    let output = &ground.output;
    match wanted {
        Wanted::List => keep::list(&ground, target).await,
        Wanted::DropOld(id) => keep::drop_old(&ground, flags, target, id, environment).await,
        Wanted::Undo(id) => take_back(&ground, flags, target, id).await,
        Wanted::File(path) => {
            let identities = flags.identity.read(output)?;
            let dump = ForeignDump::open(path, identities.clone())
                .await
                .map_err(|error| failed(output, &RestoreError::from(error)))?;
            let source = RestoreSource::File {
                path: dump.name().to_owned(),
            };
            let given = Given {
                from: (&dump).into(),
                source,
                release: target.release.clone(),
                identities,
            };
            put_back(&ground, flags, environment, target, given).await
        }
        Wanted::Backup(id) => {
            let sealed = backup_of(id, &flags.store, &flags.common, environment).await?;
            let identities = flags.identity.read(output)?;
            let store = super::stored::store_of(&flags.store, &flags.common, environment).await?;
            let backup = flags.identity.open(sealed, output).await?;
            if let Some(session) = &ground.session {
                warn_of_drift(session, &backup).await;
            }
            let made_for = backup
                .manifest
                .release
                .as_ref()
                .map(|release| release.name.clone());
            let given = Given {
                from: (&backup).into(),
                source: RestoreSource::Backup {
                    store: store.to_string(),
                    id: id.to_string(),
                },
                release: target
                    .release
                    .clone()
                    .or(made_for.filter(|_| ground.session.is_some() && !target.is_given())),
                identities,
            };
            put_back(&ground, flags, environment, target, given).await
        }
        Wanted::Resume(_) | Wanted::Abort(_) | Wanted::ClusterBackup(_) => {
            unreachable!("these go by the cluster alone")
        }
    }
}

/// What the report says beside what was done.
struct Told<'a> {
    id: &'a str,
    target: &'a TargetFlags,
    backup: Option<&'a str>,
    file: Option<&'a str>,
}

async fn take_back(
    ground: &Ground,
    flags: &RestoreFlags,
    meant: &TargetFlags,
    id: &str,
) -> Result<ExitCode, ExitCode> {
    let output = &ground.output;
    let (target, server) = reach(ground, meant, meant.release.as_deref(), id).await?;
    let preview = of_undo(ground, &target, &server, id).await;
    preview::show(output, &preview, None)?;
    if flags.dry_run {
        return Ok(ExitCode::Done);
    }
    agree(output, "Do it?", flags.yes)?;
    let title = format!("take back restore {id}");
    let swap = act(output, &title, async |progress| {
        undo_restore(&server, id, progress).await
    });
    let undone = turn::alone(ground, &target, "restore-undo", swap).await?;
    let told = Told {
        id,
        target: meant,
        backup: None,
        file: None,
    };
    match undone {
        ActEnd::Ended(Ok(done)) => Ok(show(output, &report(ground, &told, done, true))),
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
    ground: &Ground,
    flags: &TargetFlags,
    release: Option<&str>,
    id: &str,
) -> Result<(Target, Server), ExitCode> {
    let target = ground.target(flags, release).await?;
    let server = Server::reach(ground.cluster(), &target.location, &target.credentials, id)
        .await
        .map_err(|error| could_not_begin(&ground.output, &error))?;
    Ok((target, server))
}

/// The command that takes a restore back.
fn next_undo(id: &str, words: &str) -> Vec<NextStep> {
    vec![NextStep {
        text: "take the restore back".into(),
        command: Some(format!("kubectl pgbackup restore --undo {id} {words}")),
    }]
}

/// What there is to say of a restore that was done, or taken back.
fn report(ground: &Ground, told: &Told<'_>, done: backup::RestoreReport, undone: bool) -> RestoreReport {
    let some = |text: String| (!text.is_empty()).then_some(text);
    RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: told.id.to_owned(),
        undone,
        backup: told.backup.map(str::to_owned),
        file: told.file.map(str::to_owned),
        run: None,
        downtime_seconds: None,
        database: done.database,
        kept_as: done.kept_as,
        compared: done.compared,
        content: some(done.content),
        ownership: some(done.ownership),
        notes: done.notes,
        done_before: done.done_before,
        next: if undone {
            Vec::new()
        } else {
            next_undo(told.id, &ground.words(told.target))
        },
    }
}

fn show(output: &Output, report: &RestoreReport) -> ExitCode {
    let written = output.result(report, |out, style| render::restore_report(out, style, report));
    cli::end_with(output, written, ExitCode::Done)
}
