//! The one pod of a throw-away server and the application: given a server's pod and a workload's template, nothing else.
//!
//! The server is an init container that goes on running, as Kubernetes has them since 1.29; a second one, the gate, ends
//! when the copy is ready, and only then the application's own containers start.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Container, EnvVar, HTTPGetAction, HostAlias, LocalObjectReference, PodDNSConfig, PodDNSConfigOption,
    PodSpec, PodTemplateSpec, Probe, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::door::Door;
use super::request::AppQuestion;
use super::server::ServerPart;
use super::volumes::Volumes;

/// The folder of a volume that is filled which the application mounts.
pub(super) const CONTENT: &str = "content";

/// The only address that names lead to, and the name server that answers nothing.
const LOOPBACK: &str = "127.0.0.1";

/// What of a workload is booted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct App {
    /// The workload's pod template.
    pub(super) template: PodSpec,
    /// The container.
    pub(super) container: String,
    /// Secrets that its images are fetched with.
    pub(super) pull_secrets: Vec<String>,
    /// How it knows its database.
    pub(super) door: Door,
    /// What it is asked over HTTP.
    pub(super) questions: Vec<AppQuestion>,
    /// What is not as in the template.
    pub(super) edits: Edits,
}

/// What of a container is not as its template says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Edits {
    /// Environment variables that are empty.
    pub(super) blank: Vec<String>,
    /// Whether it is to do its work to the end: no probe ends it, and its own end does not end the server.
    pub(super) patience: bool,
}

/// The containers of a template that are booted: the one that is meant, and the init containers before it that end. What
/// runs beside an application (a proxy to its database, a mesh) has no place in an isolated pod.
pub(super) fn booted<'a>(template: &'a PodSpec, container: &str) -> Vec<&'a Container> {
    let main = template.containers.iter().filter(|found| found.name == container);
    let init = template.init_containers.iter().flatten();
    main.chain(init.filter(|found| found.restart_policy.is_none()))
        .collect()
}

/// Why a template cannot be booted in isolation, in words.
pub(super) fn refused(template: &PodSpec, container: &str) -> Option<String> {
    booted(template, container).into_iter().find_map(|found| {
        let privileged = found
            .security_context
            .as_ref()
            .and_then(|context| context.privileged);
        if privileged == Some(true) {
            return Some(format!(
                "container {} is privileged: nothing would keep it in its pod",
                found.name
            ));
        }
        let devices = found.volume_devices.iter().flatten().next();
        devices.map(|device| format!("container {} uses {} as a block device", found.name, device.name))
    })
}

/// Containers beside the one that is meant, which are left out.
pub(super) fn left_out(template: &PodSpec, container: &str) -> Vec<String> {
    let kept = booted(template, container);
    let init = template.init_containers.iter().flatten();
    let all = template.containers.iter().chain(init);
    all.filter(|found| !kept.iter().any(|kept| kept.name == found.name))
        .map(|found| found.name.clone())
        .collect()
}

impl App {
    /// The pod. `server` is the throw-away server's; `filler` is who unpacks artefacts, as uid and gid.
    pub(super) fn pod(
        &self,
        server: PodTemplateSpec,
        volumes: &Volumes,
        filler: Option<(i64, i64)>,
        deadline: Duration,
    ) -> PodTemplateSpec {
        let PodTemplateSpec { metadata, spec } = server;
        let spec = spec.unwrap_or_default();
        let server = ServerPart::of(spec, deadline);
        let gate = server.gate(volumes, filler);
        let keeper = self.edits.patience.then(|| server.keeper());
        let mut init = vec![server.container, gate];
        let mut containers = Vec::new();
        for found in booted(&self.template, &self.container) {
            let is_app = found.name == self.container;
            let kept = self.kept(found, volumes, is_app);
            if is_app {
                containers.push(kept);
            } else {
                init.push(kept);
            }
        }
        containers.extend(keeper);
        let mut all_volumes = server.volumes;
        all_volumes.extend(volumes.volumes.iter().cloned());
        let template = &self.template;
        // Everything that is not said here stays unsaid: no token, no network of the node, no rights of the workload's.
        let pod = PodSpec {
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            restart_policy: Some("Never".into()),
            termination_grace_period_seconds: Some(0),
            host_aliases: self.door.aliases(),
            dns_policy: Some("None".into()),
            dns_config: Some(nobody_answers()),
            image_pull_secrets: Some(self.pull_secrets(server.pull_secrets)),
            security_context: template.security_context.clone(),
            node_selector: template.node_selector.clone(),
            tolerations: template.tolerations.clone(),
            runtime_class_name: template.runtime_class_name.clone(),
            os: template.os.clone(),
            init_containers: Some(init),
            containers,
            volumes: Some(all_volumes),
            ..PodSpec::default()
        };
        PodTemplateSpec {
            metadata,
            spec: Some(pod),
        }
    }

