//! The throw-away server's part of the pod: the container that goes on beside the application, and the gate before it.

use std::time::Duration;

use k8s_openapi::api::core::v1::{
    Container, EnvVar, LocalObjectReference, PodSpec, Probe, ResourceRequirements, SecurityContext, Volume,
    VolumeMount,
};

use super::volumes::Volumes;
use crate::script::{APP_GATE, COMMAND_NAME, WAIT};

/// How the names of our own containers and volumes begin.
pub(super) const OURS: &str = "pgbackup-";

/// The container that runs the server.
pub(super) const SERVER: &str = "pgbackup-server";

/// The container that holds the application back, and in which its volumes are filled.
pub(super) const GATE: &str = "pgbackup-gate";

/// The server's folder, which the gate sees, too.
pub(super) const WORK: &str = "/work";

/// The file that opens the gate.
pub(super) const OPEN: &str = "/work/open";

/// The container that goes on when the application has ended.
pub(super) const KEEPER: &str = "pgbackup-keeper";

/// Where the gate has the volumes that are filled, each in a folder by its number.
pub(super) const ARTEFACTS: &str = "/artefacts";

/// The throw-away server's part of the pod.
pub(super) struct ServerPart {
    pub(super) container: Container,
    pub(super) volumes: Vec<Volume>,
    pub(super) pull_secrets: Vec<LocalObjectReference>,
}

impl ServerPart {
    /// Out of a pod of its own: its container goes on beside the application, and is up before the gate starts.
    pub(super) fn of(spec: PodSpec, deadline: Duration) -> Self {
        let PodSpec {
            mut containers,
            volumes,
            image_pull_secrets,
            security_context,
            ..
        } = spec;
        let mut volumes = volumes.unwrap_or_default();
        for volume in &mut volumes {
            volume.name.insert_str(0, OURS);
        }
        let mut container = containers.pop().unwrap_or_default();
        for mount in container.volume_mounts.iter_mut().flatten() {
            mount.name.insert_str(0, OURS);
        }
        // The pod's own context is the application's.
        let of_pod = security_context.unwrap_or_default();
        container.security_context = Some(SecurityContext {
            run_as_non_root: of_pod.run_as_non_root,
            run_as_user: of_pod.run_as_user,
            run_as_group: of_pod.run_as_group,
            seccomp_profile: of_pod.seccomp_profile,
            ..container.security_context.unwrap_or_default()
        });
        container.restart_policy = Some("Always".into());
        container.startup_probe = container.readiness_probe.take().map(|probe| Probe {
            // One attempt a second, as long as all of it may take: a probe that fails ends the container.
            failure_threshold: Some(i32::try_from(deadline.as_secs()).unwrap_or(i32::MAX)),
            ..probe
        });
        Self {
            container,
            volumes,
            pull_secrets: image_pull_secrets.unwrap_or_default(),
        }
    }

    /// The container that keeps the server up when the application has ended: a container that goes on beside others ends
    /// with the last of them.
    pub(super) fn keeper(&self) -> Container {
        let of_server = &self.container;
        Container {
            name: KEEPER.into(),
            image: of_server.image.clone(),
            image_pull_policy: of_server.image_pull_policy.clone(),
            command: Some(["sh", "-c", WAIT, COMMAND_NAME].map(str::to_owned).to_vec()),
            resources: of_server.resources.clone().map(without_room),
            security_context: of_server.security_context.clone(),
            ..Container::default()
        }
    }

    /// The container that holds the application back and fills its volumes.
    pub(super) fn gate(&self, volumes: &Volumes, filler: Option<(i64, i64)>) -> Container {
        let of_server = &self.container;
        let mut mounts = of_server.volume_mounts.clone().unwrap_or_default();
        let filled = volumes.filled.iter().enumerate();
        mounts.extend(filled.map(|(number, filled)| VolumeMount {
            name: filled.volume.clone(),
            mount_path: format!("{ARTEFACTS}/{number}"),
            ..VolumeMount::default()
        }));
        let context = of_server.security_context.clone().unwrap_or_default();
        let (user, group) = match filler {
            Some((user, group)) => (Some(user), Some(group)),
            None => (context.run_as_user, context.run_as_group),
        };
        let resources = of_server.resources.clone().map(without_room);
        Container {
            name: GATE.into(),
            image: of_server.image.clone(),
            image_pull_policy: of_server.image_pull_policy.clone(),
            command: Some(
                ["sh", "-c", APP_GATE, COMMAND_NAME, OPEN]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            env: Some(vec![EnvVar {
                name: "HOME".into(),
                value: Some(WORK.into()),
                ..EnvVar::default()
            }]),
            resources,
            security_context: Some(SecurityContext {
                run_as_user: user,
                run_as_group: group,
                ..context
            }),
            volume_mounts: Some(mounts),
            ..Container::default()
        }
    }
}

/// Only one container of a pod asks for the room of its folders.
fn without_room(mut resources: ResourceRequirements) -> ResourceRequirements {
    for quantities in [&mut resources.requests, &mut resources.limits]
        .into_iter()
        .flatten()
    {
        quantities.remove("ephemeral-storage");
    }
    resources
}
