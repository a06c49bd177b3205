//! The one shape of all pods that we make: our labels, no sidecars, no rights in the cluster, not root, a root file system
//! that is only read, limits, and an end.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, Container, EmptyDirVolumeSource, EnvVar, ExecAction, LocalObjectReference,
    NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PersistentVolumeClaimVolumeSource,
    Pod, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile,
    SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::api::ObjectMeta;

use super::HelperVolume;
use crate::schedule::MANAGED_BY;
use crate::script::COMMAND_NAME;

/// What a container of ours asks for and may use at most: dumping, unpacking and a small server hold less.
const RESOURCES: [(&str, &str, &str); 2] = [("cpu", "100m", "4"), ("memory", "128Mi", "2Gi")];

/// Meshes put their own container beside ours, which would outlive it.
const NO_SIDECAR: [(&str, &str); 2] = [
    ("sidecar.istio.io/inject", "false"),
    ("linkerd.io/inject", "disabled"),
];

/// The label that says what a pod of ours is for.
pub(crate) const COMPONENT: &str = "app.kubernetes.io/component";

/// What differs between the pods that we make.
#[derive(Debug, Clone)]
pub(crate) struct PodShape<'a> {
    /// What it is for, as a part of its name and its label: `base-verify`.
    pub(crate) purpose: &'a str,
    /// The name of its container.
    pub(crate) container: &'a str,
    /// Its namespace.
    pub(crate) namespace: &'a str,
    /// Its image.
    pub(crate) image: &'a str,
    /// Secrets that the image is fetched with.
    pub(crate) pull_secrets: &'a [String],
    /// Its user.
    pub(crate) user: i64,
    /// Its group.
    pub(crate) group: i64,
    /// The script that its container runs.
    pub(crate) script: &'a str,
    /// The script's arguments.
    pub(crate) arguments: Vec<String>,
    /// Environment variables.
    pub(crate) environment: Vec<(&'a str, &'a str)>,
    /// The folders that can be written, or are volumes: path and what is there.
    pub(crate) folders: Vec<(&'a str, HelperVolume)>,
    /// What the pod's own folders will hold, in bytes, where that is known: a node that has not the room is not chosen, and
    /// what grows beyond it ends the pod and not its neighbours.
    pub(crate) room: Option<u64>,
    /// The command that tells whether the pod is ready; ready at once without one.
    pub(crate) ready: Option<Vec<String>>,
    /// The node that it has to run on, where only that one can mount its volume.
    pub(crate) node: Option<&'a str>,
    /// When it ends itself, whatever happens to us.
    pub(crate) deadline: Duration,
}

