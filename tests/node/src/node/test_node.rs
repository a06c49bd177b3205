//! What a test holds of the node.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::component::Component;
use super::folders::Folders;
use super::health::{self, Status};
use super::leftovers::{self, Leftover};
use super::namespace::Namespace;
use super::{containers, down, network, up};
use crate::cache::{Cache, CacheLock};
use crate::command::{self, Output};
use crate::image::PackedImage;
use crate::progress::Progress;

/// A cluster to test against, and the programs to reach it with.
#[derive(Debug, Clone)]
pub struct Node {
    /// A kubeconfig with this cluster's context alone.
    pub kubeconfig: PathBuf,
    /// The context's name.
    pub context: String,
    /// kubectl.
    pub kubectl: PathBuf,
    /// Helm 3.
    pub helm3: PathBuf,
    /// Helm 4.
    pub helm4: PathBuf,
    /// Folder with `kubectl`, `helm3` and `helm4`, for a PATH.
    pub programs: PathBuf,
    /// The folders of the node; `None` for somebody else's cluster.
    pub(super) own: Option<Folders>,
    pub(super) cache: Cache,
}

impl Node {
    /// The node of this machine, brought up or repaired when that is needed.
    ///
    /// Several tests may call this at once: one does the work and the others wait.
    ///
    /// # Errors
    /// When prerequisites are missing, a build fails, or somebody else uses what the node needs.
    pub fn ensure_up() -> Result<Self> {
        Self::up(&Cache::from_environment()?, &Progress::stderr())
    }

    /// Like [`Node::ensure_up`], with a cache and progress of the caller's choice.
    ///
    /// # Errors
    /// As [`Node::ensure_up`].
    pub fn up(cache: &Cache, progress: &Progress) -> Result<Self> {
        let folders = Folders::of(cache);
        let _lock = lock(cache)?;
        up::up(cache, &folders, progress)?;
        Ok(Self::of(cache, folders))
    }

    /// The node as it is, whether it runs or not.
    #[must_use]
    pub fn unchecked(cache: &Cache) -> Self {
        Self::of(cache, Folders::of(cache))
    }

    fn of(cache: &Cache, folders: Folders) -> Self {
        let programs = folders.programs();
        Self {
            kubeconfig: folders.kubeconfig(),
            context: network::NAME.to_owned(),
            kubectl: programs.join("kubectl"),
            helm3: programs.join("helm3"),
            helm4: programs.join("helm4"),
            programs,
            own: Some(folders),
            cache: cache.clone(),
        }
    }

    /// Takes the node down and proves that nothing is left of it outside the cache. Harmless when it is down already.
    ///
    /// # Errors
    /// When something could not be removed; the error lists what is left.
    pub fn down(&self, progress: &Progress) -> Result<()> {
        let folders = self.folders("taken down")?;
        let _lock = lock(&self.cache)?;
        super::machine::refuse_other_owner(folders)?;
        progress.run("take the node down", |_| down::down(folders))
    }

    /// Everything of the node that is on the machine outside of the cache, or that belongs to one life of it: nothing
    /// after [`Node::down`].
    ///
    /// # Errors
    /// When this is somebody else's cluster, or the machine cannot be looked at.
    pub fn leftovers(&self) -> Result<Vec<Leftover>> {
        leftovers::find(self.folders("looked for")?)
    }

    /// What runs and what does not.
    ///
    /// # Errors
    /// When this is somebody else's cluster, or a process cannot be looked at.
    pub fn status(&self) -> Result<Status> {
        health::status(self.folders("looked into")?)
    }

    /// Kills one component, for tests of what happens then. `Node::up` brings it back.
    ///
    /// # Errors
    /// When this is somebody else's cluster, or the process does not end.
    pub fn stop(&self, component: Component) -> Result<()> {
        up::stop(self.folders("stopped")?, component)
    }

    /// Starts one component that does not run. Does not wait until it serves.
    ///
    /// # Errors
    /// When this is somebody else's cluster, or the program cannot be started.
    pub fn start(&self, component: Component) -> Result<()> {
        let folders = self.folders("started")?;
        if self.status()?.dead().contains(&component) {
            up::launch(folders, component)?;
        }
        Ok(())
    }

