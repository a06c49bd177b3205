//! The first pass of helm, watched until the migration has ended.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cluster::JobEnd;
use engine::steps::first_trouble;
use engine::{Exposure, Outcome, Step, StepContext, StepFailure, StepKind};
use helm::{PassRequest, PostRenderSpec};
use model::{GateMode, HelmPass, PlannedStep, WorkloadKind, WorkloadName};

use super::exposure::exposure;
use super::foreign::{remember_foreign, stopped};
use super::ground::{announce, gave_way, ground};
use super::hooks::{ADDRESS_LIMIT, Heading, end_hooks};
use super::orphans::end_orphans;
use super::run_helm::{expect_success, follow};
use super::settle::mark_failed;
use super::slow::too_slow;
use super::stop_all::{has_scale, stop_all};
use crate::Tools;
use crate::standing::{PassRecord, is_known};
use crate::watch::{Start, Watch, judge_start};

/// How long helm may take to end when a migration is broken off: its supervisor gives it 15 s.
const BROKEN_OFF: Duration = Duration::from_secs(20);

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

    /// Adds to helm's own words how the hook Job that still runs and the database stood.
    async fn explained(&self, context: &StepContext, failure: StepFailure, watch: &Watch) -> StepFailure {
        let mut words = vec![failure.text()];
        let namespace = &context.run().namespace;
        // Both only explain: what cannot be read is left out.
        let jobs = context.cluster().hook_jobs(namespace, &self.spec.hook_jobs).await;
        for job in jobs.unwrap_or_default() {
            match job.end {
                None => words.push(format!(
                    "hook job {} still runs; look with: kubectl logs job/{} -n {namespace}",
                    job.name, job.name
                )),
                Some(JobEnd::Failed(why)) => {
                    let name = WorkloadName {
                        kind: WorkloadKind::Job,
                        namespace: namespace.clone(),
                        name: job.name,
                    };
                    words.push(format!("hook job {} failed: {why}", name.name));
                    words.extend(first_trouble(context.cluster(), &name).await);
                }
                Some(JobEnd::Complete) => {}
            }
        }
        words.extend(watch.last_words());
        StepFailure::new(words.join("; "))
    }

    /// Runs helm where it has not come through yet, and waits for the first pod.
    async fn migrate(
        &self,
        context: &StepContext,
        record: &mut PassRecord,
        watch: &Watch,
    ) -> Result<Outcome, StepFailure> {
        let (base, hooks) = (self.spec.base_revision, &self.spec.hook_jobs);
        if let Some(on) = ground(context, &self.tools, base, record, hooks, self.limit()).await? {
            if record.revisions.is_empty() {
                self.writers_are_stopped(context).await?;
            }
            announce(context, record, on, false).await?;
            if let Err(failure) = self.run_helm(context).await {
                let failure = gave_way(context, record, failure).await;
                return Err(self.explained(context, failure, watch).await);
            }
        }
        let first = match &self.spec.migrating {
            Some(name) => match self.first_pod(context, name).await {
                Ok(pod) => Some(pod),
                Err(failure) => return Err(self.explained(context, failure, watch).await),
            },
            None => None,
        };
        Ok(Outcome::told(match first {
            Some(pod) => format!(
                "revision {}, pod {pod} ready behind the gate",
                record.newest().unwrap_or_default()
            ),
            None => format!("revision {}", record.newest().unwrap_or_default()),
        }))
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
            .await;
        let pod = match pod {
            Ok(pod) => pod,
            Err(error) => {
                let error = format!("the first pod of {name} did not start: {}", model::causes(&error));
                return Err(StepFailure::new(match first_trouble(cluster, name).await {
                    Some(trouble) => format!("{error}; {trouble}"),
                    None => error,
                }));
            }
        };
        let pod_name = pod.metadata.name.clone().unwrap_or_default();
        match judge_start(&pod) {
            Start::Failed(why) => Err(StepFailure::new(format!("pod {pod_name} did not start: {why}"))),
            Start::Ready | Start::Waiting => Ok(pod_name),
        }
    }

    /// Fails when something that this run stopped runs again: what it writes would be lost if the run turned back.
    async fn writers_are_stopped(&self, context: &StepContext) -> Result<(), StepFailure> {
        for name in &stopped(context) {
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
        let cluster = context.cluster();
        let (mut selectors, mut others) = (Vec::new(), Vec::new());
        for name in self.stoppable() {
            match cluster.workload(&name).await? {
                Some(workload) if has_scale(name.kind) => selectors.push(workload.selector),
                // What has no selector of its own is told by its owner alone.
                Some(workload) => others.push(workload),
                None => {}
            }
        }
        let namespace = &context.run().namespace;
        let addresses = cluster
            .pod_addresses(namespace, &selectors, ADDRESS_LIMIT)
            .await?;
        let pods = cluster.pods_of(&others).await?;
        record.addresses.extend(pods.into_iter().filter_map(|pod| pod.ip));
        record.addresses.extend(addresses);
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
        let begun = record.begun_at.as_ref().and_then(|begun| begun.parse().ok());
        let begun = begun.unwrap_or_else(|| context.clock().now());
        let stop = context.cancel().child_token();
        let inner = context.under(stop.clone());
        let ended = {
            let mut work = pin!(self.migrate(&inner, &mut record, &watch));
            let ended = tokio::select! {
                biased;
                migrated = &mut work => Ok(migrated),
                why = too_slow(context, begun, self.spec.usual_seconds) => Err(why),
            };
            if ended.is_err() {
                stop.cancel();
                // helm ends in order; one that does not in this time ends with what is dropped here.
                drop(tokio::time::timeout(BROKEN_OFF, work).await);
            }
            ended
        };
        match ended {
            Ok(Ok(outcome)) => {
                watch.end().await;
                Ok(outcome)
            }
            Ok(Err(failure)) => Err(failure),
            Err(why) => Err(self.explained(context, StepFailure::new(why), &watch).await),
        }
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut record: PassRecord = context.recorded()?.unwrap_or_default();
        let release = &context.run().release;
        if record.revisions.is_empty() {
            return Ok(Outcome::told("the pass had not begun"));
        }
        let latest = self
            .tools
            .storage
            .latest(release)
            .await?
            .map(|latest| latest.release);
        if let Some(latest) = &latest {
            self.newest_is_known(context, &record, latest.revision).await?;
        }
        let hooks = &self.spec.hook_jobs;
        let ended = end_hooks(context, hooks, self.limit(), &mut record, Heading::Back).await?;
        if let Some(latest) = latest
            && record.revisions.contains(&latest.revision)
            && latest.status.is_pending()
        {
            mark_failed(context, &self.tools, latest.revision).await?;
        }
        remember_foreign(context, &self.spec, &mut record).await?;
        self.remember_addresses(context, &mut record).await?;
        stop_all(context, &self.stoppable()).await?;
        if let Some(database) = &self.spec.database {
            end_orphans(context, database, &record.addresses).await?;
        }
        let stopped = "what the pass started is stopped";
        Ok(Outcome::told(match ended {
            Some(ended) => format!("{stopped}; {ended}"),
            None => stopped.to_owned(),
        }))
    }

    /// Opens nothing: that the gate should open was never decided. Says what stands behind it.
    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let opened: PassRecord = context.recorded_by(StepKind::OpenTraffic)?.unwrap_or_default();
        let record: PassRecord = context.recorded()?.unwrap_or_default();
        let Some(name) = self.spec.migrating.as_ref().filter(|_| !opened.opened) else {
            return Ok(None);
        };
        Ok((!record.revisions.is_empty()).then(|| {
            format!(
                "revision {} parks all but one pod of {name}, which stays behind a closed gate: apply the chart or roll \
                 back with helm",
                record.newest().unwrap_or_default()
            )
        }))
    }

    async fn exposure(&self, context: &StepContext) -> Result<Exposure, StepFailure> {
        exposure(context, &context.recorded::<PassRecord>()?.unwrap_or_default()).await
    }
}
