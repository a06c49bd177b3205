//! Backups that are encrypted in the pipe.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use age::secrecy::ExposeSecret as _;
use backup::seal::{Identities, OpenError, Recipients};
use backup::{Backup, RestoreRequest, get, get_opened, restore, restore_id};
use jiff::Timestamp;
use model::RestoreOptions;

use crate::fixture::{Fixture, ask, content, quiet, walk};
use crate::support;

struct Sealed {
    fixture: Fixture,
    backup: Backup,
    key: age::x25519::Identity,
    identity: PathBuf,
}

impl Sealed {
    async fn new(name: &str) -> Self {
        let mut fixture = Fixture::new(name).await;
        let key = age::x25519::Identity::generate();
        let recipients = Recipients::parse(&[key.to_public().to_string()]).unwrap();
        fixture.store = fixture.store.clone().sealed_to(recipients);
        let backup = fixture.create().await;
        let identity = fixture.folder().join("identity");
        std::fs::write(&identity, key.to_string().expose_secret()).unwrap();
        Self {
            fixture,
            backup,
            key,
            identity,
        }
    }

    fn identities(&self) -> Option<Arc<Identities>> {
        Some(Arc::new(
            Identities::read(std::slice::from_ref(&self.identity)).unwrap(),
        ))
    }

    fn dump(&self) -> PathBuf {
        let file = &self.backup.manifest.files[0];
        self.backup.folder().unwrap().join(&file.name)
    }
}

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

#[tokio::test]
async fn an_encrypted_backup_is_put_back_with_its_key_and_nothing_plain_is_stored() {
    let sealed = Sealed::new("sealed").await;
    let manifest = &sealed.backup.manifest;
    assert_eq!(manifest.encryption.as_ref().unwrap().recipients.len(), 1);
    for file in &manifest.files {
        assert!(
            file.name.ends_with(".age") && file.codec.ends_with("+age"),
            "{file:?}"
        );
        let stored = std::fs::read(sealed.backup.folder().unwrap().join(&file.name)).unwrap();
        assert!(stored.starts_with(b"age-encryption.org/v1\n"));
        assert_ne!(file.sha256_stored, file.sha256_stream);
    }
    assert_eq!(
        walk(&sealed.backup.folder().unwrap()).len(),
        manifest.files.len() + 1
    );

    let name = sealed.fixture.name().to_owned();
    let before = content(&name).await;
    let session = support::session(&name, "migration").await;
    session
        .batch_execute("update orders set note = 'gone'")
        .await
        .unwrap();
    drop(session);
    let opened = sealed.backup.opened(sealed.identities()).await.unwrap();
    let server = sealed.fixture.server().await;
    let report = restore(&server, &opened, &request(), &quiet).await.unwrap();
    assert_eq!(content(&name).await, before);
    assert_eq!(ask(&report.kept_as, "select min(note) from orders").await, "gone");
}

#[tokio::test]
async fn without_the_right_key_there_is_one_clear_error_and_nothing_is_made() {
    let sealed = Sealed::new("locked").await;
    let error = sealed.backup.opened(None).await.unwrap_err();
    assert!(matches!(error, OpenError::NoIdentity { .. }), "{error}");
    let other = sealed.fixture.folder().join("other");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other)
        .status();
    assert!(made.unwrap().success());
    let other = Arc::new(Identities::read(&[other]).unwrap());
    let error = sealed.backup.opened(Some(other)).await.unwrap_err();
    assert!(matches!(error, OpenError::WrongIdentity { .. }), "{error}");
    // And one that was never opened is not taken for a dump.
    let server = sealed.fixture.server().await;
    assert!(
        restore(&server, &sealed.backup, &request(), &quiet)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_encrypted_backup_is_fetched_as_it_is_or_opened() {
    let sealed = Sealed::new("fetched").await;
    let folder = sealed.fixture.folder().to_owned();
    let copy = get(&sealed.backup, &folder.join("copy"), &quiet).await.unwrap();
    assert!(copy.manifest.encryption.is_some());
    let opened = sealed.backup.opened(sealed.identities()).await.unwrap();
    let plain = get_opened(&opened, &folder.join("plain"), &quiet).await.unwrap();
    assert_eq!(
        (plain.manifest.encryption.is_none(), &plain.manifest),
        (true, &opened.manifest)
    );
    assert!(
        plain
            .manifest
            .files
            .iter()
            .all(|file| !file.name.ends_with(".age"))
    );
    // A damaged one leaves nothing plain.
    let path = sealed.dump();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let nowhere = folder.join("nowhere");
    assert!(get_opened(&opened, &nowhere, &quiet).await.is_err());
    assert_eq!(walk(&nowhere), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_changed_byte_of_an_encrypted_dump_is_found_before_the_database_is_touched() {
    let sealed = Sealed::new("flipped").await;
    let path = sealed.dump();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let opened = sealed.backup.opened(sealed.identities()).await.unwrap();
    let before = content(sealed.fixture.name()).await;
    let server = sealed.fixture.server().await;
    assert!(restore(&server, &opened, &request(), &quiet).await.is_err());
    assert_eq!(content(sealed.fixture.name()).await, before);
}

/// Runs a program on bytes; `None` where the machine has no such program.
fn through(program: &str, arguments: &[&str], input: Vec<u8>) -> Option<Vec<u8>> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let mut output = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{program} failed");
    writing.join().unwrap().unwrap();
    Some(output)
}

#[tokio::test]
async fn plain_tools_read_an_encrypted_backup() {
    let sealed = Sealed::new("plain tools").await;
    let stored = std::fs::read(sealed.dump()).unwrap();
    let identity = sealed.identity.display().to_string();
    // age itself where the machine has it, its own library otherwise; neither knows anything of this project.
    let packed = through("age", &["-d", "-i", &identity], stored.clone()).unwrap_or_else(|| {
        let decryptor = age::Decryptor::new(&stored[..]).unwrap();
        let mut packed = Vec::new();
        let mut reader = decryptor
            .decrypt(std::iter::once(&sealed.key as &dyn age::Identity))
            .unwrap();
        reader.read_to_end(&mut packed).unwrap();
        packed
    });
    let file = &sealed.backup.manifest.files[0];
    let archive = match file.codec.as_str() {
        "zstd+age" => through("zstd", &["-d", "-c"], packed).unwrap(),
        "gzip+age" => through("gzip", &["-d", "-c"], packed).unwrap(),
        _ => packed,
    };
    let sql = through("pg_restore", &["--file=-"], archive).unwrap();
    let sql = String::from_utf8_lossy(&sql);
    assert!(sql.contains("COPY public.orders") && sql.contains("PostgreSQL database dump complete"));
}
