//! A standby of the tests' server, and what becomes of it once it is promoted.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use backup::{BaseError, CreateError, LocalRunner, Server, create, create_base};
use tokio_postgres::NoTls;

use crate::base::request;
use crate::fixture::{Fixture, quiet};
use crate::support;

/// Runs a standby until its standard input closes; promotes it at the first line.
const KEEPER: &str = r#"
set -eu
bin=$1; folder=$2; port=$3
"$bin/postgres" -D "$folder/data" -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 -c fsync=off \
    -c max_prepared_transactions=10 -c max_connections=200 -c wal_level=logical >"$folder/log" 2>&1 &
server=$!
while ! "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; do
    kill -0 "$server" 2>/dev/null || { echo failed; cat "$folder/log"; exit 1; }
done
echo ready
if read -r _; then
    "$bin/pg_ctl" -D "$folder/data" -w promote >/dev/null
    echo promoted
    read -r _ || true
fi
kill -INT "$server"
wait "$server" || true
rm -rf "$folder"
"#;

struct Standby {
    port: u16,
    socket: PathBuf,
    keeper: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Standby {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg-standby-")
            .tempdir()
            .unwrap()
            .keep();
        let data = folder.join("data");
        support::run(
            "pg_basebackup",
            &[
                "--pgdata",
                data.to_str().unwrap(),
                "--write-recovery-conf",
                "--checkpoint=fast",
            ],
            None,
        );
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        // The server refuses to run as root.
        let own = Command::new("chown")
            .args(["-R", "postgres"])
            .arg(&folder)
            .status();
        let is_root = own.unwrap().success();
        let mut command = Command::new(if is_root { "setpriv" } else { "env" });
        if is_root {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        let mut keeper = command
            .args(["sh", "-c", KEEPER, "sh"])
            .arg(&support::server().bin)
            .arg(&folder)
            .arg(port.to_string())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(keeper.stdout.take().unwrap());
        let mut standby = Self {
            port,
            socket: folder,
            keeper,
            said,
        };
        standby.hear("ready");
        standby
    }

    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }

    fn promote(&mut self) {
        use std::io::Write as _;
        self.keeper.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        self.hear("promoted");
    }

    async fn server(&self, fixture: &Fixture) -> Server {
        let mut location = fixture.location.clone();
        location.port = self.port;
        let credentials = support::credentials("postgres", support::PASSWORD);
        let runner = Arc::new(LocalRunner::default());
        Server::reach_through(runner, &location, &credentials, &support::unique("standby"))
            .await
            .unwrap()
    }

    async fn session(&self, database: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::Config::new()
            .host_path(&self.socket)
            .port(self.port)
            .user("postgres")
            .dbname(database)
            .connect(NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }
}

#[tokio::test]
async fn a_standby_is_refused_until_it_is_promoted_and_tablespaces_beside_the_data_are() {
    let fixture = Fixture::new("standby").await;
    let setup = support::session(fixture.name(), "setup").await;
    setup
        .batch_execute("create unlogged table scratch as select 1 as x")
        .await
        .unwrap();
    let mut standby = Standby::new();

    // What a dump would meet there: a table that it cannot read.
    let look = standby.session(fixture.name()).await;
    assert!(look.batch_execute("select * from scratch").await.is_err());
    drop(look);
    let server = standby.server(&fixture).await;
    let error = create(&server, &fixture.store, &fixture.request(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, CreateError::Standby { .. }), "{error}");
    assert_eq!(fixture.left(), Vec::<PathBuf>::new());

    let error = create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, BaseError::Standby), "{error:?}");

    standby.promote();
    let server = standby.server(&fixture).await;
    create(&server, &fixture.store, &fixture.request(), &quiet)
        .await
        .unwrap();
    let copied = create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(copied.manifest.base.unwrap().timeline, 2);

    let session = standby.session("postgres").await;
    let elsewhere = standby.socket.join("elsewhere");
    let make = "mkdir -m 700 \"$1\" && { chown postgres \"$1\" || true; }";
    let made = Command::new("sh")
        .args(["-c", make, "sh"])
        .arg(&elsewhere)
        .status();
    assert!(made.unwrap().success());
    session
        .batch_execute(&format!(
            "create tablespace \"fast disk\" location '{}'",
            elsewhere.display()
        ))
        .await
        .unwrap();
    let error = create_base(&server, &fixture.store, &request(), &quiet)
        .await
        .unwrap_err();
    let BaseError::Tablespaces(names) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(*names, ["\"fast disk\""]);
}
