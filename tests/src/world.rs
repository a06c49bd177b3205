//! A node that is up, with all images, and a namespace for one test.

use std::sync::OnceLock;

use anyhow::{Context, Result};
use cluster::ConnectOptions;
use tempfile::TempDir;
use test_apps::Place;
use test_node::{Namespace, Node};

use crate::Ended;

static NODE: OnceLock<Result<Node, String>> = OnceLock::new();

/// Where one test lives: a namespace that goes with it, and a folder for charts and backups.
pub struct World {
    /// The node.
    pub node: Node,
    /// The namespace, to install into.
    pub place: Place,
    /// A folder of this test.
    pub folder: TempDir,
    _namespace: Namespace,
}

/// How a namespace of the node is reached.
#[must_use]
pub fn connect_options(node: &Node, namespace: &str) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: Some(node.kubeconfig.clone()),
        namespace: Some(namespace.to_owned()),
        ..ConnectOptions::default()
    }
}

impl World {
    /// Brings node and images up, once a process, and makes a namespace whose name begins with `prefix`.
    ///
    /// # Errors
    /// When the node does not come up.
    pub fn new(prefix: &str) -> Result<Self> {
        let node = NODE
            .get_or_init(|| {
                let node = Node::ensure_up().map_err(|error| format!("{error:#}"))?;
                test_apps::ensure_images(&node).map_err(|error| format!("{error:#}"))?;
                Ok(node)
            })
            .clone()
            .map_err(anyhow::Error::msg)
            .context("the test node is not up")?;
        let namespace = node.namespace(prefix)?;
        let place = Place::new(&node, namespace.name());
        Ok(Self {
            node,
            place,
            folder: TempDir::new()?,
            _namespace: namespace,
        })
    }

    /// The password in a Secret of the namespace.
    ///
    /// # Errors
    /// When there is none.
    pub fn password(&self, secret: &str) -> Result<String> {
        let template = "go-template={{.data.password|base64decode}}";
        self.place
            .kubectl(&["get", "secret", secret, "--output", template])
    }

    /// Makes the account `reader`, which may read workloads and these kinds of the core and reach forwarded ports, and
    /// nothing else; gives the name under which the API server knows it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn reader(&self, kinds: &[&str]) -> Result<String> {
        let manifest = self.folder.path().join("reader.yaml");
        std::fs::write(&manifest, reader_manifest(kinds))?;
        self.place
            .kubectl(&["apply", "-f", &manifest.display().to_string()])?;
        Ok(format!("system:serviceaccount:{}:reader", self.place.namespace))
    }

    /// A kubeconfig file with which a ServiceAccount of the namespace comes.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn kubeconfig_of(&self, account: &str) -> Result<std::path::PathBuf> {
        let token = self
            .place
            .kubectl(&["create", "token", account, "--duration", "1h"])?;
        let path = self.folder.path().join(format!("{account}.kubeconfig"));
        std::fs::copy(&self.node.kubeconfig, &path)?;
        let token = format!("--token={}", token.trim());
        let user = format!("--user={account}");
        for arguments in [
            ["set-credentials", account, token.as_str()],
            ["set-context", "--current", user.as_str()],
        ] {
            let mut command = self.place.kubectl_command();
            command.env("KUBECONFIG", &path).arg("config").args(arguments);
            Ended::of(&mut command)?.expect(0)?;
        }
        Ok(path)
    }

    /// A folder below this test's own.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn subfolder(&self, name: &str) -> Result<std::path::PathBuf> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn reader_manifest(kinds: &[&str]) -> String {
    format!(
        r#"
apiVersion: v1
kind: ServiceAccount
metadata: {{ name: reader }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{ name: reader }}
rules:
  - {{ apiGroups: [""], resources: [{}], verbs: [get, list, watch] }}
  - {{ apiGroups: [apps, batch, autoscaling], resources: ["*"], verbs: [get, list, watch] }}
  - {{ apiGroups: [""], resources: [pods/portforward], verbs: [get, create] }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{ name: reader }}
roleRef: {{ apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader }}
subjects: [{{ kind: ServiceAccount, name: reader }}]
"#,
        kinds.join(", ")
    )
}
