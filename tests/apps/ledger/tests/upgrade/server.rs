//! A throw-away Postgres of this machine, one for all tests that run at the same time, a database for each.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What is waited for takes a second at most; this only keeps a test from hanging.
const HUNG: Duration = Duration::from_secs(30);

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    folder: TempDir,
    process: Child,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("ledger-pg").tempdir().unwrap();
        // The server refuses to run as root and gives its folder to `postgres` then.
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(as_postgres("initdb")
            .args(["--auth=trust", "-U", "postgres", "-N", "-D"])
            .arg(&data));
        let process = as_postgres("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, process };
        // pg_ctl cannot wait for a server that it did not start; pg_isready answers at once, so ask until it does.
        let ready = || {
            let mut ask = tool("pg_isready");
            ask.arg("-q")
                .arg("-h")
                .arg(server.folder.path())
                .status()
                .unwrap()
                .success()
        };
        while !ready() {
            std::thread::yield_now();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGQUIT to the postmaster by its own tool: nothing of this server is wanted any more.
        let _ = as_postgres("pg_ctl")
            .args(["stop", "-m", "immediate", "-D"])
            .arg(self.folder.path().join("data"))
            .output();
        let _ = self.process.wait();
    }
}

/// An empty database of the shared server.
pub(crate) struct Database {
    server: Arc<Server>,
    name: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let server = shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Server::start());
            *shared = Arc::downgrade(&server);
            server
        });
        drop(shared);
        let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name };
        run(tool("createdb")
            .args(["-U", "postgres", "-h"])
            .arg(database.socket())
            .arg(&database.name));
        database
    }

    fn socket(&self) -> &Path {
        self.server.folder.path()
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "host={} user=postgres dbname={}",
            self.socket().display(),
            self.name
        )
    }

    /// The first column of the first row, as text.
    pub(crate) fn query(&self, sql: &str) -> String {
        let output = tool("psql")
            .args([
                "-X",
                "-At",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                &self.name,
                "-c",
                sql,
                "-h",
            ])
            .arg(self.socket())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Database {
    /// Asks a counting query until it counts something.
    pub(crate) fn wait_for_rows(&self, count: &str) {
        let deadline = Instant::now() + HUNG;
        while self.query(count) == "0" {
            assert!(Instant::now() < deadline, "nothing came: {count}");
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.starts_with(b"0\n")
}

/// A program of Postgres: from PATH, or from where Debian keeps them.
fn tool(name: &str) -> Command {
    Command::new(find(name))
}

fn as_postgres(name: &str) -> Command {
    let program = find(name);
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program);
    // The folder that cargo runs tests in may be closed to that user.
    command.current_dir("/");
    command
}

fn find(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path().join("bin"));
    std::env::split_paths(&path)
        .chain(debian)
        .map(|folder| folder.join(name))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("this test needs PostgreSQL's {name}, which is not on this machine"))
}
