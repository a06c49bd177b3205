//! A namespace of the cluster: each test works in its own.

use std::process::Command;

use anyhow::{Context as _, Result};
use test_node::command::run;

use crate::cluster::{Cluster, HelmLine};

/// How long a namespace may take to go: the longest grace period of a test's pods, and some.
const GONE_WITHIN: &str = "180s";

/// A namespace and the cluster that it is in.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// The cluster.
    pub cluster: Cluster,
    /// The namespace's name.
    pub name: String,
}

impl Namespace {
    /// An empty namespace of this name; one that is left over from an earlier run is deleted first.
    ///
    /// # Errors
    /// When kubectl fails, or the old namespace does not go in time.
    pub fn create(cluster: &Cluster, name: &str) -> Result<Self> {
        let namespace = Self::open(cluster, name);
        namespace.delete()?;
        run(cluster.kubectl().args(["create", "namespace", name]))
            .with_context(|| format!("create the namespace {name}"))?;
        Ok(namespace)
    }

    /// A namespace that is there already.
    #[must_use]
    pub fn open(cluster: &Cluster, name: &str) -> Self {
        Self {
            cluster: cluster.clone(),
            name: name.to_owned(),
        }
    }

    /// Deletes the namespace with all that is in it, and waits until it is gone. One that is not there is no error.
    ///
    /// # Errors
    /// When kubectl fails or the namespace does not go in time.
    pub fn delete(&self) -> Result<()> {
        let mut kubectl = self.cluster.kubectl();
        kubectl.args([
            "delete",
            "namespace",
            &self.name,
            "--ignore-not-found",
            "--wait",
            "--timeout",
            GONE_WITHIN,
        ]);
        run(&mut kubectl)
            .with_context(|| format!("delete the namespace {}", self.name))
            .map(drop)
    }

    /// A kubectl command for this namespace, to be given arguments.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        let mut kubectl = self.cluster.kubectl();
        kubectl.args(["--namespace", &self.name]);
        kubectl
    }

    /// Runs kubectl in this namespace; gives its standard output.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        run(self.kubectl_command().args(arguments))
    }

    /// A helm command for this namespace, to be given arguments.
    #[must_use]
    pub fn helm_command(&self, line: HelmLine) -> Command {
        let mut helm = self.cluster.helm(line);
        helm.args(["--namespace", &self.name]);
        helm
    }

    /// Runs helm in this namespace; gives its standard output.
    ///
    /// # Errors
    /// When helm fails.
    pub fn helm(&self, line: HelmLine, arguments: &[&str]) -> Result<String> {
        run(self.helm_command(line).args(arguments))
    }

    /// The address `IP:PORT` of a Service's first port, as any pod, and on the test node the machine itself, reaches it.
    ///
    /// # Errors
    /// When there is no such Service.
    pub fn service_address(&self, service: &str) -> Result<String> {
        let template = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
        self.kubectl(&["get", "service", service, "--output", template])
    }

    /// `(name, IP)` of each pod with these labels (`key=value,…`); the IP is empty while there is none.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn pods(&self, labels: &str) -> Result<Vec<(String, String)>> {
        let template = r#"jsonpath={range .items[*]}{.metadata.name}={.status.podIP}{"\n"}{end}"#;
        let listed = self.kubectl(&["get", "pods", "--selector", labels, "--output", template])?;
        Ok(listed
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, ip)| (name.to_owned(), ip.to_owned()))
            .collect())
    }
}
