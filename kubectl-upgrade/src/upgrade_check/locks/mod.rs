//! `kubectl upgrade-check locks`: who holds up whom in the database, now or again and again.

mod act;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use checks::{LockFacts, find_party, judge_locks, observe_locks};
use clap::Args;
use cli::{Environment, Format, Output, end_with, fail};
use jiff::Timestamp;
use model::{ExitCode, LockReport, LockVerdict};
use postgres_room::{ConnectError, Connector, Database, SessionOptions, probe};
use thiserror::Error;

use crate::pgbackup::arguments::{TargetFlags, time};
use crate::pgbackup::target::{target, target_at_address};
use crate::session::{Common, Session, UNCHANGED, could_not_begin};

/// What our session calls itself after the common prefix.
const SESSION_ID: &str = "locks";

/// How long a probe may take for one table: it never waits for a lock.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// Flags of `locks`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocksFlags {
    #[command(flatten)]
    target: TargetFlags,
    /// Look again and again, until interrupted
    #[arg(long, value_name = "EVERY", num_args = 0..=1, require_equals = true, default_missing_value = "2s",
          value_parser = pause, conflicts_with_all = ["explain", "probe", "cancel", "terminate"])]
    watch: Option<Duration>,
    /// Tell who a process is, who waits for it, and what ending it would cost
    #[arg(long, value_name = "PID", conflicts_with_all = ["cancel", "terminate"])]
    explain: Option<i32>,
    /// Ask every table whether it could be changed now; never waits in a table's queue
    #[arg(long, conflicts_with_all = ["explain", "cancel", "terminate"])]
    probe: bool,
    /// Ask these tables alone
    #[arg(
        long = "table",
        value_name = "TABLE",
        value_delimiter = ',',
        requires = "probe"
    )]
    tables: Vec<String>,
    /// Take back the statements that these processes run
    #[arg(long, value_name = "PID", value_delimiter = ',', conflicts_with = "terminate")]
    cancel: Vec<i32>,
    /// End the sessions of these processes
    #[arg(long, value_name = "PID", value_delimiter = ',')]
    terminate: Vec<i32>,
    /// Do what --cancel and --terminate say
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    common: Common,
}

/// Nobody has that number.
#[derive(Debug, Error)]
#[error("pid {0} has no session on database {1}, and holds nobody up")]
struct UnknownProcess(i32, String);

/// A database whose locks are looked at.
struct Place {
    session: Option<Session>,
    output: Output,
    connector: Connector,
    /// The command that looks again.
    again: String,
}

/// Looks, and does what else was asked for.
pub(crate) async fn run(flags: &LocksFlags, environment: &Environment) -> ExitCode {
    match told(flags, environment).await {
        Ok(code) | Err(code) => code,
    }
}

async fn told(flags: &LocksFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let place = Place::open(flags, environment).await?;
    act::agreed(&place, flags)?;
    let database = place
        .connect()
        .await
        .map_err(|error| could_not_begin(&place.output, &error))?;
    if let Some(every) = flags.watch {
        return place.watch(database, every).await;
    }
    if !flags.cancel.is_empty() || !flags.terminate.is_empty() {
        act::end(&place, &database, flags).await?;
        let (_, report) = place.look(&database, None).await;
        return Ok(place.show(&report, ExitCode::Done));
    }
    let tables = flags.probe.then_some(flags.tables.as_slice());
    let (facts, report) = place.look(&database, tables).await;
    let Some(pid) = flags.explain else {
        let code = code(report.verdict);
        return Ok(place.show(&report, code));
    };
    match find_party(&facts, &report, pid) {
        Some(found) => {
            let written = place.output.result(&found, |out, style| {
                render::lock_explanation(out, style, &found, &place.again)
            });
            Ok(end_with(&place.output, written, ExitCode::Done))
        }
        None => {
            let error = UnknownProcess(pid, facts.database);
            Err(fail(
                &place.output,
                &error,
                UNCHANGED,
                Some(&place.again),
                ExitCode::CouldNotBegin,
            ))
        }
    }
}

/// What a look ends with.
fn code(verdict: LockVerdict) -> ExitCode {
    match verdict {
        LockVerdict::Free => ExitCode::Done,
        LockVerdict::Held => ExitCode::Blocked,
        LockVerdict::Unknown => ExitCode::CannotTell,
    }
}

impl Place {
    async fn open(flags: &LocksFlags, environment: &Environment) -> Result<Self, ExitCode> {
        let output = Output::new(&flags.common.output, environment);
        if flags.target.is_address() {
            let found = target_at_address(&output, &flags.target)
                .map_err(|error| could_not_begin(&output, &error))?;
            return Ok(Self {
                connector: Connector::direct(&found.location, &found.credentials, SESSION_ID),
                session: None,
                output,
                again: again(&flags.target.typed(None)),
            });
        }
        let session = Session::open(&flags.common, environment).await?;
        let found = target(&session, &flags.target, flags.target.release.as_deref())
            .await
            .map_err(|error| could_not_begin(&output, &error))?;
        let again = again(&flags.target.typed(Some(&session)));
        Ok(Self {
            connector: Connector::new(&session.cluster, &found.location, &found.credentials, SESSION_ID),
            session: Some(session),
            output,
            again,
        })
    }

    async fn connect(&self) -> Result<Database, ConnectError> {
        let options = SessionOptions {
            statement_timeout: PROBE_TIMEOUT,
            ..SessionOptions::default()
        };
        self.connector.connect(&options).await
    }

