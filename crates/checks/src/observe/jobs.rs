//! Jobs that stand in a hook's way.

use cluster::{ApiError, Cluster};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, ListParams};
use model::{HookJob, Seen};

/// The Jobs of the namespace that no controller made. Hooks carry no mark of their release, and what blocks a hook is
/// its name alone, so all of them are facts.
pub(super) async fn hook_jobs(cluster: &Cluster, namespace: &str) -> Seen<Vec<HookJob>> {
    let api: Api<Job> = Api::namespaced(cluster.client.clone(), namespace);
    let jobs = api
        .list(&ListParams::default())
        .await
        .map_err(|source| ApiError::new(format!("list jobs in namespace {namespace}"), source));
    Seen::from_result(jobs.map(|jobs| Some(jobs.into_iter().filter_map(fact).collect())))
}

fn fact(job: Job) -> Option<HookJob> {
    if job
        .metadata
        .owner_references
        .is_some_and(|owners| !owners.is_empty())
    {
        return None;
    }
    let conditions = job
        .status
        .and_then(|status| status.conditions)
        .unwrap_or_default();
    let is = |kind: &str| {
        conditions
            .iter()
            .any(|condition| condition.type_ == kind && condition.status == "True")
    };
    let succeeded = is("Complete");
    Some(HookJob {
        name: job.metadata.name?,
        active: !succeeded && !is("Failed"),
        succeeded,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(value: serde_json::Value) -> Option<HookJob> {
        fact(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_job_is_active_until_it_says_how_it_ended() {
        let new = job(serde_json::json!({"metadata": {"name": "migrate"}})).unwrap();
        assert!(new.active && !new.succeeded);
        let ended = |kind: &str| {
            job(serde_json::json!({
                "metadata": {"name": "migrate"},
                "status": {"conditions": [{"type": kind, "status": "True"}]}
            }))
            .unwrap()
        };
        assert!(ended("Complete").succeeded && !ended("Complete").active);
        assert!(!ended("Failed").succeeded && !ended("Failed").active);
    }

    #[test]
    fn a_job_of_a_cron_job_is_none_of_a_hooks() {
        let owned = job(
            serde_json::json!({"metadata": {"name": "tidy-1", "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tidy", "uid": "1"}
            ]}}),
        );
        assert_eq!(owned, None);
    }
}
