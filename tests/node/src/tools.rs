//! The programs that the node and its tests run, built from source: Kubernetes in one binary, and both Helm lines.

use std::path::PathBuf;

use anyhow::Result;

use crate::cache::Cache;
use crate::golang::{GoProgram, GoSources};
use crate::progress::Progress;

/// Kubernetes version of the node. 1.34 is the last line whose kubelet starts on cgroup v1 without being asked to.
pub const KUBERNETES_VERSION: &str = "v1.34.4";
/// The Helm 3 that the tests run.
pub const HELM3_VERSION: &str = "v3.21.4";
/// The Helm 4 that the tests run.
pub const HELM4_VERSION: &str = "v4.2.4";

const KUBELITE_FILES: [(&str, &str); 4] = [
    ("main.go", include_str!("../kubelite/main.go")),
    ("volumes.go", include_str!("../kubelite/volumes.go")),
    ("go.mod", include_str!("../kubelite/go.mod")),
    ("go.sum", include_str!("../kubelite/go.sum")),
];

/// Built programs; each path names a file in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// Every Kubernetes component, etcd, CoreDNS and kubectl in one binary.
    pub kubelite: PathBuf,
    /// Helm 3.
    pub helm3: PathBuf,
    /// Helm 4.
    pub helm4: PathBuf,
}

impl Tools {
    /// All programs, built as far as the cache does not have them.
    ///
    /// # Errors
    /// When Go is missing or a build fails.
    pub fn build(cache: &Cache, progress: &Progress) -> Result<Self> {
        Ok(Self {
            kubelite: kubelite(cache, progress)?,
            helm3: helm("v3", HELM3_VERSION).build(cache, progress)?,
            helm4: helm("v4", HELM4_VERSION).build(cache, progress)?,
        })
    }
}

fn kubelite(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let (major, minor) = major_and_minor(KUBERNETES_VERSION);
    let stamp = |variable: &str, value: &str| (variable.to_owned(), value.to_owned());
    let sources = GoSources {
        name: "kubelite",
        files: &KUBELITE_FILES,
        stamps: &[
            stamp("k8s.io/component-base/version.gitVersion", KUBERNETES_VERSION),
            stamp("k8s.io/component-base/version.gitMajor", major),
            stamp("k8s.io/component-base/version.gitMinor", minor),
            stamp("k8s.io/component-base/version.gitTreeState", "clean"),
            stamp("k8s.io/client-go/pkg/version.gitVersion", KUBERNETES_VERSION),
        ],
        title: &format!("build Kubernetes {KUBERNETES_VERSION} (one time, some minutes)"),
    };
    sources.build(cache, progress)
}

/// Helm at a version. Without the stamp a build from the module proxy reports no patch number.
fn helm(line: &str, version: &str) -> GoProgram {
    GoProgram {
        name: "helm".to_owned(),
        package: format!("helm.sh/helm/{line}/cmd/helm"),
        version: version.to_owned(),
        stamps: vec![
            (
                format!("helm.sh/helm/{line}/internal/version.version"),
                version.to_owned(),
            ),
            (
                format!("helm.sh/helm/{line}/internal/version.gitTreeState"),
                "clean".to_owned(),
            ),
        ],
    }
}

fn major_and_minor(version: &str) -> (&str, &str) {
    let mut parts = version.trim_start_matches('v').split('.');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}
