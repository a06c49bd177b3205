//! Sealed keys in a store: `keys/<cluster>/<namespace>/<id>/keys.age`, and `keys.json`, which is published last.

use std::fmt;
use std::io::{self, Write as _};

use age::armor::{ArmoredWriter, Format};
use jiff::Timestamp;
use model::{API_VERSION, KeysManifest, Secret};
use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::seal::{Identities, OpenError, Recipients, Sealing, open};
use crate::transfer::hash;
use crate::{BackupId, Store, StoreError};

use super::bundle::{pack, under, unpack};
use super::{BundleError, Key, fingerprints};

/// The folder of all keys in a store.
const KEYS: &str = "keys";

/// The sealed file.
const SEALED: &str = "keys.age";

/// What is known of it. Without it there are no sealed keys.
const MANIFEST: &str = "keys.json";

/// How many steps lead from the root of a store to these files.
const DEPTH: usize = 5;

/// A store that holds sealed keys, beside backups or alone.
#[derive(Debug, Clone)]
pub struct Vault(Store);

/// What to write beside sealed keys.
#[derive(Debug, Clone)]
pub struct KeysRequest {
    /// First 8 characters of the kube-system UID.
    pub cluster: String,
    /// The namespace that the keys were read in.
    pub namespace: String,
    /// The release, where one was named.
    pub release: Option<String>,
    /// Who seals them: `user@host`.
    pub made_by: String,
}

/// Sealed keys in a store.
#[derive(Debug, Clone)]
pub struct SealedKeys {
    /// What is known of them.
    pub manifest: KeysManifest,
    /// Their place as `file://…`, `s3://…`.
    pub uri: String,
    sealed: Vec<u8>,
}

