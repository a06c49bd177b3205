//! Restores: what people type, and ours. Both begin with a dump of their own kind that lies on this machine; ours also
//! compares what it restored and swaps it in.

use std::fs::File;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use test_node::command;

use super::Size;
use super::contest::in_turn;
use super::database::Database;
use super::measure::{Taken, measure, measure_with};
use super::ratio::ratios;

#[derive(Debug, Clone, Copy)]
enum Contestant {
    /// What people type.
    Peer,
    Ours,
}

use Contestant::{Ours, Peer};

pub(crate) fn run(size: Size) -> Result<Vec<String>> {
    let database = Database::prepare(size.megabytes)?;
    let megabytes = database.megabytes()?;
    let (peers_file, store) = (database.path("peer.dump"), database.path("store"));
    database.progress.run("make both dumps", |_| {
        let mut dump = database.exec(false);
        dump.args(["pg_dump", "--username=app", "--format=custom", "app"]);
        measure(dump.stdout(File::create(&peers_file).context("make the peer's file")?))?;
        measure(
            database
                .pgbackup(&["create"])
                .arg("--to")
                .arg(&store)
                .stdout(Stdio::null()),
        )
    })?;
    let listed = command::run(
        database
            .pgbackup(&["list"])
            .args(["-o", "json", "--from"])
            .arg(&store),
    )?;
    let listed: serde_json::Value = serde_json::from_str(&listed).context("read the list of backups")?;
    let id = listed["items"][0]["id"]
        .as_str()
        .context("no backup is listed")?
        .to_owned();
    let [peer, ours] = in_turn([Peer, Ours], size.rounds, |contestant, round| match contestant {
        Peer => {
            let target = format!("peer_{round}");
            database.postgres.query(&format!("CREATE DATABASE {target}"))?;
            let mut restore = database.exec(true);
            restore.args([
                "pg_restore",
                "--username=app",
                "--exit-on-error",
                "--dbname",
                &target,
            ]);
            let taken = with_input(restore, &peers_file);
            database.postgres.query(&format!("DROP DATABASE {target}"))?;
            taken
        }
        Ours => {
            let mut restore = database.pgbackup(&["restore", &id]);
            restore
                .args(["--yes", "--from"])
                .arg(&store)
                .stdout(Stdio::null());
            let taken = measure(&mut restore);
            drop_kept(&database)?;
            taken
        }
    })?;
    let faster = ratios(&peer.seconds(), &ours.seconds()).context("no round was run")?;
    Ok(vec![
        format!(
            "restore of {megabytes} MB, {} rounds; minimum / median / maximum",
            size.rounds
        ),
        format!("peer's time ÷ ours:   {faster}"),
        format!("seconds: peer {}, ours {}", peer.spread()?, ours.spread()?),
        format!("our highest memory: {:.1} MiB", ours.peak_mib()),
    ])
}

fn with_input(mut command: std::process::Command, file: &std::path::Path) -> Result<Taken> {
    command.stdout(Stdio::null());
    measure_with(&mut command, File::open(file).context("open the dump")?.into())
}

/// The databases that earlier swaps kept would fill the volume.
fn drop_kept(database: &Database) -> Result<()> {
    let kept = database.postgres.query_in(
        "postgres",
        "SELECT datname FROM pg_database WHERE datname LIKE 'app\\_pre\\_%'",
    )?;
    for name in kept.lines() {
        database
            .postgres
            .query_in("postgres", &format!("DROP DATABASE \"{name}\""))?;
    }
    Ok(())
}
