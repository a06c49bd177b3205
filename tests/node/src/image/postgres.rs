//! PostgreSQL images from Debian's own packages: what debootstrap installs, with an entry point of our own.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::mirror::{apt_proxy, debian_mirror};
use super::{ImageSpec, Layer, PackedImage, pack};
use crate::cache::{Cache, Key};
use crate::command;
use crate::progress::{Progress, Stage};

const ENTRYPOINT: &str = include_str!("../../images/postgres/entrypoint.sh");
const USER_ID_SCRIPT: &str = include_str!("../../images/postgres/user-id.sh");
/// Raised when the steps of this file change what ends up in the image.
const RECIPE: &str = "1";
/// The user number that charts for the customary PostgreSQL image run as.
const POSTGRES_USER_ID: u32 = 999;
/// What a backup needs in the pod besides PostgreSQL itself.
const EXTRA_PACKAGES: [&str; 3] = ["zstd", "curl", "ca-certificates"];
/// Folders whose contents no container needs.
const EMPTIED: [&str; 8] = [
    "var/lib/apt/lists",
    "var/cache",
    "var/log",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "tmp",
];

/// The PostgreSQL versions that there are images for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresImage {
    /// PostgreSQL 15, from Debian 12.
    V15,
    /// PostgreSQL 17, from Debian 13.
    V17,
    /// PostgreSQL 18, from Debian's unstable suite.
    V18,
}

impl PostgresImage {
    /// Every version, oldest first.
    pub const ALL: [Self; 3] = [Self::V15, Self::V17, Self::V18];

    /// The major version number.
    #[must_use]
    pub fn major(self) -> u32 {
        match self {
            Self::V15 => 15,
            Self::V17 => 17,
            Self::V18 => 18,
        }
    }

    /// The image's full name, for instance `localhost/postgres:15`.
    #[must_use]
    pub fn name(self) -> String {
        format!("localhost/postgres:{}", self.major())
    }

    fn suite(self) -> &'static str {
        match self {
            Self::V15 => "bookworm",
            Self::V17 => "trixie",
            Self::V18 => "sid",
        }
    }
}

/// The image of this PostgreSQL version, built when it is not in the cache.
///
/// What debootstrap installs is an artefact of its own, so that a change of the entry point does not cost a download.
///
/// # Errors
/// When debootstrap fails, or when not run as root.
pub fn postgres(version: PostgresImage, cache: &Cache, progress: &Progress) -> Result<PackedImage> {
    let packages = format!("postgresql-{},{}", version.major(), EXTRA_PACKAGES.join(","));
    let key = Key::builder()
        .with("recipe", RECIPE)
        .with("suite", version.suite())
        .with("packages", &packages)
        .with("user", USER_ID_SCRIPT)
        .finish();
    let title = format!(
        "install PostgreSQL {} from Debian {} (one time)",
        version.major(),
        version.suite()
    );
    let debian = cache.artefact(&format!("debian-postgres-{}", version.major()), &key, |root| {
        progress.run(title, |stage| install(version.suite(), &packages, root, stage))
    })?;
    let key = Key::builder()
        .with("debian", key.hex())
        .with("entrypoint", ENTRYPOINT)
        .finish();
    let folder = cache.artefact(&format!("image-postgres-{}", version.major()), &key, |folder| {
        progress.run(format!("pack the image {}", version.name()), |_| {
            pack_image(version, &debian, folder)
        })
    })?;
    PackedImage::open(&folder)
}

fn install(suite: &str, packages: &str, root: &Path, stage: &Stage) -> Result<()> {
    bootstrap(suite, packages, root, stage)?;
    stage.note("tidy up");
    tidy(root)?;
    give_customary_user_id(root)
}

fn pack_image(version: PostgresImage, debian: &Path, folder: &Path) -> Result<()> {
    let programs = format!("/usr/lib/postgresql/{}/bin", version.major());
    let path = format!("{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let environment = [
        ("PATH", path.as_str()),
        ("PGDATA", "/var/lib/postgresql/data"),
        ("LANG", "C.UTF-8"),
    ];
    let spec = ImageSpec {
        name: version.name(),
        entrypoint: vec!["/usr/local/bin/entrypoint.sh".to_owned()],
        command: vec!["postgres".to_owned()],
        environment: environment
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..ImageSpec::default()
    };
    let layer = Layer::new()
        .tree(debian)?
        .text("/usr/local/bin/entrypoint.sh", ENTRYPOINT, 0o755)
        .folder("/docker-entrypoint-initdb.d", 0o755);
    pack(&spec, &layer, folder).map(drop)
}

fn bootstrap(suite: &str, packages: &str, root: &Path, stage: &Stage) -> Result<()> {
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", &format!("--include={packages}"), suite])
        .arg(root);
    debootstrap
        .args(debian_mirror())
        .env("DEBIAN_FRONTEND", "noninteractive");
    if let Some(proxy) = apt_proxy() {
        debootstrap.env("http_proxy", proxy);
    }
    command::run_watched(&mut debootstrap, |line| {
        stage.note(line.trim_start_matches("I: "))
    })
}

/// Removes what no container needs, and the cluster that the package made for the machine it thinks it is on.
fn tidy(root: &Path) -> Result<()> {
    for folder in EMPTIED {
        empty(&root.join(folder))?;
    }
    for cluster in ["var/lib/postgresql", "etc/postgresql"] {
        empty(&root.join(cluster))?;
    }
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("read {}", folder.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", folder.display()))?;
        let path = entry.path();
        let removed = if entry
            .file_type()
            .with_context(|| format!("look at {}", path.display()))?
            .is_dir()
        {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

fn give_customary_user_id(root: &Path) -> Result<()> {
    let mut chroot = Command::new("chroot");
    chroot.arg(root).args([
        "/bin/sh",
        "-c",
        USER_ID_SCRIPT,
        "user-id",
        &POSTGRES_USER_ID.to_string(),
    ]);
    chroot.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command::run(&mut chroot).map(drop)
}
