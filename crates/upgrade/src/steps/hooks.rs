//! Hook Jobs on the way back, and those of a revision that is taken over: they may end by themselves for as long as the
//! upgrade itself would have waited; then they are ended.

use std::time::Duration;

use cluster::{JobFacts, Selector, WaitError, job_pods};
use engine::{StepContext, StepFailure};

use crate::standing::PassRecord;

/// What the end of a Job gets on top of its pods' grace period: the kubelet reports a dead pod within its sync period.
const MARGIN: Duration = Duration::from_secs(60);

/// How long the kubelet may take to say the address of a pod that it has started.
pub(crate) const ADDRESS_LIMIT: Duration = Duration::from_secs(15);

/// Where the run is heading while it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heading {
    /// On: an interrupt turns the run back.
    On,
    /// Back: an interrupt cuts the wait short.
    Back,
}

impl Heading {
    /// What an interrupt does to the wait.
    fn interrupt(self) -> &'static str {
        match self {
            Self::On => "",
            Self::Back => "; interrupt to end it now",
        }
    }
}

/// Waits until the hook Jobs of a pass have ended: at most `limit`, or, on the way back, until the user presses for it; what
/// runs then is ended as by its own deadline. A migration that was told nothing is let end first, because what it does outside of a
/// transaction is not taken back by ending it.
///
/// Journals the addresses of the pods before they are ended: their sessions may outlive them. Says what was ended.
pub(crate) async fn end_hooks(
    context: &StepContext,
    hook_jobs: &[String],
    limit: Duration,
    record: &mut PassRecord,
    heading: Heading,
) -> Result<Option<String>, StepFailure> {
    let namespace = &context.run().namespace;
    if hook_jobs.is_empty() {
        return Ok(None);
    }
    let told = |jobs: &[JobFacts]| {
        let running = running(jobs);
        if !running.is_empty() {
            context.progress(
                format!(
                    "waiting up to {} s for hook job {} to end by itself, then it is ended{}",
                    limit.as_secs(),
                    running.join(", "),
                    heading.interrupt()
                ),
                None,
            );
        }
    };
    let waiting = context
        .cluster()
        .wait_jobs_ended(namespace, hook_jobs, limit, told);
    let why = tokio::select! {
        ended = waiting => match ended {
            Ok(_) => return Ok(None),
            Err(WaitError::TimedOut { .. }) => format!("did not end within {} s", limit.as_secs()),
            Err(error) => return Err(error.into()),
        },
        () = context.hurry().cancelled() => "was not waited for on the user's word".to_owned(),
    };
    let jobs = context.cluster().hook_jobs(namespace, hook_jobs).await?;
    let running: Vec<String> = running(&jobs).into_iter().map(str::to_owned).collect();
    if running.is_empty() {
        return Ok(None);
    }
    end(context, &running, record).await?;
    Ok(Some(format!(
        "hook job {} {why} and was ended",
        running.join(", ")
    )))
}

async fn end(context: &StepContext, jobs: &[String], record: &mut PassRecord) -> Result<(), StepFailure> {
    let (cluster, namespace) = (context.cluster(), &context.run().namespace);
    let selectors: Vec<Selector> = jobs.iter().map(|job| job_pods(job)).collect();
    let addresses = cluster
        .pod_addresses(namespace, &selectors, ADDRESS_LIMIT)
        .await?;
    record.addresses.extend(addresses);
    record.ended_hooks.extend(jobs.iter().cloned());
    let mut grace = 0;
    for job in jobs {
        grace = grace.max(cluster.grace_of_job(namespace, job).await?);
    }
    record.addresses.sort();
    record.addresses.dedup();
    record.ended_hooks.dedup();
    context.record(record).await?;
    for job in jobs {
        context.progress(format!("ending hook job {job}"), None);
        cluster.end_job(namespace, job).await?;
    }
    let limit = Duration::from_secs(u64::try_from(grace).unwrap_or(0)) + MARGIN;
    cluster.wait_jobs_ended(namespace, jobs, limit, |_| {}).await?;
    cluster
        .wait_pods_gone(namespace, &selectors, limit, |_| {})
        .await?;
    Ok(())
}

fn running(jobs: &[JobFacts]) -> Vec<&str> {
    jobs.iter()
        .filter(|job| job.end.is_none())
        .map(|job| job.name.as_str())
        .collect()
}
