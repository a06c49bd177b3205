//! A database with a good backup, and what must hold of both whatever happens half-way through the next act.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_apps::{HelmLine, Postgres};

use crate::frozen::{Freezing, Frozen, Rows};
use crate::{Ended, KubectlPlugins, World, until_no_session_of_ours};

/// Enough rows that a dump, and a restore, are still at work when they are looked at. Text that does not pack.
fn content(rows: u32) -> String {
    format!(
        "create table bulk as select i as id, md5(i::text) || md5((-i)::text) as note from generate_series(1, {rows}) i; \
         create table small as select i as id from generate_series(1, 10) i"
    )
}

/// Rows that take longer than what pipes and sockets hold on the way.
pub const SOME: u32 = 700_000;

/// Rows whose dump is larger than what is fetched ahead of its use.
pub const MANY: u32 = 2_000_000;

const SUM: &str = "select (select count(*) || md5(string_agg(md5(note), '' order by id)) from bulk), (select count(*) from small)";

/// Every database of the server, and whether it lets anybody in; but not a half-filled one, which the next restore of the
/// same backup takes up.
const DATABASES: &str = "select string_agg(concat_ws(' ', datname, datallowconn), ', ' order by datname) from pg_database \
                         where datname !~ '^app_restore_'";

/// What is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `create`.
    Create,
    /// `restore` of the good backup.
    Restore,
}

/// The database, the backup, and the store that holds it.
pub struct BackedUp<'a> {
    world: &'a World,
    kubectl: KubectlPlugins<'a>,
    /// The server.
    pub server: Postgres,
    store: String,
    variables: Vec<(String, String)>,
    /// The good backup.
    id: String,
    sum: String,
    databases: String,
}

/// An act of ours that stands still half-way.
pub struct HalfWay {
    /// The program.
    pub program: Child,
    /// Its session.
    pub session: Frozen,
}

impl<'a> BackedUp<'a> {
    /// Installs a server as release `db`, fills it and backs it up into a store, which may need variables.
    ///
    /// # Errors
    /// When any of this fails.
    pub fn new(
        world: &'a World,
        major: u32,
        rows: u32,
        store: &str,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let server = Postgres::install(&world.place, HelmLine::Four, "db", major)?;
        server.query(&content(rows))?;
        let sum = server.query(SUM)?;
        let databases = server.query(DATABASES)?;
        let mut made = Self {
            world,
            kubectl: KubectlPlugins::new(world)?,
            server,
            store: store.to_owned(),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            id: String::new(),
            sum,
            databases,
        };
        made.id = made.create()?;
        Ok(made)
    }

    fn command(&self, words: &[&str]) -> Result<Command> {
        let mut command = self.kubectl.command("pgbackup", words)?;
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Makes a backup; gives its id.
    fn create(&self) -> Result<String> {
        let made = Ended::of(&mut self.command(&self.words(Act::Create))?)?.expect(0)?;
        let report = made.json()?;
        let id = report["backup"]["id"].as_str().context("a backup has an id")?;
        Ok(id.to_owned())
    }

    fn words(&self, act: Act) -> Vec<&str> {
        match act {
            Act::Create => vec!["create", "pod/db-postgres-0", "--to", &self.store, "-o", "json"],
            Act::Restore => vec![
                "restore",
                &self.id,
                "pod/db-postgres-0",
                "--from",
                &self.store,
                "--yes",
                "-o",
                "json",
            ],
        }
    }

    /// Begins an act and stops it in the middle of its rows.
    ///
    /// # Errors
    /// When it does not come so far.
    pub fn half_way(&self, act: Act) -> Result<HalfWay> {
        let rows = match act {
            Act::Create => Rows::Out,
            Act::Restore => Rows::In,
        };
        let freezing = Freezing::begin(&self.world.place, &self.server, rows)?;
        let mut command = self.command(&self.words(act))?;
        let program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        Ok(HalfWay {
            program,
            session: freezing.frozen()?,
        })
    }

    /// Fails unless only the good backup looks like one, nobody of ours is connected, and databases and rows are what they
    /// were.
    ///
    /// # Errors
    /// When anything of this does not hold.
    pub fn is_unharmed(&self) -> Result<()> {
        until_no_session_of_ours(&self.server, "false")?;
        let words = ["list", "--from", &self.store, "-o", "json"];
        let listed = Ended::of(&mut self.command(&words)?)?.expect(0)?.json()?;
        let items = listed["items"].as_array().context("a list has items")?;
        let ours: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        ensure!(ours == [&Value::from(self.id.as_str())], "{listed}");
        let databases = self.server.query(DATABASES)?;
        ensure!(
            databases == self.databases,
            "{databases} and not {}",
            self.databases
        );
        ensure!(self.server.query(SUM)? == self.sum, "the database is another");
        Ok(())
    }

    /// Fails unless a backup can be made and put back now. The new one takes the place of the good one.
    ///
    /// # Errors
    /// When it cannot.
    pub fn goes_on(&mut self) -> Result<()> {
        self.id = self.create()?;
        self.server.query("delete from bulk where id % 2 = 0")?;
        Ended::of(&mut self.command(&self.words(Act::Restore))?)?.expect(0)?;
        ensure!(
            self.server.query(SUM)? == self.sum,
            "what was put back is something else"
        );
        until_no_session_of_ours(&self.server, "false")
    }
}

impl HalfWay {
    /// How the program ended; it must have failed, in words, and without a panic.
    ///
    /// # Errors
    /// When it says that it is done.
    pub fn failed(program: Child) -> Result<Ended> {
        let ended = Ended::from_output(&program.wait_with_output()?);
        ensure!(
            ended.code == 10 && ended.stderr.contains("error:") && !ended.stderr.contains("panicked"),
            "{ended}"
        );
        Ok(ended)
    }
}
