//! The steps of a run that back up and put back.

mod anchor_database;
mod back_up;
mod restore_database;

use engine::{Step, StepContext, StepFailure};
use model::{DatabaseLocation, PlannedStep, StepSpec};

use crate::Server;

pub use back_up::BackUpRecord;

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
        StepSpec::RestoreDatabase(spec) => Some(Box::new(restore_database::RestoreDatabaseStep {
            planned: step.clone(),
            spec: spec.clone(),
        })),
        StepSpec::WaitIdle(_)
        | StepSpec::Suspend(_)
        | StepSpec::Quiesce(_)
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

/// The server of a run's database, with its credentials read again.
async fn reach(context: &StepContext, location: &DatabaseLocation, id: &str) -> Result<Server, StepFailure> {
    let (location, credentials) = context.database(location).await?;
    Ok(Server::reach(Some(context.cluster()), &location, &credentials, id).await?)
}
