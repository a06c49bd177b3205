//! The objects of a time limit: a Job with this program, and an account that may do what it has to and no more. All of
//! them belong to the Job and go with it.

use std::collections::BTreeSet;

use checks::{Grantee, bring_back_rights, roles};
use model::SuspendTarget;
use serde_json::{Value, json};

/// The container's name.
pub(crate) const CONTAINER: &str = "limit";
/// Tells the program in the Job whose limit it keeps.
pub(crate) const RUN_VARIABLE: &str = "SAFE_UPGRADE_LIMIT_OF";

/// The user that the program runs as: any number without rights does.
const USER: i64 = 65532;
/// How often a container that failed is started again, with pauses of up to five minutes: for as long as it may take until
/// an API server answers again.
const TRIES: i64 = 500;
/// How long the ended Job stays to be looked at, in seconds.
const KEPT: i64 = 60;

/// A Job that waits until a time, or until its run is over.
pub(crate) struct LimitJob {
    pub(crate) namespace: String,
    pub(crate) release: String,
    pub(crate) run: String,
    pub(crate) image: String,
    /// RFC 3339.
    pub(crate) until: String,
}

impl LimitJob {
    /// The name of a run's Job, and of all that belongs to it.
    pub(crate) fn name(run: &str) -> String {
        format!("safe-upgrade-limit-{run}")
    }

    /// The Job. It is made suspended: its account must be there before its pod.
    pub(crate) fn object(&self, suspended: bool) -> Value {
        let labels = self.labels();
        let words = [
            "unquiesce",
            &self.release,
            "--namespace",
            &self.namespace,
            "--run",
            &self.run,
            "--at",
            &self.until,
        ];
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": { "name": Self::name(&self.run), "namespace": self.namespace, "labels": labels },
            "spec": {
                "suspend": suspended,
                "backoffLimit": TRIES,
                "ttlSecondsAfterFinished": KEPT,
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "serviceAccountName": Self::name(&self.run),
                        "restartPolicy": "OnFailure",
                        "enableServiceLinks": false,
                        "securityContext": {
                            "runAsNonRoot": true,
                            "runAsUser": USER,
                            "runAsGroup": USER,
                            "seccompProfile": { "type": "RuntimeDefault" },
                        },
                        "containers": [{
                            "name": CONTAINER,
                            "image": self.image,
                            "imagePullPolicy": "IfNotPresent",
                            "command": ["/helm-safe-upgrade"],
                            "args": words,
                            "env": [
                                { "name": "HOME", "value": "/nonexistent" },
                                { "name": RUN_VARIABLE, "value": self.run },
                            ],
                            "resources": {
                                "requests": { "cpu": "10m", "memory": "32Mi" },
                                "limits": { "memory": "256Mi" },
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": false,
                                "readOnlyRootFilesystem": true,
                                "capabilities": { "drop": ["ALL"] },
                            },
                        }],
                    },
                },
            },
        })
    }

    /// The account, what it may do, and the binding of both.
    pub(crate) fn rights(&self, uid: &str, held: &[SuspendTarget]) -> Vec<Value> {
        let name = Self::name(&self.run);
        let account = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": { "name": name, "namespace": self.namespace },
        });
        let groups: BTreeSet<&str> = held
            .iter()
            .map(|target| match target {
                SuspendTarget::CronJob { .. } => "cronjobs",
                SuspendTarget::DaemonSet { .. } => "daemonsets",
                SuspendTarget::ScaledObject { .. } => "scaledobjects",
            })
            .collect();
        let grantee = Grantee {
            account: name.clone(),
            namespace: self.namespace.clone(),
        };
        let mut objects = vec![account];
        objects.extend(roles(
            &name,
            &bring_back_rights(&self.namespace, &groups),
            &grantee,
        ));
        for object in &mut objects {
            object["metadata"]["labels"] = self.labels();
            object["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid,
            }]);
        }
        objects
    }

    fn labels(&self) -> Value {
        json!({
            "app.kubernetes.io/managed-by": "safe-upgrade",
            "app.kubernetes.io/component": "time-limit",
            "safe-upgrade.dev/run": self.run,
        })
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::Job;

    use super::*;

    fn limit() -> LimitJob {
        LimitJob {
            namespace: "shop".into(),
            release: "books".into(),
            run: "20260101-000000-00000001".into(),
            image: "registry/safe-upgrade:1".into(),
            until: "2026-01-01T00:30:00Z".into(),
        }
    }

    #[test]
    fn the_job_knows_what_to_bring_back_and_when_and_goes_by_itself() {
        let job: Job = serde_json::from_value(limit().object(true)).unwrap();
        let spec = job.spec.unwrap();
        assert_eq!(spec.suspend, Some(true), "its account is not there yet");
        assert_eq!(spec.ttl_seconds_after_finished, Some(60));
        assert_eq!(
            spec.active_deadline_seconds, None,
            "nothing ends it before its work is done"
        );
        let pod = spec.template.spec.unwrap();
        assert_eq!(pod.restart_policy.as_deref(), Some("OnFailure"));
        let container = &pod.containers[0];
        assert_eq!(container.command.as_ref().unwrap(), &["/helm-safe-upgrade"]);
        let words = container.args.as_ref().unwrap().join(" ");
        assert_eq!(
            words,
            "unquiesce books --namespace shop --run 20260101-000000-00000001 --at 2026-01-01T00:30:00Z"
        );
        assert!(
            LimitJob::name("20260101-000000-00000001").len() <= 63,
            "a pod's label holds it"
        );
    }

    #[test]
    fn its_account_may_bring_back_what_is_held_and_goes_with_the_job() {
        let rights = |held: &[SuspendTarget]| limit().rights("uid-1", held);
        for object in rights(&[]) {
            assert_eq!(
                object["metadata"]["ownerReferences"][0]["uid"], "uid-1",
                "{object}"
            );
        }
        let without = serde_json::to_string(&rights(&[])).unwrap();
        assert!(
            without.contains("deployments/scale") && !without.contains("scaledobjects"),
            "{without}"
        );
        let paused = SuspendTarget::ScaledObject {
            namespace: "shop".into(),
            name: "web".into(),
            original: None,
        };
        assert!(
            serde_json::to_string(&rights(&[paused]))
                .unwrap()
                .contains("scaledobjects")
        );
    }
}
