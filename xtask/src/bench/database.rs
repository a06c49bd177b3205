//! The node with a database of some size.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use test_apps::{HelmLine, Place, Postgres};
use test_node::cache::Cache;
use test_node::progress::Progress;
use test_node::{Namespace, Node};

use super::programs::build_for_release;

const RELEASE: &str = "bench";
const MAJOR: u32 = 17;
/// What a row takes, index included: measured on the tables below.
const BYTES_OF_A_ROW: u64 = 190;

/// A Postgres in a pod, filled; our programs, built for release; a folder.
pub(crate) struct Database {
    pub(crate) place: Place,
    pub(crate) postgres: Postgres,
    pub(crate) folder: TempDir,
    pub(crate) progress: Progress,
    programs: PathBuf,
    _namespace: Namespace,
}

impl Database {
    /// Makes all that a contest needs.
    pub(crate) fn prepare(megabytes: u32) -> Result<Self> {
        let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
        let programs = build_for_release(&progress)?;
        let node = Node::up(&cache, &progress)?;
        test_apps::ensure_images(&node)?;
        let namespace = node.namespace("bench")?;
        let place = Place::new(&node, namespace.name());
        let postgres = progress.run("install PostgreSQL", |_| {
            Postgres::install(&place, HelmLine::Four, RELEASE, MAJOR)
        })?;
        let rows = u64::from(megabytes) * 1_000_000 / BYTES_OF_A_ROW;
        progress.run(format!("write {rows} rows"), |_| fill(&postgres, rows))?;
        Ok(Self {
            place,
            postgres,
            folder: TempDir::new().context("make a folder")?,
            progress,
            programs,
            _namespace: namespace,
        })
    }

    /// `kubectl pgbackup` with the words before the release's name, to be given those after it.
    pub(crate) fn pgbackup(&self, act: &[&str]) -> std::process::Command {
        let mut command = self.place.node.command(self.programs.join("kubectl-pgbackup"));
        command.args(act);
        command.args([RELEASE, "--namespace", &self.place.namespace]);
        command
    }

    /// `kubectl exec` into the database's pod, to be given what to run.
    pub(crate) fn exec(&self, stdin: bool) -> std::process::Command {
        let mut command = self.place.kubectl_command();
        command.arg("exec");
        if stdin {
            command.arg("--stdin");
        }
        command.args([&self.postgres.pod, "--"]);
        command
    }

    /// A file or folder of this contest.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The size of the database in MB.
    pub(crate) fn megabytes(&self) -> Result<u64> {
        let bytes: u64 = self
            .postgres
            .query("SELECT pg_database_size(current_database())")?
            .trim()
            .parse()
            .context("read the database's size")?;
        Ok(bytes / 1_000_000)
    }
}

/// Rows as applications have them: numbers, times, short words that repeat, text that does not.
fn fill(postgres: &Postgres, rows: u64) -> Result<()> {
    postgres.query(&format!(
        "CREATE TABLE entries AS SELECT n AS id, now() - n * interval '1 second' AS created_at, \
           (ARRAY['open','paid','sent','done'])[1 + n % 4] AS state, (n::bigint * 7919 % 100000)::numeric / 100 AS amount, \
           md5(n::text) AS reference, 'Entry number ' || n || ' of customer ' || n % 5000 AS note \
         FROM generate_series(1, {rows}) AS n"
    ))?;
    postgres.query("ALTER TABLE entries ADD PRIMARY KEY (id)")?;
    postgres.query("CREATE INDEX ON entries (created_at)")?;
    postgres.query("VACUUM ANALYZE entries")?;
    postgres.query("CHECKPOINT").map(drop)
}
