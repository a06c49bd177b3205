//! The images of the stand-ins: programs in Go, each from a folder of this crate, which runs the real migration library.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use test_node::cache::{Cache, Key};
use test_node::golang::GoSources;
use test_node::image::{ImageSpec, PackedImage};
use test_node::progress::Progress;

use crate::coder::Coder;
use crate::gocdnext::Gocdnext;
use crate::images::{USER, files, packed};

/// The images `localhost/coder:VERSION`; the program is where the real one's charts look for it.
pub(crate) fn coder(cache: &Cache, progress: &Progress) -> Result<Vec<PackedImage>> {
    let (program, key) = program("coder", cache, progress)?;
    let image = |(version, _): &(&str, i64)| {
        let spec = ImageSpec {
            name: format!("localhost/coder:{version}"),
            entrypoint: vec!["/opt/coder".to_owned()],
            environment: vec![("CODER_STAND_IN_VERSION".to_owned(), (*version).to_owned())],
            user: Some(USER.to_owned()),
            ..ImageSpec::default()
        };
        packed(
            cache,
            &format!("image-coder-{version}"),
            key.hex(),
            &spec,
            &program,
        )
    };
    Coder::VERSIONS.iter().map(image).collect()
}

/// The images `localhost/gocdnext-{server,agent,web}:VERSION`: one program that does what its name says.
pub(crate) fn gocdnext(cache: &Cache, progress: &Progress) -> Result<Vec<PackedImage>> {
    let (program, key) = program("gocdnext", cache, progress)?;
    let mut images = Vec::new();
    for (version, _) in Gocdnext::VERSIONS {
        for role in ["gocdnext-server", "gocdnext-agent", "gocdnext-web"] {
            let spec = ImageSpec {
                name: format!("localhost/{role}:{version}"),
                entrypoint: vec![format!("/{role}")],
                environment: vec![("GOCDNEXT_STAND_IN_VERSION".to_owned(), version.to_owned())],
                user: Some(USER.to_owned()),
                ..ImageSpec::default()
            };
            let artefact = format!("image-{role}-{version}");
            images.push(packed(cache, &artefact, key.hex(), &spec, &program)?);
        }
    }
    Ok(images)
}

/// The program of a folder of this crate, and the key of what it is made from.
fn program(name: &str, cache: &Cache, progress: &Progress) -> Result<(PathBuf, Key)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let mut sources = Vec::new();
    for path in files(&folder)? {
        let place = path.strip_prefix(&folder).context("a file below its folder")?;
        let content = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        sources.push((place.display().to_string(), content));
    }
    let files: Vec<(&str, &str)> = sources
        .iter()
        .map(|(place, content)| (place.as_str(), content.as_str()))
        .collect();
    let sources = GoSources {
        name,
        files: &files,
        stamps: &[],
        title: &format!("build the stand-in for {name} (one time)"),
    };
    Ok((sources.build(cache, progress)?, sources.key()?))
}
