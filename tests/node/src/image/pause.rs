//! The image of a pod's sandbox.

use anyhow::Result;

use super::{ImageSpec, Layer, PackedImage, pack};
use crate::cache::{Cache, Key};
use crate::golang::GoSources;
use crate::progress::Progress;

/// Name under which containerd is told to look for it.
pub(crate) const PAUSE_IMAGE: &str = "localhost/pause:1";

/// The image of a pod's sandbox: a program that waits for its end.
///
/// # Errors
/// When Go is missing or the build fails.
pub fn pause(cache: &Cache, progress: &Progress) -> Result<PackedImage> {
    let sources = GoSources {
        name: "pause",
        files: &[
            ("main.go", include_str!("../../pause/main.go")),
            ("go.mod", include_str!("../../pause/go.mod")),
        ],
        stamps: &[],
        title: "build the pause program",
    };
    let program = sources.build(cache, progress)?;
    let key = Key::builder()
        .with("program", sources.key()?.hex())
        .with("name", PAUSE_IMAGE)
        .finish();
    let folder = cache.artefact("image-pause", &key, |folder| {
        let spec = ImageSpec {
            name: PAUSE_IMAGE.to_owned(),
            entrypoint: vec!["/pause".to_owned()],
            user: Some("65534:65534".to_owned()),
            ..ImageSpec::default()
        };
        pack(&spec, &Layer::new().file("/pause", program, 0o755), folder).map(drop)
    })?;
    PackedImage::open(&folder)
}