    /// One look; with `tables`, a probe of these, or of all where none is named.
    async fn look(&self, database: &Database, tables: Option<&[String]>) -> (LockFacts, LockReport) {
        let within = self
            .session
            .as_ref()
            .map(|session| (&session.cluster, session.namespace.as_str()));
        let mut facts = observe_locks(database, within).await;
        if let Some(tables) = tables {
            match probe(database, tables).await {
                Ok(probed) => facts.probed = probed,
                Err(error) => facts.unprobed = Some(model::causes(&error)),
            }
        }
        let report = judge_locks(&facts, &Timestamp::now().to_string(), &self.again);
        (facts, report)
    }

    fn show(&self, report: &LockReport, code: ExitCode) -> ExitCode {
        let written = self
            .output
            .result(report, |out, style| render::lock_report(out, style, report));
        end_with(&self.output, written, code)
    }

    /// Draws what is seen, again and again, until somebody wishes it to end.
    async fn watch(&self, mut database: Database, every: Duration) -> Result<ExitCode, ExitCode> {
        let redraw = self.output.format == Format::Table && io::stdout().is_terminal();
        let interrupted = cli::interrupted();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                () = &mut interrupted => return Ok(ExitCode::Done),
                shown = self.round(&mut database, redraw, every) => shown?,
            }
        }
    }

    /// One look, shown, and the pause after it. A session that was lost is opened again; where that fails it is told, and
    /// tried in the next round.
    async fn round(&self, database: &mut Database, redraw: bool, every: Duration) -> Result<(), ExitCode> {
        let lost = if database.client().is_closed() {
            self.connect().await.map(|open| *database = open).err()
        } else {
            None
        };
        if let Some(error) = lost {
            let why = model::causes(&error);
            // Whoever cannot be told sees that nothing comes.
            drop(
                self.output
                    .talk(|err, _| writeln!(err, "the session was lost: {why}; trying again")),
            );
        } else {
            let (_, report) = self.look(database, None).await;
            if redraw {
                let cleared = write!(io::stdout(), "\u{1b}[H\u{1b}[2J");
                cleared.map_err(|error| end_with(&self.output, Err(error), ExitCode::CouldNotBegin))?;
            }
            let code = self.show(&report, ExitCode::Done);
            if code != ExitCode::Done {
                return Err(code);
            }
        }
        tokio::time::sleep(every).await;
        Ok(())
    }
}

/// The command that looks at the same database. What it is proposed with ends sessions: it must not mean another one.
fn again(target: &str) -> String {
    format!("kubectl upgrade-check locks {target}")
}

/// A pause between two looks.
fn pause(text: &str) -> Result<Duration, String> {
    let pause = time(text)?;
    if pause.is_zero() {
        return Err(format!(
            "{text:?} is no pause between two looks; write 2s or more"
        ));
    }
    Ok(pause)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: LocksFlags,
    }

    fn parsed(words: &[&str]) -> Result<LocksFlags, clap::Error> {
        Line::try_parse_from(std::iter::once(&"x").chain(words)).map(|line| line.flags)
    }

    #[test]
    fn a_watch_has_a_pause_and_a_probe_stands_alone() {
        let watch = |words: &[&str]| parsed(words).map(|flags| flags.watch);
        assert_eq!(watch(&["shop", "--watch"]).unwrap(), Some(Duration::from_secs(2)));
        assert_eq!(
            watch(&["shop", "--watch=5s"]).unwrap(),
            Some(Duration::from_secs(5))
        );
        assert!(watch(&["shop", "--watch=0s"]).is_err());
        assert!(parsed(&["shop", "--probe"]).is_ok());
        for other in [
            ["--explain", "7"].as_slice(),
            &["--cancel", "7", "--yes"],
            &["--terminate", "7", "--yes"],
        ] {
            let line = [["shop", "--probe"].as_slice(), other].concat();
            assert!(parsed(&line).is_err(), "{other:?}");
        }
    }

    #[test]
    fn whoever_is_to_be_ended_is_named_with_the_flag_that_ends_them() {
        let wanted = |words: &[&str]| act::wanted(&parsed(words).unwrap());
        assert_eq!(wanted(&["shop"]), None);
        assert_eq!(wanted(&["shop", "--cancel", "7"]).as_deref(), Some("--cancel 7"));
        assert_eq!(
            wanted(&["shop", "--terminate", "7,8"]).as_deref(),
            Some("--terminate 7,8")
        );
        assert!(parsed(&["shop", "--cancel", "7", "--terminate", "8"]).is_err());
    }

    #[test]
    fn the_command_that_looks_again_names_the_same_database_of_the_same_cluster() {
        for (said, words) in [
            (
                &["shop", "--database", "orders", "--profile", "own.yaml"][..],
                "shop -n here --database orders --profile own.yaml",
            ),
            (
                &[
                    "shop",
                    "--context",
                    "prod east",
                    "--kubeconfig",
                    "/etc/kube",
                    "--as",
                    "admin",
                    "--token",
                    "hush",
                ],
                "shop -n here --context 'prod east' --kubeconfig /etc/kube --as admin",
            ),
        ] {
            let flags = parsed(said).unwrap();
            let connection = flags.common.connection.words();
            assert_eq!(
                again(&flags.target.typed_in(Some(("here", connection.as_slice())))),
                format!("kubectl upgrade-check locks {words}")
            );
        }
    }
}
