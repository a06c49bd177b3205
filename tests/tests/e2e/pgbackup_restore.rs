//! `kubectl pgbackup restore` of a release on the node: writers rest and come back, a killed restore is carried on or
//! taken back from elsewhere, and dumps that pg_dump made by hand come back through the server's own psql.

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, Left, ReleaseState, World};
use serde_json::Value;
use test_apps::{HelmLine, Ledger, Summary};

fn text(value: &Value) -> Result<String> {
    Ok(value
        .as_str()
        .with_context(|| format!("no text: {value}"))?
        .to_owned())
}

/// A release whose worker writes all the time, with a backup, and with what a mistake then did to it.
struct Stage<'a> {
    world: &'a World,
    kubectl: KubectlPlugins<'a>,
    app: Ledger,
    state: ReleaseState,
    good: Summary,
    bad: Summary,
    store: String,
    backup: String,
}

impl<'a> Stage<'a> {
    fn new(world: &'a World) -> Result<Self> {
        let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
        app.install("1.0.0", &["seedRows=300"])?;
        app.write(10)?;
        let (state, good) = (ReleaseState::read(&world.place)?, app.summary_of("test")?);
        let store = world.subfolder("store")?.display().to_string();
        let kubectl = KubectlPlugins::new(world)?;
        let made = kubectl.run("pgbackup", &["create", "books", "--to", &store, "-o", "json"])?;
        let backup = text(&made.expect(0)?.json()?["backup"]["id"])?;
        app.database()
            .query("delete from entries where account = 'test'")?;
        let bad = app.summary_of("test")?;
        ensure!(!bad.same_entries(&good));
        Ok(Self {
            world,
            kubectl,
            app,
            state,
            good,
            bad,
            store,
            backup,
        })
    }

    fn pgbackup(&self, words: &[&str]) -> Result<Ended> {
        self.kubectl.run("pgbackup", words)
    }

    /// Every count and every switch is as it was, all pods are ready, and of the run only its record stays.
    fn everybody_is_back(&self) -> Result<()> {
        let now = ReleaseState::read(&self.world.place)?;
        ensure!(now == self.state, "{now:?} instead of {:?}", self.state);
        self.app.wait_until_it_answers()?;
        let left = Left::read(&self.world.place)?;
        ensure!(left.others.is_empty(), "{left:?}");
        Ok(())
    }

    /// A run of another machine that renewed its lease a moment ago.
    fn lease_of_somebody(&self) -> Result<()> {
        let lease = serde_json::json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": "safe-upgrade.books" },
            "spec": {
                "holderIdentity": "20260101-somebody ann@elsewhere 1.elsewhere",
                "leaseDurationSeconds": 60,
                "renewTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            },
        });
        let file = self.world.folder.path().join("lease.json");
        std::fs::write(&file, lease.to_string())?;
        let file = file.display().to_string();
        self.world
            .place
            .kubectl(&["create", "--filename", &file])
            .map(drop)
    }

    fn holds(&self, wanted: &Summary) -> Result<()> {
        let found = self.app.summary_of("test")?;
        ensure!(found.same_entries(wanted), "{found:?} instead of {wanted:?}");
        Ok(())
    }
}

