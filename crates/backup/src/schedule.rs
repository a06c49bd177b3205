//! Backups and restore tests by the clock: the objects of a schedule. The same program runs in the cluster, from an image
//! that holds nothing but it; the database's own pod runs the client, and a throw-away pod of its image the test.

use serde_json::{Value, json};
use thiserror::Error;

/// The label by which schedules are found again.
pub const SCHEDULE_LABEL: &str = "safe-upgrade.dev/schedule";

/// The namespace of an object's schedule: Roles in a database's namespace, and what lives in none, belong to one too.
pub const SCHEDULE_NAMESPACE_LABEL: &str = "safe-upgrade.dev/schedule-namespace";

/// Every object of ours carries this one.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubectl-pgbackup");

/// The user that the program runs as; any number without rights does. Files in a claim are of the same one, whether a
/// schedule made them or not.
pub(crate) const USER: i64 = 65532;

/// Where a claim is mounted that backups are kept in.
pub const CLAIM_FOLDER: &str = "/backups";

/// How many ended Jobs stay to be looked at.
const HISTORY: i64 = 3;

/// How often a failed backup is tried again.
const RETRIES: i64 = 2;

/// How late a backup may begin, in seconds: after an outage it is made at once, and not for every missed time.
const LATEST_START: i64 = 3600;

/// The longest name of a CronJob: its Jobs' names are eleven characters longer.
const NAME_LENGTH: usize = 52;

/// What to do when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The schedule's name, and that of its objects.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// When: five fields, as CronJobs take them.
    pub cron: String,
    /// The time zone of the fields.
    pub time_zone: String,
    /// The image that holds this program.
    pub image: String,
    /// What is done, one after another: each begins only when the one before has ended well.
    pub acts: Vec<ScheduledAct>,
    /// A Secret whose keys become environment variables: the store's credentials.
    pub secret: Option<String>,
    /// A claim that is mounted at [`CLAIM_FOLDER`].
    pub claim: Option<String>,
    /// How long all of it may take, in seconds.
    pub deadline: i64,
}

/// One command of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledAct {
    /// What its container is called: `create`, `prune`, `verify`.
    pub name: String,
    /// Its words, the program's own name left out.
    pub words: Vec<String>,
}

/// Exit codes of the program that say that another attempt would end the same: a finding, or what could not be judged.
const FINAL: [i32; 2] = [2, 3];

/// Why it is no schedule.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "{0:?} has {1} fields; a CronJob's schedule has five: minute, hour, day of month, month, day of week"
    )]
    Fields(String, usize),
    /// Not a name.
    #[error("{0:?} is no name for a schedule: lower-case letters, digits and hyphens, at most {NAME_LENGTH}")]
    Name(String),
}

impl Schedule {
    /// Whether the API server can be expected to take it. It judges the fields themselves.
    ///
    /// # Errors
    /// See [`ScheduleError`].
    pub fn judge(&self) -> Result<(), ScheduleError> {
        let fields = self.cron.split_whitespace().count();
        if !self.cron.starts_with('@') && fields != 5 {
            return Err(ScheduleError::Fields(self.cron.clone(), fields));
        }
        let name = &self.name;
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let ends = name.starts_with('-') || name.ends_with('-');
        if name.is_empty() || name.len() > NAME_LENGTH || !plain || ends {
            return Err(ScheduleError::Name(name.clone()));
        }
        Ok(())
    }