impl PodShape<'_> {
    /// A name that nothing else has.
    pub(crate) fn name(&self) -> String {
        format!("pgbackup-{}-{:08x}", self.purpose, rand::random::<u32>())
    }

    /// Name, namespace and labels of an object that is the pod, or makes it.
    pub(crate) fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.name()),
            namespace: Some(self.namespace.to_owned()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }

    /// The pod.
    pub(crate) fn pod(&self) -> Pod {
        Pod {
            metadata: ObjectMeta {
                annotations: Some(pairs(&NO_SIDECAR)),
                ..self.metadata()
            },
            spec: Some(PodSpec {
                active_deadline_seconds: Some(self.deadline_seconds()),
                ..self.spec()
            }),
            status: None,
        }
    }

    /// The same for a Job, which keeps the deadline itself.
    pub(crate) fn template(&self) -> PodTemplateSpec {
        PodTemplateSpec {
            metadata: Some(ObjectMeta {
                labels: Some(self.labels()),
                annotations: Some(pairs(&NO_SIDECAR)),
                ..ObjectMeta::default()
            }),
            spec: Some(self.spec()),
        }
    }

    /// The deadline as the API takes it.
    pub(crate) fn deadline_seconds(&self) -> i64 {
        i64::try_from(self.deadline.as_secs()).unwrap_or(i64::MAX)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        pairs(&[MANAGED_BY, (COMPONENT, self.purpose)])
    }

    fn spec(&self) -> PodSpec {
        let secret = |name: &String| LocalObjectReference { name: name.clone() };
        PodSpec {
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            restart_policy: Some("Never".into()),
            termination_grace_period_seconds: Some(0),
            image_pull_secrets: Some(self.pull_secrets.iter().map(secret).collect()),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(self.user),
                run_as_group: Some(self.group),
                fs_group: Some(self.group),
                // Owner and modes of what is in a volume are its owner's business: nothing is changed on mounting.
                fs_group_change_policy: Some("OnRootMismatch".into()),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".into(),
                    ..SeccompProfile::default()
                }),
                ..PodSecurityContext::default()
            }),
            affinity: self.node.map(on_node),
            containers: vec![self.only_container()],
            volumes: Some(self.volumes()),
            ..PodSpec::default()
        }
    }

    fn only_container(&self) -> Container {
        let fixed = ["sh", "-c", self.script, COMMAND_NAME].map(str::to_owned);
        let variable = |(name, value): &(&str, &str)| EnvVar {
            name: (*name).into(),
            value: Some((*value).into()),
            ..EnvVar::default()
        };
        let room = self.room();
        let quantities = |which: fn(&(&str, &str, &str)) -> (String, Quantity)| {
            let mut quantities: BTreeMap<String, Quantity> = RESOURCES.iter().map(which).collect();
            quantities.extend(room.clone().map(|room| ("ephemeral-storage".to_owned(), room)));
            quantities
        };
        Container {
            name: self.container.into(),
            image: Some(self.image.into()),
            image_pull_policy: Some("IfNotPresent".into()),
            command: Some(fixed.into_iter().chain(self.arguments.iter().cloned()).collect()),
            env: Some(self.environment.iter().map(variable).collect()),
            resources: Some(ResourceRequirements {
                requests: Some(quantities(|(name, least, _)| {
                    ((*name).to_owned(), Quantity((*least).to_owned()))
                })),
                limits: Some(quantities(|(name, _, most)| {
                    ((*name).to_owned(), Quantity((*most).to_owned()))
                })),
                ..ResourceRequirements::default()
            }),
            readiness_probe: self.ready.as_ref().map(|command| Probe {
                exec: Some(ExecAction {
                    command: Some(command.clone()),
                }),
                period_seconds: Some(1),
                timeout_seconds: Some(5),
                ..Probe::default()
            }),
            security_context: Some(SecurityContext {
                allow_privilege_escalation: Some(false),
                capabilities: Some(Capabilities {
                    drop: Some(vec!["ALL".into()]),
                    ..Capabilities::default()
                }),
                read_only_root_filesystem: Some(true),
                ..SecurityContext::default()
            }),
            volume_mounts: Some(
                self.folders
                    .iter()
                    .enumerate()
                    .map(|(number, (path, _))| VolumeMount {
                        name: volume_name(number),
                        mount_path: (*path).into(),
                        ..VolumeMount::default()
                    })
                    .collect(),
            ),
            ..Container::default()
        }
    }

    fn room(&self) -> Option<Quantity> {
        self.room.map(|bytes| Quantity(bytes.to_string()))
    }

    fn volumes(&self) -> Vec<Volume> {
        let volume = |(number, (_, kept)): (usize, &(&str, HelperVolume))| {
            let (claim, empty) = match kept {
                HelperVolume::Empty => {
                    let empty = EmptyDirVolumeSource {
                        size_limit: self.room(),
                        ..EmptyDirVolumeSource::default()
                    };
                    (None, Some(empty))
                }
                HelperVolume::Claim { name, read_only } => {
                    let claim = PersistentVolumeClaimVolumeSource {
                        claim_name: name.clone(),
                        read_only: Some(*read_only),
                    };
                    (Some(claim), None)
                }
            };
            Volume {
                name: volume_name(number),
                persistent_volume_claim: claim,
                empty_dir: empty,
                ..Volume::default()
            }
        };
        self.folders.iter().enumerate().map(volume).collect()
    }
}

