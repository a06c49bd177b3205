//! Dumps: what people type, ours, and the limit of the pod itself.

use std::fs::{self, File};
use std::process::Stdio;

use anyhow::{Context as _, Result};

use super::Size;
use super::beside::{Load, worst_percent};
use super::contest::in_turn;
use super::database::Database;
use super::measure::{Taken, measure};
use super::ratio::ratios;

#[derive(Debug, Clone, Copy)]
enum Contestant {
    /// What people type.
    Peer,
    Ours,
    /// The pipeline that ours runs in the pod, with nowhere to go.
    Limit,
}

use Contestant::{Limit, Ours, Peer};

const PIPELINE: &str = "pg_dump --username=app --format=custom --compress=0 app | zstd -1 -T1 -q >/dev/null";

pub(crate) fn run(size: Size) -> Result<Vec<String>> {
    let database = Database::prepare(size.megabytes)?;
    let megabytes = database.megabytes()?;
    // Once without a clock: the first to read finds the server's memory empty.
    once(&database, Limit, 0)?;
    let [peer, ours, limit] = in_turn([Peer, Ours, Limit], size.rounds, |contestant, round| {
        once(&database, contestant, round)
    })?;
    let beside_peer = latency_beside(&database, Peer)?;
    let beside_ours = latency_beside(&database, Ours)?;
    let (peers, ourselves, limits) = (peer.seconds(), ours.seconds(), limit.seconds());
    let faster = ratios(&peers, &ourselves).context("no round was run")?;
    let of_limit = ratios(&ourselves, &limits).context("no round was run")?;
    Ok(vec![
        format!(
            "dump of {megabytes} MB, {} rounds; minimum / median / maximum",
            size.rounds
        ),
        format!("peer's time ÷ ours:        {faster}"),
        format!("ours ÷ limit of the pod:   {of_limit}"),
        format!(
            "seconds: peer {}, ours {}, limit {}",
            peer.spread()?,
            ours.spread()?,
            limit.spread()?
        ),
        format!("our highest memory: {:.1} MiB", ours.peak_mib()),
        format!("pgbench beside it, 99th percentile: peer {beside_peer:.1} ms, ours {beside_ours:.1} ms"),
    ])
}

fn once(database: &Database, contestant: Contestant, round: u32) -> Result<Taken> {
    match contestant {
        Peer => {
            let file = database.path("peer.dump");
            let mut command = database.exec(false);
            command.args(["pg_dump", "--username=app", "--format=custom", "app"]);
            command.stdout(File::create(&file).context("make the peer's file")?);
            measure(&mut command)
        }
        Ours => {
            let store = database.path(&format!("store-{round}"));
            let mut command = database.pgbackup(&["create"]);
            command.arg("--to").arg(&store).stdout(Stdio::null());
            let taken = measure(&mut command);
            if store.exists() {
                fs::remove_dir_all(&store).context("remove our backup")?;
            }
            taken
        }
        Limit => {
            let mut command = database.exec(false);
            command.args(["sh", "-c", PIPELINE]);
            measure(&mut command)
        }
    }
}

/// The 99th percentile of pgbench's latencies, in ms, while a dump runs.
fn latency_beside(database: &Database, contestant: Contestant) -> Result<f64> {
    let load = Load::start(database)?;
    once(database, contestant, u32::MAX)?;
    worst_percent(&load.stop()?)
}