    /// Kills one component, starts it again, and waits until the whole node is ready.
    ///
    /// # Errors
    /// When this is somebody else's cluster, or the node does not become ready again.
    pub fn restart(&self, component: Component) -> Result<()> {
        let folders = self.folders("restarted")?;
        let _lock = lock(&self.cache)?;
        up::restart(folders, component)?;
        containers::wait_until_answering()?;
        health::wait_for_api(folders)?;
        health::wait_for_node(folders)
    }

    /// Makes an image known to the node; nothing is done when it already has this content.
    ///
    /// # Errors
    /// When this is somebody else's cluster (it cannot be given images), or the import fails.
    pub fn import_image(&self, image: &PackedImage) -> Result<()> {
        if self.own.is_none() {
            bail!(
                "the cluster {} cannot be given the image {}: only the test node can",
                self.context,
                image.name
            );
        }
        containers::import(std::slice::from_ref(image)).map(drop)
    }

    /// A new namespace with a name that starts with `prefix`; it is deleted when the result is dropped.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn namespace(&self, prefix: &str) -> Result<Namespace> {
        Namespace::create(self, prefix)
    }

    /// The API server's audit log: one JSON object a line, without bodies.
    ///
    /// # Errors
    /// When this is somebody else's cluster.
    pub fn audit_log(&self) -> Result<PathBuf> {
        Ok(self.folders("audited")?.audit_log())
    }

    /// A component's log file.
    ///
    /// # Errors
    /// When this is somebody else's cluster.
    pub fn log(&self, component: Component) -> Result<PathBuf> {
        Ok(component.log(self.folders("looked into")?))
    }

    /// A command with this cluster as its only one: KUBECONFIG and PATH are set, and the user's own settings of
    /// Kubernetes and Helm (plug-ins and repositories too) are out of its reach.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_foreign_setting(name)) {
            command.env_remove(name);
        }
        for (name, folder) in [
            ("HELM_CACHE_HOME", "cache"),
            ("HELM_CONFIG_HOME", "config"),
            ("HELM_DATA_HOME", "data"),
        ] {
            command.env(name, self.cache.root().join("helm").join(folder));
        }
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    /// Environment for programs that shall reach this cluster.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.programs.display());
        [
            ("KUBECONFIG", self.kubeconfig.display().to_string()),
            (
                "KUBECACHEDIR",
                self.cache.root().join("kubectl").display().to_string(),
            ),
            ("SAFE_UPGRADE_TEST_CONTEXT", self.context.clone()),
            ("SAFE_UPGRADE_TEST_HELM3", self.helm3.display().to_string()),
            ("SAFE_UPGRADE_TEST_HELM4", self.helm4.display().to_string()),
            ("SAFE_UPGRADE_TEST_KUBECTL", self.kubectl.display().to_string()),
            ("PATH", path),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// Runs kubectl, which must succeed, and returns its standard output.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub fn kubectl<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        command::run(self.command(&self.kubectl).args(arguments))
    }

    /// Runs Helm 3 to its end, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn helm3<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        command::output(self.command(&self.helm3).args(arguments))
    }

    /// Runs Helm 4 to its end, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn helm4<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Output> {
        command::output(self.command(&self.helm4).args(arguments))
    }

    /// Applies a manifest given as text.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn apply(&self, namespace: &str, manifest: &str) -> Result<String> {
        let folder = self.cache.root().join("manifests");
        std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let path = folder.join(format!("{namespace}-{}.yaml", std::process::id()));
        std::fs::write(&path, manifest).with_context(|| format!("write {}", path.display()))?;
        let applied = self.kubectl([
            "apply",
            "--namespace",
            namespace,
            "-f",
            &path.display().to_string(),
        ]);
        std::fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        applied
    }

    fn folders(&self, what: &str) -> Result<&Folders> {
        self.own
            .as_ref()
            .with_context(|| format!("the cluster {} is not ours and cannot be {what}", self.context))
    }
}

fn lock(cache: &Cache) -> Result<CacheLock> {
    cache.lock("node")
}

/// Settings of a user's own Kubernetes and Helm, which must not lead a test astray.
fn is_foreign_setting(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("HELM_") || name.starts_with("KUBECTL_")
}
