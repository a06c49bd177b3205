//! A throw-away server of this machine's own programs, in a temporary folder, reached through a socket there alone.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use model::DatabaseRoute;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::VerifyError;
use super::place::{LocalPlace, Locale, credentials, location};
use crate::local::{program_folders, version_of};
use crate::script::{COMMAND_NAME, THROW_AWAY_LOCAL, last_words};
use crate::{LocalRunner, ReachError, Server};

/// What a server's programs must be there for a test.
const NEEDED: [&str; 4] = ["initdb", "postgres", "pg_isready", "pg_restore"];

/// The port that names the socket; nothing listens on it.
const PORT: u16 = 5432;

/// How long ending the server and removing its folder may take us. It goes on without us, too.
const DELETE_TIME: Duration = Duration::from_secs(60);

/// A server of this machine, gone with its folder when this is dropped or its process ends in whatever way.
pub(super) struct LocalServer {
    folder: PathBuf,
    programs: PathBuf,
    keeper: Child,
}

/// The folder with a server's programs of one major version: the one that is given, or one of the usual ones.
pub(super) async fn find_programs(major: i32, given: Option<&Path>) -> Result<PathBuf, VerifyError> {
    let folders = given.map_or_else(|| program_folders(major), |given| vec![given.to_owned()]);
    let mut others = Vec::new();
    for folder in folders {
        if !NEEDED.iter().all(|program| folder.join(program).exists()) {
            continue;
        }
        match version_of(&folder.join("postgres")).await {
            Some(found) if found == major => return Ok(folder),
            Some(found) => others.push(format!("{} is {found}", folder.display())),
            None => {}
        }
    }
    Err(VerifyError::NoPrograms { major, others })
}

impl LocalServer {
    /// Begins to start it; `room` is what it will need, in bytes.
    pub(super) fn begin(place: &LocalPlace, locale: &Locale, room: u64) -> Result<Self, VerifyError> {
        let temporary = std::env::temp_dir();
        let scratch = place.scratch.as_ref().unwrap_or(&temporary);
        let folder = tempfile::Builder::new().prefix("pgbackup-").tempdir_in(scratch);
        let folder = folder.map_err(VerifyError::Machine)?;
        let needed = room >> 10;
        let mut command = Command::new("sh");
        command
            .args(["-c", THROW_AWAY_LOCAL, COMMAND_NAME])
            .arg(folder.path())
            .arg(&place.programs)
            .args(locale.arguments())
            .arg(needed.to_string())
            // The keeper ends, and cleans up, when this is closed: with the child, or with our process.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // An interrupt at the terminal is ours to answer: the keeper must live long enough to clean up.
        #[cfg(unix)]
        command.process_group(0);
        let keeper = command.spawn().map_err(VerifyError::Machine)?;
        Ok(Self {
            folder: folder.keep(),
            programs: place.programs.clone(),
            keeper,
        })
    }

    /// Waits until it is up; tells in words what this machine lacks.
    pub(super) async fn up(&mut self) -> Result<Vec<String>, VerifyError> {
        let (Some(said), Some(mut complaints)) = (self.keeper.stdout.take(), self.keeper.stderr.take())
        else {
            unreachable!("both were asked for, and this is called once");
        };
        let mut notes = Vec::new();
        let mut lines = BufReader::new(said).lines();
        while let Some(line) = lines.next_line().await.map_err(VerifyError::Machine)? {
            match line.strip_prefix("note ") {
                Some(note) => notes.push(note.to_owned()),
                None if line == "ready" => return Ok(notes),
                None => {}
            }
        }
        let mut words = String::new();
        // What it said is all that there is to know; a broken pipe leaves it at that.
        let _ = complaints.read_to_string(&mut words).await;
        Err(VerifyError::Prepare(last_words(&words)))
    }

    /// The server and the client programs that go with it.
    pub(super) async fn reach(&self, id: &str) -> Result<Server, ReachError> {
        let location = location(&self.folder.display().to_string(), PORT, DatabaseRoute::Direct);
        let runner = LocalRunner::default().with_programs(&self.programs);
        Server::reach_through(Arc::new(runner), &location, &credentials(), id).await
    }

    /// Ends it and waits until its folder is gone.
    pub(super) async fn delete(mut self) {
        drop(self.keeper.stdin.take());
        // Where it takes longer, the keeper goes on without us.
        let _ = tokio::time::timeout(DELETE_TIME, self.keeper.wait()).await;
    }
}
