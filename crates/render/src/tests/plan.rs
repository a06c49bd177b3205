//! The steps of an upgrade before it begins.

use model::{API_VERSION, Plan, PlannedStep, Reversal, StepSpec};

use super::{release, shown, target};
use crate::Style;

#[test]
fn a_plan_marks_where_turning_back_gets_a_price() {
    let step = |id: &str, title: &str, reversal| PlannedStep {
        id: id.into(),
        title: title.into(),
        reversal,
        spec: StepSpec::ForgetRevision(model::ForgetRevision { pass: "x".into() }),
    };
    let plan = Plan {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        created_at: "2026-01-01T00:00:00Z".into(),
        from: release(),
        to: target(),
        profile: "generic".into(),
        gate: model::GateMode::Traffic,
        chart_sha256: String::new(),
        values_digest: String::new(),
        helm_flags: vec!["--timeout".into(), "5m".into()],
        terms: None,
        steps: vec![
            step(
                "01-quiesce",
                "stop writers: deployment/web 2 → 0",
                Reversal::Automatic,
            ),
            step("02-gate", "gate", Reversal::NotNeeded),
            step("03-open-traffic", "open the gate", Reversal::OnConsent),
            step("04-drop", "drop the old database", Reversal::Impossible),
        ],
        priced_from: Some(2),
        no_way_back: None,
        notices: vec!["web is replaced once more".into()],
    };
    insta::assert_snapshot!(shown(|out| crate::plan(out, Style::plain(), &plan)));
}
