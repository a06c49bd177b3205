//! `restore --list` and `restore --drop-old`.

use backup::{Kept, KeptAs, Server, drop_kept, kept, loss, newest_backup};
use cli::{Environment, Output};
use jiff::Timestamp;
use model::text::shell_word;
use model::{API_VERSION, ExitCode, KeptDatabase, KeptReason, KeptReport, NextStep};

use super::super::act::{ActEnd, act};
use super::super::arguments::TargetFlags;
use super::super::failure::failed;
use super::super::ground::Ground;
use super::super::stored::{Words, store_of};
use super::flags::RestoreFlags;
use super::preview::agree;
use super::{reach, turn};
use crate::session::UNCHANGED;

/// Lists what restores left.
pub(super) async fn list(ground: &Ground, target: &TargetFlags) -> Result<ExitCode, ExitCode> {
    let (_, server) = reach(ground, target, target.release.as_deref(), "list").await?;
    let found = kept(&server)
        .await
        .map_err(|error| failed(&ground.output, &error))?;
    let words = ground.words(target);
    let next = match found.first() {
        Some(first) => vec![NextStep {
            text: "drop one that is no longer needed; asks first".into(),
            command: Some(format!(
                "kubectl pgbackup restore --drop-old {} {words}",
                first.id
            )),
        }],
        None => Vec::new(),
    };
    Ok(show(&ground.output, "KeptList", &server, &found, next))
}

/// Drops what a restore had put aside.
pub(super) async fn drop_old(
    ground: &Ground,
    flags: &RestoreFlags,
    target: &TargetFlags,
    id: &str,
    environment: &Environment,
) -> Result<ExitCode, ExitCode> {
    let output = &ground.output;
    let (found, server) = reach(ground, target, target.release.as_deref(), "drop").await?;
    let lost = loss(&server, id).await.map_err(|error| failed(output, &error))?;
    let store = store_of(&flags.store, &flags.common, environment).await?;
    let backup = newest_backup(&store, &server)
        .await
        .map_err(|error| failed(output, &error))?;
    let database = &server.location().database;
    let Some(backup) = backup else {
        let words = ground.words(target);
        let error = Words(format!(
            "no proven backup of database {database} is in {store}, and nothing that could restore is dropped without one"
        ));
        let next = format!(
            "kubectl pgbackup create {words} --to {}",
            shell_word(&store.to_string())
        );
        return Err(cli::fail(
            output,
            &error,
            UNCHANGED,
            Some(&next),
            ExitCode::Blocked,
        ));
    };
    let bytes = lost.kept.bytes;
    let bytes = bytes.map_or_else(|| "size unknown".to_owned(), |bytes| format!("{bytes} bytes"));
    let age = backup.summary(Timestamp::now()).age_seconds / 3600;
    // Whoever cannot be told cannot agree either: the question fails then.
    let _ = output.talk(|err, _| {
        writeln!(
            err,
            "drop database {}: {} tables, {bytes}\n  lost      what only it holds; restore {id} can no longer be taken back\n  \
             in use    {database}, {} tables\n  at hand   backup {}, {age} h old",
            lost.kept.name,
            lost.tables,
            lost.tables_in_use,
            backup.id
        )
    });
    agree(output, "Drop it?", flags.yes)?;
    let title = format!("drop {}", lost.kept.name);
    let dropping = act(output, &title, async |progress| {
        drop_kept(&server, id, progress).await
    });
    let dropped = turn::alone(ground, &found, "restore-drop-old", dropping).await?;
    match dropped {
        ActEnd::Ended(Ok(lost)) => Ok(show(output, "KeptDropped", &server, &[lost.kept], Vec::new())),
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(cli::fail(
            output,
            &Words("interrupted while dropping".into()),
            "The database is there or it is gone; nothing of it is in between.",
            Some("kubectl pgbackup restore --list tells which"),
            ExitCode::Stopped,
        )),
    }
}

fn show(output: &Output, kind: &str, server: &Server, found: &[Kept], next: Vec<NextStep>) -> ExitCode {
    let report = KeptReport {
        api_version: API_VERSION.into(),
        kind: kind.into(),
        database: server.location().database.clone(),
        items: found.iter().map(item).collect(),
        next,
    };
    let written = output.result(&report, |out, style| render::kept(out, style, &report));
    cli::end_with(output, written, ExitCode::Done)
}

fn item(kept: &Kept) -> KeptDatabase {
    KeptDatabase {
        id: kept.id.clone(),
        name: kept.name.clone(),
        reason: match kept.kept_as {
            KeptAs::Before => KeptReason::BeforeRestore,
            KeptAs::Undone => KeptReason::Undone,
            KeptAs::Unfinished => KeptReason::Unfinished,
        },
        bytes: kept.bytes,
        sessions: kept.sessions,
    }
}
