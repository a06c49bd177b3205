//! What goes in comes out, with our reader and with age's own; what was cut or changed does not.

use std::io::Read;
use std::path::PathBuf;

use age::secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Sizes around the chunks of the format, 64 KiB each.
const SIZES: [usize; 7] = [0, 1, 65_535, 65_536, 65_537, 131_072, 300_001];

struct Keys {
    folder: tempfile::TempDir,
    public: String,
    secret: age::x25519::Identity,
}

impl Keys {
    fn new() -> Self {
        let secret = age::x25519::Identity::generate();
        Self {
            folder: tempfile::tempdir().unwrap(),
            public: secret.to_public().to_string(),
            secret,
        }
    }

    fn file(&self) -> PathBuf {
        let path = self.folder.path().join("identity");
        let text = format!("# a comment\n{}\n", self.secret.to_string().expose_secret());
        std::fs::write(&path, text).unwrap();
        path
    }

    fn identities(&self) -> Identities {
        Identities::read(&[self.file()]).unwrap()
    }

    fn recipients(&self) -> Recipients {
        Recipients::parse(std::slice::from_ref(&self.public)).unwrap()
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * at / 7) as u8).collect()
}

async fn sealed(recipients: &Recipients, content: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    let mut sealing = Sealing::begin(recipients, &mut stored).await.unwrap();
    for piece in content.chunks(10_007) {
        sealing.write_all(piece).await.unwrap();
        sealing.flush().await.unwrap();
    }
    let passed = sealing.end().await.unwrap();
    assert_eq!(
        (passed.bytes, passed.sha256),
        (content.len() as u64, crate::transfer::hash(content))
    );
    stored
}

async fn opened(stored: &[u8], identities: &Identities) -> Result<Vec<u8>, String> {
    let mut reader = open(stored, identities, "f", &["age:x".into()])
        .await
        .map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    reader
        .read_to_end(&mut found)
        .await
        .map_err(|error| error.to_string())?;
    Ok(found)
}

#[tokio::test]
async fn what_was_sealed_opens_here_and_with_age_s_own_reader() {
    let keys = Keys::new();
    for size in SIZES {
        let stored = sealed(&keys.recipients(), &content(size)).await;
        assert_eq!(
            opened(&stored, &keys.identities()).await.unwrap(),
            content(size),
            "{size}"
        );
        let mut theirs = Vec::new();
        let decryptor = age::Decryptor::new(&stored[..]).unwrap();
        let identity = std::iter::once(&keys.secret as &dyn age::Identity);
        decryptor
            .decrypt(identity)
            .unwrap()
            .read_to_end(&mut theirs)
            .unwrap();
        assert_eq!(theirs, content(size), "{size}");
    }
}

#[tokio::test]
async fn every_recipient_can_open_and_nobody_else_can() {
    let [ann, bob, eve] = [Keys::new(), Keys::new(), Keys::new()];
    let list = ann.folder.path().join("recipients");
    std::fs::write(&list, format!("# who\n\n{}\n", bob.public)).unwrap();
    let both = Recipients::parse(&[ann.public.clone(), list.display().to_string()]).unwrap();
    assert_eq!(both.fingerprints().len(), 2);
    let stored = sealed(&both, b"x").await;
    assert_eq!(opened(&stored, &ann.identities()).await.unwrap(), b"x");
    assert_eq!(opened(&stored, &bob.identities()).await.unwrap(), b"x");
    let told = opened(&stored, &eve.identities()).await.unwrap_err();
    assert!(
        told.contains("does not open with") && told.contains("age:x"),
        "{told}"
    );
}

#[tokio::test]
async fn a_cut_or_changed_file_never_reads_to_its_end() {
    let keys = Keys::new();
    let stored = sealed(&keys.recipients(), &content(200_000)).await;
    // Also at the border of a chunk, where what is left is whole chunks.
    let header = stored.len() - 200_000 - 4 * 16;
    for left in [
        0,
        10,
        header - 1,
        header,
        header + 65_552,
        header + 2 * 65_552,
        stored.len() - 1,
    ] {
        assert!(
            opened(&stored[..left], &keys.identities()).await.is_err(),
            "{left}"
        );
    }
    for place in [3, 60, header - 1, header, header + 70_000, stored.len() - 1] {
        let mut changed = stored.clone();
        changed[place] ^= 1;
        assert!(opened(&changed, &keys.identities()).await.is_err(), "{place}");
    }
    let mut longer = stored.clone();
    longer.push(0);
    assert!(opened(&longer, &keys.identities()).await.is_err());
}

#[tokio::test]
async fn ssh_keys_can_be_recipients_and_identities() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("id");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ann@laptop", "-f"])
        .arg(&path)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ssh-keygen is needed for this test"
    );
    let public = path.with_extension("pub").display().to_string();
    let stored = sealed(&Recipients::parse(&[public]).unwrap(), b"x").await;
    let identities = Identities::read(std::slice::from_ref(&path)).unwrap();
    assert_eq!(opened(&stored, &identities).await.unwrap(), b"x");
}

#[test]
fn a_secret_key_in_the_place_of_a_public_one_is_refused_without_being_shown() {
    let keys = Keys::new();
    let secret = keys.secret.to_string().expose_secret().to_owned();
    let told = Recipients::parse(std::slice::from_ref(&secret))
        .unwrap_err()
        .to_string();
    assert!(!told.contains(&secret), "{told}");
    let told = Recipients::parse(&[keys.file().display().to_string()])
        .unwrap_err()
        .to_string();
    assert!(told.contains("line 2") && !told.contains(&secret), "{told}");
    let public = keys.folder.path().join("public");
    std::fs::write(&public, &keys.public).unwrap();
    assert!(matches!(
        Identities::read(&[public]),
        Err(IdentityError::Unknown(_))
    ));
    assert!(matches!(Recipients::parse(&[]), Err(RecipientError::Nobody(_))));
}
