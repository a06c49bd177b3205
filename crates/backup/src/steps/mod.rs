//! The steps of a run that back up and put back.

mod anchor_database;
mod back_up;
mod restore_database;

use std::sync::Arc;

use engine::{Step, StepContext, StepFailure};
use model::{DatabaseLocation, PlannedStep, StepSpec};

use crate::Server;
use crate::seal::Identities;

pub use back_up::BackUpRecord;
pub use restore_database::RestoreRecord;

/// The step for a planned one, if it is one of ours: back up, anchor the database, restore it.
pub fn shared(step: &PlannedStep) -> Option<Box<dyn Step>> {
    match &step.spec {
        StepSpec::BackUp(spec) => Some(Box::new(back_up::BackUpStep {
            planned: step.clone(),
            spec: spec.clone(),
        })),
        StepSpec::AnchorDatabase(spec) => Some(Box::new(anchor_database::AnchorDatabaseStep {
            planned: step.clone(),
            spec: spec.clone(),
        })),
        StepSpec::RestoreDatabase(_) => restoring(step, None),
        StepSpec::WaitIdle(_)
        | StepSpec::Suspend(_)
        | StepSpec::Quiesce(_)
        | StepSpec::TimeLimit(_)
        | StepSpec::SettleRevision(_)
        | StepSpec::EndSessions(_)
        | StepSpec::StandStill(_)
        | StepSpec::Drain(_)
        | StepSpec::AnchorRelease(_)
        | StepSpec::HelmPass(_)
        | StepSpec::Gate(_)
        | StepSpec::OpenTraffic(_)
        | StepSpec::Resume(_)
        | StepSpec::RollOut(_)
        | StepSpec::HelmRollback(_)
        | StepSpec::Unsuspend(_)
        | StepSpec::PostCheck(_)
        | StepSpec::ForgetRevision(_) => None,
    }
}

/// The step that restores, with what opens the backup if it is encrypted; `None` for any other step.
pub fn restoring(step: &PlannedStep, identities: Option<Arc<Identities>>) -> Option<Box<dyn Step>> {
    let StepSpec::RestoreDatabase(spec) = &step.spec else {
        return None;
    };
    Some(Box::new(restore_database::RestoreDatabaseStep {
        planned: step.clone(),
        spec: spec.clone(),
        identities,
    }))
}

/// The server of a run's database, with its credentials read again.
async fn reach(context: &StepContext, location: &DatabaseLocation, id: &str) -> Result<Server, StepFailure> {
    let (location, credentials) = context.database(location).await?;
    Ok(Server::reach(Some(context.cluster()), &location, &credentials, id).await?)
}