/// Why keys could not be sealed, found or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The store.
    #[error("failed to keep or read sealed keys")]
    Store(#[from] StoreError),
    /// Sealing failed.
    #[error("failed to seal the keys")]
    Seal(#[source] io::Error),
    /// There are none of that id.
    #[error("no sealed keys {id} in {store}")]
    Unknown {
        /// The id.
        id: String,
        /// The store.
        store: String,
    },
    /// The sealed file is not what was written.
    #[error("{0} is damaged: it is not what its manifest says")]
    Damaged(String),
    /// It does not open.
    #[error("failed to open the keys")]
    Open(#[from] OpenError),
    /// It opens, and what comes out was cut or changed.
    #[error("failed to read the opened keys")]
    Read(#[source] io::Error),
    /// It opens, and holds something else.
    #[error("failed to understand the opened keys")]
    Bundle(#[from] BundleError),
    /// It opens, and holds other keys than the manifest says.
    #[error("what {0} holds is not what its manifest says")]
    Different(String),
}

impl Vault {
    /// The keys of a store.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Seals keys and keeps them. They are read back before their manifest is published.
    ///
    /// # Errors
    /// When they cannot be sealed or stored; what was written is no sealed keys then.
    pub async fn keep(
        &self,
        keys: &[Key],
        recipients: &Recipients,
        request: KeysRequest,
        now: Timestamp,
    ) -> Result<SealedKeys, KeysError> {
        let sealed = seal(&pack(keys, &request.namespace), recipients).await?;
        let id = BackupId::new(now);
        let folder = self
            .0
            .steps(&[KEYS, &request.cluster, &request.namespace, id.as_str()]);
        let path = format!("{folder}/{SEALED}");
        self.put(&path, &sealed).await?;
        let manifest = KeysManifest {
            api_version: API_VERSION.into(),
            kind: "KeysManifest".into(),
            id: id.to_string(),
            created_at: now.to_string(),
            cluster: request.cluster,
            namespace: request.namespace,
            release: request.release,
            recipients: recipients.fingerprints(),
            bytes: sealed.len() as u64,
            sha256: hash(&sealed),
            fingerprints: fingerprints(keys),
            made_by: request.made_by,
        };
        self.publish(&folder, &manifest).await?;
        Ok(SealedKeys {
            manifest,
            uri: self.0.uri(&path),
            sealed,
        })
    }

    /// Copies sealed keys into this store, as they are. They are read back before their manifest is published.
    ///
    /// # Errors
    /// When they cannot be stored, or are there already.
    pub async fn copy(&self, keys: &SealedKeys) -> Result<String, KeysError> {
        let manifest = &keys.manifest;
        let folder = self
            .0
            .steps(&[KEYS, &manifest.cluster, &manifest.namespace, &manifest.id]);
        let path = format!("{folder}/{SEALED}");
        self.put(&path, &keys.sealed).await?;
        self.publish(&folder, manifest).await?;
        Ok(self.0.uri(&path))
    }

    /// Writes the sealed file, and compares what is there then.
    async fn put(&self, path: &str, sealed: &[u8]) -> Result<(), KeysError> {
        self.0.put_small(path, sealed.to_vec()).await?;
        match self.0.small(path).await? {
            Some(found) if found == sealed => Ok(()),
            Some(_) | None => Err(KeysError::Damaged(self.0.uri(path))),
        }
    }

    async fn publish(&self, folder: &str, manifest: &KeysManifest) -> Result<(), KeysError> {
        let path = format!("{folder}/{MANIFEST}");
        let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::from);
        let text = text.map_err(StoreError::io_at("write", self.0.uri(&path)))?;
        Ok(self.0.put_small(&path, text).await?)
    }

    /// What is known of all sealed keys, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<KeysManifest>, KeysError> {
        let mut found = Vec::new();
        for path in self.0.small_paths(KEYS, DEPTH).await? {
            if path.rsplit('/').next() != Some(MANIFEST) {
                continue;
            }
            let text = self.0.small(&path).await?.unwrap_or_default();
            // A foreign file is none of ours.
            if let Ok(manifest) = serde_json::from_slice::<KeysManifest>(&text) {
                found.push(manifest);
            }
        }
        found.sort_by(|one, other| other.id.cmp(&one.id));
        Ok(found)
    }

    /// Sealed keys by their id, whose hash was compared.
    ///
    /// # Errors
    /// When there are none, or the sealed file is damaged.
    pub async fn find(&self, id: &BackupId) -> Result<SealedKeys, KeysError> {
        let unknown = || KeysError::Unknown {
            id: id.to_string(),
            store: self.0.to_string(),
        };
        let all = self.list().await?;
        let manifest = all
            .into_iter()
            .find(|keys| keys.id == id.as_str())
            .ok_or_else(unknown)?;
        let path = self
            .0
            .steps(&[KEYS, &manifest.cluster, &manifest.namespace, &manifest.id]);
        let path = format!("{path}/{SEALED}");
        let uri = self.0.uri(&path);
        match self.0.small(&path).await? {
            Some(sealed) if hash(&sealed) == manifest.sha256 => Ok(SealedKeys {
                manifest,
                uri,
                sealed,
            }),
            Some(_) | None => Err(KeysError::Damaged(uri)),
        }
    }
}

impl SealedKeys {
    /// The sealed bytes.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// Opens them, compares what comes out with the manifest, and lets it go again.
    ///
    /// # Errors
    /// When they do not open, or hold something else.
    pub async fn test(&self, identities: &Identities) -> Result<(), KeysError> {
        let mut opened = open(&self.sealed[..], identities, &self.uri, &self.manifest.recipients).await?;
        let mut text = String::new();
        opened.read_to_string(&mut text).await.map_err(KeysError::Read)?;
        let keys = unpack(&Secret::new(text))?;
        let mut found = under(&self.manifest.fingerprints.salt, &keys).keys;
        let mut known = self.manifest.fingerprints.keys.clone();
        for keys in [&mut found, &mut known] {
            keys.sort_by(|one, other| (&one.source, &one.key).cmp(&(&other.source, &other.key)));
        }
        if found == known {
            Ok(())
        } else {
            Err(KeysError::Different(self.uri.clone()))
        }
    }

    /// A sheet to print and lock away: what it is, how it is opened, and the sealed bytes as text.
    ///
    /// # Errors
    /// None that a sheet in memory could meet; those of the encoder.
    pub fn sheet(&self) -> io::Result<String> {
        let mut armour = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
        armour.write_all(&self.sealed)?;
        let armour = armour.finish()?;
        Ok(format!(
            "{}\n{}",
            Title(&self.manifest),
            String::from_utf8_lossy(&armour)
        ))
    }
}

/// The head of a sheet.
struct Title<'a>(&'a KeysManifest);

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeysManifest {
            id,
            created_at,
            cluster,
            namespace,
            release,
            recipients,
            sha256,
            fingerprints,
            ..
        } = self.0;
        writeln!(f, "SEALED KEYS {id}")?;
        writeln!(
            f,
            "read        {created_at}, cluster {cluster}, namespace {namespace}"
        )?;
        if let Some(release) = release {
            writeln!(f, "release     {release}")?;
        }
        for key in &fingerprints.keys {
            writeln!(f, "holds       key {} of {}", key.key, key.source)?;
        }
        writeln!(f, "opens with  {}", recipients.join(", "))?;
        writeln!(f, "sha256      {sha256} (of the file before it was made text)")?;
        writeln!(
            f,
            "to open     type the lines below into a file and run: age -d -i IDENTITY FILE"
        )?;
        writeln!(
            f,
            "            it gives a List of Secrets, which kubectl apply -f - takes"
        )
    }
}

