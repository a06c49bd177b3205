//! Restoring a backup or a dump: what it will do, the question, and the way it is done.

use std::sync::Arc;

use backup::seal::Identities;
use backup::{
    Abandoned, BackupId, Outlook, RestoreError, RestoreFrom, RestoreRequest, Server, abandon_restore,
    may_begin, read_dump, restore, restore_id,
};
use checks::BackupAct;
use cli::{Environment, Output};
use jiff::Timestamp;
use model::{ExitCode, Phase, RestoreReport, RestoreSource};
use upgrade::flow::RestorePlanRequest;

use super::super::act::{ActEnd, act};
use super::super::arguments::TargetFlags;
use super::super::artefacts::{NO_CLUSTER, settle};
use super::super::failure::failed;
use super::super::ground::Ground;
use super::super::rights::may_do;
use super::super::stored::Words;
use super::super::target::Target;
use super::flags::RestoreFlags;
use super::in_place::{self, InPlace};
use super::preview::{self, Proposed, agree, of_restore};
use super::{Told, operator, reach, report, run, show, turn};
use crate::session::{Session, UNCHANGED, could_not_begin};

/// What a database is to be filled from, and whose it is.
pub(super) struct Given<'a> {
    pub(super) from: RestoreFrom<'a>,
    pub(super) source: RestoreSource,
    pub(super) release: Option<String>,
    pub(super) identities: Option<Arc<Identities>>,
}

/// Says what will be done, asks, and does it.
pub(super) async fn put_back(
    ground: &Ground,
    flags: &RestoreFlags,
    environment: &Environment,
    meant: &TargetFlags,
    given: Given<'_>,
) -> Result<ExitCode, ExitCode> {
    let output = &ground.output;
    if flags.artefacts.wanted() && ground.session.is_none() {
        return Err(could_not_begin(output, &Words(NO_CLUSTER.into())));
    }
    let request = RestoreRequest {
        id: flags
            .again
            .clone()
            .unwrap_or_else(|| restore_id(Timestamp::now())),
        options: flags.options(),
    };
    let (target, server) = reach(ground, meant, given.release.as_deref(), &request.id).await?;
    let notes = operator::judged(ground, &target, &request.options).await?;
    let proposed = Proposed {
        target: &target,
        server: &server,
        id: &request.id,
        from: given.from,
        options: &request.options,
        notes,
    };
    let (mut preview, outlook) = of_restore(ground, proposed).await;
    if let RestoreFrom::Backup(backup) = given.from {
        preview.notes.extend(flags.artefacts.moments(backup));
    }
    let meant = &TargetFlags {
        release: given.release.clone(),
        ..meant.clone()
    };
    let file = match &given.source {
        RestoreSource::File { .. } => Some(given.source.words()),
        RestoreSource::Backup { .. } => None,
    };
    let told = Told {
        id: &request.id,
        target: meant,
        backup: given.from.backup().map(BackupId::as_str),
        file: file.as_deref(),
    };
    let newer = matches!(outlook, Outlook::Ahead { .. }) && !request.options.older_image;
    let refused = || failed(output, &RestoreError::OlderImage(outlook.words()));
    if flags.clean_in_place {
        let wanted = InPlace {
            target: &target,
            server: &server,
            from: given.from,
            request: &request,
            told: &told,
        };
        return match newer {
            true => Err(refused()),
            false => in_place::run(ground, flags, environment, wanted, preview).await,
        };
    }
    let planned = match (&ground.session, &target.release) {
        (Some(session), Some(release)) if flags.again.is_none() => {
            may_begin(&server, given.from, &request.options)
                .await
                .map_err(|error| failed(output, &error))?;
            let phases = [Phase::Journal, Phase::Quiesce, Phase::Backup];
            may_do(session, BackupAct::Restore, &target.location, &phases).await?;
            let wanted = plan_request(
                session,
                flags,
                meant,
                &target,
                (&release.name, &request),
                &given.source,
            );
            let plan = run::planned(session, &wanted).await?;
            Some((session, wanted, plan))
        }
        (Some(session), Some(release)) => {
            run::none_unfinished(session, &release.name).await?;
            let nobody =
                "nobody is stopped: a restore that was begun is taken up, and pods may write meanwhile";
            preview.notes.push(nobody.into());
            None
        }
        (_, None) | (None, _) => {
            let nobody = "nobody is stopped: the target is no release of Helm's, so who writes is not known";
            preview.notes.push(nobody.into());
            None
        }
    };
    preview::show(output, &preview, planned.as_ref().map(|(_, _, plan)| plan))?;
    if newer {
        return Err(refused());
    }
    if flags.dry_run {
        return Ok(ExitCode::Done);
    }
    agree(output, "Do it?", flags.yes)?;
    let placed = match (&ground.session, given.from) {
        (Some(session), RestoreFrom::Backup(backup)) => {
            flags.artefacts.place(session, backup, &request.id).await?
        }
        _ => None,
    };
    let restored = match planned {
        Some((session, wanted, plan)) => match read_first(output, &server, given.from).await {
            Ok(()) => run::run(session, flags, &told, (&wanted, plan), given.identities).await,
            Err(code) => Err(code),
        },
        None => {
            let restoring = directly(ground, &server, given.from, &request, &told);
            let ended = turn::alone(ground, &target, "restore-again", restoring).await;
            ended.flatten()
        }
    };
    let report = settle(output, placed, &request.id, restored).await?;
    Ok(show(output, &report))
}

/// Nobody is stopped for a dump that cannot be restored.
async fn read_first(output: &Output, server: &Server, from: RestoreFrom<'_>) -> Result<(), ExitCode> {
    match act(output, "read the dump", async |progress| {
        read_dump(server, from, progress).await
    })
    .await
    {
        ActEnd::Ended(Ok(())) => Ok(()),
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => {
            let error = Words("interrupted".into());
            Err(cli::fail(output, &error, UNCHANGED, None, ExitCode::PutBack))
        }
    }
}

fn plan_request(
    session: &Session,
    flags: &RestoreFlags,
    meant: &TargetFlags,
    target: &Target,
    (release, request): (&str, &RestoreRequest),
    source: &RestoreSource,
) -> RestorePlanRequest {
    RestorePlanRequest {
        cluster: session.cluster.clone(),
        namespace: session.namespace.clone(),
        release: release.to_owned(),
        profile: meant.profile.choice(),
        find: meant.database.options(),
        database: target.location.clone(),
        source: source.clone(),
        id: request.id.clone(),
        options: request.options.clone(),
        keep_writers: flags.keep_writers,
    }
}

/// Restores without a run: nobody is stopped.
async fn directly(
    ground: &Ground,
    server: &Server,
    from: RestoreFrom<'_>,
    request: &RestoreRequest,
    told: &Told<'_>,
) -> Result<RestoreReport, ExitCode> {
    let output = &ground.output;
    let title = format!("restore {}", server.location().database);
    let restored = act(output, &title, async |progress| {
        restore(server, from, request, progress).await
    })
    .await;
    match restored {
        ActEnd::Ended(Ok(done)) => Ok(report(ground, told, done, false)),
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => Err(interrupted(output, server, &request.id).await),
    }
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