    /// A container of the application as it is, without what leads out of the pod.
    fn kept(&self, found: &Container, volumes: &Volumes, is_app: bool) -> Container {
        let mut kept = found.clone();
        for port in kept.ports.iter_mut().flatten() {
            port.host_port = None;
            port.host_ip = None;
        }
        if let Some(resources) = &mut kept.resources {
            resources.claims = None;
        }
        if let Some(lifecycle) = &mut kept.lifecycle {
            // It ends at once: nobody is to be seen off, and the API server takes no longer farewell than the pod's own.
            lifecycle.pre_stop = None;
        }
        let mounts = kept.volume_mounts.take().unwrap_or_default();
        let there = |mount: &VolumeMount| volumes.volumes.iter().any(|volume| volume.name == mount.name);
        kept.volume_mounts = Some(
            mounts
                .into_iter()
                .filter(there)
                .map(|mount| filled(mount, volumes))
                .collect(),
        );
        blank(&mut kept, &self.edits.blank);
        if self.edits.patience {
            kept.liveness_probe = None;
            kept.startup_probe = None;
        }
        if is_app && kept.readiness_probe.is_none() {
            // Somebody has to say when it is ready; the first question that it will be asked does.
            kept.readiness_probe = self.questions.first().map(readiness);
        }
        kept
    }

    fn pull_secrets(&self, of_server: Vec<LocalObjectReference>) -> Vec<LocalObjectReference> {
        let of_template = self.template.image_pull_secrets.iter().flatten().cloned();
        let of_pod = self
            .pull_secrets
            .iter()
            .map(|name| LocalObjectReference { name: name.clone() });
        let mut all = of_server;
        for secret in of_template.chain(of_pod) {
            if !all.contains(&secret) {
                all.push(secret);
            }
        }
        all
    }
}

impl Door {
    fn aliases(&self) -> Option<Vec<HostAlias>> {
        (!self.names.is_empty()).then(|| {
            vec![HostAlias {
                ip: LOOPBACK.into(),
                hostnames: Some(self.names.clone()),
            }]
        })
    }
}

/// Empties variables that a container has by name, or may have by a reference to all keys of something.
fn blank(container: &mut Container, names: &[String]) {
    for name in names {
        let empty = EnvVar {
            name: name.clone(),
            value: Some(String::new()),
            ..EnvVar::default()
        };
        let mut named = container.env.iter_mut().flatten();
        if let Some(variable) = named.find(|variable| variable.name == *name) {
            *variable = empty;
        } else if container.env_from.as_ref().is_some_and(|all| !all.is_empty()) {
            container.env.get_or_insert_default().push(empty);
        }
    }
}

/// A name server that is not there, asked once.
fn nobody_answers() -> PodDNSConfig {
    let option = |name: &str| PodDNSConfigOption {
        name: Some(name.into()),
        value: Some("1".into()),
    };
    PodDNSConfig {
        nameservers: Some(vec![LOOPBACK.into()]),
        options: Some(["ndots", "timeout", "attempts"].map(option).to_vec()),
        ..PodDNSConfig::default()
    }
}

/// A mount of a volume that is filled leads to the folder that was filled.
fn filled(mut mount: VolumeMount, volumes: &Volumes) -> VolumeMount {
    mount.mount_propagation = None;
    if !volumes.filled.iter().any(|filled| filled.volume == mount.name) {
        return mount;
    }
    let below = |path: &str| format!("{CONTENT}/{}", path.trim_start_matches('/'));
    match (&mut mount.sub_path, &mut mount.sub_path_expr) {
        (_, Some(path)) => *path = below(path),
        (Some(path), None) if !path.is_empty() => *path = below(path),
        (path, None) => *path = Some(CONTENT.into()),
    }
    mount
}

fn readiness(question: &AppQuestion) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(question.path.clone()),
            port: IntOrString::Int(i32::from(question.port)),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(1),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}
