//! An image as one file: an OCI image layout (image-spec 1.0) in a tar archive, as containerd imports it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, Header};

use super::Layer;
use crate::cache::hex;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const ARCHIVE: &str = "image.tar";
const DESCRIPTION: &str = "image.json";

/// How containers of an image are started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageSpec {
    /// Full name with host and tag, for instance `localhost/ledger:1.0.0`.
    pub name: String,
    /// The program and its fixed arguments.
    pub entrypoint: Vec<String>,
    /// Default arguments; a container's `args` replace them.
    pub command: Vec<String>,
    /// Environment as `(name, value)`.
    pub environment: Vec<(String, String)>,
    /// User to run as (`uid`, `uid:gid` or a name of the image's own passwd file); root when absent.
    pub user: Option<String>,
    /// Working folder; `/` when absent.
    pub working_folder: Option<String>,
}

/// A packed image in a folder of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedImage {
    /// Full name with host and tag.
    pub name: String,
    /// Digest of the image's manifest, `sha256:…`; it stands for the whole content.
    pub digest: String,
    /// The archive to import.
    #[serde(skip)]
    pub archive: PathBuf,
}

impl PackedImage {
    /// The image that [`pack`] wrote into `folder`.
    ///
    /// # Errors
    /// When the folder does not hold one.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(DESCRIPTION);
        let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let image: Self =
            serde_json::from_slice(&text).with_context(|| format!("parse {}", path.display()))?;
        Ok(Self {
            archive: folder.join(ARCHIVE),
            ..image
        })
    }
}

/// Packs one layer as an image into `folder` (usually an artefact of the cache).
///
/// The same layer and specification always give the same digest.
///
/// # Errors
/// When a file of the layer cannot be read or the folder cannot be written.
pub fn pack(spec: &ImageSpec, layer: &Layer, folder: &Path) -> Result<PackedImage> {
    let layer_path = folder.join("layer.tar.unfinished");
    let layer_blob = write_layer(layer, &layer_path)?;
    let config =
        serde_json::to_vec(&config(spec, &layer_blob.digest)).context("write the image's configuration")?;
    let config_blob = Blob::of(CONFIG_TYPE, &config);
    let manifest = serde_json::to_vec(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config_blob.descriptor(),
        "layers": [layer_blob.descriptor()],
    }))
    .context("write the image's manifest")?;
    let manifest_blob = Blob::of(MANIFEST_TYPE, &manifest);
    let index = serde_json::to_vec(&index(spec, &manifest_blob)).context("write the image's index")?;

    let archive = folder.join(ARCHIVE);
    let file = File::create(&archive).with_context(|| format!("create {}", archive.display()))?;
    let mut tar = Builder::new(BufWriter::new(file));
    let small = [
        (
            "oci-layout".to_owned(),
            br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
        ),
        ("index.json".to_owned(), index),
        (manifest_blob.path(), manifest),
        (config_blob.path(), config),
    ];
    for (path, content) in small {
        append(&mut tar, &path, content.len() as u64, content.as_slice())?;
    }
    let source = File::open(&layer_path).with_context(|| format!("open {}", layer_path.display()))?;
    append(&mut tar, &layer_blob.path(), layer_blob.size, source)?;
    tar.into_inner()
        .and_then(|mut out| out.flush())
        .with_context(|| format!("finish {}", archive.display()))?;
    fs::remove_file(&layer_path).with_context(|| format!("remove {}", layer_path.display()))?;

    let image = PackedImage {
        name: spec.name.clone(),
        digest: manifest_blob.digest,
        archive,
    };
    let description = folder.join(DESCRIPTION);
    let text = serde_json::to_vec_pretty(&image).context("describe the image")?;
    fs::write(&description, text).with_context(|| format!("write {}", description.display()))?;
    Ok(image)
}

/// One content-addressed part of the image.
struct Blob {
    media_type: &'static str,
    digest: String,
    size: u64,
}

impl Blob {
    fn of(media_type: &'static str, content: &[u8]) -> Self {
        Self {
            media_type,
            digest: format!("sha256:{}", hex(&Sha256::digest(content))),
            size: content.len() as u64,
        }
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.size})
    }

    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

fn write_layer(layer: &Layer, path: &Path) -> Result<Blob> {
    let file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut out = HashingWriter {
        inner: BufWriter::new(file),
        hash: Sha256::new(),
        size: 0,
    };
    layer.write(&mut out)?;
    Ok(Blob {
        media_type: LAYER_TYPE,
        digest: format!("sha256:{}", hex(&out.hash.finalize())),
        size: out.size,
    })
}

fn config(spec: &ImageSpec, layer_digest: &str) -> Value {
    let environment: Vec<String> = spec
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    json!({
        "architecture": architecture(),
        "os": "linux",
        "config": {
            "Entrypoint": spec.entrypoint,
            "Cmd": spec.command,
            "Env": environment,
            "User": spec.user.as_deref().unwrap_or(""),
            "WorkingDir": spec.working_folder.as_deref().unwrap_or("/"),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    })
}

fn index(spec: &ImageSpec, manifest: &Blob) -> Value {
    let tag = spec.name.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    let mut descriptor = manifest.descriptor();
    descriptor["annotations"] = json!({
        "io.containerd.image.name": spec.name,
        "org.opencontainers.image.ref.name": tag,
    });
    json!({"schemaVersion": 2, "manifests": [descriptor]})
}

/// This machine's processor in the names that Go, and so the image specification, uses.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn append(tar: &mut Builder<impl Write>, path: &str, size: u64, content: impl io::Read) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    tar.append_data(&mut header, path, content)
        .with_context(|| format!("pack {path}"))
}