#[test]
fn writers_rest_while_their_database_is_put_back_and_come_back_as_they_were() -> Result<()> {
    let world = World::new("restore")?;
    let stage = Stage::new(&world)?;
    // By an account that has the printed rights and no others.
    let printed = stage.pgbackup(&["rbac", "--for", "restore"])?.expect(0)?.stdout;
    let roles = stage.world.folder.path().join("roles.yaml");
    std::fs::write(&roles, printed)?;
    stage
        .world
        .place
        .kubectl(&["apply", "--filename", &roles.display().to_string()])?;
    let account = format!("system:serviceaccount:{}:pgbackup", stage.world.place.namespace);
    let words = [
        "restore",
        &stage.backup,
        "--from",
        &stage.store,
        "--as",
        &account,
        "--yes",
        "-o",
        "json",
    ];
    let restored = stage.pgbackup(&words)?;
    let restored = restored.expect(0)?;
    ensure!(restored.stderr.contains("stop writers"), "{restored}");
    let report = restored.json()?;
    ensure!(
        report["downtimeSeconds"].is_number() && report["run"].is_string(),
        "{report}"
    );
    ensure!(
        report["ownership"] == "owners as they were, privileges as they were",
        "{report}"
    );
    stage.holds(&stage.good)?;
    stage.everybody_is_back()?;

    // A dump that somebody made by hand, through psql in the pod; the worker's rows that came since are in neither.
    let dump = stage.world.folder.path().join("by-hand.sql.gz");
    let mut command = stage.world.place.kubectl_command();
    let script = "pg_dump -U ledger ledger | gzip";
    command.args(["exec", "books-postgres-0", "--", "sh", "-c", script]);
    command.stdout(std::fs::File::create(&dump)?);
    ensure!(command.status()?.success());
    stage
        .app
        .database()
        .query("delete from entries where account = 'test'")?;
    let file = dump.display().to_string();
    let words = [
        "restore",
        "--file",
        &file,
        "books",
        "--keep-writers",
        "--yes",
        "-o",
        "json",
    ];
    let restored = stage.pgbackup(&words)?.expect(0)?;
    ensure!(!restored.stderr.contains("stop writers"), "{restored}");
    ensure!(
        text(&restored.json()?["content"])?.contains("rows in"),
        "{restored}"
    );
    stage.app.wait_until_it_answers()?;
    stage.holds(&stage.good)?;

    let listed = stage.pgbackup(&["restore", "--list", "books", "-o", "json"])?;
    let listed = listed.expect(0)?.json()?;
    ensure!(
        listed["items"].as_array().is_some_and(|items| items.len() == 2),
        "{listed}"
    );
    let first = text(&report["id"])?;
    let words = [
        "restore",
        "--drop-old",
        &first,
        "books",
        "--from",
        &stage.store,
        "--yes",
        "-o",
        "json",
    ];
    // Not while somebody else is at work on the release.
    stage.lease_of_somebody()?;
    let undo = ["restore", "--undo", &first, "books", "--yes"];
    for words in [&words[..], &undo[..]] {
        let refused = stage.pgbackup(words)?.expect(2)?;
        ensure!(
            refused.stderr.contains("worked on by 20260101-somebody"),
            "{refused}"
        );
    }
    stage
        .world
        .place
        .kubectl(&["delete", "lease", "safe-upgrade.books"])?;
    let dropped = stage.pgbackup(&words)?.expect(0)?.json()?;
    ensure!(dropped["items"][0]["id"] == first.as_str(), "{dropped}");
    stage.holds(&stage.good)
}

/// Begins a restore that kills itself at a journal write, and gives its id.
fn killed(stage: &Stage<'_>, at: &str) -> Result<String> {
    let words = [
        "restore",
        &stage.backup,
        "--from",
        &stage.store,
        "--yes",
        "--fault",
        at,
    ];
    let ended = stage.pgbackup(&words)?;
    ensure!(
        ended.code != 0 && ended.stdout.is_empty(),
        "killed at {at}: {ended}"
    );
    // Nobody else may begin meanwhile, and whoever tries is told what to type.
    let second = stage.pgbackup(&words[..5])?;
    ensure!(
        second.code == 2,
        "a second restore beside an unfinished one: {second}"
    );
    let (_, rest) = second
        .stderr
        .split_once("restore --resume ")
        .with_context(|| format!("the command that carries it on: {second}"))?;
    Ok(rest.split_whitespace().next().unwrap_or_default().to_owned())
}

// Writes: the head, then before and after each step and with each record in between; suspend, quiesce, drain, restore,
// resume, roll-out, unsuspend.
#[test]
fn a_restore_killed_anywhere_is_taken_back_or_carried_on_from_elsewhere() -> Result<()> {
    let world = World::new("restore-killed")?;
    let stage = Stage::new(&world)?;
    for at in ["kill:after:6", "kill:before:13"] {
        let id = killed(&stage, at)?;
        stage
            .pgbackup(&["restore", "--abort", &id, "books"])?
            .expect(10)?;
        stage.holds(&stage.bad)?;
        stage.everybody_is_back()?;
    }
    let id = killed(&stage, "kill:after:13")?;
    let other = stage.pgbackup(&["restore", "--resume", "another", "books"])?;
    other.expect_one_clear_line(1, &["is not restore another"])?;
    let carried = stage.pgbackup(&["restore", "--resume", &id, "books", "-o", "json"])?;
    let report = carried.expect(0)?.json()?;
    ensure!(report["id"] == id.as_str(), "{report}");
    stage.holds(&stage.good)?;
    stage.everybody_is_back()
}
