//! Streams that are cut or changed, programs that die: each must end in a failure that leaves nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use backup::{Filter, LocalRunner, RunEnd, RunError, Runner, create};
use model::BackupFormat;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::fixture::{Fixture, quiet};
use crate::support;

/// What happens on the way.
#[derive(Clone, Copy)]
enum Fault {
    Cut,
    Flipped,
    NoTrailer,
    Lengthened,
}

/// A transport that loses what exec streams have been seen to lose.
struct Unreliable {
    inner: LocalRunner,
    fault: Fault,
    /// How many dumps meet the fault; those after them arrive whole.
    faulty: usize,
    dumps: AtomicUsize,
}

impl Unreliable {
    fn new(fault: Fault, faulty: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: LocalRunner::default(),
            fault,
            faulty,
            dumps: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Runner for Unreliable {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let mut all = Vec::new();
        let mut end = self.inner.run(script, arguments, input, &mut all).await?;
        if script.contains("pg_dump \"$@\"") && self.dumps.fetch_add(1, Ordering::SeqCst) < self.faulty {
            let middle = all.len() / 2;
            match self.fault {
                Fault::Cut => all.truncate(middle),
                Fault::Flipped => all[middle] ^= 1,
                Fault::Lengthened => all.push(0),
                Fault::NoTrailer => end.stderr_tail.clear(),
            }
        }
        output.write_all(&all).await.map_err(RunError::Local)?;
        Ok(end)
    }

    fn place(&self) -> String {
        self.inner.place()
    }
}

async fn error_with(fault: Fault) -> String {
    let fixture = Fixture::new("unreliable").await;
    let runner = Unreliable::new(fault, usize::MAX);
    let server = fixture.server_through(runner.clone()).await;
    let error = fixture.try_create(&server).await.unwrap_err();
    assert_eq!(fixture.left(), Vec::<PathBuf>::new());
    let tries = if matches!(fault, Fault::NoTrailer) { 2 } else { 1 };
    assert_eq!(runner.dumps.load(Ordering::SeqCst), tries, "{error}");
    model::causes(&error)
}

#[tokio::test]
async fn a_cut_stream_is_no_backup() {
    let text = error_with(Fault::Cut).await;
    assert!(text.contains("bytes were sent and"), "{text}");
}

#[tokio::test]
async fn a_flipped_bit_is_no_backup() {
    let text = error_with(Fault::Flipped).await;
    assert!(text.contains("sha256") && text.contains("was sent"), "{text}");
}

#[tokio::test]
async fn a_stream_with_a_byte_too_many_is_no_backup() {
    let text = error_with(Fault::Lengthened).await;
    assert!(text.contains("bytes were sent and"), "{text}");
}

#[tokio::test]
async fn a_stream_without_its_proof_is_no_backup() {
    let text = error_with(Fault::NoTrailer).await;
    assert!(text.contains("without its proof"), "{text}");
}

#[tokio::test]
async fn a_stream_that_ended_without_a_word_is_tried_once_more_and_told() {
    let fixture = Fixture::new("silent").await;
    let runner = Unreliable::new(Fault::NoTrailer, 1);
    let server = fixture.server_through(runner.clone()).await;
    let told = Mutex::new(Vec::new());
    let tell = |words: &str, _: Option<f64>| told.lock().unwrap().push(words.to_owned());
    let backup = create(&server, &fixture.store, &fixture.request(), &tell)
        .await
        .unwrap();
    assert_eq!(runner.dumps.load(Ordering::SeqCst), 2);
    assert!(backup.manifest.proof.is_complete());
    let listed = fixture.store.list(&Filter::default()).await.unwrap();
    assert_eq!(
        listed.len(),
        1,
        "the first try left something: {:?}",
        fixture.left()
    );
    let told = told.into_inner().unwrap();
    assert!(told.iter().any(|words| words.contains("second try")), "{told:?}");
}

/// The error with one program replaced by a script that runs the real one as `$REAL`.
async fn error_with_program(name: &str, script: &str) -> String {
    error_in_layout(BackupFormat::Custom, name, script).await
}

async fn error_in_layout(format: BackupFormat, name: &str, script: &str) -> String {
    let fixture = Fixture::new("program").await;
    let real = support::server().bin.join(name);
    let real = if real.exists() {
        real
    } else {
        PathBuf::from("/usr/bin").join(name)
    };
    let folder = fixture.folder().join("programs");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\nREAL={}\n{script}\n", real.display())).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let runner = LocalRunner::default().with_programs(&folder);
    let server = fixture.server_through(Arc::new(runner)).await;
    let mut request = fixture.request();
    request.format = format;
    let error = create(&server, &fixture.store, &request, &quiet)
        .await
        .unwrap_err();
    assert_eq!(fixture.left(), Vec::<PathBuf>::new());
    error.to_string()
}

#[tokio::test]
async fn a_dump_that_is_killed_half_way_is_no_backup() {
    let script = r#"[ "$1" = --version ] && exec "$REAL" "$@"; "$REAL" "$@" | head -c 300000; kill -9 $$"#;
    let text = error_with_program("pg_dump", script).await;
    assert!(text.contains("pg_dump ended with status 137"), "{text}");
}

#[tokio::test]
async fn a_dump_that_ends_badly_after_its_last_byte_is_no_backup() {
    let script = r#"[ "$1" = --version ] && exec "$REAL" "$@"; "$REAL" "$@"; exit 3"#;
    let text = error_with_program("pg_dump", script).await;
    assert!(text.contains("pg_dump ended with status 3"), "{text}");
}

#[tokio::test]
async fn a_dump_that_ends_well_in_the_middle_is_no_backup() {
    let script = r#"[ "$1" = --version ] && exec "$REAL" "$@"; "$REAL" "$@" | head -c 300000; exit 0"#;
    let text = error_with_program("pg_dump", script).await;
    assert!(text.contains("reading the archive to its end"), "{text}");
}

#[tokio::test]
async fn text_that_ends_in_the_middle_of_its_rows_is_no_backup() {
    let script = r#"[ "$1" = --version ] && exec "$REAL" "$@"; "$REAL" "$@" | head -c 300000; exit 0"#;
    let text = error_in_layout(BackupFormat::Plain, "pg_dump", script).await;
    assert!(text.contains("the search for the last words"), "{text}");
}

#[tokio::test]
async fn a_folder_of_files_whose_dump_failed_is_no_backup() {
    let script = r#"[ "$1" = --version ] && exec "$REAL" "$@"; "$REAL" "$@"; exit 3"#;
    let text = error_in_layout(BackupFormat::Directory, "pg_dump", script).await;
    assert!(text.contains("pg_dump ended with status 3"), "{text}");
}

#[tokio::test]
async fn a_client_of_another_version_is_refused_before_anything_is_dumped() {
    let major = Fixture::new("versions").await.server().await.facts().version_num / 10_000;
    for (client, word) in [(major - 1, "older"), (major + 10, "newer")] {
        let script = format!(
            r#"[ "$1" = --version ] && {{ echo "pg_dump (PostgreSQL) {client}.1"; exit; }}; exec "$REAL" "$@""#
        );
        let text = error_with_program("pg_dump", &script).await;
        assert!(
            text.contains(&format!("pg_dump {client} is {word} than the server ({major})")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_packer_that_dies_makes_no_backup() {
    let text = error_with_program("zstd", "head -c 1000 >/dev/null; exit 9").await;
    assert!(text.contains("ended with status"), "{text}");
}

#[tokio::test]
async fn a_wrong_password_says_so_and_a_missing_program_is_named() {
    let fixture = Fixture::new("refused").await;
    let credentials = support::credentials("postgres", "wrong");
    let runner = Arc::new(LocalRunner::default());
    let refused = backup::Server::reach_through(runner, &fixture.location, &credentials, "x").await;
    let text = refused.err().unwrap().to_string();
    assert!(
        text.contains("password authentication failed") && !text.contains("wrong"),
        "{text}"
    );
}
