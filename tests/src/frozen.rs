//! A session of ours that stands still in the middle of its work, so that what is killed then is killed half-way.

use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use test_apps::{Place, Postgres};

/// Which way the rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Out of the database, into a dump.
    Out,
    /// Into a new database.
    In,
}

/// What has gone by before the session is stopped: more than the pipes on the way hold.
const HALF_WAY_BYTES: u64 = 6 << 20;

/// Waits for a COPY of ours, stops its server process by a signal, and says which it was. A process that is stopped
/// neither ends nor goes on until it is told to.
const FREEZE: &str = "
    do $$
    declare found int; begun timestamptz := clock_timestamp();
    begin
      loop
        perform pg_stat_clear_snapshot();
        select pid into found from pg_stat_progress_copy join pg_stat_activity using (pid)
        where command = 'WAY' and application_name like 'safe-upgrade/%' and bytes_processed > BYTES;
        exit when found is not null;
        if clock_timestamp() > begun + interval '90 s' then raise exception 'no row of ours went by'; end if;
        perform pg_sleep(0.002);
      end loop;
      execute format('copy (select 1) to program %L', 'cat >/dev/null; kill -STOP ' || found);
      perform set_config('test.frozen', found::text, false);
    end $$;
    select current_setting('test.frozen')";

/// A wait for such a session, begun before the program that opens it.
pub struct Freezing {
    child: Child,
    postgres: Postgres,
}

impl Freezing {
    /// Begins to wait.
    ///
    /// # Errors
    /// When kubectl cannot be started.
    pub fn begin(place: &Place, postgres: &Postgres, rows: Rows) -> Result<Self> {
        let way = match rows {
            Rows::Out => "COPY TO",
            Rows::In => "COPY FROM",
        };
        let sql = FREEZE
            .replace("WAY", way)
            .replace("BYTES", &HALF_WAY_BYTES.to_string());
        let mut psql = place.kubectl_command();
        psql.args([
            "exec",
            &postgres.pod,
            "--",
            "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
        ]);
        psql.args(["-U", &postgres.user, "-d", "postgres", "-c", &sql]);
        let child = psql.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        Ok(Self {
            child,
            postgres: postgres.clone(),
        })
    }

    /// Waits until the session stands still.
    ///
    /// # Errors
    /// When none came.
    pub fn frozen(self) -> Result<Frozen> {
        let said = self.child.wait_with_output()?;
        let words = String::from_utf8_lossy(&said.stderr);
        ensure!(said.status.success(), "nothing was frozen: {words}");
        let pid = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        pid.parse::<u32>()
            .with_context(|| format!("a process id and not {pid:?}"))?;
        Ok(Frozen {
            pid,
            postgres: self.postgres,
        })
    }
}

/// A session that stands still.
pub struct Frozen {
    pid: String,
    postgres: Postgres,
}

impl Frozen {
    /// Lets it go on, and find out what became of its client.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn thaw(self) -> Result<()> {
        let sql = format!(
            "copy (select 1) to program 'cat >/dev/null; kill -CONT {}'",
            self.pid
        );
        self.postgres.query_in("postgres", &sql).map(drop)
    }
}
