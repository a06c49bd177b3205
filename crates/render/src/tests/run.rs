//! How a run ended.

use model::{API_VERSION, NextStep, StepReport, StepState, UpgradeOutcome, UpgradeReport};

use super::{release, shown, target};
use crate::Style;

fn report(outcome: UpgradeOutcome) -> UpgradeReport {
    let states = [
        StepState::Done,
        StepState::Failed,
        StepState::Restored,
        StepState::Stuck,
        StepState::Running,
        StepState::Restoring,
        StepState::Pending,
    ];
    UpgradeReport {
        api_version: API_VERSION.into(),
        kind: "UpgradeReport".into(),
        purpose: model::RunPurpose::Change,
        run: "20260101-000000-0badcafe".into(),
        outcome,
        reason: Some("the migration failed".into()),
        from: release(),
        to: target(),
        downtime_seconds: Some(74.2),
        steps: states
            .iter()
            .enumerate()
            .map(|(index, state)| StepReport {
                id: format!("{index:02}"),
                title: format!("a step that is {state:?}"),
                state: *state,
                started_at: None,
                after_seconds: None,
                seconds: Some(1.25),
                detail: (index == 0).then(|| "revision 8".into()),
            })
            .collect(),
        warnings: Vec::new(),
        next: vec![NextStep {
            text: "carry on".into(),
            command: Some("helm safe-upgrade resume shop".into()),
        }],
    }
}

#[test]
fn a_run_report_says_how_it_ended_and_what_to_type() {
    for outcome in [
        UpgradeOutcome::Upgraded,
        UpgradeOutcome::UpgradedWithFailures,
        UpgradeOutcome::Restored,
        UpgradeOutcome::Stopped,
        UpgradeOutcome::Left,
    ] {
        let text = shown(|out| crate::upgrade_report(out, Style::plain(), &report(outcome)));
        insta::assert_snapshot!(format!("{outcome:?}"), text);
    }
}
