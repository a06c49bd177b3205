//! The steps around helm, and the table that turns a plan into steps.

mod anchor_release;
mod compare;
mod end_sessions;
mod exposure;
mod foreign;
mod forget_revision;
mod gate;
mod ground;
mod helm_pass;
mod helm_rollback;
mod hooks;
mod limit_job;
mod open_traffic;
mod orphans;
mod post_check;
mod questions;
mod roll_back;
mod run_helm;
mod schema_now;
mod settle;
mod settle_revision;
mod slow;
mod smoke;
mod stop_all;
mod time_limit;

use std::sync::Arc;

use backup::seal::Identities;
use engine::Step;
use model::{Plan, PlannedStep, StepSpec};

use crate::Tools;

pub(crate) use compare::LOG_WINDOW;

/// The steps of a plan, in its order. `Err` is the id of a step that no room knows.
pub(crate) fn steps(plan: &Plan, tools: &Arc<Tools>) -> Result<Vec<Box<dyn Step>>, String> {
    plan.steps
        .iter()
        .map(|planned| step(planned, tools).ok_or_else(|| planned.id.clone()))
        .collect()
}

/// The steps of a plan that needs no helm, such as a restore's or a quiesce's. `identities` open an encrypted backup.
pub(crate) fn steps_without_helm(
    plan: &Plan,
    identities: Option<&Arc<Identities>>,
) -> Result<Vec<Box<dyn Step>>, String> {
    let step = |planned: &PlannedStep| {
        engine::steps::shared(planned)
            .or_else(|| time_limit(planned))
            .or_else(|| backup::steps::restoring(planned, identities.cloned()))
            .ok_or_else(|| planned.id.clone())
    };
    plan.steps.iter().map(step).collect()
}

fn time_limit(planned: &PlannedStep) -> Option<Box<dyn Step>> {
    match &planned.spec {
        StepSpec::TimeLimit(spec) => Some(Box::new(time_limit::TimeLimitStep::new(
            planned.clone(),
            spec.clone(),
        ))),
        _ => None,
    }
}

fn step(planned: &PlannedStep, tools: &Arc<Tools>) -> Option<Box<dyn Step>> {
    let own = planned.clone();
    Some(match &planned.spec {
        StepSpec::WaitIdle(_)
        | StepSpec::Suspend(_)
        | StepSpec::Quiesce(_)
        | StepSpec::Drain(_)
        | StepSpec::StandStill(_)
        | StepSpec::Resume(_)
        | StepSpec::RollOut(_)
        | StepSpec::Unsuspend(_) => engine::steps::shared(planned)?,
        StepSpec::TimeLimit(_) => time_limit(planned)?,
        StepSpec::SettleRevision(spec) => {
            Box::new(settle_revision::SettleRevisionStep::new(own, spec.clone(), tools))
        }
        StepSpec::EndSessions(spec) => Box::new(end_sessions::EndSessionsStep::new(own, spec.clone())),
        StepSpec::BackUp(_) | StepSpec::AnchorDatabase(_) | StepSpec::RestoreDatabase(_) => {
            backup::steps::shared(planned)?
        }
        StepSpec::HelmRollback(spec) => {
            Box::new(helm_rollback::HelmRollbackStep::new(own, spec.clone(), tools))
        }
        StepSpec::AnchorRelease(spec) => {
            Box::new(anchor_release::AnchorReleaseStep::new(own, spec.clone(), tools))
        }
        StepSpec::HelmPass(spec) => Box::new(helm_pass::HelmPassStep::new(own, spec.clone(), tools)),
        StepSpec::Gate(spec) => Box::new(gate::GateStep::new(own, spec.clone())),
        StepSpec::OpenTraffic(spec) => Box::new(open_traffic::OpenTrafficStep::new(own, spec.clone(), tools)),
        StepSpec::PostCheck(spec) => Box::new(post_check::PostCheckStep::new(own, spec.clone(), tools)),
        StepSpec::ForgetRevision(spec) => {
            Box::new(forget_revision::ForgetRevisionStep::new(own, spec.clone(), tools))
        }
    })
}
