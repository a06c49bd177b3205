//! Waits for roll-outs.

use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::Resource;
use kube::api::Api;
use kube::runtime::watcher::Config;
use model::{UpdateStrategy, Workload, WorkloadKind, WorkloadName};
use serde::de::DeserializeOwned;

use super::{Judgement, WaitError, watch_until};
use crate::Cluster;
use crate::jobs::{self, JobEnd};
use crate::workloads::{of_cron_job, of_daemon_set, of_deployment, of_job, of_stateful_set};

impl Cluster {
    /// Waits until a workload runs its newest template with every pod ready and no old one left. A CronJob has nothing
    /// to roll out; a Job is rolled out when it is complete.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when its `progressDeadlineSeconds` have passed, it is paused, it
    /// does not exist, or its pods change only by hand; or when it cannot be watched.
    pub async fn wait_rolled_out(
        &self,
        workload: &WorkloadName,
        limit: Duration,
        progress: impl FnMut(&Workload) + Send,
    ) -> Result<(), WaitError> {
        match workload.kind {
            WorkloadKind::Deployment => {
                self.roll_out::<Deployment>(workload, limit, of_deployment, deployment, progress)
                    .await
            }
            WorkloadKind::StatefulSet => {
                self.roll_out::<StatefulSet>(workload, limit, of_stateful_set, stateful_set, progress)
                    .await
            }
            WorkloadKind::DaemonSet => {
                self.roll_out::<DaemonSet>(workload, limit, of_daemon_set, daemon_set, progress)
                    .await
            }
            WorkloadKind::CronJob => {
                self.roll_out::<CronJob>(workload, limit, of_cron_job, |_| Judgement::Done(()), progress)
                    .await
            }
            WorkloadKind::Job => self.roll_out::<Job>(workload, limit, of_job, job, progress).await,
        }
    }

    async fn roll_out<K>(
        &self,
        name: &WorkloadName,
        limit: Duration,
        facts: fn(&K) -> Workload,
        judge: fn(&K) -> Judgement<()>,
        mut progress: impl FnMut(&Workload) + Send,
    ) -> Result<(), WaitError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned,
        K: std::fmt::Debug + Send + 'static,
    {
        let api = Api::<K>::namespaced(self.client.clone(), &name.namespace);
        let config = Config::default().fields(&format!("metadata.name={}", name.name));
        let what = format!("the roll-out of {name}");
        watch_until(api, config, what, limit, |objects| {
            match objects.get(&name.name) {
                Some(object) => {
                    progress(&facts(object));
                    judge(object)
                }
                None => Judgement::Stalled("it does not exist".to_owned()),
            }
        })
        .await
    }
}

fn deployment(deployment: &Deployment) -> Judgement<()> {
    let status = deployment.status.clone().unwrap_or_default();
    if status.observed_generation < deployment.metadata.generation {
        return Judgement::Wait("its controller has not seen the change".to_owned());
    }
    let desired = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let updated = status.updated_replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    let total = status.replicas.unwrap_or(0);
    if updated == desired && available == desired && total == desired {
        return Judgement::Done(());
    }
    if deployment.spec.as_ref().and_then(|spec| spec.paused) == Some(true) {
        return Judgement::Stalled("it is paused".to_owned());
    }
    let late = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.reason.as_deref() == Some("ProgressDeadlineExceeded"));
    if let Some(late) = late {
        let words = late.message.clone();
        return Judgement::Stalled(words.unwrap_or_else(|| "its progress deadline has passed".to_owned()));
    }
    Judgement::Wait(format!(
        "{available} of {desired} pods ready, {updated} of the new version, {} of an older one",
        total - updated
    ))
}

fn stateful_set(set: &StatefulSet) -> Judgement<()> {
    let status = set.status.clone().unwrap_or_default();
    if status.observed_generation < set.metadata.generation {
        return Judgement::Wait("its controller has not seen the change".to_owned());
    }
    let spec = set.spec.as_ref();
    let desired = spec.and_then(|spec| spec.replicas).unwrap_or(1);
    let partition = spec
        .and_then(|spec| spec.update_strategy.as_ref()?.rolling_update.as_ref()?.partition)
        .unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let ready = status.ready_replicas.unwrap_or(0);
    let total = status.replicas;
    // Pods below the partition keep the old template by the user's own wish.
    if updated >= desired - partition.min(desired) && ready == desired && total == desired {
        return Judgement::Done(());
    }
    let by_hand = of_stateful_set(set).strategy == UpdateStrategy::OnDelete;
    if by_hand && ready == desired && updated < desired {
        return Judgement::Stalled("its pods change only when they are deleted (OnDelete)".to_owned());
    }
    Judgement::Wait(format!(
        "{ready} of {desired} pods ready, {updated} of the new version"
    ))
}