/// Bound to a node by its name, as the pods of a DaemonSet are.
fn on_node(node: &str) -> Affinity {
    let name = NodeSelectorRequirement {
        key: "metadata.name".into(),
        operator: "In".into(),
        values: Some(vec![node.to_owned()]),
    };
    let term = NodeSelectorTerm {
        match_fields: Some(vec![name]),
        ..NodeSelectorTerm::default()
    };
    Affinity {
        node_affinity: Some(NodeAffinity {
            required_during_scheduling_ignored_during_execution: Some(NodeSelector {
                node_selector_terms: vec![term],
            }),
            ..NodeAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn volume_name(number: usize) -> String {
    format!("folder-{number}")
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> PodShape<'static> {
        PodShape {
            purpose: "base-restore",
            container: "helper",
            namespace: "shop",
            image: "postgres:17",
            pull_secrets: &[],
            user: 26,
            group: 27,
            script: "exec sleep 1",
            arguments: vec!["$(touch x)".into()],
            environment: vec![("HOME", "/tmp")],
            folders: vec![
                (
                    "/volume",
                    HelperVolume::Claim {
                        name: "data".into(),
                        read_only: true,
                    },
                ),
                ("/tmp", HelperVolume::Empty),
            ],
            room: Some(1 << 30),
            ready: None,
            node: Some("worker-1"),
            deadline: Duration::from_secs(600),
        }
    }

    fn judge(spec: &PodSpec) {
        assert_eq!(spec.automount_service_account_token, Some(false));
        let security = spec.security_context.as_ref().unwrap();
        assert_eq!(
            (security.run_as_non_root, security.run_as_user, security.fs_group),
            (Some(true), Some(26), Some(27))
        );
        let container = &spec.containers[0];
        let context = container.security_context.as_ref().unwrap();
        assert_eq!(context.read_only_root_filesystem, Some(true));
        assert_eq!(context.allow_privilege_escalation, Some(false));
        assert_eq!(
            context.capabilities.as_ref().unwrap().drop,
            Some(vec!["ALL".to_owned()])
        );
        let limits = container.resources.as_ref().unwrap().limits.as_ref().unwrap();
        assert!(limits.contains_key("memory"));
        assert_eq!(limits["ephemeral-storage"].0, "1073741824");
        assert_eq!(container.command.as_ref().unwrap().last().unwrap(), "$(touch x)");
        let variables: Vec<&str> = container
            .env
            .iter()
            .flatten()
            .map(|variable| variable.name.as_str())
            .collect();
        assert_eq!(
            variables,
            ["HOME"],
            "no password, and nothing else of the server's"
        );
        assert!(container.env_from.is_none());
    }

    #[test]
    fn a_pod_and_a_job_s_pod_have_no_rights_no_secret_no_sidecar_and_an_end() {
        let pod = shape().pod();
        let spec = pod.spec.unwrap();
        judge(&spec);
        assert_eq!(spec.active_deadline_seconds, Some(600));
        let template = shape().template();
        judge(&template.spec.unwrap());
        for metadata in [pod.metadata, template.metadata.unwrap()] {
            assert_eq!(
                metadata.labels.unwrap()["app.kubernetes.io/managed-by"],
                "kubectl-pgbackup"
            );
            assert_eq!(metadata.annotations.unwrap()["linkerd.io/inject"], "disabled");
        }
    }

    #[test]
    fn each_folder_is_its_own_volume() {
        let spec = shape().pod().spec.unwrap();
        let volumes = spec.volumes.unwrap();
        let mounts = spec.containers[0].volume_mounts.clone().unwrap();
        assert_eq!(mounts[0].name, volumes[0].name);
        let claim = volumes[0].persistent_volume_claim.as_ref().unwrap();
        assert_eq!((claim.claim_name.as_str(), claim.read_only), ("data", Some(true)));
        assert_eq!(mounts[1].mount_path, "/tmp");
        let limit = volumes[1].empty_dir.as_ref().unwrap().size_limit.as_ref();
        assert_eq!(limit.unwrap().0, "1073741824");
    }
}
