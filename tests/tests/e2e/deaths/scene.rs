//! One release on the node that runs die on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use e2e::{Ended, Left, ReleaseState, SafeUpgrade, World};
use test_apps::{Ledger, Summary};

use super::kind::{Death, Kind, Then};
use super::looks::Looks;

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const RELEASE: &str = "books";
/// The versions with their schemas.
const FROM: (&str, i64) = ("1.0.0", 2);
const TO: (&str, i64) = ("1.1.0", 4);

/// The ledger with all that a run holds or stops: a web Deployment with an autoscaler, a worker, a CronJob.
pub(super) struct Scene {
    world: World,
    app: Ledger,
    kind: Kind,
    before: Looks,
    entries: Summary,
}

impl Scene {
    pub(super) fn new(kind: Kind) -> Result<Self> {
        let world = World::new("deaths")?;
        let app = Ledger::new(&world.place, kind.line, RELEASE, &world.subfolder("charts")?);
        let migrates = format!("migrate.mode={}", kind.migrates);
        app.install(FROM.0, &["seedRows=300", "autoscaling.enabled=true", &migrates])?;
        world.place.kubectl(&[
            "wait",
            "deployment/books-web",
            "--for=jsonpath={.status.readyReplicas}=2",
            "--timeout=90s",
        ])?;
        app.write(10)?;
        Ok(Self {
            before: Looks::of(&world.place, &app)?,
            entries: app.summary_of("test")?,
            world,
            app,
            kind,
        })
    }

    /// How many records the journal of a run has at least: its head, what is to be applied, two of each step with one for
    /// each thing that it takes down, and the end.
    pub(super) fn least_records(&self) -> Result<usize> {
        let plan = self.upgrade(&["--dry-run"])?.expect(0)?.json()?;
        let steps = plan["steps"].as_array().context("a plan has steps")?;
        let of_step = |step: &serde_json::Value| {
            let takes_down = matches!(step["spec"]["step"].as_str(), Some("suspend" | "quiesce"));
            let targets = step["spec"]["targets"].as_array().filter(|_| takes_down);
            2 + targets.map_or(0, Vec::len)
        };
        Ok(3 + steps.iter().map(of_step).sum::<usize>())
    }

    /// Kills a run and lets another process end it, then looks at everything. `false` where the journal has no such record:
    /// the run came to its end by itself.
    pub(super) fn survives(&self, death: Death) -> Result<bool> {
        let fault = format!("kill:{}:{}", death.when, death.record);
        let ended = self.upgrade(&["--fault", &fault])?;
        if ended.code == 0 {
            self.is_upgraded()?;
            return Ok(false);
        }
        ensure!(ended.stdout.trim().is_empty(), "it was not killed: {ended}");
        // Whoever carries on has no chart but the journal's.
        std::fs::remove_dir_all(self.chart()?)?;
        if self.carried_on(death)? {
            self.is_upgraded()?;
        } else {
            self.is_as_before()?;
        }
        Ok(true)
    }

    /// Ends the run from elsewhere; gives whether the release is upgraded then.
    fn carried_on(&self, death: Death) -> Result<bool> {
        let safe = SafeUpgrade::new(&self.world, self.kind.line)?;
        let ended = match death.then {
            Then::Resume => safe.elsewhere("resume", RELEASE, &[])?,
            Then::Abort => safe.elsewhere("abort", RELEASE, &[])?,
        };
        Ok(match (death.then, ended.code) {
            (Then::Resume, 0) => true,
            (Then::Abort, 10) => false,
            // What is to be applied was not journaled yet.
            (Then::Resume, 10) if death.record <= 2 => false,
            // Turning back has a price from here on, which a person agrees to.
            (Then::Abort, 2) => {
                safe.elsewhere("abort", RELEASE, &["--accept-loss"])?.expect(10)?;
                false
            }
            // No run is unfinished: it died before its first record, or after its last.
            (_, 1) => death.record > 1,
            _ => bail!("{ended}"),
        })
    }

    fn is_as_before(&self) -> Result<()> {
        self.is_whole(&self.before, FROM)?;
        let entries = self.app.summary_of("test")?;
        ensure!(entries == self.entries, "{:?} became {entries:?}", self.entries);
        self.drop_kept_databases()
    }

    fn is_upgraded(&self) -> Result<()> {
        self.is_whole(&self.before.in_version(FROM.0, TO.0), TO)?;
        let entries = self.app.summary_of("test")?;
        ensure!(
            entries.same_entries(&self.entries),
            "{:?} became {entries:?}",
            self.entries
        );
        Ok(())
    }

    fn is_whole(&self, expected: &Looks, (version, schema): (&str, i64)) -> Result<()> {
        self.app.wait_until_it_answers()?;
        let state = ReleaseState::read(&self.world.place)?;
        ensure!(state.ready == state.replicas, "{version}: {state:?}");
        Looks::of(&self.world.place, &self.app)?.are(expected)?;
        let now = self.app.database().schema_version()?;
        ensure!(now == schema, "{version} on schema {now}");
        let left = Left::read(&self.world.place)?;
        ensure!(left.others.is_empty(), "{left:?}");
        Ok(())
    }

    /// The disk of the test's server is small, and each turn back keeps a database.
    fn drop_kept_databases(&self) -> Result<()> {
        let database = self.app.database();
        let kept = database.query("select datname from pg_database where datname like '%\\_pre\\_%'")?;
        for name in kept.lines() {
            database.query(&format!("drop database \"{name}\" with (force)"))?;
        }
        Ok(())
    }

    fn upgrade(&self, more: &[&str]) -> Result<Ended> {
        let mut arguments = vec!["--reset-then-reuse-values", "--profile", PROFILE];
        arguments.extend(["--gate", self.kind.gate]);
        arguments.extend(more);
        SafeUpgrade::new(&self.world, self.kind.line)?.upgrade(RELEASE, &self.chart()?, &arguments)
    }

    fn chart(&self) -> Result<PathBuf> {
        self.app.chart(TO.0)
    }
}
