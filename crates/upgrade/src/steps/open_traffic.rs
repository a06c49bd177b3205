//! The second pass, which opens the gate.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use helm::{PassRequest, PostRenderSpec};
use model::{OpenTraffic, PlannedStep, WorkloadName};

use super::run_helm::{expect_success, follow};
use super::settle::settle;
use crate::Tools;
use crate::standing::{PassRecord, Standing, standing, wrote_nothing};

pub(super) struct OpenTrafficStep {
    planned: PlannedStep,
    spec: OpenTraffic,
    tools: Arc<Tools>,
}

impl OpenTrafficStep {
    pub(super) fn new(planned: PlannedStep, spec: OpenTraffic, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }

    /// Lets the gated pods serve until the roll-out replaces them.
    async fn open_gates(&self, context: &StepContext, name: &WorkloadName) -> Result<(), StepFailure> {
        let cluster = context.cluster();
        let Some(workload) = cluster.workload(name).await? else {
            return Ok(());
        };
        for pod in cluster.pods_of(std::slice::from_ref(&workload)).await? {
            if !pod.terminating {
                cluster
                    .open_readiness_gate(&name.namespace, &pod.name, PostRenderSpec::GATE)
                    .await?;
            }
        }
        Ok(())
    }

    async fn run_helm(&self, context: &StepContext) -> Result<(), StepFailure> {
        let run = context.run();
        let pinned = self.tools.pinned()?;
        let running = self
            .tools
            .helm
            .upgrade(PassRequest {
                release: &run.release,
                namespace: &run.namespace,
                chart: &pinned.chart,
                values: &pinned.values,
                flags: &context.plan().helm_flags,
                no_hooks: true,
                post_render: None,
                timeout: Duration::from_secs(self.spec.timeout_seconds),
            })
            .await?;
        expect_success("upgrade", &follow(context, running).await?)
    }
}

#[async_trait]
impl Step for OpenTrafficStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let release = &context.run().release;
        let gated = context
            .recorded_by::<PassRecord>(StepKind::HelmPass)?
            .and_then(|record| record.newest())
            .ok_or_else(|| StepFailure::new("the first pass recorded no revision"))?;
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        let latest = self
            .tools
            .storage
            .latest(release)
            .await?
            .ok_or_else(|| StepFailure::new(format!("release {release} is gone from helm's records")))?
            .release;
        let on = match standing(gated, &record, latest.revision, latest.status) {
            Standing::Begin(on) | Standing::BeginAgain(on) => Some(on),
            Standing::Deployed(_) => None,
            Standing::Pending(revision) => {
                // This pass runs no hooks: nothing is left to wait for.
                settle(context, &self.tools, revision, &[], Duration::ZERO).await?;
                Some(revision)
            }
            Standing::Foreign(revision) => {
                return Err(StepFailure::new(format!(
                    "revision {revision} of {release} was written by somebody else since this run began"
                )));
            }
        };
        if let Some(on) = on {
            if record.newest() != Some(on + 1) {
                record.revisions.push(on + 1);
            }
            context.record(&record).await?;
            if let Some(name) = &self.spec.migrating {
                self.open_gates(context, name).await?;
            }
            if let Err(failure) = self.run_helm(context).await {
                if wrote_nothing(&failure.text()) {
                    record.revisions.pop();
                    context.record(&record).await?;
                }
                return Err(failure);
            }
        }
        Ok(Outcome::told(format!(
            "revision {}",
            record.newest().unwrap_or_default()
        )))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        // The undo of the first pass stops every workload of the chart, whichever pass started it.
        Ok(Outcome::quiet())
    }
}
