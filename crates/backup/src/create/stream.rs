//! The dump on its way from the server to a file, and the proof that it arrived.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use model::{BackupFile, BackupFormat, BackupProof};
use tokio::io::AsyncWrite;

use crate::script::{self, Trailer, last_words, nonce};
use crate::store::Sink;
use crate::transfer::Passed;
use crate::{RunEnd, Server};

use super::room::Packed;
use super::{CreateError, write_error};

/// A stream that was proven to have arrived and to be stored.
#[derive(Debug)]
pub(super) struct Dumped {
    /// What left the server.
    pub(super) sent: Passed,
    /// What is in the file.
    pub(super) stored: Passed,
    pub(super) proof: BackupProof,
}

impl Dumped {
    pub(super) fn file(&self, name: &str, codec: &str) -> BackupFile {
        BackupFile {
            name: name.to_owned(),
            codec: codec.to_owned(),
            bytes: self.stored.bytes,
            sha256_stream: self.sent.sha256.clone(),
            sha256_stored: self.stored.sha256.clone(),
        }
    }
}

/// How the program that dumps is called in messages.
pub(super) const PG_DUMP: &str = "pg_dump";

/// Tables at a time in the directory format: what one client machine and one server share well.
const FOLDER_JOBS: &str = "4";

/// What is sent at most to measure a way, and how long that may take.
const MEASURED_BYTES: &str = "268435456";
const MEASURE_TIME: Duration = Duration::from_secs(2);

/// What to dump how.
pub(super) struct DumpRequest<'a> {
    pub(super) format: BackupFormat,
    pub(super) packed: &'a Packed,
    pub(super) lock_wait: Duration,
    /// The view of the database, or nothing for one of its own.
    pub(super) snapshot: &'a str,
}

/// Dumps into a new file of a store.
pub(super) async fn dump(
    server: &Server,
    sink: Sink<'_>,
    request: &DumpRequest<'_>,
) -> Result<Dumped, CreateError> {
    let lock_wait = request.lock_wait.as_millis().to_string();
    let Packed { codec, own, .. } = request.packed;
    let (script, arguments, reader, packer): (_, Vec<&str>, _, _) = match request.format {
        BackupFormat::Custom => (
            script::DUMP,
            vec![codec.word(), &lock_wait, request.snapshot, "custom", own],
            "pg_restore, reading the archive to its end,",
            codec.word(),
        ),
        BackupFormat::Plain => (
            script::DUMP,
            vec![codec.word(), &lock_wait, request.snapshot, "plain", own],
            "the search for the last words of a complete dump",
            codec.word(),
        ),
        BackupFormat::Directory => (
            script::DUMP_FOLDER,
            vec![&lock_wait, request.snapshot, own, FOLDER_JOBS],
            "pg_restore, reading the archive to its end,",
            "tar",
        ),
    };
    let parts = [("dump", PG_DUMP), ("pack", packer), ("read", reader)];
    receive(server, script, "dump", &arguments, &parts, sink).await
}

/// How many bytes a second come from where the dump will run; `None` where that cannot be told.
pub(super) async fn measure(server: &Server) -> Option<f64> {
    let mut counted = Counted(0);
    let begun = std::time::Instant::now();
    let database = &server.location.database;
    let sent = server.run(
        script::MEASURE,
        database,
        "measure",
        &[MEASURED_BYTES],
        |feed| feed,
        &mut counted,
    );
    // That the time is up is the usual end on a slow way.
    let _ = tokio::time::timeout(MEASURE_TIME, sent).await;
    let seconds = begun.elapsed().as_secs_f64();
    (counted.0 > 0).then(|| counted.0 as f64 / seconds.max(0.001))
}

/// Counts what is written.
struct Counted(u64);

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0 += bytes.len() as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Writes the server's roles into a new file.
pub(super) async fn globals(server: &Server, sink: Sink<'_>) -> Result<Dumped, CreateError> {
    receive(
        server,
        script::GLOBALS,
        "globals",
        &[],
        &[("dump", "pg_dumpall")],
        sink,
    )
    .await
}

async fn receive(
    server: &Server,
    script: &str,
    act: &str,
    arguments: &[&str],
    parts: &[(&'static str, &'static str)],
    mut sink: Sink<'_>,
) -> Result<Dumped, CreateError> {
    let database = &server.location.database;
    let nonce = nonce();
    let mut all = vec![nonce.as_str()];
    all.extend(arguments);
    let ended = server
        .run(script, database, act, &all, |feed| feed, &mut sink)
        .await;
    if let Some(source) = sink.take_failure() {
        return Err(write_error(sink.uri())(source));
    }
    let end = ended.map_err(|source| CreateError::Stream {
        database: database.clone(),
        source,
    })?;
    let received = sink.finish().await?;
    judge(database, &end, &nonce, parts, received)
}

