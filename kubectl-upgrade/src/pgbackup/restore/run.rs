//! A restore of a release: its writers rest meanwhile, and the journal in the cluster says how far it is.

use std::error::Error;
use std::sync::Arc;

use backup::seal::Identities;
use cli::watched;
use engine::AbortConsent;
use model::{API_VERSION, ExitCode, Plan, RestoreReport, UpgradeOutcome};
use upgrade::flow::{self, CarryOn, Direction, FlowError, RestoreEnd, RestorePlanRequest};

use super::super::arguments::TargetFlags;
use super::super::stored::Words;
use super::flags::RestoreFlags;
use super::{Told, next_undo, show};
use crate::session::{Session, UNCHANGED};

/// What is true when a run could not be taken over.
const AS_IT_WAS: &str = "The restore is as it was; nothing was changed by this command.";

/// Plans; tells a failure and gives the code to end with.
pub(super) async fn planned(session: &Session, request: &RestorePlanRequest) -> Result<Plan, ExitCode> {
    flow::plan_restore(request)
        .await
        .map_err(|error| cli::fail(&session.output, &error, UNCHANGED, None, error.exit_code()))
}

/// Runs a plan to its end.
pub(super) async fn run(
    session: &Session,
    flags: &RestoreFlags,
    told: &Told<'_>,
    (request, plan): (&RestorePlanRequest, Plan),
    identities: Option<Arc<Identities>>,
) -> Result<RestoreReport, ExitCode> {
    let ended = watched(&session.output, flags.fault.clone(), |options| {
        flow::begin_restore(request, plan, identities, options)
    })
    .await;
    match ended {
        Ok(end) => end_of(session, told, &end),
        Err(error) => {
            let next = match &error {
                FlowError::Lease(_) | FlowError::Journal(_) => {
                    Some(other_run(session, &request.release).await)
                }
                _ => None,
            };
            Err(cli::fail(
                &session.output,
                &error,
                UNCHANGED,
                next.as_deref(),
                error.exit_code(),
            ))
        }
    }
}

/// Refuses to take up a restore beside a run of the release that has not ended: it stops writers and knows how far it is.
pub(super) async fn none_unfinished(session: &Session, release: &str) -> Result<(), ExitCode> {
    let Session {
        cluster,
        namespace,
        output,
        ..
    } = session;
    let fail = |error: &dyn Error, next: Option<&str>, code| cli::fail(output, error, UNCHANGED, next, code);
    match flow::unfinished_restore(cluster, namespace, release).await {
        Ok(None) => Ok(()),
        Ok(Some(id)) => {
            let error = Words(format!(
                "restore {id} of release {release} has not ended, and --again takes up what no run is at"
            ));
            let next = carry_on_words(&id, release, session);
            Err(fail(&error, Some(&next), ExitCode::CouldNotBegin))
        }
        Err(error) => Err(fail(&error, None, error.exit_code())),
    }
}

fn carry_on_words(id: &str, release: &str, session: &Session) -> String {
    let place = session.typed();
    format!(
        "kubectl pgbackup restore --resume {id} {release} {place}, or --abort {id} {release} {place} to take it back"
    )
}

/// What to type about the run that is in the way.
pub(super) async fn other_run(session: &Session, release: &str) -> String {
    let namespace = &session.namespace;
    match flow::unfinished_restore(&session.cluster, namespace, release).await {
        Ok(Some(id)) => carry_on_words(&id, release, session),
        // Without the journal, status tells the same error.
        Ok(None) | Err(_) => format!("helm safe-upgrade status {release} {}", session.typed()),
    }
}

/// Carries a killed restore on, or takes it back.
pub(super) async fn carry_on(
    session: &Session,
    flags: &RestoreFlags,
    target: &TargetFlags,
    id: &str,
    back: bool,
) -> Result<ExitCode, ExitCode> {
    let output = &session.output;
    let release = target.release.clone().unwrap_or_default();
    let direction = match (back, flags.accept_loss) {
        (false, _) => Direction::Resume,
        (true, true) => Direction::Abort(AbortConsent::Price),
        (true, false) => Direction::Abort(AbortConsent::FreeOnly),
    };
    let request = CarryOn {
        cluster: session.cluster.clone(),
        helm: None,
        namespace: session.namespace.clone(),
        release,
        direction,
        restore: Some(id.to_owned()),
        identities: flags.identity.read(output)?,
    };
    let ended = watched(&session.output, flags.fault.clone(), |options| {
        flow::carry_on_restore(&request, options)
    })
    .await;
    let told = Told {
        id,
        target,
        backup: None,
        file: None,
    };
    match ended {
        Ok(end) => end_of(session, &told, &end).map(|report| show(output, &report)),
        Err(error) => Err(cli::fail(output, &error, AS_IT_WAS, None, error.exit_code())),
    }
}

fn end_of(session: &Session, told: &Told<'_>, end: &RestoreEnd) -> Result<RestoreReport, ExitCode> {
    let output = &session.output;
    let RestoreEnd {
        report,
        record,
        database,
    } = end;
    let words = told.target.typed(Some(session));
    let reason = Words(
        report
            .reason
            .clone()
            .unwrap_or_else(|| "it did not come to its end".into()),
    );
    match report.outcome {
        UpgradeOutcome::Upgraded | UpgradeOutcome::UpgradedWithFailures => {}
        UpgradeOutcome::Restored => {
            let state = "Everything was put back: the database in use is as it was, and every count.";
            return Err(cli::fail(output, &reason, state, None, ExitCode::PutBack));
        }
        UpgradeOutcome::Stopped | UpgradeOutcome::Left | UpgradeOutcome::Quiesced => {
            let state = "The restore stopped half-way; its journal in the cluster says where.";
            let next = format!(
                "kubectl pgbackup restore --resume {id} {words}, or --abort {id} {words} to take it back",
                id = told.id
            );
            return Err(cli::fail(output, &reason, state, Some(&next), ExitCode::Stopped));
        }
    }
    let done = record.as_ref().and_then(|record| record.report.clone());
    Ok(RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: told.id.to_owned(),
        undone: false,
        backup: told.backup.map(str::to_owned),
        file: told.file.map(str::to_owned),
        run: Some(report.run.clone()),
        downtime_seconds: report.downtime_seconds,
        database: database.clone().unwrap_or_default(),
        kept_as: done.as_ref().map(|done| done.kept_as.clone()).unwrap_or_default(),
        compared: done
            .as_ref()
            .map(|done| done.compared.clone())
            .unwrap_or_default(),
        content: done.as_ref().map(|done| done.content.clone()),
        ownership: done.as_ref().map(|done| done.ownership.clone()),
        notes: done.as_ref().map(|done| done.notes.clone()).unwrap_or_default(),
        done_before: done.is_some_and(|done| done.done_before),
        next: next_undo(told.id, &words),
    })
}
