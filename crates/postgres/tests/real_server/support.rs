//! A real Postgres for the tests of one binary: started once, on a free port and a socket of its own, gone with the
//! process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use model::{CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute, Secret};
use postgres_room::{Connector, Credentials, SessionOptions};
use tokio_postgres::{Client, NoTls};

/// The superuser's password; a password is asked for over TCP, never over the socket.
pub(crate) const PASSWORD: &str = "correct horse";

/// Runs a server until its standard input closes, which it does when the test process ends in whatever way.
const KEEPER: &str = r#"
set -eu
bin=$1; folder=$2; port=$3; tls=$4
"$bin/initdb" -D "$folder/data" -U postgres --auth-local=trust --auth-host=scram-sha-256 \
    --pwfile="$folder/password" -E UTF8 --locale=C.UTF-8 --no-sync >"$folder/initdb.log" 2>&1
if [ "$tls" = on ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=nobody.example \
        -keyout "$folder/data/server.key" -out "$folder/data/server.crt" >"$folder/openssl.log" 2>&1
fi
reserved=
case "$("$bin/postgres" --version)" in *' 1'[0-5]*) ;; *) reserved='-c reserved_connections=2' ;; esac
"$bin/postgres" -D "$folder/data" -c ssl="$tls" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c max_prepared_transactions=10 -c max_connections=200 -c wal_level=logical -c archive_mode=on $reserved >"$folder/log" 2>&1 &
server=$!
while ! "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
    kill -0 "$server" 2>/dev/null || { echo failed; cat "$folder/log"; exit 1; }
done
echo ready
read -r _ || true
kill -INT "$server"
wait "$server" || true
rm -rf "$folder"
"#;

pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) socket: PathBuf,
    pub(crate) bin: PathBuf,
    /// Its standard input keeps the server alive.
    _keeper: Child,
}

/// The folder of the newest Postgres programs.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    found.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    found
        .into_iter()
        .find(|folder| {
            ["initdb", "postgres", "psql", "pg_dump"]
                .iter()
                .all(|name| folder.join(name).exists())
        })
        .expect("these tests need the programs of a Postgres server (initdb, postgres, psql, pg_dump)")
}

fn start(tls: &str) -> Option<Server> {
    let bin = programs();
    let folder = tempfile::Builder::new().prefix("pg-").tempdir().unwrap().keep();
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let is_root = String::from_utf8(Command::new("id").arg("-u").output().unwrap().stdout)
        .unwrap()
        .trim()
        == "0";
    // The server refuses to run as root.
    let mut command = if is_root {
        let owned = Command::new("chown")
            .args(["-R", "postgres"])
            .arg(&folder)
            .status()
            .unwrap();
        assert!(
            owned.success(),
            "user postgres is needed to start a server as root"
        );
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "sh",
            "-c",
        ]);
        command
    } else {
        let mut command = Command::new("sh");
        command.arg("-c");
        command
    };
    let mut keeper = command
        .args([KEEPER, "sh"])
        .arg(&bin)
        .arg(&folder)
        .arg(port.to_string())
        .arg(tls)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(keeper.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (line.trim() == "ready").then_some(Server {
        port,
        socket: folder,
        bin,
        _keeper: keeper,
    })
}

/// A second server, which encrypts, with a certificate that no authority has signed.
pub(crate) fn encrypting_server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        (0..3)
            .find_map(|_| start("on"))
            .expect("a Postgres server starts, with a certificate made by openssl")
    })
}

/// The server of this test binary. It does not encrypt.
pub(crate) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    // A port that was free may be taken a moment later: another one is tried.
    SERVER.get_or_init(|| {
        (0..3)
            .find_map(|_| start("off"))
            .expect("a Postgres server starts")
    })
}

/// A name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A plain session as superuser over the socket.
pub(crate) async fn session(database: &str, application: &str) -> Client {
    let server = server();
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(&server.socket)
        .port(server.port)
        .user("postgres")
        .dbname(database)
        .application_name(application)
        .connect_timeout(Duration::from_secs(10))
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// Makes a database, with SQL to fill it, and tells its location.
pub(crate) async fn database(name: &str, sql: &str) -> DatabaseLocation {
    session("postgres", "setup")
        .await
        .batch_execute(&format!("create database {}", quoted(name)))
        .await
        .unwrap();
    session(name, "setup").await.batch_execute(sql).await.unwrap();
    location(name, "postgres")
}

pub(crate) fn location(database: &str, user: &str) -> DatabaseLocation {
    DatabaseLocation {
        host: "127.0.0.1".into(),
        port: server().port,
        database: database.into(),
        user: user.into(),
        sslmode: None,
        origin: DatabaseOrigin {
            found_in: "test".into(),
            secret: None,
            source: CredentialSource::Given,
        },
        route: DatabaseRoute::Direct,
    }
}

pub(crate) fn credentials(user: &str, password: &str) -> Credentials {
    Credentials {
        user: user.into(),
        password: Some(Secret::new(password)),
    }
}

pub(crate) fn connector(location: &DatabaseLocation) -> Connector {
    Connector::direct(location, &credentials(&location.user, PASSWORD), "test")
}

pub(crate) async fn open(location: &DatabaseLocation) -> postgres_room::Database {
    connector(location)
        .connect(&SessionOptions::default())
        .await
        .unwrap()
}

/// Runs a program of the server's on its socket and returns its output.
pub(crate) fn run(program: &str, arguments: &[&str], input: Option<&[u8]>) -> Vec<u8> {
    let server = server();
    let mut child = Command::new(server.bin.join(program))
        .args(arguments)
        .env("PGHOST", &server.socket)
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "postgres")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.map(<[u8]>::to_vec).unwrap_or_default();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program} {arguments:?} failed");
    output.stdout
}

/// Waits until a question about the server is answered with yes.
pub(crate) async fn until(client: &Client, question: &str) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !client.query_one(question, &[]).await.unwrap().get::<_, bool>(0) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("never true: {question}"));
}
