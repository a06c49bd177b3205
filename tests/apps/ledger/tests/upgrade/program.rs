//! The program under test as a child process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::server::Database;

/// Nothing here takes longer than a second; this only keeps a hung program from hanging the tests.
const HUNG: Duration = Duration::from_secs(30);

fn command(database: &Database, version: &str, role: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
    command
        .arg(role)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("LEDGER_VERSION", version)
        .env("LEDGER_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stderr(Stdio::piped());
    command
}

/// Runs a role to its end, which must come by itself; gives its exit code and its log.
pub(crate) fn run(
    database: &Database,
    version: &str,
    role: &str,
    settings: &[(&str, &str)],
) -> (i32, String) {
    let mut running = Running::start(database, version, role, settings);
    // The log ends with the program.
    let log = std::iter::from_fn(|| match running.log.recv_timeout(HUNG) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("{role} of {version} goes on and on"),
    })
    .collect::<Vec<_>>()
    .join("\n");
    (running.wait().code().unwrap(), log)
}

/// A role that goes on until it is told to stop.
pub(crate) struct Running {
    process: Child,
    log: Receiver<String>,
}

impl Running {
    pub(crate) fn start(database: &Database, version: &str, role: &str, settings: &[(&str, &str)]) -> Self {
        let mut process = command(database, version, role, settings).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, log }
    }

    /// Waits for a line of the log.
    pub(crate) fn wait_for(&self, part: &str) -> String {
        loop {
            let line = self
                .log
                .recv_timeout(HUNG)
                .unwrap_or_else(|_| panic!("no line with {part:?} came"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits until it listens; gives its address.
    pub(crate) fn address(&self) -> String {
        self.wait_for(" listens on ")
            .rsplit(' ')
            .next()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn terminate(&mut self) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request; gives the status and the answer (`Null` where it is no JSON).
pub(crate) fn request(address: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(HUNG)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: ledger\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

pub(crate) fn get(address: &str, path: &str) -> (u16, Value) {
    request(address, "GET", path, "")
}
