//! Build results that outlive a checkout, each under the hash of what it was made from.
//!
//! An artefact is a folder. It is built under a temporary name beside its final one and renamed when it is whole,
//! so what lies under a final name is always complete. A lock file keeps two builders of one artefact apart:
//! the second waits and then finds the first one's result.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// Environment variable that names the cache folder; it wins over the usual places.
pub const CACHE_VARIABLE: &str = "SAFE_UPGRADE_CACHE";

/// The folder that holds build results and the node's state; always outside the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache that the environment names: `$SAFE_UPGRADE_CACHE`, else `$XDG_CACHE_HOME/safe-upgrade`,
    /// else `$HOME/.cache/safe-upgrade`. The folder is created.
    ///
    /// # Errors
    /// When none of the three variables is set or the folder cannot be created.
    pub fn from_environment() -> Result<Self> {
        Self::at(folder_from(|name| env::var_os(name).map(PathBuf::from))?)
    }

    /// A cache in the given folder, which is created when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root).with_context(|| format!("create the cache folder {}", root.display()))?;
        let root = root
            .canonicalize()
            .with_context(|| format!("resolve {}", root.display()))?;
        Ok(Self { root })
    }

    /// The cache folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The artefact of this name and key, when it was built before.
    #[must_use]
    pub fn lookup(&self, name: &str, key: &Key) -> Option<PathBuf> {
        let folder = self.artefact_folder(name, key);
        folder.is_dir().then_some(folder)
    }

    /// The folder of the artefact `name` with this `key`; `build` fills it when it does not exist yet.
    ///
    /// `build` is given an empty folder on the same file system. When it fails nothing is kept.
    ///
    /// # Errors
    /// Whatever `build` returns, or a failure of the cache folder itself.
    pub fn artefact(
        &self,
        name: &str,
        key: &Key,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        if let Some(folder) = self.lookup(name, key) {
            return Ok(folder);
        }
        let _lock = self.lock(&format!("artefact-{name}"))?;
        if let Some(folder) = self.lookup(name, key) {
            return Ok(folder);
        }
        let folder = self.artefact_folder(name, key);
        let parent = self.root.join("artefacts");
        let unfinished = parent.join(format!(".{name}.unfinished"));
        // Only the holder of the lock comes here, so what lies there is left over from a build that was killed.
        remove_folder(&unfinished)?;
        fs::create_dir_all(&unfinished).with_context(|| format!("create {}", unfinished.display()))?;
        if let Err(error) = build(&unfinished) {
            remove_folder(&unfinished)?;
            return Err(error);
        }
        fs::rename(&unfinished, &folder)
            .with_context(|| format!("publish {} as {}", unfinished.display(), folder.display()))?;
        Ok(folder)
    }

    /// Waits for the named lock of this cache and holds it until the result is dropped (or the process ends).
    ///
    /// # Errors
    /// When the lock file cannot be created.
    pub fn lock(&self, name: &str) -> Result<CacheLock> {
        let folder = self.root.join("locks");
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let path = folder.join(name);
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        file.lock().with_context(|| format!("lock {}", path.display()))?;
        Ok(CacheLock { _file: file })
    }

    fn artefact_folder(&self, name: &str, key: &Key) -> PathBuf {
        self.root
            .join("artefacts")
            .join(format!("{name}-{}", key.short()))
    }
}

/// A lock that is held as long as this value lives.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
}

/// The hash of everything that an artefact is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    hex: String,
}

impl Key {
    /// Starts to collect the ingredients of a key.
    #[must_use]
    pub fn builder() -> KeyBuilder {
        KeyBuilder { hash: Sha256::new() }
    }

    /// The whole hash, 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.hex
    }

    /// The first 16 digits, enough to tell artefacts of one name apart.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.hex[..16]
    }
}

/// Collects labelled ingredients; order and labels count.
#[derive(Debug)]
pub struct KeyBuilder {
    hash: Sha256,
}

