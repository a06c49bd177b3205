//! A release that something happens to while it is upgraded, and what must hold of it afterwards.

use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail, ensure};
use test_apps::{HelmLine, Ledger, Summary};

use crate::{
    Ended, Left, ReleaseState, SafeUpgrade, World, processes, signal, until_no_session_of_ours, wait_for,
};

/// The release `books`, a ledger of 1.0.0 with some entries, and what it was.
pub struct Stage {
    /// Where it lives.
    pub world: World,
    /// The application.
    pub app: Ledger,
    /// What it said about its entries before the upgrade.
    pub entries: Summary,
    /// What it looked like before the upgrade.
    pub state: ReleaseState,
}

impl Stage {
    /// The profile that says what ledger is.
    pub const PROFILE: &'static str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
    /// The flag that keeps the values of the release.
    pub const KEEP: &'static str = "--reset-then-reuse-values";
    /// The Helm line of all acts.
    pub const LINE: HelmLine = HelmLine::Four;

    /// Installs it with values and writes the entries.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn new(prefix: &str, values: &[&str]) -> Result<Self> {
        let world = World::new(prefix)?;
        let app = Ledger::new(&world.place, Self::LINE, "books", &world.subfolder("charts")?);
        app.install("1.0.0", values)?;
        app.write(20)?;
        let (entries, state) = (app.summary_of("test")?, ReleaseState::read(&world.place)?);
        Ok(Self {
            world,
            app,
            entries,
            state,
        })
    }

    /// What every upgrade is given, and more.
    #[must_use]
    pub fn arguments<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&[Self::KEEP, "--profile", Self::PROFILE], more].concat()
    }

    /// Upgrades to 1.1.0 and waits for the end.
    ///
    /// # Errors
    /// When helm cannot be started.
    pub fn upgrade(&self, more: &[&str]) -> Result<Ended> {
        SafeUpgrade::new(&self.world, Self::LINE)?.upgrade(
            "books",
            &self.app.chart("1.1.0")?,
            &Self::arguments(more),
        )
    }

    /// Begins an upgrade that is let run beside the test.
    ///
    /// # Errors
    /// When helm cannot be started.
    pub fn begin(&self, more: &[&str]) -> Result<Child> {
        let safe = SafeUpgrade::new(&self.world, Self::LINE)?;
        let chart = self.app.chart("1.1.0")?;
        let mut command = safe.upgrade_command("books", &chart, &Self::arguments(more));
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// Kills the helm of this stage's upgrade; its supervisor lives.
    ///
    /// # Errors
    /// When no helm works.
    pub fn kill_helm(&self) -> Result<()> {
        let namespace = &self.world.place.namespace;
        let is_helm = |line: &str| {
            line.contains(" upgrade ") && line.contains("--reset-values") && !line.contains("__supervise")
        };
        let helm = processes()?.into_iter().find(|process| {
            let line = process.line();
            is_helm(&line) && line.contains(namespace.as_str())
        });
        signal(helm.context("helm works")?.pid, "KILL")
    }

    /// Waits until the migration of this stage works in the database.
    ///
    /// # Errors
    /// When it does not begin.
    pub fn until_it_migrates(&self) -> Result<()> {
        wait_for("the migration works", || {
            let active = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep%' \
                          and pid <> pg_backend_pid()";
            Ok(self.app.database().query(active)?.trim() != "0")
        })
    }

    /// Everything is as before: counts, images, data, schema, nothing left behind, nobody connected who does not belong.
    ///
    /// # Errors
    /// With what is not.
    pub fn is_as_before(&self) -> Result<()> {
        self.app.wait_until_it_answers()?;
        let state = ReleaseState::read(&self.world.place)?;
        ensure!(state == self.state, "{:?} became {state:?}", self.state);
        ensure!(self.app.summary_of("test")? == self.entries);
        ensure!(self.app.database().schema_version()? == 2);
        self.nothing_is_left()
    }

    /// The newer version serves the entries, with the counts of before, and nothing is left behind.
    ///
    /// # Errors
    /// With what is not so.
    pub fn is_upgraded(&self) -> Result<()> {
        self.app.wait_until_it_answers()?;
        let state = ReleaseState::read(&self.world.place)?;
        ensure!(
            state.replicas == self.state.replicas && state.suspended == self.state.suspended,
            "{:?} became {state:?}",
            self.state
        );
        ensure!(self.app.summary_of("test")?.same_entries(&self.entries));
        ensure!(self.app.database().schema_version()? == 4);
        self.nothing_is_left()
    }

    /// The run said that it ended as before, with a reason, or as upgraded, and that is so.
    ///
    /// # Errors
    /// When it ended otherwise, or with what is not so.
    pub fn is_whole(&self, ended: &Ended) -> Result<()> {
        let report = ended.json()?;
        match (ended.code, report["outcome"].as_str()) {
            (0, Some("upgraded")) => self.is_upgraded(),
            (10, Some("restored")) => {
                ensure!(
                    report["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
                    "{ended}"
                );
                self.is_as_before()
            }
            _ => bail!("neither as before nor upgraded: {ended}"),
        }
    }

    /// The run's record is all that is left of us, and nobody migrates any more.
    ///
    /// # Errors
    /// With what is left.
    pub fn nothing_is_left(&self) -> Result<()> {
        let left = Left::read(&self.world.place)?;
        ensure!(left.heads.len() == 1 && left.others.is_empty(), "{left:?}");
        until_no_session_of_ours(&self.app.database(), "application_name = 'ledger-migrate'")
    }
}
