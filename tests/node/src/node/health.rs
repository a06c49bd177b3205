//! What runs and what does not.

use std::fs;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::component::Component;
use super::folders::Folders;
use super::process::Process;
use super::settings::NODE_NAME;
use crate::{command, wait};

/// How long the API server may take: it waits for etcd and creates its built-in roles on an empty store.
const API_READY: Duration = Duration::from_secs(90);
/// How long the node may take to register and to call itself ready, as `kubectl wait` takes it.
const NODE_READY: &str = "--timeout=90s";
/// How long a component may take until its port is open; CoreDNS lists all Services first.
const COMPONENT_READY: Duration = Duration::from_secs(30);

/// The state of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentStatus {
    /// Which component.
    pub component: Component,
    /// Its process number when it runs.
    pub pid: Option<i32>,
    /// Memory that it holds, in KiB, when it runs.
    pub resident_kib: Option<u64>,
}

/// The state of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Every component in the order in which they start.
    pub components: Vec<ComponentStatus>,
    /// Whether the API server says that it is ready.
    pub api_ready: bool,
}

impl Status {
    /// Whether everything runs and answers.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.api_ready && self.components.iter().all(|component| component.pid.is_some())
    }

    /// Whether nothing runs at all.
    #[must_use]
    pub fn down(&self) -> bool {
        self.components.iter().all(|component| component.pid.is_none())
    }

    /// Components that should run and do not.
    #[must_use]
    pub fn dead(&self) -> Vec<Component> {
        self.components
            .iter()
            .filter(|status| status.pid.is_none())
            .map(|status| status.component)
            .collect()
    }
}

pub(super) fn status(folders: &Folders) -> Result<Status> {
    let components: Vec<_> = Component::ALL
        .into_iter()
        .map(|component| {
            let running = Process::recorded(&component.record(folders)).filter(Process::alive);
            let pid = running.map(|process| process.pid);
            ComponentStatus {
                component,
                pid,
                resident_kib: pid.and_then(resident_kib),
            }
        })
        .collect();
    let api_runs = components
        .iter()
        .any(|status| status.component == Component::ApiServer && status.pid.is_some());
    Ok(Status {
        components,
        api_ready: api_runs && api_ready(folders)?,
    })
}

pub(super) fn wait_for_api(folders: &Folders) -> Result<()> {
    wait::until("a ready API server", API_READY, || {
        still_runs(folders, Component::ApiServer)?;
        still_runs(folders, Component::Etcd)?;
        api_ready(folders)
    })
}

/// Waits until pods can be started and names be resolved.
pub(super) fn wait_for_node(folders: &Folders) -> Result<()> {
    let node = format!("node/{NODE_NAME}");
    for arguments in [
        ["wait", "--for=create", node.as_str(), NODE_READY],
        ["wait", "--for=condition=Ready", node.as_str(), NODE_READY],
        // Pods of a namespace can be created as soon as it has its default account.
        ["wait", "--for=create", "serviceaccount/default", NODE_READY],
    ] {
        command::run(kubectl(folders).args(arguments)).context("wait for the node")?;
    }
    for component in Component::ALL {
        still_runs(folders, component)?;
        if let Some(address) = component.address() {
            wait::until(&format!("an open port of {component}"), COMPONENT_READY, || {
                still_runs(folders, component)?;
                Ok(TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
            })?;
        }
    }
    Ok(())
}

pub(super) fn kubectl(folders: &Folders) -> Command {
    let mut kubectl = Command::new(folders.programs().join("kubectl"));
    kubectl
        .arg("--kubeconfig")
        .arg(folders.kubeconfig())
        .arg("--cache-dir")
        .arg(folders.kubectl_cache());
    kubectl
}

fn api_ready(folders: &Folders) -> Result<bool> {
    let asked = command::output(kubectl(folders).args(["get", "--raw=/readyz", "--request-timeout=5s"]))?;
    Ok(asked.success())
}

/// Fails with the end of its log when a component has died.
fn still_runs(folders: &Folders, component: Component) -> Result<()> {
    if Process::recorded(&component.record(folders)).is_some_and(|process| process.alive()) {
        return Ok(());
    }
    let log = component.log(folders);
    let text = fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(15)..].join("\n");
    bail!(
        "{component} has ended; the end of its log {}:\n{end}",
        log.display()
    )
}

/// Resident memory from `/proc/PID/status`.
fn resident_kib(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    text.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    })
}
