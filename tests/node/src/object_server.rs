//! A real S3 server on loopback for tests: s3s-fs, built once and kept in the cache.

use std::env;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cache::{Cache, Key};
use crate::command::run_watched;
use crate::progress::Progress;
use crate::wait::until;

/// Pinned; later ones need a later compiler.
const VERSION: &str = "0.14.1";

/// How long the server may take until it answers: it is small, but the machine may be busy.
const START_TIME: Duration = Duration::from_secs(30);

/// What `cargo run` and `cargo test` tell the program that they run, which must not reach another cargo.
const TOLD_BY_CARGO: &str = "CARGO_";

/// The server's program, built when it is not in the cache.
///
/// # Errors
/// When cargo is missing or the build fails.
pub fn build(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let key = Key::builder().with("version", VERSION).finish();
    let folder = cache.artefact("s3s-fs", &key, |folder| {
        progress.run(format!("build s3s-fs {VERSION}, once"), |stage| {
            let mut install = Command::new("cargo");
            for (name, _) in env::vars_os() {
                let told = name.to_str().is_some_and(|name| name.starts_with(TOLD_BY_CARGO));
                if told && name != "CARGO_HOME" {
                    install.env_remove(name);
                }
            }
            install.args(["install", "s3s-fs", "--locked", "--features", "binary"]);
            install.args(["--version", VERSION, "--root"]).arg(folder);
            run_watched(&mut install, |line| stage.note(line.trim()))
        })
    })?;
    Ok(folder.join("bin").join("s3s-fs"))
}

/// A running server with credentials of its own, gone with this value.
#[derive(Debug)]
pub struct ObjectServer {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    access_key: String,
    secret_key: String,
    process: Option<Child>,
}

impl ObjectServer {
    /// A server that keeps its buckets in a folder, one folder each.
    ///
    /// # Errors
    /// When it cannot be built or does not answer.
    pub fn start(folder: &Path) -> Result<Self> {
        let program = build(&Cache::from_environment()?, &Progress::stderr())?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
        let port = free.local_addr().context("find a free port")?.port();
        drop(free);
        let mut server = Self {
            program,
            folder: folder.to_owned(),
            port,
            access_key: random()?,
            secret_key: random()?,
            process: None,
        };
        server.resume()?;
        Ok(server)
    }

    /// Starts the server again after [`ObjectServer::kill`], on the same port and folder.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn resume(&mut self) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.with_extension("log"))
            .context("open the log of s3s-fs")?;
        let child = Command::new(&self.program)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--access-key", &self.access_key, "--secret-key", &self.secret_key])
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("open the log of s3s-fs")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        self.process = Some(child);
        until("s3s-fs answers", START_TIME, || {
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok())
        })
    }

    /// Ends the server at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Gone already is as good.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Its URL.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The folder that holds its buckets.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The variables by which a client finds its credentials.
    #[must_use]
    pub fn variables(&self) -> [(&'static str, &str); 2] {
        [
            ("AWS_ACCESS_KEY_ID", &self.access_key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_key),
        ]
    }
}

impl Drop for ObjectServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn random() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("read random bytes")?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").context("write hexadecimal digits")?;
    }
    Ok(text)
}
