//! The applications' images: built once, kept in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use test_node::Node;
use test_node::cache::{Cache, Key};
use test_node::command;
use test_node::golang::GoProgram;
use test_node::image::{ImageSpec, Layer, PackedImage, pack};
use test_node::progress::Progress;

use crate::ledger::Ledger;
use crate::openfga::OpenFga;
use crate::stand_ins;

/// The user that the programs run as; any number without rights does.
pub(crate) const USER: &str = "65532:65532";

/// Raised when something here changes what is in an image.
const RECIPE: &str = "1";

/// Builds what images are missing and makes all of them known to the node.
///
/// # Errors
/// When a build or an import fails, or the cluster is not the test node (it cannot be given images).
pub fn ensure_images(node: &Node) -> Result<()> {
    let cache = Cache::from_environment()?;
    for image in build(&cache, &Progress::stderr())? {
        node.import_image(&image)?;
    }
    Ok(())
}

/// The images of every version of every application, built as far as the cache does not have them.
///
/// # Errors
/// When Go or Cargo is missing, or a build fails.
pub fn build(cache: &Cache, progress: &Progress) -> Result<Vec<PackedImage>> {
    let mut images = ledger(cache, progress)?;
    for (version, _) in OpenFga::VERSIONS {
        images.push(openfga(version, cache, progress)?);
    }
    images.extend(stand_ins::coder(cache, progress)?);
    images.extend(stand_ins::gocdnext(cache, progress)?);
    Ok(images)
}

/// The images `localhost/ledger:VERSION`: one program, and the version in each image's environment.
///
/// # Errors
/// When the build fails.
pub fn ledger(cache: &Cache, progress: &Progress) -> Result<Vec<PackedImage>> {
    let (program, program_key) = ledger_program(cache, progress)?;
    Ledger::VERSIONS
        .iter()
        .map(|(version, _)| {
            let spec = ImageSpec {
                name: format!("localhost/ledger:{version}"),
                entrypoint: vec!["/ledger".to_owned()],
                environment: vec![("LEDGER_VERSION".to_owned(), (*version).to_owned())],
                user: Some(USER.to_owned()),
                ..ImageSpec::default()
            };
            packed(
                cache,
                &format!("image-ledger-{version}"),
                program_key.hex(),
                &spec,
                &program,
            )
        })
        .collect()
}

/// The image `localhost/openfga:VERSION`, built from the published sources.
///
/// # Errors
/// When the build fails.
pub fn openfga(version: &str, cache: &Cache, progress: &Progress) -> Result<PackedImage> {
    let source = GoProgram {
        name: "openfga".to_owned(),
        package: "github.com/openfga/openfga/cmd/openfga".to_owned(),
        version: format!("v{version}"),
        stamps: vec![(
            "github.com/openfga/openfga/internal/build.Version".to_owned(),
            format!("v{version}"),
        )],
    };
    let program = source.build(cache, progress)?;
    let spec = ImageSpec {
        name: format!("localhost/openfga:{version}"),
        entrypoint: vec!["/openfga".to_owned()],
        user: Some(USER.to_owned()),
        ..ImageSpec::default()
    };
    // The program's folder is named after the hash of all that it is made from.
    let made_from = program.display().to_string();
    packed(
        cache,
        &format!("image-openfga-{version}"),
        &made_from,
        &spec,
        &program,
    )
}

/// An image of a program alone.
pub(crate) fn packed(
    cache: &Cache,
    name: &str,
    made_from: &str,
    spec: &ImageSpec,
    program: &Path,
) -> Result<PackedImage> {
    let key = Key::builder()
        .with("recipe", RECIPE)
        .with("program", made_from)
        .with("image", format!("{spec:?}"))
        .finish();
    let folder = cache.artefact(name, &key, |folder| {
        let [place] = spec.entrypoint.as_slice() else {
            anyhow::bail!("the image {} has no single program", spec.name);
        };
        pack(spec, &Layer::new().file(place, program, 0o755), folder).map(drop)
    })?;
    PackedImage::open(&folder)
}

/// The ledger as a program that needs no library of the system it runs on.
fn ledger_program(cache: &Cache, progress: &Progress) -> Result<(PathBuf, Key)> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let compiler = command::run(Command::new("rustc").arg("-vV").current_dir(&workspace))?;
    let target = compiler
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("find the host in `rustc -vV`")?;
    let mut key = Key::builder().with("compiler", &compiler).with("recipe", RECIPE);
    key = key.with_file(&workspace.join("Cargo.lock"))?;
    let sources = workspace.join("tests/apps/ledger");
    // Not its tests: they do not change the program.
    key = key.with_file(&sources.join("Cargo.toml"))?;
    for file in [files(&sources.join("src"))?, files(&sources.join("migrations"))?].concat() {
        key = key.with_file(&file)?;
    }
    let key = key.finish();
    let folder = cache.artefact("ledger", &key, |folder| {
        progress.run("build ledger", |stage| {
            // A target folder of its own: the one of the checkout may be locked by a build that waits for this one.
            let target_folder = cache.root().join("cargo-target");
            let mut cargo = Command::new("cargo");
            cargo
                .args(["build", "--package", "ledger", "--release", "--target", target])
                .arg("--target-dir")
                .arg(&target_folder)
                .env("RUSTFLAGS", "-C target-feature=+crt-static")
                // Nobody waits for this program to be a little faster.
                .env("CARGO_PROFILE_RELEASE_LTO", "off")
                .current_dir(&workspace);
            command::run_watched(&mut cargo, |line| stage.note(line.trim()))?;
            let built = target_folder.join(target).join("release/ledger");
            fs::copy(&built, folder.join("ledger")).with_context(|| format!("copy {}", built.display()))?;
            Ok(())
        })
    })?;
    Ok((folder.join("ledger"), key))
}

/// Every file below a folder, in an order that is always the same.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry
            .with_context(|| format!("read {}", folder.display()))?
            .path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
