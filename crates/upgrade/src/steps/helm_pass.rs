//! The first pass of helm, watched until the migration has ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure};
use helm::{PassRequest, PostRenderSpec};
use model::{GateMode, HelmPass, PlannedStep, WorkloadName};

use super::run_helm::{expect_success, follow};
use super::settle::{settle, wait_for_hooks};
use super::stop_all::stop_all;
use crate::Tools;
use crate::standing::{PassRecord, Standing, standing};
use crate::watch::{Start, Watch, judge_start};

/// How long hook Jobs may still run when the run turns back before it gives up: a migration that was told nothing must
/// be allowed to end, or its half-done transaction is rolled back when its database is swapped away.
const HOOKS_END_LIMIT: Duration = Duration::from_secs(600);

pub(super) struct HelmPassStep {
    planned: PlannedStep,
    spec: HelmPass,
    tools: Arc<Tools>,
}

impl HelmPassStep {
    pub(super) fn new(planned: PlannedStep, spec: HelmPass, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.spec.timeout_seconds)
    }

    /// Brings the history to where helm may be started, and says on top of which revision; `None` when this pass's
    /// revision is deployed already.
    async fn ground(&self, context: &StepContext, record: &PassRecord) -> Result<Option<u32>, StepFailure> {
        let release = &context.run().release;
        let latest = self
            .tools
            .storage
            .latest(release)
            .await?
            .ok_or_else(|| StepFailure::new(format!("release {release} is gone from helm's records")))?
            .release;
        match standing(self.spec.base_revision, record, latest.revision, latest.status) {
            Standing::Begin(on) | Standing::BeginAgain(on) => Ok(Some(on)),
            Standing::Deployed(_) => Ok(None),
            Standing::Pending(revision) => {
                settle(context, &self.tools, revision, &self.spec.hook_jobs, self.limit()).await?;
                Ok(Some(revision))
            }
            Standing::Foreign(revision) => Err(StepFailure::new(format!(
                "revision {revision} of {release} was written by somebody else since this run began"
            ))),
        }
    }

    async fn run_helm(&self, context: &StepContext) -> Result<(), StepFailure> {
        let run = context.run();
        let pinned = self.tools.pinned()?;
        let post_render = self.post_render(&run.namespace);
        let running = self
            .tools
            .helm
            .upgrade(PassRequest {
                release: &run.release,
                namespace: &run.namespace,
                chart: &pinned.chart,
                values: &pinned.values,
                flags: &context.plan().helm_flags,
                no_hooks: false,
                post_render: post_render.as_ref(),
                timeout: self.limit(),
            })
            .await?;
        expect_success("upgrade", &follow(context, running).await?)
    }

    fn post_render(&self, namespace: &str) -> Option<PostRenderSpec> {
        let migrating = match self.spec.gate {
            GateMode::Traffic => self.spec.migrating.clone(),
            GateMode::Schema => None,
            GateMode::After => return None,
        };
        Some(PostRenderSpec {
            namespace: namespace.to_owned(),
            migrating,
            never_park: self.spec.database_workloads.clone(),
            gate_condition: PostRenderSpec::GATE.to_owned(),
        })
    }

    /// Waits until the gated pod's containers are ready: it has migrated and answers its own readiness probe.
    async fn first_pod(&self, context: &StepContext, name: &WorkloadName) -> Result<String, StepFailure> {
        let cluster = context.cluster();
        let workload = cluster
            .workload(name)
            .await?
            .ok_or_else(|| StepFailure::new(format!("{name} was not made by helm")))?;
        context.progress(
            format!("waiting until the first pod of {name} has started behind the gate"),
            None,
        );
        let pod = cluster
            .wait_pod(&name.namespace, &workload.selector, self.limit(), |pod| {
                judge_start(pod) != Start::Waiting
            })
            .await?;
        let pod_name = pod.metadata.name.clone().unwrap_or_default();
        match judge_start(&pod) {
            Start::Failed(why) => Err(StepFailure::new(format!("pod {pod_name} did not start: {why}"))),
            Start::Ready | Start::Waiting => Ok(pod_name),
        }
    }

    /// Whatever this pass may have started, without the database's own.
    fn stoppable(&self) -> Vec<WorkloadName> {
        self.spec
            .workloads
            .iter()
            .filter(|name| !self.spec.database_workloads.contains(name))
            .cloned()
            .collect()
    }
}

#[async_trait]
impl Step for HelmPassStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        let watch = Watch::begin(context, &self.spec).await;
        if let Some(on) = self.ground(context, &record).await? {
            if record.newest() != Some(on + 1) {
                record.revisions.push(on + 1);
            }
            context.record(&record).await?;
            self.run_helm(context).await?;
        }
        let first = match &self.spec.migrating {
            Some(name) => Some(self.first_pod(context, name).await?),
            None => None,
        };
        watch.end().await;
        Ok(Outcome::told(match first {
            Some(pod) => format!(
                "revision {}, pod {pod} ready behind the gate",
                record.newest().unwrap_or_default()
            ),
            None => format!("revision {}", record.newest().unwrap_or_default()),
        }))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let record: PassRecord = context.recorded()?.unwrap_or_default();
        let release = &context.run().release;
        if let Some(latest) = self.tools.storage.latest(release).await? {
            let latest = latest.release;
            if record.revisions.contains(&latest.revision) && latest.status.is_pending() {
                settle(
                    context,
                    &self.tools,
                    latest.revision,
                    &self.spec.hook_jobs,
                    HOOKS_END_LIMIT,
                )
                .await?;
            }
        }
        if !record.revisions.is_empty() {
            wait_for_hooks(context, &self.spec.hook_jobs, HOOKS_END_LIMIT).await?;
            stop_all(context, &self.stoppable()).await?;
        }
        Ok(Outcome::told("what the pass started is stopped"))
    }
}
