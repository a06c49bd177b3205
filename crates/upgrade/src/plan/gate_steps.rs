//! The gate and what opens it.

use checks::Assigned;
use model::{
    ChartIdentity, Gate, GateMode, HealthQuestion, OpenTraffic, Profile, Reversal, StepSpec, WorkloadName,
};

use super::build::Steps;
use super::{GateChoice, PlanInput};

/// Appends the gate itself.
pub(super) fn gate(input: &PlanInput<'_>, choice: &GateChoice, steps: &mut Steps) {
    let title = match choice.mode {
        GateMode::Traffic => "gate: schema, readiness and health of the new version before it is served",
        GateMode::Schema => "gate: schema before any pod of the new version starts",
        GateMode::After => "gate: schema as expected (the new version already serves)",
    };
    let health = match &choice.migrating {
        Some(first) => health(input.profile, input.members, Some(first)),
        None => Vec::new(),
    };
    steps.push(
        "gate",
        Reversal::NotNeeded,
        title.into(),
        StepSpec::Gate(Gate {
            mode: choice.mode,
            migrating: choice.migrating.clone(),
            database: input.database.cloned(),
            before: input.migration.cloned(),
            expected_schema: expected_schema(input),
            health,
        }),
    );
}

/// Appends the second pass.
pub(super) fn open(choice: &GateChoice, timeout_seconds: u64, steps: &mut Steps) {
    steps.push(
        "open-traffic",
        Reversal::OnConsent,
        "open the gate: the same chart and values once more, without hooks and without our edits".into(),
        StepSpec::OpenTraffic(OpenTraffic {
            migrating: choice.migrating.clone(),
            timeout_seconds,
        }),
    );
}

/// The schema version the profile expects of the target.
pub(super) fn expected_schema(input: &PlanInput<'_>) -> Option<String> {
    schema_of(input.profile, &input.target.chart)
}

/// The schema version that a profile expects of a chart.
pub(crate) fn schema_of(profile: &Profile, chart: &ChartIdentity) -> Option<String> {
    let brings = profile.migrations.schema_of(chart.app_version.as_deref());
    brings.map(|entry| entry.version.clone())
}

/// The profile's health questions, for one workload or for all.
pub(super) fn health(
    profile: &Profile,
    members: &[Assigned],
    only: Option<&WorkloadName>,
) -> Vec<HealthQuestion> {
    profile
        .health
        .iter()
        .flat_map(|question| {
            members
                .iter()
                .filter(move |member| member.role == question.role)
                .map(move |member| (question, &member.workload.name))
        })
        .filter(|(_, name)| only.is_none_or(|only| only == *name))
        .map(|(question, name)| HealthQuestion {
            workload: name.clone(),
            port: question.port,
            path: question.path.clone(),
        })
        .collect()
}
