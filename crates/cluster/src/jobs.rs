//! Jobs, above all those that Helm hooks run. Hooks carry no release annotation: they are known by name.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;

use crate::disown::disown;
use crate::error::Asked;
use crate::wait::{Judgement, Selector, watch_until};
use crate::{ApiError, Cluster, FIELD_MANAGER, WaitError};

/// The label by which the Job controller marks a Job's pods.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

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

/// The selector of a Job's pods.
pub fn job_pods(job: &str) -> Selector {
    Selector::from([(JOB_NAME.to_owned(), job.to_owned())])
}

impl Cluster {
    /// The longest grace period of a Job's pods, in seconds; 0 where it has none.
    ///
    /// # Errors
    /// When pods cannot be listed.
    pub async fn grace_of_job(&self, namespace: &str, job: &str) -> Result<i64, ApiError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let pods = api
            .list(&ListParams::default().labels(&format!("{JOB_NAME}={job}")))
            .await
            .asked(|| format!("list the pods of job/{job} in namespace {namespace}"))?;
        let grace = |pod: &Pod| pod.spec.as_ref()?.termination_grace_period_seconds;
        Ok(pods.items.iter().filter_map(grace).max().unwrap_or(0))
    }

    /// Ends a Job as its own deadline would: the Job controller stops its pods and marks it `Failed` with reason
    /// `DeadlineExceeded`, as after any failed hook. Leaves no entry in its managedFields. A Job that does not exist has
    /// ended. Idempotent.
    ///
    /// # Errors
    /// When the Job cannot be patched.
    pub async fn end_job(&self, namespace: &str, job: &str) -> Result<(), ApiError> {
        let api = Api::<Job>::namespaced(self.client.clone(), namespace);
        let what = || format!("job/{job} in namespace {namespace}");
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        // A deadline counts from the Job's start, so one second is over as soon as it is written.
        let change = Patch::Merge(json!({ "spec": { "activeDeadlineSeconds": 1 } }));
        match api
            .patch(job, &params, &change)
            .await
            .asked(|| format!("end {}", what()))
        {
            Ok(_) => disown(&api, job, what).await,
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use crate::fake::answers;

    fn job(managers: &[&str]) -> Value {
        let entries: Vec<Value> = managers.iter().map(|name| json!({ "manager": name })).collect();
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": "migrate", "resourceVersion": "7", "managedFields": entries },
        })
    }

    #[tokio::test]
    async fn a_job_is_ended_by_its_deadline_and_no_field_stays_ours() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let cluster = answers(move |request, body| {
            heard.lock().unwrap().push((request.to_owned(), body.to_owned()));
            (200, job(&["helm", "safe-upgrade"]))
        })
        .await;
        cluster.end_job("shop", "migrate").await.unwrap();
        let asked = asked.lock().unwrap();
        let path = "/apis/batch/v1/namespaces/shop/jobs/migrate?";
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert_eq!(asked[0].0, format!("PATCH {path}&fieldManager=safe-upgrade"));
        assert_eq!(asked[0].1, r#"{"spec":{"activeDeadlineSeconds":1}}"#);
        assert!(
            asked[2].1.contains(r#""value":"7""#) && asked[2].1.contains("/metadata/managedFields/1"),
            "{asked:?}"
        );
    }

    #[tokio::test]
    async fn a_job_that_is_gone_has_ended_and_one_that_may_not_be_ended_is_an_error() {
        let status =
            |code: u16| json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code });
        let gone = answers(move |_, _| (404, status(404))).await;
        gone.end_job("shop", "migrate").await.unwrap();
        let refused = answers(move |_, _| (403, status(403))).await;
        let error = refused.end_job("shop", "migrate").await.unwrap_err();
        assert!(error.to_string().contains("end job/migrate"), "{error}");
    }
}