async fn seal(text: &Secret, recipients: &Recipients) -> Result<Vec<u8>, KeysError> {
    let mut sealed = Vec::new();
    let sealing = async {
        let mut sealing = Sealing::begin(recipients, &mut sealed).await?;
        sealing.write_all(text.expose().as_bytes()).await?;
        sealing.end().await
    };
    sealing.await.map_err(KeysError::Seal)?;
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;

    use super::*;

    struct Fixture {
        folder: tempfile::TempDir,
        vault: Vault,
        recipients: Recipients,
        identities: Identities,
    }

    fn vault(folder: &std::path::Path) -> Vault {
        Vault::new(Store::open(folder.to_str().unwrap()).unwrap())
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let key = age::x25519::Identity::generate();
        let file = folder.path().join("identity");
        std::fs::write(&file, key.to_string().expose_secret()).unwrap();
        Fixture {
            vault: vault(&folder.path().join("vault")),
            recipients: Recipients::parse(&[key.to_public().to_string()]).unwrap(),
            identities: Identities::read(&[file]).unwrap(),
            folder,
        }
    }

    async fn kept(fixture: &Fixture) -> SealedKeys {
        let keys = [Key::new("secret/web", "cookie", b"hunter2")];
        let request = KeysRequest {
            cluster: "cafe0123".into(),
            namespace: "shop".into(),
            release: Some("web".into()),
            made_by: "ann@laptop".into(),
        };
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        fixture
            .vault
            .keep(&keys, &fixture.recipients, request, now)
            .await
            .unwrap()
    }

    fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.push(path);
            }
        }
        found
    }

    #[tokio::test]
    async fn sealed_keys_are_found_and_open_and_no_value_is_in_any_file() {
        let fixture = fixture();
        let kept = kept(&fixture).await;
        let id = kept.manifest.id.parse().unwrap();
        let found = fixture.vault.find(&id).await.unwrap();
        found.test(&fixture.identities).await.unwrap();
        let files = files(&fixture.folder.path().join("vault"));
        assert_eq!(files.len(), 2);
        for file in files {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
            assert!(
                !text.contains("hunter2") && !text.contains("aHVudGVyMg"),
                "{file:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_copy_and_a_sheet_open_like_the_first() {
        let fixture = fixture();
        let kept = kept(&fixture).await;
        let other = vault(&fixture.folder.path().join("other"));
        other.copy(&kept).await.unwrap();
        let id = kept.manifest.id.parse().unwrap();
        other
            .find(&id)
            .await
            .unwrap()
            .test(&fixture.identities)
            .await
            .unwrap();
        let sheet = kept.sheet().unwrap();
        assert!(
            sheet.contains("key cookie of secret/web") && !sheet.contains("hunter2"),
            "{sheet}"
        );
        let armour = &sheet[sheet.find("-----BEGIN AGE").unwrap()..];
        let mut sealed = Vec::new();
        let mut reader = age::armor::ArmoredReader::new(armour.as_bytes());
        std::io::Read::read_to_end(&mut reader, &mut sealed).unwrap();
        assert_eq!(sealed, kept.sealed);
    }

    #[tokio::test]
    async fn damaged_keys_and_a_wrong_identity_are_told_apart() {
        let fixture = fixture();
        let keys = kept(&fixture).await;
        let other = self::fixture();
        assert!(matches!(
            keys.test(&other.identities).await,
            Err(KeysError::Open(OpenError::WrongIdentity { .. }))
        ));
        let sealed = files(&fixture.folder.path().join("vault"));
        let sealed = sealed.iter().find(|file| file.ends_with(SEALED)).unwrap();
        let mut bytes = std::fs::read(sealed).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(sealed, bytes).unwrap();
        let id = keys.manifest.id.parse().unwrap();
        assert!(matches!(
            fixture.vault.find(&id).await,
            Err(KeysError::Damaged(_))
        ));
    }
}
