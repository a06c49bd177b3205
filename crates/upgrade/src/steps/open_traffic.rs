//! The second pass, which opens the gate.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Exposure, Outcome, Step, StepContext, StepFailure, StepKind};
use helm::{PassRequest, PostRenderSpec};
use model::{OpenTraffic, PlannedStep, WorkloadName};

use super::exposure::exposure;
use super::ground::{announce, gave_way, ground};
use super::run_helm::{expect_success, follow};
use crate::Tools;
use crate::standing::PassRecord;

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
        let gated = context
            .recorded_by::<PassRecord>(StepKind::HelmPass)?
            .and_then(|record| record.newest())
            .ok_or_else(|| StepFailure::new("the first pass recorded no revision"))?;
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        // This pass runs no hooks: nothing is left to wait for.
        let on = ground(context, &self.tools, gated, &record, &[], Duration::ZERO).await?;
        if let Some(on) = on {
            announce(context, &mut record, on, self.spec.migrating.is_some()).await?;
            if let Some(name) = &self.spec.migrating {
                self.open_gates(context, name).await?;
            }
            if let Err(failure) = self.run_helm(context).await {
                return Err(gave_way(context, &mut record, failure).await);
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

    async fn exposure(&self, context: &StepContext) -> Result<Exposure, StepFailure> {
        exposure(context, &context.recorded::<PassRecord>()?.unwrap_or_default()).await
    }

    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let record: PassRecord = context.recorded()?.unwrap_or_default();
        let Some(name) = self.spec.migrating.as_ref().filter(|_| record.opened) else {
            return Ok(None);
        };
        // The gate was about to open when the run broke off: pods that still stand behind it would stand there for ever.
        self.open_gates(context, name).await?;
        Ok(Some(format!("the gate before {name} is open")))
    }
}
