//! The first pass of helm, watched until the migration has ended.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use helm::{PassRequest, PostRenderSpec};
use model::{GateMode, HelmPass, PlannedStep, StepSpec, WorkloadName};

use super::orphans::end_orphans;
use super::run_helm::{expect_success, follow};
use super::settle::{settle, wait_for_hooks};
use super::stop_all::stop_all;
use crate::Tools;
use crate::standing::{PassRecord, Standing, is_known, standing, wrote_nothing};
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

    /// Fails when something that this run stopped runs again: what it writes would be lost if the run turned back.
    async fn writers_are_stopped(&self, context: &StepContext) -> Result<(), StepFailure> {
        let mut stopped: Vec<WorkloadName> = Vec::new();
        for step in &context.plan().steps {
            if let StepSpec::Quiesce(quiesce) = &step.spec {
                stopped.extend(quiesce.targets.iter().map(|target| target.workload.clone()));
            }
        }
        for name in &stopped {
            let replicas = context.cluster().scale(name).await?.replicas;
            if replicas != 0 {
                return Err(StepFailure::new(format!(
                    "{name} was stopped by this run, and somebody else has scaled it to {replicas} since"
                )));
            }
        }
        Ok(())
    }

    /// Fails when somebody else wrote the newest revision: turning back would undo it, and lose what its pods wrote.
    /// A person may agree to that.
    async fn newest_is_known(
        &self,
        context: &StepContext,
        record: &PassRecord,
        latest: u32,
    ) -> Result<(), StepFailure> {
        let opened: PassRecord = context.recorded_by(StepKind::OpenTraffic)?.unwrap_or_default();
        if is_known(self.spec.base_revision, &[record, &opened], latest) || context.price_agreed() {
            return Ok(());
        }
        Err(StepFailure::new(format!(
            "revision {latest} of {} was written by somebody else since this run began; turning back would undo it and \
             lose what was written to the database since the backup, so nothing was touched (`abort --accept-loss` does it)",
            context.run().release
        )))
    }

    /// Journals the addresses of the pods that are about to be stopped: their sessions may outlive them.
    async fn remember_addresses(
        &self,
        context: &StepContext,
        record: &mut PassRecord,
    ) -> Result<(), StepFailure> {
        let mut workloads = Vec::new();
        for name in self.stoppable() {
            workloads.extend(context.cluster().workload(&name).await?);
        }
        let pods = context.cluster().pods_of(&workloads).await?;
        record.addresses.extend(pods.into_iter().filter_map(|pod| pod.ip));
        record.addresses.sort();
        record.addresses.dedup();
        context.record(record).await
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
            if record.revisions.is_empty() {
                self.writers_are_stopped(context).await?;
            }
            if record.newest() != Some(on + 1) {
                record.revisions.push(on + 1);
            }
            context.record(&record).await?;
            if let Err(failure) = self.run_helm(context).await {
                if wrote_nothing(&failure.text()) {
                    record.revisions.pop();
                    context.record(&record).await?;
                }
                return Err(failure);
            }
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
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        let release = &context.run().release;
        if let Some(latest) = self.tools.storage.latest(release).await? {
            let latest = latest.release;
            if !record.revisions.is_empty() {
                self.newest_is_known(context, &record, latest.revision).await?;
            }
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
            self.remember_addresses(context, &mut record).await?;
            stop_all(context, &self.stoppable()).await?;
            if let Some(database) = &self.spec.database {
                end_orphans(context, database, &record.addresses).await?;
            }
        }
        Ok(Outcome::told("what the pass started is stopped"))
    }
}
