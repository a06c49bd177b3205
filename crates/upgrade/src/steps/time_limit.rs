//! A Job of the cluster that brings a quiesced release back when its time is up.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{ObjectName, Selector};
use engine::steps::first_trouble;
use engine::{Outcome, Step, StepContext, StepFailure};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ContainerState, Pod};
use model::{PlannedStep, StepSpec, SuspendTarget, TimeLimit, WorkloadKind, WorkloadName};
use serde::{Deserialize, Serialize};

use super::limit_job::{CONTAINER, LimitJob, RUN_VARIABLE};

/// How long its pod may take to run: an image may have to be pulled.
const STARTS: Duration = Duration::from_secs(180);
/// How long the program in it may take to say that it has found the run and waits.
const SPEAKS: Duration = Duration::from_secs(30);

pub(crate) struct TimeLimitStep {
    planned: PlannedStep,
    spec: TimeLimit,
}

/// Written before the Job is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Limit {
    /// When everything is brought back (RFC 3339).
    until: String,
}

impl TimeLimitStep {
    pub(crate) fn new(planned: PlannedStep, spec: TimeLimit) -> Self {
        Self { planned, spec }
    }

    async fn limit(&self, context: &StepContext) -> Result<Limit, StepFailure> {
        if let Some(limit) = context.recorded()? {
            return Ok(limit);
        }
        let now: Timestamp = context.now().parse()?;
        let seconds = i64::try_from(self.spec.seconds)?;
        let limit = Limit {
            until: now.checked_add(SignedDuration::from_secs(seconds))?.to_string(),
        };
        context.record(&limit).await?;
        Ok(limit)
    }
}

#[async_trait]
impl Step for TimeLimitStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let Limit { until } = self.limit(context).await?;
        let job = LimitJob {
            namespace: context.run().namespace.clone(),
            release: context.run().release.clone(),
            run: context.run().id.clone(),
            image: self.spec.image.clone(),
            until,
        };
        let cluster = context.cluster();
        let name = name_of(context);
        cluster.apply(&job.object(true)).await?;
        let uid = cluster.uid(&name).await?;
        let uid = uid.ok_or_else(|| StepFailure::new(format!("{name} was removed by somebody else")))?;
        for object in job.rights(&uid, &held(context)) {
            cluster.apply(&object).await?;
        }
        cluster.apply(&job.object(false)).await?;
        if let Err(error) = says_that_it_waits(context, &name).await {
            let why = error.text();
            return Err(StepFailure::new(match first_trouble(cluster, &name).await {
                Some(trouble) => format!("{why}; {trouble}"),
                None => why,
            }));
        }
        Ok(Outcome::told(format!(
            "{name} waits and brings everything back at {}",
            job.until
        )))
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        remove(context).await?;
        Ok(Outcome::quiet())
    }

    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        let removed = remove(context).await?;
        Ok(removed.then(|| "the time limit is lifted".to_owned()))
    }
}

/// Waits until the program in the Job's pod says that it has found the run: an image that cannot be pulled, one that does
/// not hold the program, or a missing right shows here, before anything is stopped.
async fn says_that_it_waits(context: &StepContext, name: &WorkloadName) -> Result<(), StepFailure> {
    let cluster = context.cluster();
    let selector = Selector::from([("batch.kubernetes.io/job-name".to_owned(), name.name.clone())]);
    context.progress(format!("waiting for {name} to run"), None);
    let pod = cluster
        .wait_pod(&name.namespace, &selector, STARTS, |pod| {
            runs(pod) || cannot_start(pod)
        })
        .await?;
    if cannot_start(&pod) {
        return Err(StepFailure::new(format!("{name} does not start")));
    }
    let pod = pod.metadata.name.unwrap_or_default();
    let mut lines = cluster.follow_logs(&name.namespace, &pod, CONTAINER, false);
    let mut said = Vec::new();
    let hearing = async {
        while let Some(line) = lines.next().await {
            let line = line?;
            if line.contains(&context.run().id) {
                return Ok(());
            }
            said.push(line);
        }
        Err(StepFailure::new(format!(
            "pod {pod} ended without waiting: {}",
            said.join(" ")
        )))
    };
    match tokio::time::timeout(SPEAKS, hearing).await {
        Ok(heard) => heard,
        Err(_) => Err(StepFailure::new(format!(
            "pod {pod} did not say within {} s that it waits",
            SPEAKS.as_secs()
        ))),
    }
}

fn states(pod: &Pod) -> impl Iterator<Item = &ContainerState> {
    let containers = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.as_deref());
    containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.state.as_ref())
}

fn runs(pod: &Pod) -> bool {
    states(pod).any(|state| state.running.is_some())
}

/// Reasons of the kubelet after which a container does not start by waiting.
const IN_VAIN: [&str; 5] = [
    "InvalidImageName",
    "ErrImagePull",
    "ImagePullBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
];

fn cannot_start(pod: &Pod) -> bool {
    states(pod).any(|state| {
        let waiting = state.waiting.as_ref();
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        reason.is_some_and(|reason| IN_VAIN.contains(&reason))
    })
}

fn name_of(context: &StepContext) -> WorkloadName {
    WorkloadName {
        kind: WorkloadKind::Job,
        namespace: context.run().namespace.clone(),
        name: LimitJob::name(&context.run().id),
    }
}

/// What the run holds: the rights of the Job depend on it.
fn held(context: &StepContext) -> Vec<SuspendTarget> {
    let steps = context.plan().steps.iter();
    steps
        .filter_map(|step| match &step.spec {
            StepSpec::Suspend(suspend) => Some(suspend.targets.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// Removes the Job, and with it what belongs to it. When this process is that very Job, it has to write down the end of
/// the run yet: it ends by itself then, and the cluster removes it a minute later.
async fn remove(context: &StepContext) -> Result<bool, StepFailure> {
    if std::env::var(RUN_VARIABLE).is_ok_and(|run| run == context.run().id) {
        return Ok(false);
    }
    let WorkloadName { namespace, name, .. } = name_of(context);
    Ok(context
        .cluster()
        .remove(&ObjectName {
            api_version: "batch/v1".into(),
            kind: "Job".into(),
            namespace: Some(namespace),
            name,
        })
        .await?)
}
