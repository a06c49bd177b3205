//! Which gate a run gets, and which workload starts behind it.

use model::profile::{RoleKind, RunBy};
use model::{GateMode, UpdateStrategy, WorkloadKind, WorkloadName};

use super::{PlanInput, PlanRefusal};

/// The gate with the workload it holds back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateChoice {
    /// The gate.
    pub mode: GateMode,
    /// The workload behind it, for gate `traffic`.
    pub migrating: Option<WorkloadName>,
    /// What the user should know about the choice.
    pub notices: Vec<String>,
}

/// Chooses the gate: the user's word, else the profile's, else `schema` for hook-run and `traffic` for boot-run charts.
///
/// A chart whose post-upgrade hooks or plain Jobs would run while everything is parked cannot be gated: it falls back to
/// `after`, or is refused when the user asked for a gate by name.
///
/// # Errors
/// When a gate was asked for that cannot be held.
pub fn choose_gate(input: &PlanInput<'_>) -> Result<GateChoice, PlanRefusal> {
    let hook_run = is_hook_run(input);
    let migrating = migrating_workload(input);
    let wished =
        input
            .gate
            .or(input.profile.gate.map(GateMode::from))
            .unwrap_or(match (hook_run, &migrating) {
                (true, _) => GateMode::Schema,
                (false, Ok(_)) => GateMode::Traffic,
                (false, Err(_)) => GateMode::After,
            });
    let mut notices = Vec::new();
    let mode = match (wished, ungateable(input)) {
        (GateMode::After, _) | (_, None) => wished,
        (gate, Some(why)) if input.gate.is_some() => {
            return Err(PlanRefusal::GateImpossible {
                gate: gate.word(),
                why,
            });
        }
        (gate, Some(why)) => {
            notices.push(format!(
                "gate `{}` cannot be held: {why}; the gate is `after`",
                gate.word()
            ));
            GateMode::After
        }
    };
    let migrating = match mode {
        GateMode::Traffic => Some(migrating.map_err(PlanRefusal::NoMigratingWorkload)?),
        GateMode::Schema | GateMode::After => None,
    };
    if mode == GateMode::Schema && !hook_run {
        return Err(PlanRefusal::GateImpossible {
            gate: "schema",
            why: "the chart has no pre-upgrade hook Job, so nothing would migrate while all pods are parked"
                .into(),
        });
    }
    notices.extend(price(input, mode, migrating.as_ref()));
    Ok(GateChoice {
        mode,
        migrating,
        notices,
    })
}

/// Whether a hook Job migrates, by the profile's word or by the chart's pre-upgrade hooks.
pub(super) fn is_hook_run(input: &PlanInput<'_>) -> bool {
    match input.profile.migrations.run {
        Some(RunBy::Hook) => true,
        Some(RunBy::Boot) => false,
        None => has_hook(input, "pre-upgrade"),
    }
}

fn has_hook(input: &PlanInput<'_>, event: &str) -> bool {
    input
        .target
        .hooks
        .iter()
        .any(|hook| hook.object.kind == "Job" && hook.events.iter().any(|e| e == event))
}

/// Why no gate can be held, if none can.
fn ungateable(input: &PlanInput<'_>) -> Option<String> {
    if has_hook(input, "post-upgrade") {
        return Some("the chart has post-upgrade hooks, which expect running pods".into());
    }
    let job = input
        .target
        .workloads
        .iter()
        .find(|w| w.name.kind == WorkloadKind::Job)?;
    Some(format!(
        "the chart runs {} beside its pods, and a second pass would run it again",
        job.name
    ))
}

/// The workload that starts first: the one whose role migrates, else the only workload that a Service-like role leaves.
fn migrating_workload(input: &PlanInput<'_>) -> Result<WorkloadName, String> {
    let starts = |name: &WorkloadName| {
        matches!(name.kind, WorkloadKind::Deployment | WorkloadKind::StatefulSet)
            && input.target.workloads.iter().any(|w| &w.name == name)
    };
    let of_kind = |kind: RoleKind| -> Vec<&WorkloadName> {
        input
            .members
            .iter()
            .filter(|member| member.kind == kind && starts(&member.workload.name))
            .map(|member| &member.workload.name)
            .collect()
    };
    let migrators = of_kind(RoleKind::Migrator);
    let candidates = if migrators.is_empty() {
        of_kind(RoleKind::Writer)
    } else {
        migrators
    };
    match candidates.as_slice() {
        [] => Err("no Deployment or StatefulSet of the release is in the target chart".into()),
        [one] => Ok((*one).clone()),
        many => {
            let names: Vec<String> = many.iter().map(ToString::to_string).collect();
            Err(format!("there are several: {}", names.join(", ")))
        }
    }
}

/// What the gate costs or weakens, in words.
fn price(input: &PlanInput<'_>, mode: GateMode, migrating: Option<&WorkloadName>) -> Vec<String> {
    match mode {
        GateMode::Traffic => migrating
            .and_then(|name| input.target.workloads.iter().find(|w| &w.name == name))
            .filter(|w| w.name.kind == WorkloadKind::StatefulSet || w.strategy == UpdateStrategy::Recreate)
            .map(|w| {
                format!(
                    "{} is replaced once more when the gate opens, which is a second short stop",
                    w.name
                )
            })
            .into_iter()
            .collect(),
        GateMode::Schema => vec![
            "no pod of the new version runs before the gate: its own health is judged after traffic returned"
                .into(),
        ],
        GateMode::After => vec![
            "the new version serves before it is judged: turning back then loses what was written since"
                .into(),
        ],
    }
}