struct HashingWriter<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn spec() -> ImageSpec {
        ImageSpec {
            name: "localhost/thing:1.2".into(),
            entrypoint: vec!["/thing".into()],
            command: vec!["serve".into()],
            environment: vec![("MODE".into(), "test".into())],
            user: Some("10001:10001".into()),
            working_folder: None,
        }
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("etc/deep")).unwrap();
        fs::write(folder.path().join("etc/config"), "a=1\n").unwrap();
        fs::set_permissions(
            folder.path().join("etc/config"),
            fs::Permissions::from_mode(0o4750),
        )
        .unwrap();
        fs::hard_link(
            folder.path().join("etc/config"),
            folder.path().join("etc/second-name"),
        )
        .unwrap();
        symlink("config", folder.path().join("etc/link")).unwrap();
        fs::write(folder.path().join("etc/deep").join("x".repeat(150)), "long name").unwrap();
        folder
    }

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        tar::Archive::new(archive)
            .entries()
            .unwrap()
            .map(|entry| {
                let mut entry = entry.unwrap();
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                (entry.path().unwrap().display().to_string(), content)
            })
            .collect()
    }

    fn blob<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"].as_str().unwrap();
        let content = &files[&format!("blobs/{}", digest.replace(':', "/"))];
        assert_eq!(
            format!("sha256:{}", hex(&Sha256::digest(content))),
            digest,
            "the digest is that of the content"
        );
        assert_eq!(
            descriptor["size"],
            content.len(),
            "the size is that of the content"
        );
        content
    }

    #[test]
    fn the_archive_is_a_whole_oci_layout() {
        let (source, target) = (tree(), tempfile::tempdir().unwrap());
        let layer = Layer::new()
            .tree(source.path())
            .unwrap()
            .text("/opt/app/run.sh", "#!/bin/sh\n", 0o755);
        let image = pack(&spec(), &layer, target.path()).unwrap();

        let files = files(&fs::read(&image.archive).unwrap());
        assert_eq!(files["oci-layout"], br#"{"imageLayoutVersion":"1.0.0"}"#);
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let descriptor = &index["manifests"][0];
        assert_eq!(descriptor["digest"], image.digest);
        assert_eq!(
            descriptor["annotations"]["io.containerd.image.name"],
            "localhost/thing:1.2"
        );
        assert_eq!(
            descriptor["annotations"]["org.opencontainers.image.ref.name"],
            "1.2"
        );
        let manifest: Value = serde_json::from_slice(blob(&files, descriptor)).unwrap();
        let config: Value = serde_json::from_slice(blob(&files, &manifest["config"])).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        assert_eq!(config["config"]["Env"], json!(["MODE=test"]));
        assert_eq!(config["config"]["User"], "10001:10001");

        let layer = blob(&files, &manifest["layers"][0]);
        let unpacked = tempfile::tempdir().unwrap();
        let mut archive = tar::Archive::new(layer);
        archive.set_preserve_permissions(true);
        archive.unpack(unpacked.path()).unwrap();
        let config = unpacked.path().join("etc/config");
        assert_eq!(fs::read_to_string(&config).unwrap(), "a=1\n");
        assert_eq!(
            fs::metadata(&config).unwrap().permissions().mode() & 0o7777,
            0o4750
        );
        assert_eq!(
            fs::read_to_string(unpacked.path().join("etc/second-name")).unwrap(),
            "a=1\n"
        );
        assert_eq!(
            fs::read_link(unpacked.path().join("etc/link")).unwrap(),
            Path::new("config")
        );
        assert_eq!(
            fs::read_to_string(unpacked.path().join("etc/deep").join("x".repeat(150))).unwrap(),
            "long name"
        );
        assert_eq!(
            fs::read_to_string(unpacked.path().join("opt/app/run.sh")).unwrap(),
            "#!/bin/sh\n"
        );
    }

    #[test]
    fn the_same_contents_have_the_same_digest_and_others_another() {
        let digest = |layer: Layer, spec: &ImageSpec| {
            let target = tempfile::tempdir().unwrap();
            pack(spec, &layer, target.path()).unwrap().digest
        };
        let (first, second) = (tree(), tree());
        let one = digest(Layer::new().tree(first.path()).unwrap(), &spec());
        assert_eq!(one, digest(Layer::new().tree(second.path()).unwrap(), &spec()));
        assert_ne!(
            one,
            digest(
                Layer::new().tree(first.path()).unwrap(),
                &ImageSpec { user: None, ..spec() }
            )
        );
        fs::write(second.path().join("etc/config"), "a=2\n").unwrap();
        assert_ne!(one, digest(Layer::new().tree(second.path()).unwrap(), &spec()));
    }

    #[test]
    fn a_packed_image_is_found_again_in_its_folder() {
        let target = tempfile::tempdir().unwrap();
        let image = pack(&spec(), &Layer::new().folder("/tmp", 0o1777), target.path()).unwrap();
        assert_eq!(PackedImage::open(target.path()).unwrap(), image);
        assert!(!target.path().join("layer.tar.unfinished").exists());
    }
}
