//! Commands on this machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Command;

use crate::create::judge::client_major;
use crate::script::COMMAND_NAME;
use crate::{RunEnd, RunError, Runner};

/// How much of a command's standard error is kept: its last words.
const STDERR_KEPT: usize = 64 << 10;

/// Where systems keep the programs of each major version; `%` stands for its number. Debian and Ubuntu; Red Hat's and the
/// project's own packages; Alpine; Homebrew on both kinds of Mac.
const VERSIONED_PROGRAMS: [&str; 5] = [
    "/usr/lib/postgresql/%/bin",
    "/usr/pgsql-%/bin",
    "/usr/libexec/postgresql%",
    "/opt/homebrew/opt/postgresql@%/bin",
    "/usr/local/opt/postgresql@%/bin",
];

/// Folders that may hold the programs of a major version: those of its own, then those on PATH.
pub(crate) fn program_folders(major: i32) -> Vec<PathBuf> {
    let mut folders = own_folders(major);
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders
}

fn own_folders(major: i32) -> Vec<PathBuf> {
    let of = |pattern: &&str| PathBuf::from(pattern.replace('%', &major.to_string()));
    VERSIONED_PROGRAMS.iter().map(of).collect()
}

/// The major version of a program of Postgres; `None` where it does not say.
pub(crate) async fn version_of(program: &Path) -> Option<i32> {
    let said = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await
        .ok()?;
    client_major(&String::from_utf8_lossy(&said.stdout))
}

/// Runs commands on this machine, with the client programs on PATH.
#[derive(Debug, Clone, Default)]
pub struct LocalRunner {
    programs: Option<PathBuf>,
    sslmode: Option<String>,
}

impl LocalRunner {
    /// Commands that connect with this `sslmode`.
    pub fn new(sslmode: Option<&str>) -> Self {
        Self {
            programs: None,
            sslmode: sslmode.map(str::to_owned),
        }
    }

    /// The same, with the programs of one folder before those on PATH.
    pub fn with_programs(mut self, folder: &Path) -> Self {
        self.programs = Some(folder.to_owned());
        self
    }

    /// The same, with the programs of the server's own major version where the machine has them: what a newer pg_dump
    /// writes, the server it came from may not read.
    pub fn with_programs_of(self, major: i32) -> Self {
        let found = own_folders(major)
            .into_iter()
            .find(|folder| folder.join("pg_dump").exists());
        match found.filter(|_| self.programs.is_none()) {
            Some(folder) => self.with_programs(&folder),
            None => self,
        }
    }
}

#[async_trait]
impl Runner for LocalRunner {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        mut input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let mut command = Command::new("sh");
        command.args(["-c", script, COMMAND_NAME]).args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(sslmode) = &self.sslmode {
            command.env("PGSSLMODE", sslmode);
        }
        if let Some(folder) = &self.programs {
            let mut path = vec![folder.clone()];
            path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
            let path =
                std::env::join_paths(path).map_err(|error| RunError::Local(std::io::Error::other(error)))?;
            command.env("PATH", path);
        }
        let mut child = command.spawn().map_err(RunError::Local)?;
        let missing = || RunError::Local(std::io::Error::other("a pipe of the child is missing"));
        let mut stdin = child.stdin.take().ok_or_else(missing)?;
        let mut stdout = child.stdout.take().ok_or_else(missing)?;
        let mut stderr = child.stderr.take().ok_or_else(missing)?;

        // A command that stops reading is no failure: how it ends says whether it had all that it needed.
        let send = async {
            let sent = tokio::io::copy(&mut input, &mut stdin).await;
            drop(stdin);
            sent
        };
        let receive = async {
            tokio::io::copy(&mut stdout, output).await?;
            output.flush().await
        };
        let listen = async {
            let mut tail = Vec::new();
            let mut chunk = vec![0; 8 << 10];
            loop {
                let count = stderr.read(&mut chunk).await?;
                if count == 0 {
                    return Ok::<_, std::io::Error>(tail);
                }
                tail.extend_from_slice(&chunk[..count]);
                let surplus = tail.len().saturating_sub(STDERR_KEPT);
                tail.drain(..surplus);
            }
        };
        let work = async {
            let ((), tail) = tokio::try_join!(receive, listen)?;
            Ok::<_, std::io::Error>((tail, child.wait().await?))
        };
        tokio::pin!(work);
        let ended = tokio::select! {
            ended = &mut work => ended,
            _sent = send => work.await,
        };
        let (tail, status) = ended.map_err(RunError::Local)?;
        Ok(RunEnd {
            exit_code: exit_code(status),
            stderr_tail: String::from_utf8_lossy(&tail).into_owned(),
        })
    }

    fn place(&self) -> String {
        "this machine".into()
    }
}

#[cfg(unix)]
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(-1)
}

#[cfg(not(unix))]
fn exit_code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(-1)
}
