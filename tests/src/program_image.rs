//! A program of ours in an image, for what the cluster is to start by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use test_node::cache::{Cache, Key};
use test_node::image::{ImageSpec, Layer, PackedImage, pack};

use crate::{Ended, World, program};

/// Gives the node an image of a program as cargo built it, with the libraries that it loads, and tells its name. What is
/// published is linked statically (see the Containerfile); to link it anew for every test run would take longer than the
/// test.
///
/// # Errors
/// When the program has not been built, or the node cannot be given images.
pub fn program_image(world: &World, name: &str) -> Result<String> {
    let image = format!("localhost/{name}:test");
    let built = program(name)?;
    let mut layer = Layer::new();
    for library in libraries(&built)? {
        let place = library.display().to_string();
        layer = layer.file(&place, std::fs::canonicalize(&library)?, 0o755);
    }
    let small = world.folder.path().join(format!("{name}-stripped"));
    let stripped = Command::new("strip").arg("-o").arg(&small).arg(&built).status()?;
    ensure!(stripped.success());
    let place = format!("/{name}");
    let layer = layer.file(&place, &small, 0o755);
    let spec = ImageSpec {
        name: image.clone(),
        entrypoint: vec![place],
        ..ImageSpec::default()
    };
    let key = Key::builder().with_file(&small)?.finish();
    let folder = Cache::from_environment()?.artefact(&format!("image-{name}"), &key, |folder| {
        pack(&spec, &layer, folder).map(drop)
    })?;
    world.node.import_image(&PackedImage::open(&folder)?)?;
    Ok(image)
}

/// The libraries and the loader that a program names.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let said = Ended::of(Command::new("ldd").arg(program))?.expect(0)?.stdout;
    let paths = said.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(paths.map(PathBuf::from).collect())
}
