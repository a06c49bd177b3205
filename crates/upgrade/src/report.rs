//! What the user is told of a run: made from its journal alone, so that any machine can tell it.

use engine::{RunDocument, RunEnd};
use model::{API_VERSION, NextStep, RunPurpose, UpgradeOutcome, UpgradeReport};

/// The report of a run that has just ended.
pub fn upgrade_report(document: &RunDocument, end: &RunEnd) -> UpgradeReport {
    let mut report = journal_report(document);
    report.outcome = end.outcome;
    report.reason.clone_from(&end.reason);
    report.steps.clone_from(&end.steps);
    report.downtime_seconds = end.downtime_seconds;
    report.next = next(document, end.outcome);
    report
}

/// The report of a run as far as its journal goes. One that has no outcome yet is shown as stopped: only its process
/// could say that it still runs, and the lease tells who that is.
pub fn journal_report(document: &RunDocument) -> UpgradeReport {
    let outcome = document.outcome.unwrap_or(UpgradeOutcome::Stopped);
    UpgradeReport {
        api_version: API_VERSION.into(),
        kind: "UpgradeReport".into(),
        purpose: document.plan.purpose(),
        run: document.run.clone(),
        outcome,
        reason: document.reason.clone().or_else(|| document.turning_back.clone()),
        from: document.plan.from.clone(),
        to: document.plan.to.clone(),
        downtime_seconds: document.downtime_seconds(),
        steps: document.step_reports(),
        warnings: document.overtime.iter().cloned().collect(),
        next: next(document, outcome),
    }
}

fn next(document: &RunDocument, outcome: UpgradeOutcome) -> Vec<NextStep> {
    let command = |word: &str| {
        format!(
            "helm safe-upgrade {word} {} -n {}",
            document.release, document.namespace
        )
    };
    let step = |text: &str, command: String| NextStep {
        text: text.into(),
        command: Some(command),
    };
    let by_hand = step(
        "leave it as it stands and finish by hand",
        format!("{} --leave", command("abort")),
    );
    match outcome {
        UpgradeOutcome::Quiesced => vec![
            step("bring everything back as it was", command("unquiesce")),
            step("see what was stopped", command("status")),
        ],
        UpgradeOutcome::Stopped if document.plan.purpose() == RunPurpose::Quiesce => vec![
            step("bring everything back as it was", command("unquiesce")),
            step("see where it stands", command("status")),
            by_hand,
        ],
        UpgradeOutcome::Upgraded => vec![
            step("see the run again", command("status")),
            step(
                "see what going back would do",
                format!("{} --dry-run", command("rollback")),
            ),
        ],
        UpgradeOutcome::Restored => vec![step("see the run again", command("status"))],
        UpgradeOutcome::UpgradedWithFailures => vec![
            step("see what the checks found", command("status")),
            step(
                "look at the release",
                format!(
                    "kubectl upgrade-check {} -n {}",
                    document.release, document.namespace
                ),
            ),
        ],
        UpgradeOutcome::Stopped => vec![
            step("carry the run on", command("resume")),
            step("take everything back", command("abort")),
            by_hand,
        ],
        UpgradeOutcome::Left => vec![
            step("see the run again", command("status")),
            step(
                "see what stands in the way of the next upgrade",
                format!(
                    "kubectl upgrade-check {} -n {}",
                    document.release, document.namespace
                ),
            ),
        ],
    }
}