impl KeyBuilder {
    /// Adds one ingredient. Lengths are hashed too, so that moving a byte from one ingredient to the next shows.
    #[must_use]
    pub fn with(mut self, label: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [label.as_bytes(), value.as_ref()] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
        self
    }

    /// Adds the contents of a file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn with_file(self, path: &Path) -> Result<Self> {
        let content = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(self.with(&name, content))
    }

    /// The finished key.
    #[must_use]
    pub fn finish(self) -> Key {
        Key {
            hex: hex(&self.hash.finalize()),
        }
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.as_os_str().is_empty());
    if let Some(folder) = set(CACHE_VARIABLE) {
        return Ok(folder);
    }
    if let Some(folder) = set("XDG_CACHE_HOME") {
        return Ok(folder.join("safe-upgrade"));
    }
    if let Some(home) = set("HOME") {
        return Ok(home.join(".cache/safe-upgrade"));
    }
    bail!("no place for the cache: set {CACHE_VARIABLE} to a folder, or HOME")
}

fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("remove {}", folder.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(set: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<PathBuf> + 'a {
        |name| {
            set.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| PathBuf::from(value))
        }
    }

    #[test]
    fn the_cache_folder_follows_the_environment_in_order() {
        let all = [(CACHE_VARIABLE, "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(folder_from(variables(&all)).unwrap(), PathBuf::from("/a"));
        assert_eq!(
            folder_from(variables(&all[1..])).unwrap(),
            PathBuf::from("/b/safe-upgrade")
        );
        assert_eq!(
            folder_from(variables(&all[2..])).unwrap(),
            PathBuf::from("/c/.cache/safe-upgrade")
        );
        let error = folder_from(variables(&[(CACHE_VARIABLE, "")])).unwrap_err();
        assert!(error.to_string().contains(CACHE_VARIABLE), "{error}");
    }

    #[test]
    fn a_key_changes_with_every_ingredient_and_with_where_one_ends() {
        let key = |first: &str, second: &str| Key::builder().with("go", first).with("text", second).finish();
        assert_eq!(key("1.26", "main"), key("1.26", "main"));
        assert_ne!(key("1.26", "main"), key("1.27", "main"));
        assert_ne!(key("1.26", "main"), key("1.26", "main2"));
        let pair = |label: &str, value: &str| Key::builder().with(label, value).finish();
        assert_ne!(pair("go", "1.26"), pair("go1", ".26"));
        assert_ne!(
            Key::builder().with("a", "x").finish(),
            Key::builder().with("b", "x").finish()
        );
    }

    #[test]
    fn an_artefact_is_built_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache")).unwrap();
        let key = Key::builder().with("input", "1").finish();
        let path = cache
            .artefact("thing", &key, |place| Ok(fs::write(place.join("file"), "made")?))
            .unwrap();
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "made");
        let again = cache
            .artefact("thing", &key, |_| bail!("must not be built again"))
            .unwrap();
        assert_eq!(again, path);
    }

    #[test]
    fn a_failed_build_leaves_nothing_that_looks_like_an_artefact() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let key = Key::builder().with("input", "1").finish();
        let failed = cache.artefact("thing", &key, |place| {
            fs::write(place.join("half"), "written")?;
            bail!("the compiler said no")
        });
        assert_eq!(failed.unwrap_err().to_string(), "the compiler said no");
        assert_eq!(cache.lookup("thing", &key), None);
        let path = cache.artefact("thing", &key, |_| Ok(())).unwrap();
        assert!(
            !path.join("half").exists(),
            "the next build starts from an empty folder"
        );
    }

    #[test]
    fn a_lock_is_free_again_when_its_holder_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let held = cache.lock("node").unwrap();
        let probe = File::open(folder.path().join("locks/node")).unwrap();
        assert!(probe.try_lock().is_err());
        drop(held);
        assert!(probe.try_lock().is_ok());
    }
}
