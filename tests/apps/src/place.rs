//! Where a release is: a namespace of a cluster, and the programs to act in it.

use std::process::Command;

use anyhow::Result;
use test_node::Node;
use test_node::command::run;

use crate::helm_line::HelmLine;

/// A namespace of a cluster. The namespace itself is made and deleted by others ([`Node::namespace`]).
#[derive(Debug, Clone)]
pub struct Place {
    /// The cluster.
    pub node: Node,
    /// The namespace's name.
    pub namespace: String,
}

impl Place {
    /// A namespace by its name.
    #[must_use]
    pub fn new(node: &Node, namespace: &str) -> Self {
        Self {
            node: node.clone(),
            namespace: namespace.to_owned(),
        }
    }

    /// A kubectl command for this namespace, to be given arguments.
    #[must_use]
    pub fn kubectl_command(&self) -> Command {
        let mut kubectl = self.node.command(&self.node.kubectl);
        kubectl.args(["--namespace", &self.namespace]);
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
        let mut helm = self.node.command(match line {
            HelmLine::Three => &self.node.helm3,
            HelmLine::Four => &self.node.helm4,
        });
        helm.args(["--namespace", &self.namespace]);
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

    /// Waits until every pod with these labels that is being deleted is gone: `helm --wait` does not, and for a moment
    /// a Service still routes requests to pods that are shutting down.
    ///
    /// # Errors
    /// When kubectl fails or a pod is still there after a minute, which is twice the usual grace.
    pub fn wait_until_leaving_pods_are_gone(&self, labels: &str) -> Result<()> {
        let template =
            r#"jsonpath={range .items[?(@.metadata.deletionTimestamp)]}pod/{.metadata.name}{"\n"}{end}"#;
        let leaving = self.kubectl(&["get", "pods", "--selector", labels, "--output", template])?;
        for pod in leaving.lines() {
            // A pod that is gone by now is not found, and is what is waited for.
            let gone = self.kubectl(&["get", pod, "--ignore-not-found", "--output", "name"])?;
            if !gone.is_empty() {
                self.kubectl(&["wait", "--for=delete", pod, "--timeout", "60s"])?;
            }
        }
        Ok(())
    }
}
