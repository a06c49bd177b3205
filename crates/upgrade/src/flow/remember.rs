//! Durations that the next plan and its checks start from.

use cluster::Cluster;
use engine::{Events, RunDocument, StepKind, facts};
use model::{StepState, UpgradeOutcome};

/// Remembers what an upgrade that came through took. A duration that cannot be remembered is told and changes nothing.
pub(super) async fn remember(cluster: &Cluster, document: &RunDocument, events: &Events) {
    match document.outcome {
        Some(UpgradeOutcome::Upgraded | UpgradeOutcome::UpgradedWithFailures) => {}
        Some(
            UpgradeOutcome::Restored
            | UpgradeOutcome::Stopped
            | UpgradeOutcome::Left
            | UpgradeOutcome::Quiesced,
        )
        | None => return,
    }
    let took = |kind: StepKind| {
        let step = document
            .plan
            .steps
            .iter()
            .find(|step| StepKind::of(step) == kind)?;
        let record = document
            .step(&step.id)
            .filter(|record| record.state == StepState::Done)?;
        record.seconds()
    };
    let measured = [
        (facts::BACKUP_SECONDS, took(StepKind::BackUp)),
        (facts::MIGRATION_SECONDS, took(StepKind::HelmPass)),
        (facts::RUN_SECONDS, whole_run(document)),
        (facts::DOWNTIME_SECONDS, document.downtime_seconds()),
    ];
    let measured: Vec<(&str, u64)> = measured
        .into_iter()
        .filter_map(|(key, seconds)| Some((key, whole(seconds?)?)))
        .collect();
    if let Err(error) = facts::remember(cluster, &document.namespace, &document.release, &measured).await {
        events.notice(format!(
            "what the run took could not be remembered: {}",
            model::causes(&error)
        ));
    }
}

/// Seconds from the first step that did not only wait for an idle application to the end of the last.
fn whole_run(document: &RunDocument) -> Option<f64> {
    let steps = document.plan.steps.iter().zip(document.step_reports());
    let acting: Vec<_> = steps
        .filter(|(step, _)| StepKind::of(step) != StepKind::WaitIdle)
        .map(|(_, report)| report)
        .collect();
    let begin = acting.iter().find_map(|step| step.after_seconds)?;
    let ends = acting
        .iter()
        .filter_map(|step| Some(step.after_seconds? + step.seconds?));
    Some(ends.fold(begin, f64::max) - begin)
}

/// Whole seconds, rounded up: a budget made of them must not fall short.
fn whole(seconds: f64) -> Option<u64> {
    std::time::Duration::try_from_secs_f64(seconds.ceil())
        .ok()
        .map(|duration| duration.as_secs())
}