/// Whether what was received, and is stored, is all of what was sent by programs that all ended well.
fn judge(
    database: &str,
    end: &RunEnd,
    nonce: &str,
    parts: &[(&'static str, &'static str)],
    received: Passed,
) -> Result<Dumped, CreateError> {
    let words = || last_words(&end.stderr_tail);
    let database = database.to_owned();
    let Some(trailer) = Trailer::find(&end.stderr_tail, nonce).filter(|_| end.exit_code == 0) else {
        let words = words();
        if words.is_empty() && end.exit_code == 0 {
            return Err(CreateError::Silent { database });
        }
        let words = match words {
            said if said.is_empty() => format!("it said nothing and ended with status {}", end.exit_code),
            said => said,
        };
        return Err(CreateError::NoProof { database, words });
    };
    if let Some((key, program)) = parts.iter().find(|(key, _)| trailer.status(key) != 0) {
        return Err(CreateError::Program {
            program,
            status: trailer.status(key),
            database,
            words: words(),
        });
    }
    let changed = |difference| CreateError::Changed { database, difference };
    if trailer.bytes("bytes") != Some(received.bytes) {
        let sent = trailer.text("bytes");
        return Err(changed(format!(
            "{sent} bytes were sent and {} received",
            received.bytes
        )));
    }
    if trailer.text("sha256") != received.sha256 {
        let sent = trailer.text("sha256");
        return Err(changed(format!(
            "sha256 {sent} was sent and {} received",
            received.sha256
        )));
    }
    Ok(Dumped {
        sent: received.clone(),
        stored: received,
        proof: BackupProof {
            exit_status: 0,
            bytes_match: true,
            hash_match: true,
            read_to_end: true,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: [(&str, &str); 3] = [("dump", "pg_dump"), ("pack", "zstd"), ("read", "pg_restore")];

    fn passed(bytes: u64, sha256: &str) -> Passed {
        Passed {
            bytes,
            sha256: sha256.into(),
        }
    }

    fn judged(stderr: &str, received: Passed) -> Result<Dumped, CreateError> {
        let end = RunEnd {
            exit_code: 0,
            stderr_tail: stderr.into(),
        };
        judge("db", &end, "N", &PARTS, received)
    }

    #[test]
    fn a_dump_whose_ends_agree_is_proven() {
        let dumped = judged("N dump=0 pack=0 read=0 bytes=3 sha256=ab end\n", passed(3, "ab")).unwrap();
        assert!(dumped.proof.is_complete());
    }

    #[test]
    fn only_an_end_without_a_word_is_worth_a_second_try() {
        let ended = |exit_code: i32, stderr: &str| {
            let end = RunEnd {
                exit_code,
                stderr_tail: stderr.into(),
            };
            judge("db", &end, "N", &PARTS, passed(3, "ab")).unwrap_err()
        };
        assert!(matches!(ended(0, "\n"), CreateError::Silent { .. }));
        for (exit_code, stderr) in [(137, ""), (0, "pg_dump: x\n"), (1, "pg_dump: x\n")] {
            let error = ended(exit_code, stderr);
            assert!(matches!(error, CreateError::NoProof { .. }), "{error}");
        }
    }

    #[test]
    fn anything_less_is_an_error_that_says_what() {
        let error = |stderr: &str| judged(stderr, passed(3, "ab")).unwrap_err().to_string();
        assert!(error("pg_dump: x\n").contains("without its proof: pg_dump: x"));
        assert!(error("\n").contains("said nothing and ended with status 0"));
        assert!(
            error("N dump=1 pack=0 read=0 bytes=3 sha256=ab end").contains("pg_dump ended with status 1")
        );
        assert!(error("N dump=0 pack=9 read=0 bytes=3 sha256=ab end").contains("zstd ended with status 9"));
        assert!(
            error("N dump=0 pack=0 read=1 bytes=3 sha256=ab end").contains("pg_restore ended with status 1")
        );
        assert!(error("N dump=0 pack=0 read= bytes=3 sha256=ab end").contains("status -1"));
        assert!(
            error("N dump=0 pack=0 read=0 bytes=4 sha256=ab end")
                .contains("4 bytes were sent and 3 received")
        );
        assert!(error("N dump=0 pack=0 read=0 bytes=3 sha256=ac end").contains("sha256 ac was sent"));
    }
}
