//! The scripts of `examples/`, run as they stand by the system's `sh`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::{Ended, KubectlPlugins, PsqlSession, World, plugins_folder, until_answer};
use test_apps::{HelmLine, Ledger};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const UPGRADE: [&str; 3] = ["--reset-then-reuse-values", "--profile", PROFILE];

/// A ledger, and where the scripts leave what they say.
struct Stage {
    world: World,
    app: Ledger,
    /// Gets what a script tells somebody.
    told: PathBuf,
}

impl Stage {
    fn new() -> Result<Self> {
        let world = World::new("examples")?;
        let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
        app.install("1.0.0", &["seedRows=100"])?;
        let told = world.folder.path().join("told");
        Ok(Self { world, app, told })
    }

    /// A script with kubectl, helm and the plugins on its PATH, and its variables.
    fn script(
        &self,
        kubectl: &KubectlPlugins<'_>,
        name: &str,
        variables: &[(&str, &str)],
    ) -> Result<Command> {
        let (node, folder) = (&self.world.node, self.world.subfolder("bin")?);
        for (program, word) in [(&node.kubectl, "kubectl"), (&node.helm4, "helm")] {
            let link = folder.join(word);
            if !link.exists() {
                std::os::unix::fs::symlink(program, link)?;
            }
        }
        let (bare, helm) = (kubectl.bare()?, self.world.place.helm_command(HelmLine::Four));
        let mut script = Command::new("sh");
        for (key, value) in helm.get_envs().chain(bare.get_envs()) {
            match value {
                Some(value) => script.env(key, value),
                None => script.env_remove(key),
            };
        }
        let path = bare
            .get_envs()
            .find_map(|(key, value)| (key == "PATH").then_some(value).flatten())
            .context("kubectl has a PATH")?;
        let folders = std::iter::once(folder).chain(std::env::split_paths(path));
        script.env("PATH", std::env::join_paths(folders)?);
        script.env("HELM_PLUGINS", plugins_folder(self.world.folder.path())?);
        script.env("NAMESPACE", &self.world.place.namespace);
        script.env("ALERT", format!("cat >>{}", self.told.display()));
        script.envs(variables.iter().copied());
        script.arg(Path::new(FOLDER).join(name));
        Ok(script)
    }

    fn nobody_was_told(&self) -> Result<()> {
        ensure!(
            !self.told.exists(),
            "somebody was told {}",
            std::fs::read_to_string(&self.told)?
        );
        Ok(())
    }
}

#[test]
fn the_examples_do_what_their_first_lines_say() -> Result<()> {
    let stage = Stage::new()?;
    let kubectl = KubectlPlugins::new(&stage.world)?;
    let chart = stage.app.chart("1.1.0")?.display().to_string();
    let release = [("RELEASE", "books"), ("CHART", chart.as_str())];

    // A pipeline is let through, and is held up by a lock that somebody waits for.
    let reports = stage.world.subfolder("reports")?;
    let reports_text = reports.display().to_string();
    let gate = || -> Result<Ended> {
        let variables = [release[0], release[1], ("REPORTS", reports_text.as_str())];
        Ended::of(
            stage
                .script(&kubectl, "gate-a-pipeline.sh", &variables)?
                .args(UPGRADE),
        )
    };
    gate()?.expect(0)?;
    // Nor is it let through without the reports that it was asked for.
    let unwritable = [release[0], release[1], ("REPORTS", "/proc/nowhere")];
    Ended::of(
        stage
            .script(&kubectl, "gate-a-pipeline.sh", &unwritable)?
            .args(UPGRADE),
    )?
    .expect(1)?;
    let report = |name: &str| std::fs::read_to_string(reports.join(name));
    ensure!(
        !report("upgrade-check.xml")?.contains("<failure"),
        "{}",
        report("upgrade-check.xml")?
    );
    let database = stage.app.database();
    let holder = PsqlSession::holding_entries(&stage.world, &database, "forgotten")?;
    let waiter = PsqlSession::open(&stage.world, "patient", "select count(*) from entries;")?;
    // Whatever goes wrong, whoever holds goes before who waits.
    let both = (holder, waiter);
    until_answer(
        &database,
        "select count(*) from pg_stat_activity where application_name = 'patient' and wait_event_type = 'Lock' \
         and query_start < clock_timestamp() - interval '6 s'",
        "1",
    )?;
    gate()?.expect(2)?;
    ensure!(
        report("upgrade-check.xml")?.contains("<failure"),
        "{}",
        report("upgrade-check.xml")?
    );
    ensure!(
        report("upgrade-check.md")?.contains("forgotten"),
        "{}",
        report("upgrade-check.md")?
    );
    drop(both);
    // One that cannot begin leaves no reports of an earlier run behind.
    let nowhere = [
        ("RELEASE", "nobody"),
        release[1],
        ("REPORTS", reports_text.as_str()),
    ];
    Ended::of(&mut stage.script(&kubectl, "gate-a-pipeline.sh", &nowhere)?)?.expect(1)?;
    for name in ["upgrade-check.xml", "upgrade-check.md"] {
        ensure!(!reports.join(name).exists(), "{name} is of another run");
    }

    // A night's backup is proven; one that cannot be made is told.
    let store = stage.world.subfolder("store")?.display().to_string();
    let night = |store: &str| -> Result<Ended> {
        let variables = [("TARGET", "books"), ("STORE", store)];
        Ended::of(&mut stage.script(&kubectl, "nightly-backup.sh", &variables)?)
    };
    night(&store)?.expect(0)?;
    stage.nobody_was_told()?;
    let listed = kubectl
        .run("pgbackup", &["list", "--from", &store, "-o", "json"])?
        .expect(0)?
        .json()?;
    ensure!(listed["items"][0]["grade"] == "A", "{listed}");
    let failed = night("/proc/nowhere")?;
    ensure!(failed.code != 0, "{failed}");
    let told = std::fs::read_to_string(&stage.told)?;
    ensure!(
        told.contains("pgbackup create ended with") && told.contains("/proc/nowhere"),
        "{told}"
    );
    std::fs::remove_file(&stage.told)?;
    // Nor is it hidden where nobody can be told.
    let variables = [
        ("TARGET", "books"),
        ("STORE", "/proc/nowhere"),
        ("ALERT", "exit 7"),
    ];
    let untold =
        Ended::of(&mut stage.script(&kubectl, "nightly-backup.sh", &variables)?)?.expect(failed.code)?;
    ensure!(
        untold.stderr.contains("nobody was told: ALERT ended with 7")
            && untold.stderr.contains("pgbackup create ended with"),
        "{untold}"
    );

    // An upgrade waits for its hour.
    let at = |now: &str| -> Result<Ended> {
        let window = [
            ("FROM", "2300"),
            ("TO", "0400"),
            ("NOW", now),
            ("STORE", store.as_str()),
        ];
        let variables: Vec<(&str, &str)> = release.iter().chain(&window).copied().collect();
        Ended::of(
            stage
                .script(&kubectl, "upgrade-in-a-window.sh", &variables)?
                .args(UPGRADE),
        )
    };
    at("4pm")?.expect(1)?;
    at("0400")?.expect(75)?;
    ensure!(database.schema_version()? == 2, "something was begun");
    at("0012")?.expect(0)?;
    stage.nobody_was_told()?;
    ensure!(database.schema_version()? == 4);
    Ok(())
}
