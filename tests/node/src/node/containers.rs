//! The node's containerd: importing images, removing containers.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::component::ctr;
use crate::command;
use crate::image::PackedImage;
use crate::wait;

/// How long containerd may take to answer after its start; it reads the state of all it knew first.
const ANSWERS: Duration = Duration::from_secs(30);

pub(super) fn wait_until_answering() -> Result<()> {
    wait::until("containerd's first answer", ANSWERS, || {
        Ok(command::output(ctr().arg("version"))?.success())
    })
}

/// Imports what containerd does not have yet, by digest. Returns how many images were imported.
pub(super) fn import(images: &[PackedImage]) -> Result<usize> {
    let present = command::run(ctr().args(["images", "list"]))?;
    let missing: Vec<_> = images
        .iter()
        .filter(|image| !is_listed(&present, image))
        .collect();
    for image in &missing {
        command::run(ctr().args(["images", "import"]).arg(&image.archive))
            .with_context(|| format!("import the image {}", image.name))?;
    }
    Ok(missing.len())
}

/// Ends and removes every container. Only sensible when nothing wants them any more.
pub(super) fn remove_all() -> Result<()> {
    let tasks = names(&["tasks", "list", "--quiet"])?;
    if !tasks.is_empty() {
        // A task that ends by itself meanwhile is no failure; what really stays is found when its container is removed.
        command::output(ctr().args(["tasks", "delete", "--force"]).args(&tasks))?;
    }
    let containers = names(&["containers", "list", "--quiet"])?;
    if !containers.is_empty() {
        command::run(ctr().args(["containers", "delete"]).args(&containers))?;
    }
    Ok(())
}

fn names(arguments: &[&str]) -> Result<Vec<String>> {
    Ok(command::run(ctr().args(arguments))?
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Whether `ctr images list` (columns REF, TYPE, DIGEST, …) names the image with this very content.
fn is_listed(list: &str, image: &PackedImage) -> bool {
    list.lines().any(|line| {
        let mut columns = line.split_whitespace();
        columns.next() == Some(&image.name) && columns.any(|column| column == image.digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_counts_as_imported_only_with_the_same_content() {
        let list = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n\
                    localhost/a:1 application/vnd.oci.image.manifest.v1+json sha256:11 3.0 MiB linux/amd64 -\n";
        let image = |name: &str, digest: &str| PackedImage {
            name: name.to_owned(),
            digest: digest.to_owned(),
            archive: std::path::PathBuf::new(),
        };
        assert!(is_listed(list, &image("localhost/a:1", "sha256:11")));
        assert!(!is_listed(list, &image("localhost/a:1", "sha256:22")));
        assert!(!is_listed(list, &image("localhost/a:2", "sha256:11")));
    }
}