    /// The ServiceAccount and the CronJob. The account's rights are another matter.
    pub fn objects(&self) -> Vec<Value> {
        let account = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": self.metadata(),
        });
        vec![account, self.cron_job()]
    }

    /// The labels that all objects of the schedule carry.
    pub fn labels(&self) -> Value {
        json!({
            MANAGED_BY.0: MANAGED_BY.1,
            "app.kubernetes.io/component": "schedule",
            SCHEDULE_LABEL: self.name,
            SCHEDULE_NAMESPACE_LABEL: self.namespace,
        })
    }

    fn metadata(&self) -> Value {
        json!({ "name": self.name, "namespace": self.namespace, "labels": self.labels() })
    }

    fn cron_job(&self) -> Value {
        let mut pod = json!({
            "serviceAccountName": self.name,
            "restartPolicy": "Never",
            "enableServiceLinks": false,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
        });
        let mut containers: Vec<Value> = self.acts.iter().map(|act| self.container(act)).collect();
        let last = containers.pop();
        pod["initContainers"] = Value::from(containers);
        pod["containers"] = last.into_iter().collect();
        if let Some(claim) = &self.claim {
            pod["volumes"] = json!([{ "name": "store", "persistentVolumeClaim": { "claimName": claim } }]);
        }
        json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": self.metadata(),
            "spec": {
                "schedule": self.cron,
                "timeZone": self.time_zone,
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": LATEST_START,
                "successfulJobsHistoryLimit": HISTORY,
                "failedJobsHistoryLimit": HISTORY,
                "jobTemplate": {
                    "metadata": { "labels": self.labels() },
                    "spec": {
                        "activeDeadlineSeconds": self.deadline,
                        "backoffLimit": RETRIES,
                        "podFailurePolicy": {
                            "rules": [{ "action": "FailJob", "onExitCodes": { "operator": "In", "values": FINAL } }],
                        },
                        "template": { "metadata": { "labels": self.labels() }, "spec": pod },
                    },
                },
            },
        })
    }

    fn container(&self, act: &ScheduledAct) -> Value {
        let mut container = json!({
            "name": act.name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["/kubectl-pgbackup"],
            "args": act.words,
            "env": [{ "name": "HOME", "value": "/nonexistent" }],
            "resources": {
                "requests": { "cpu": "100m", "memory": "64Mi" },
                "limits": { "memory": "512Mi" },
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
        });
        if let Some(secret) = &self.secret {
            container["envFrom"] = json!([{ "secretRef": { "name": secret } }]);
        }
        if self.claim.is_some() {
            container["volumeMounts"] = json!([{ "name": "store", "mountPath": CLAIM_FOLDER }]);
        }
        container
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::CronJob;
    use k8s_openapi::api::core::v1::ServiceAccount;

    use super::*;

    fn act(words: &[&str]) -> ScheduledAct {
        ScheduledAct {
            name: words[0].to_owned(),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    fn schedule() -> Schedule {
        Schedule {
            name: "pgbackup-shop".into(),
            namespace: "shop".into(),
            cron: "15 3 * * *".into(),
            time_zone: "Etc/UTC".into(),
            image: "pgbackup:1".into(),
            acts: vec![act(&["create", "shop; $(touch x)"])],
            secret: Some("store".into()),
            claim: None,
            deadline: 3600,
        }
    }

    fn cron_job(schedule: &Schedule) -> CronJob {
        let mut objects = schedule.objects();
        let job = serde_json::from_value(objects.remove(1)).unwrap();
        let _: ServiceAccount = serde_json::from_value(objects.remove(0)).unwrap();
        job
    }

    #[test]
    fn one_backup_at_a_time_with_an_end_and_without_rights_on_its_node() {
        let spec = cron_job(&schedule()).spec.unwrap();
        assert_eq!(spec.concurrency_policy.as_deref(), Some("Forbid"));
        let job = spec.job_template.spec.unwrap();
        assert_eq!(job.active_deadline_seconds, Some(3600));
        let rule = job.pod_failure_policy.unwrap().rules.remove(0);
        assert_eq!(
            rule.on_exit_codes.unwrap().values,
            FINAL,
            "a finding is not tried again"
        );
        let pod = job.template.spec.unwrap();
        assert_eq!(pod.security_context.unwrap().run_as_non_root, Some(true));
        assert_eq!(pod.service_account_name.as_deref(), Some("pgbackup-shop"));
        let container = &pod.containers[0];
        let context = container.security_context.clone().unwrap();
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(
            container.args.as_ref().unwrap()[1],
            "shop; $(touch x)",
            "a word stays one word"
        );
        assert_eq!(container.command.as_ref().unwrap(), &["/kubectl-pgbackup"]);
        assert_eq!(
            container.env_from.as_ref().unwrap()[0]
                .secret_ref
                .as_ref()
                .unwrap()
                .name,
            "store"
        );
    }

    #[test]
    fn pruning_begins_only_after_a_good_backup() {
        let after = Schedule {
            acts: vec![act(&["create", "shop"]), act(&["prune"])],
            claim: Some("backups".into()),
            ..schedule()
        };
        let pod = cron_job(&after)
            .spec
            .unwrap()
            .job_template
            .spec
            .unwrap()
            .template
            .spec
            .unwrap();
        assert_eq!(pod.init_containers.unwrap()[0].name, "create");
        assert_eq!(pod.containers[0].args.as_ref().unwrap(), &["prune"]);
        let claim = pod.volumes.unwrap().remove(0).persistent_volume_claim.unwrap();
        assert_eq!(claim.claim_name, "backups");
    }

    #[test]
    fn an_operator_s_six_fields_and_bad_names_are_refused() {
        let of = |cron: &str, name: &str| {
            Schedule {
                cron: cron.into(),
                name: name.into(),
                ..schedule()
            }
            .judge()
        };
        assert_eq!(of("15 3 * * *", "a"), Ok(()));
        assert_eq!(of("@daily", "a"), Ok(()));
        assert!(matches!(
            of("0 15 3 * * *", "a"),
            Err(ScheduleError::Fields(_, 6))
        ));
        for name in ["", "-a", "A", "a_b", &"x".repeat(53)] {
            assert!(
                matches!(of("@daily", name), Err(ScheduleError::Name(_))),
                "{name}"
            );
        }
    }
}
