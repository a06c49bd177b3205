//! `restore --clean-in-place`: where no second database may be made.

use backup::{
    Backup, BackupId, CreateRequest, FillError, IN_PLACE_LIMITS, LOCK_WAIT, Packing, RestoreError,
    RestoreFrom, RestoreRequest, Server, create, end_own_sessions, only_in_place, restore_in_place,
};
use cli::{Environment, Output};
use jiff::Timestamp;
use model::{API_VERSION, BackupFormat, ExitCode, NextStep, RestorePreview, RestoreReport};

use super::super::act::{ActEnd, act};
use super::super::failure::failed;
use super::super::ground::Ground;
use super::super::stored::{Words, store_of};
use super::super::target::Target;
use super::flags::RestoreFlags;
use super::preview::{self, agree};
use super::{Told, turn};

/// What is to be replaced by what.
pub(super) struct InPlace<'a> {
    pub(super) target: &'a Target,
    pub(super) server: &'a Server,
    pub(super) from: RestoreFrom<'a>,
    pub(super) request: &'a RestoreRequest,
    pub(super) told: &'a Told<'a>,
}

/// Backs up what is there, then replaces it.
pub(super) async fn run(
    ground: &Ground,
    flags: &RestoreFlags,
    environment: &Environment,
    wanted: InPlace<'_>,
    mut shown: RestorePreview,
) -> Result<ExitCode, ExitCode> {
    let output = &ground.output;
    let InPlace {
        target,
        server,
        from,
        request,
        told,
    } = wanted;
    only_in_place(server, from)
        .await
        .map_err(|error| failed(output, &error))?;
    shown.keep_as = String::new();
    shown.notes.extend(IN_PLACE_LIMITS.map(str::to_owned));
    preview::show(output, &shown, None)?;
    if flags.dry_run {
        return Ok(ExitCode::Done);
    }
    agree(output, "Do it?", flags.yes)?;
    let before = back_up(ground, flags, environment, server).await?;
    let title = format!("restore {} in place", server.location().database);
    let replacing = act(output, &title, async |progress| {
        restore_in_place(server, from, &before, request, progress).await
    });
    let restored = turn::alone(ground, target, "restore-in-place", replacing).await?;
    match restored {
        ActEnd::Ended(Ok(done)) => Ok(show(output, ground, told, done, &before)),
        ActEnd::Ended(Err(error)) => Err(told_failure(output, &error, &before)),
        ActEnd::Interrupted => {
            end_own_sessions(server).await;
            let state = format!(
                "The transaction was ended. Unless its commit was on its way, the database is as it was; backup {} holds it.",
                before.id
            );
            let error = Words("interrupted".into());
            Err(cli::fail(output, &error, &state, None, ExitCode::Stopped))
        }
    }
}

async fn back_up(
    ground: &Ground,
    flags: &RestoreFlags,
    environment: &Environment,
    server: &Server,
) -> Result<Backup, ExitCode> {
    let output = &ground.output;
    let store = store_of(&flags.store, &flags.common, environment).await?;
    let request = CreateRequest {
        id: BackupId::new(Timestamp::now()),
        place: ground.place(server).await,
        reason: "before a restore in place".into(),
        made_by: environment.person(),
        release: None,
        lock_wait: LOCK_WAIT,
        format: BackupFormat::Custom,
        packing: Packing::Best,
    };
    let title = format!("back up {} as it is", server.location().database);
    match act(output, &title, async |progress| {
        create(server, &store, &request, progress).await
    })
    .await
    {
        ActEnd::Ended(Ok(backup)) => Ok(backup),
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => {
            end_own_sessions(server).await;
            let state = "The database is as it was; no backup of it was kept.";
            Err(cli::fail(
                output,
                &Words("interrupted".into()),
                state,
                None,
                ExitCode::PutBack,
            ))
        }
    }
}

/// What came after the commit changes how things stand.
fn told_failure(output: &Output, error: &RestoreError, before: &Backup) -> ExitCode {
    let committed = matches!(
        error,
        RestoreError::Differs(_)
            | RestoreError::Analyze(_)
            | RestoreError::AnalyzeRefused(_)
            | RestoreError::Fill(FillError::Changed { .. } | FillError::Stream(_) | FillError::NoProof(_))
    );
    if !committed {
        return failed(output, error);
    }
    let state = format!(
        "The database may have been replaced; backup {} holds what was there before.",
        before.id
    );
    cli::fail(output, error, &state, None, ExitCode::Stopped)
}

fn show(
    output: &Output,
    ground: &Ground,
    told: &Told<'_>,
    done: backup::RestoreReport,
    before: &Backup,
) -> ExitCode {
    let words = ground.words(told.target);
    let report = RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: told.id.to_owned(),
        undone: false,
        backup: told.backup.map(str::to_owned),
        file: told.file.map(str::to_owned),
        run: None,
        downtime_seconds: None,
        database: done.database,
        kept_as: String::new(),
        compared: done.compared,
        content: Some(done.content),
        ownership: Some(done.ownership),
        notes: done.notes,
        done_before: false,
        next: vec![NextStep {
            text: "bring back what was there before".into(),
            command: Some(format!(
                "kubectl pgbackup restore {} {words} --clean-in-place",
                before.id
            )),
        }],
    };
    let written = output.result(&report, |out, style| render::restore_report(out, style, &report));
    cli::end_with(output, written, ExitCode::Done)
}
