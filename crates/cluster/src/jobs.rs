//! Jobs, above all those that Helm hooks run. Hooks carry no release annotation: they are known by name.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::api::Api;

use crate::wait::{Judgement, watch_until};
use crate::{ApiError, Cluster, WaitError};

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Condition `Complete`.
    Complete,
    /// Condition `Failed`, with its reason and message.
    Failed(String),
}

/// A Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Its name.
    pub name: String,
    /// Its UID: a hook Job is deleted and made anew under the same name.
    pub uid: String,
    /// `status.active`: pods that run or wait to run.
    pub active: i32,
    /// `status.failed`: pods that failed so far.
    pub failed: i32,
    /// How it ended; `None` while it runs.
    pub end: Option<JobEnd>,
}

impl Cluster {
    /// Those of the named Jobs that exist.
    ///
    /// # Errors
    /// When Jobs cannot be listed.
    pub async fn hook_jobs(&self, namespace: &str, names: &[String]) -> Result<Vec<JobFacts>, ApiError> {
        let jobs = self.listed::<Job>(namespace).await?;
        Ok(jobs
            .iter()
            .map(facts)
            .filter(|job| names.contains(&job.name))
            .collect())
    }

    /// Waits until each of the named Jobs has ended or does not exist, and returns those that exist.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when Jobs cannot be watched.
    pub async fn wait_jobs_ended(
        &self,
        namespace: &str,
        names: &[String],
        limit: Duration,
        mut progress: impl FnMut(&[JobFacts]) + Send,
    ) -> Result<Vec<JobFacts>, WaitError> {
        let api = Api::<Job>::namespaced(self.client.clone(), namespace);
        let what = format!("the end of job {}", names.join(", "));
        watch_until(
            api,
            kube::runtime::watcher::Config::default(),
            what,
            limit,
            |jobs| {
                let found: Vec<JobFacts> = jobs
                    .values()
                    .map(facts)
                    .filter(|job| names.contains(&job.name))
                    .collect();
                progress(&found);
                let running: Vec<&str> = found
                    .iter()
                    .filter(|job| job.end.is_none())
                    .map(|job| job.name.as_str())
                    .collect();
                if running.is_empty() {
                    Judgement::Done(found)
                } else {
                    Judgement::Wait(format!("still running: {}", running.join(", ")))
                }
            },
        )
        .await
    }
}

pub(crate) fn facts(job: &Job) -> JobFacts {
    let status = job.status.as_ref();
    JobFacts {
        name: job.metadata.name.clone().unwrap_or_default(),
        uid: job.metadata.uid.clone().unwrap_or_default(),
        active: status.and_then(|status| status.active).unwrap_or(0),
        failed: status.and_then(|status| status.failed).unwrap_or(0),
        end: end(job),
    }
}

fn end(job: &Job) -> Option<JobEnd> {
    job.status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten())
        .filter(|condition| condition.status == "True")
        .find_map(|condition| match condition.type_.as_str() {
            "Complete" => Some(JobEnd::Complete),
            "Failed" => {
                let words = [condition.reason.as_deref(), condition.message.as_deref()];
                Some(JobEnd::Failed(
                    words.into_iter().flatten().collect::<Vec<_>>().join(": "),
                ))
            }
            _ => None,
        })
}