fn daemon_set(set: &DaemonSet) -> Judgement<()> {
    let status = set.status.clone().unwrap_or_default();
    if status.observed_generation < set.metadata.generation {
        return Judgement::Wait("its controller has not seen the change".to_owned());
    }
    let desired = status.desired_number_scheduled;
    let updated = status.updated_number_scheduled.unwrap_or(0);
    let available = status.number_available.unwrap_or(0);
    if updated == desired && available == desired {
        return Judgement::Done(());
    }
    let by_hand = of_daemon_set(set).strategy == UpdateStrategy::OnDelete;
    if by_hand && available == desired {
        return Judgement::Stalled("its pods change only when they are deleted (OnDelete)".to_owned());
    }
    Judgement::Wait(format!(
        "{available} of {desired} pods ready, {updated} of the new version"
    ))
}

fn job(job: &Job) -> Judgement<()> {
    match jobs::facts(job).end {
        Some(JobEnd::Complete) => Judgement::Done(()),
        Some(JobEnd::Failed(words)) => Judgement::Stalled(words),
        None => Judgement::Wait("it runs".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Judgement, deployment, stateful_set};
    use serde_json::{Value, json};

    fn word<T>(judgement: Judgement<T>) -> String {
        match judgement {
            Judgement::Done(_) => "done".to_owned(),
            Judgement::Wait(state) => format!("wait: {state}"),
            Judgement::Stalled(reason) => format!("stalled: {reason}"),
        }
    }

    fn judged(spec: Value, status: Value) -> String {
        let mut object = json!({"metadata": {"generation": 4},
            "spec": {"replicas": 2, "selector": {}, "template": {}}, "status": {"observedGeneration": 4}});
        for (key, value) in spec.as_object().unwrap() {
            object["spec"][key] = value.clone();
        }
        for (key, value) in status.as_object().unwrap() {
            object["status"][key] = value.clone();
        }
        word(deployment(&serde_json::from_value(object).unwrap()))
    }

    fn all(count: i32) -> Value {
        json!({"replicas": count, "updatedReplicas": count, "availableReplicas": count})
    }

    #[test]
    fn a_deployment_is_rolled_out_when_all_pods_are_new_and_available() {
        assert_eq!(judged(json!({}), all(2)), "done");
    }

    #[test]
    fn an_old_pod_left_over_is_waited_for() {
        let status = json!({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 2});
        assert_eq!(
            judged(json!({}), status),
            "wait: 2 of 2 pods ready, 2 of the new version, 1 of an older one"
        );
    }

    #[test]
    fn numbers_of_an_older_generation_do_not_count() {
        let mut status = all(2);
        status["observedGeneration"] = json!(3);
        assert_eq!(
            judged(json!({}), status),
            "wait: its controller has not seen the change"
        );
    }

    #[test]
    fn a_passed_progress_deadline_ends_the_wait() {
        let status = json!({"replicas": 2, "updatedReplicas": 1, "conditions": [{"type": "Progressing",
            "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out progressing"}]});
        assert_eq!(judged(json!({}), status), "stalled: timed out progressing");
    }

    #[test]
    fn a_paused_deployment_is_not_waited_for() {
        assert_eq!(
            judged(json!({"paused": true}), json!({"replicas": 2})),
            "stalled: it is paused"
        );
    }

    #[test]
    fn a_stateful_set_keeps_old_pods_below_its_partition() {
        let set = |partition: i32| {
            json!({"metadata": {"generation": 1},
                "spec": {"replicas": 3, "selector": {}, "template": {},
                    "updateStrategy": {"rollingUpdate": {"partition": partition}}},
                "status": {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 1}})
        };
        assert_eq!(
            word(stateful_set(&serde_json::from_value(set(2)).unwrap())),
            "done"
        );
        assert_eq!(
            word(stateful_set(&serde_json::from_value(set(0)).unwrap())),
            "wait: 3 of 3 pods ready, 1 of the new version"
        );
    }
}
