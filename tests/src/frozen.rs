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

/// How long the way to a session that stands still may take, all trials in it, in seconds: much, because a disk that is
/// busy with something else keeps each trial waiting.
const PATIENCE: &str = "900";

/// Waits for a COPY of ours, stops its server process by a signal, and says which it was. A process that is stopped
/// neither ends nor goes on until it is told to. A process that was stopped while it held a lock of the server's own
/// would stop the whole server with it, so somebody else has to be able to connect and write; else it goes on for a
/// moment and is stopped again.
const FREEZE: &str = "
    do $$
    declare found int; begun timestamptz := clock_timestamp();
    begin
      loop
        perform pg_stat_clear_snapshot();
        select pid into found from pg_stat_progress_copy join pg_stat_activity using (pid)
        where command = 'WAY' and application_name like 'safe-upgrade/%' and bytes_processed > BYTES;
        exit when found is not null;
        if clock_timestamp() > begun + interval '300 s' then raise exception 'no row of ours went by'; end if;
        perform pg_sleep(0.002);
      end loop;
      execute format(
        'copy (select 1) to program %L',
        replace(
          'cat >/dev/null
           for trial in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
             kill -STOP PID || exit 1
             timeout 15 psql -XAtq -U USER -d postgres -c \"select pg_logical_emit_message(true, ''trial'', '''')\" && exit 0
             kill -CONT PID
             sleep 0.02
           done >/dev/null
           exit 1',
          'PID', found::text));
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
            .replace("BYTES", &HALF_WAY_BYTES.to_string())
            .replace("USER", &postgres.user);
        let mut psql = place.kubectl_command();
        psql.args([
            "exec",
            &postgres.pod,
            "--",
            "timeout",
            PATIENCE,
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
    /// When none came, or the server did not work without it.
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
