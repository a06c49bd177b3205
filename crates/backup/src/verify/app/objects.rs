//! The objects that a restore test with an application makes: one Job, and the policy that goes with it.

use std::collections::BTreeMap;

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use kube::api::ObjectMeta;

use super::server::{SERVER, WORK};
use crate::helper_pod::{HelperVolume, PodShape};
use crate::script::THROW_AWAY;
use crate::verify::VerifyRequest;
use crate::verify::place::Locale;

/// The label by which a Job's pod is known.
pub(super) const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// How long the Job stays after its end, when nobody was left to delete it.
const STAYS: i32 = 60;

/// The server's own part: nothing writable but one folder that goes with the pod, and the port that the application knows.
pub(super) fn shape<'a>(
    server: &'a VerifyRequest,
    namespace: &'a str,
    locale: &Locale,
    room: u64,
    port: &'a str,
    rehearses: bool,
) -> PodShape<'a> {
    let mut arguments = locale.arguments().to_vec();
    // A server in use writes all of a rewritten table ahead as well.
    arguments.extend(rehearses.then(|| "replica".to_owned()));
    PodShape {
        purpose: if rehearses { "rehearse" } else { "verify-app" },
        container: SERVER,
        namespace,
        image: &server.image,
        pull_secrets: &server.pull_secrets,
        user: server.user,
        group: server.user,
        script: THROW_AWAY,
        arguments,
        environment: vec![
            ("PGDATA", "/work/data"),
            ("PGHOST", WORK),
            ("PGPORT", port),
            ("HOME", WORK),
        ],
        folders: vec![(WORK, HelperVolume::Empty)],
        room: Some(room),
        ready: Some(["pg_isready", "-q"].map(str::to_owned).to_vec()),
        node: None,
        deadline: server.deadline,
    }
}

pub(super) fn job(shape: &PodShape<'_>, template: PodTemplateSpec) -> Job {
    Job {
        metadata: shape.metadata(),
        spec: Some(JobSpec {
            active_deadline_seconds: Some(shape.deadline_seconds()),
            backoff_limit: Some(0),
            ttl_seconds_after_finished: Some(STAYS),
            template,
            ..JobSpec::default()
        }),
        status: None,
    }
}

/// Nothing comes in and nothing goes out, where the cluster enforces it. It goes with the Job.
pub(super) fn policy(job: &Job) -> NetworkPolicy {
    let name = job.metadata.name.clone().unwrap_or_default();
    let pods = BTreeMap::from([(JOB_NAME.to_owned(), name.clone())]);
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: job.metadata.namespace.clone(),
            labels: job.metadata.labels.clone(),
            owner_references: Some(vec![owner(job)]),
            ..ObjectMeta::default()
        },
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(LabelSelector {
                match_labels: Some(pods),
                ..LabelSelector::default()
            }),
            policy_types: Some(vec!["Ingress".into(), "Egress".into()]),
            ..NetworkPolicySpec::default()
        }),
    }
}

/// What goes with the Job says so.
pub(super) fn owner(job: &Job) -> OwnerReference {
    OwnerReference {
        api_version: "batch/v1".into(),
        kind: "Job".into(),
        name: job.metadata.name.clone().unwrap_or_default(),
        uid: job.metadata.uid.clone().unwrap_or_default(),
        ..OwnerReference::default()
    }
}

/// `uid:gid` of whoever can unpack with the same owner; nobody unpacks as root.
pub(super) fn user_and_group(owner: &str) -> Option<(i64, i64)> {
    let (user, group) = owner.split_once(':')?;
    let user = user.parse().ok().filter(|user| *user > 0)?;
    Some((user, group.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_policy_lets_nothing_through_and_goes_with_the_job() {
        let job: Job = serde_json::from_value(json!({ "metadata": {
            "name": "pgbackup-verify-app-1", "namespace": "shop", "uid": "u-1", "labels": { "ours": "yes" },
        } }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(policy(&job)).unwrap(),
            json!({
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {
                    "name": "pgbackup-verify-app-1",
                    "namespace": "shop",
                    "labels": { "ours": "yes" },
                    "ownerReferences": [
                        { "apiVersion": "batch/v1", "kind": "Job", "name": "pgbackup-verify-app-1", "uid": "u-1" }
                    ],
                },
                "spec": {
                    "podSelector": { "matchLabels": { "batch.kubernetes.io/job-name": "pgbackup-verify-app-1" } },
                    "policyTypes": ["Ingress", "Egress"],
                },
            })
        );
    }

    #[test]
    fn nobody_unpacks_as_root() {
        assert_eq!(user_and_group("1234:5"), Some((1234, 5)));
        assert_eq!(user_and_group("0:0"), None);
        assert_eq!(user_and_group("me"), None);
    }
}
