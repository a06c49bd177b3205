//! Proves that a release that is to stay stopped stands still.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Selector, WaitError};
use model::{PlannedStep, StandStill, SuspendTarget};

use super::drain::{LEAST_SESSION_WAIT, WhoIsThere};
use super::held;
use super::wait::{interruptible, look_until_well};
use crate::{Outcome, Step, StepContext, StepFailure};

/// How long pods may still be there. The drain has waited for those that were; one that is new was started by somebody.
const NO_PODS: Duration = Duration::from_secs(10);
/// How long an autoscaler may take to say that it stands still: it looks every 15 s, or as rarely as its controller was
/// told to.
const AUTOSCALER_LOOKS: Duration = Duration::from_secs(40);

pub(super) struct StandStillStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: StandStill,
}

#[async_trait]
impl Step for StandStillStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        interruptible(context, self.prove(context)).await
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

impl StandStillStep {
    async fn prove(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        self.counts_and_holds(context).await?;
        let mut said = vec!["no pod runs".to_owned()];
        let selectors = self.selectors(context).await?;
        if !selectors.is_empty() {
            let namespace = &context.run().namespace;
            let cluster = context.cluster();
            cluster
                .wait_pods_gone(namespace, &selectors, NO_PODS, |_| ())
                .await?;
        }
        let (still, unsure) = self.autoscalers(context).await?;
        said.extend(still);
        match &self.spec.database {
            Some(location) => {
                let expectation = "somebody is connected again";
                look_until_well(context, location, expectation, LEAST_SESSION_WAIT, &WhoIsThere).await?;
                said.push(format!(
                    "no writer is connected to {} on {}",
                    location.database, location.host
                ));
            }
            None => said.push("who is connected was not looked at".to_owned()),
        }
        said.extend(unsure.iter().cloned());
        let said = said.join("; ");
        Ok(match unsure.is_empty() {
            true => Outcome::told(said),
            false => Outcome::warned(said),
        })
    }

    async fn counts_and_holds(&self, context: &StepContext) -> Result<(), StepFailure> {
        for workload in &self.spec.workloads {
            let now = context.cluster().scale(workload).await?.replicas;
            if now != 0 {
                return Err(StepFailure::new(format!(
                    "{workload} was given {now} by somebody else"
                )));
            }
        }
        for target in &self.spec.held {
            if !held::read(context.cluster(), target).await?.is_held() {
                return Err(StepFailure::new(format!("{target} was let go by somebody else")));
            }
        }
        Ok(())
    }

    async fn selectors(&self, context: &StepContext) -> Result<Vec<Selector>, StepFailure> {
        let held = self.spec.held.iter().filter_map(SuspendTarget::ends_pods_of);
        let names: Vec<_> = self.spec.workloads.iter().cloned().chain(held).collect();
        let mut selectors = Vec::new();
        for name in &names {
            let found = context.cluster().workload(name).await?;
            selectors.extend(
                found
                    .map(|workload| workload.selector)
                    .filter(|selector| !selector.is_empty()),
            );
        }
        Ok(selectors)
    }

    /// What each autoscaler of a stopped workload says, and what those leave open that said nothing.
    async fn autoscalers(&self, context: &StepContext) -> Result<(Vec<String>, Vec<String>), StepFailure> {
        let cluster = context.cluster();
        let mut workloads = Vec::new();
        for name in &self.spec.workloads {
            workloads.extend(cluster.workload(name).await?);
        }
        let scalers = cluster.scalers_of(&workloads).await?;
        let waits = scalers.iter().map(|scaler| async move {
            let namespace = &scaler.target.namespace;
            context.progress(
                format!("waiting for the word of autoscaler {}", scaler.name),
                None,
            );
            let said = cluster
                .wait_scaler_still(namespace, &scaler.name, AUTOSCALER_LOOKS)
                .await;
            (scaler, said)
        });
        let (mut still, mut unsure) = (Vec::new(), Vec::new());
        for (scaler, said) in futures::future::join_all(waits).await {
            let name = &scaler.name;
            match said {
                Ok(()) => still.push(format!("autoscaler {name} leaves {} at 0", scaler.target)),
                // By its own rules it does nothing at 0; only its word is missing.
                Err(error @ (WaitError::TimedOut { .. } | WaitError::Watch { .. })) => unsure.push(format!(
                    "autoscaler {name} has not said that it leaves {} at 0 ({})",
                    scaler.target,
                    model::causes(&error)
                )),
                Err(WaitError::Stalled { .. }) => {}
            }
        }
        Ok((still, unsure))
    }
}
