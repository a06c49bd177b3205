//! What the user is told of a run: made from its journal alone, so that any machine can tell it.

use engine::journal::StepRecord;
use engine::{RunDocument, RunEnd};
use jiff::Timestamp;
use model::{API_VERSION, NextStep, StepReport, StepSpec, StepState, UpgradeOutcome, UpgradeReport};

/// The report of a run that has just ended.
pub fn upgrade_report(document: &RunDocument, end: &RunEnd) -> UpgradeReport {
    let mut report = journal_report(document);
    report.outcome = end.outcome;
    report.reason.clone_from(&end.reason);
    report.steps.clone_from(&end.steps);
    report.next = next(document, end.outcome);
    report
}

/// The report of a run as far as its journal goes. One that has no outcome yet is shown as stopped: only its process
/// could say that it still runs, and the lease tells who that is.
pub(crate) fn journal_report(document: &RunDocument) -> UpgradeReport {
    let outcome = document.outcome.unwrap_or(UpgradeOutcome::Stopped);
    UpgradeReport {
        api_version: API_VERSION.into(),
        kind: "UpgradeReport".into(),
        run: document.run.clone(),
        outcome,
        reason: document.reason.clone().or_else(|| document.turning_back.clone()),
        from: document.plan.from.clone(),
        to: document.plan.to.clone(),
        downtime_seconds: downtime(document),
        steps: document.plan.steps.iter().map(|planned| step(document, &planned.id, &planned.title)).collect(),
        next: next(document, outcome),
    }
}

fn step(document: &RunDocument, id: &str, title: &str) -> StepReport {
    let record = document.steps.iter().find(|record| record.id == id);
    StepReport {
        id: id.to_owned(),
        title: title.to_owned(),
        state: record.map_or(StepState::Pending, |record| record.state),
        started_at: record.and_then(|record| record.started_at.clone()),
        seconds: record.and_then(seconds),
        detail: record.and_then(|record| record.detail.clone()),
    }
}

fn seconds(record: &StepRecord) -> Option<f64> {
    between(record.started_at.as_deref()?, record.ended_at.as_deref()?)
}

fn between(from: &str, to: &str) -> Option<f64> {
    let from: Timestamp = from.parse().ok()?;
    let to: Timestamp = to.parse().ok()?;
    Some((to - from).total(jiff::Unit::Second).ok()?.max(0.0))
}

/// From the first writer stopped to every pod ready again: the roll-out's end, or the end of quiesce's undo.
fn downtime(document: &RunDocument) -> Option<f64> {
    let record = |wanted: fn(&StepSpec) -> bool| -> Option<&StepRecord> {
        let id = &document.plan.steps.iter().find(|planned| wanted(&planned.spec))?.id;
        document.steps.iter().find(|record| &record.id == id)
    };
    let quiesce = record(|spec| matches!(spec, StepSpec::Quiesce(_)))?;
    let begun = quiesce.started_at.as_deref()?;
    let ended = match quiesce.state {
        StepState::Restored => quiesce.ended_at.as_deref(),
        StepState::Done => record(|spec| matches!(spec, StepSpec::RollOut(_)))
            .filter(|record| record.state == StepState::Done)
            .and_then(|record| record.ended_at.as_deref()),
        StepState::Pending | StepState::Running | StepState::Failed | StepState::Restoring | StepState::Stuck => None,
    };
    between(begun, ended?)
}

fn next(document: &RunDocument, outcome: UpgradeOutcome) -> Vec<NextStep> {
    let command = |word: &str| format!("helm safe-upgrade {word} {} -n {}", document.release, document.namespace);
    let step = |text: &str, command: String| NextStep { text: text.into(), command: Some(command) };
    match outcome {
        UpgradeOutcome::Upgraded | UpgradeOutcome::Restored => {
            vec![step("see the run again", command("status"))]
        }
        UpgradeOutcome::UpgradedWithFailures => vec![
            step("see what the checks found", command("status")),
            step("look at the release", format!("kubectl upgrade-check {} -n {}", document.release, document.namespace)),
        ],
        UpgradeOutcome::Stopped => vec![
            step("carry the run on", command("resume")),
            step("take everything back", command("abort")),
        ],
    }
}
