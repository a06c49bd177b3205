//! The components' configuration files, filled with the node's paths and addresses.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::folders::{Folders, RUN_FOLDER, socket, write_whole};
use super::network::{NAME, NODE_ADDRESS, POD_RANGE, port};
use crate::image::PAUSE_IMAGE;

/// The node's name in the cluster.
pub(super) const NODE_NAME: &str = "safe-upgrade-test";

/// Where distributions put CNI plug-ins, in the order in which they are tried.
pub(crate) const CNI_FOLDERS: [&str; 3] = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];
/// The plug-ins that the node's network uses.
pub(crate) const CNI_PLUGINS: [&str; 3] = ["ptp", "host-local", "loopback"];

/// The folder that has all CNI plug-ins that are needed.
pub(crate) fn cni_folder() -> Option<&'static str> {
    CNI_FOLDERS.into_iter().find(|folder| {
        CNI_PLUGINS
            .iter()
            .all(|plugin| Path::new(folder).join(plugin).exists())
    })
}

/// Writes every configuration file.
pub(super) fn write(folders: &Folders) -> Result<()> {
    let Some(cni_plugins) = cni_folder() else {
        bail!("no folder has the CNI plug-ins {}", CNI_PLUGINS.join(", "))
    };
    let fill = |template: &str, user: &str| fill(template, folders, cni_plugins, user);
    let config = folders.config();
    let files = [
        ("containerd.toml", include_str!("../../config/containerd.toml")),
        ("kubelet.yaml", include_str!("../../config/kubelet.yaml")),
        (
            "cni/10-node.conflist",
            include_str!("../../config/network.conflist"),
        ),
        ("masquerade.nft", include_str!("../../config/masquerade.nft")),
        ("Corefile", include_str!("../../config/Corefile")),
        (
            "audit-policy.yaml",
            include_str!("../../config/audit-policy.yaml"),
        ),
        (
            "storage-class.yaml",
            include_str!("../../config/storage-class.yaml"),
        ),
        // Pods ask the node's DNS; the machine's own resolver settings must not leak into them.
        ("resolv.conf", ""),
    ];
    for (name, template) in files {
        write_whole(&config.join(name), fill(template, ""))?;
    }
    let kubeconfig = include_str!("../../config/kubeconfig.yaml");
    write_whole(&config.join("kubelet.kubeconfig"), fill(kubeconfig, "kubelet"))?;
    write_whole(&folders.kubeconfig(), fill(kubeconfig, "admin"))?;
    restrict(&folders.kubeconfig())
}

fn fill(template: &str, folders: &Folders, cni_plugins: &str, user: &str) -> String {
    let values = [
        ("@state@", folders.state().display().to_string()),
        ("@config@", folders.config().display().to_string()),
        ("@pki@", folders.pki().display().to_string()),
        ("@run@", RUN_FOLDER.to_owned()),
        ("@socket@", socket().display().to_string()),
        ("@pause_image@", PAUSE_IMAGE.to_owned()),
        ("@cni_plugins@", cni_plugins.to_owned()),
        ("@network@", NAME.to_owned()),
        ("@context@", NAME.to_owned()),
        ("@user@", user.to_owned()),
        ("@node_address@", NODE_ADDRESS.to_owned()),
        ("@pod_range@", POD_RANGE.to_owned()),
        ("@api_port@", port::API_SERVER.to_string()),
        ("@kubelet_port@", port::KUBELET.to_string()),
        ("@kubelet_health_port@", port::KUBELET_HEALTH.to_string()),
    ];
    values
        .iter()
        .fold(template.to_owned(), |text, (placeholder, value)| {
            text.replace(placeholder, value)
        })
}

/// Helm warns about a kubeconfig that others can read.
fn restrict(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;

    #[test]
    fn every_placeholder_of_every_file_is_filled() {
        let cache = tempfile::tempdir().unwrap();
        let folders = Folders::of(&Cache::at(cache.path()).unwrap());
        let templates = [
            include_str!("../../config/containerd.toml"),
            include_str!("../../config/kubelet.yaml"),
            include_str!("../../config/kubeconfig.yaml"),
            include_str!("../../config/network.conflist"),
            include_str!("../../config/masquerade.nft"),
            include_str!("../../config/Corefile"),
            include_str!("../../config/audit-policy.yaml"),
            include_str!("../../config/storage-class.yaml"),
        ];
        for template in templates {
            let filled = fill(template, &folders, "/cni", "admin");
            assert!(!filled.contains('@'), "{filled}");
        }
    }
}
