//! What users get wrong and what is wrong around them: each told in one clear line, with the documented exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{KubectlPlugins, World, until_no_session_of_ours};
use test_apps::{HelmLine, Ledger};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");

/// A chart without any workload, and without a database.
fn small_chart(world: &World, name: &str, template: &str) -> Result<PathBuf> {
    let chart = world.subfolder(name)?;
    std::fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: small\nversion: 1.0.0\n",
    )?;
    std::fs::create_dir_all(chart.join("templates"))?;
    std::fs::write(chart.join("templates/object.yaml"), template)?;
    Ok(chart)
}

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-small }\ndata: {}\n";

/// A release of the small chart.
fn small_release(world: &World) -> Result<()> {
    let chart = small_chart(world, "small", CONFIG_MAP)?;
    world.place.helm(
        HelmLine::Three,
        &["install", "small", &chart.display().to_string()],
    )?;
    Ok(())
}

#[test]
fn a_release_that_does_not_exist() -> Result<()> {
    let world = World::new("bad-release")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let told = format!("release nothing not found in namespace {}", world.place.namespace);
    kubectl
        .run("upgrade-check", &["nothing"])?
        .expect_one_clear_line(1, &[&told])?;
    kubectl
        .run("pgbackup", &["create", "nothing"])?
        .expect_one_clear_line(1, &[&told])?;
    let chart = small_chart(&world, "small", CONFIG_MAP)?.display().to_string();
    let helm = kubectl.helm(HelmLine::Four);
    kubectl
        .run("upgrade-check", &["nothing", &chart, "--helm-bin", &helm])?
        .expect_one_clear_line(1, &[&told])?;
    Ok(())
}

#[test]
fn a_chart_that_does_not_render() -> Result<()> {
    let world = World::new("bad-chart")?;
    small_release(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let chart = small_chart(&world, "broken", "{{ fail \"broken on purpose\" }}")?;
    for line in HelmLine::ALL {
        let helm = kubectl.helm(line);
        kubectl
            .run(
                "upgrade-check",
                &["small", &chart.display().to_string(), "--helm-bin", &helm],
            )?
            .expect_one_clear_line(1, &["failed to render the target", "broken on purpose"])?;
    }
    Ok(())
}

#[test]
fn a_release_without_a_database() -> Result<()> {
    let world = World::new("bad-database")?;
    small_release(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    kubectl
        .run("pgbackup", &["create", "small"])?
        .expect_one_clear_line(1, &["no database found", "--dsn, --secret or --pod"])?;
    let ended = kubectl.run("upgrade-check", &["small", "-o", "json"])?;
    let report = ended.json()?;
    let rows = report["checks"].as_array().context("checks")?;
    let row = rows
        .iter()
        .find(|row| row["id"] == "database-found")
        .context("a row")?;
    ensure!(row["verdict"] != "pass", "{row}");
    Ok(())
}

#[test]
fn a_profile_with_a_typo() -> Result<()> {
    let world = World::new("bad-profile")?;
    small_release(&world)?;
    let kubectl = KubectlPlugins::new(&world)?;
    let text = std::fs::read_to_string(PROFILE)?;
    let line = text
        .lines()
        .position(|line| line == "roles:")
        .context("roles in the profile")?;
    let path = world.folder.path().join("typo.yaml");
    std::fs::write(&path, text.replace("\nroles:\n", "\nrolse:\n"))?;
    let place = format!("line {}", line + 1);
    for (plugin, arguments) in [
        ("upgrade-check", &["small"][..]),
        ("pgbackup", &["create", "small"][..]),
    ] {
        let mut command = kubectl.command(plugin, arguments)?;
        command.arg("--profile").arg(&path);
        e2e::Ended::of(&mut command)?
            .expect_one_clear_line(1, &["typo.yaml", &place, "`rolse`", "did you mean `roles`"])?;
    }
    Ok(())
}

#[test]
fn an_api_server_that_is_not_there() -> Result<()> {
    let world = World::new("bad-server")?;
    let kubectl = KubectlPlugins::new(&world)?;
    for (plugin, arguments) in [
        ("upgrade-check", &["books"][..]),
        ("pgbackup", &["create", "books"][..]),
    ] {
        let mut command = kubectl.command(plugin, arguments)?;
        // The discard port: nobody listens there.
        command.args(["--server", "https://127.0.0.1:9"]);
        e2e::Ended::of(&mut command)?
            .expect_one_clear_line(1, &["https://127.0.0.1:9", "does not answer"])?;
    }
    Ok(())
}

#[test]
fn flags_and_words_that_nobody_knows() -> Result<()> {
    let world = World::new("bad-flag")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let run = |plugin, arguments: &[&str]| kubectl.run(plugin, arguments);
    run("upgrade-check", &["books", "./chart", "--reuse-value"])?
        .expect_one_clear_line(1, &["--reuse-value", "did you mean --reuse-values?"])?;
    run("upgrade-check", &["books", "--set", "a=b"])?.expect_one_clear_line(1, &["need a CHART"])?;
    run("upgrade-check", &["books", "./chart", "--atomic"])?
        .expect_one_clear_line(1, &["--atomic is refused"])?;
    run("pgbackup", &["create", "books", "--too", "x"])?.expect_one_clear_line(1, &["--too"])?;
    run("pgbackup", &["get", "../../etc", "x"])?.expect_one_clear_line(1, &["is no backup id"])?;
    run("pgbackup", &["create"])?.expect_one_clear_line(1, &["name a release"])?;
    run("pgbackup", &["create", "--dsn", "postgres://u:secretword@h/d"])?
        .expect_one_clear_line(1, &["PGPASSWORD"])
        .and_then(|ended| {
            ensure!(
                !ended.stderr.contains("secretword"),
                "the password is told: {ended}"
            );
            Ok(())
        })
}

#[test]
fn a_reader_that_goes_away_is_no_failure() -> Result<()> {
    let world = World::new("bad-pipe")?;
    let kubectl = KubectlPlugins::new(&world)?;
    let commands: [(&str, &[&str]); 5] = [
        ("upgrade-check", &["completion", "bash"]),
        ("upgrade-check", &["explain"]),
        ("upgrade-check", &["--help"]),
        ("pgbackup", &["completion", "zsh"]),
        ("pgbackup", &["create", "--help"]),
    ];
    for (plugin, arguments) in commands {
        let mut command = kubectl.bare()?;
        command.arg(plugin).args(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        drop(child.stdout.take());
        let ended = e2e::Ended::from_output(&child.wait_with_output()?);
        ensure!(
            !ended.stderr.contains("panicked"),
            "{plugin} {arguments:?}: {ended}"
        );
        ended.expect(0)?;
    }
    Ok(())
}

/// A file system of its own, taken away at the end. Root ignores modes, so that a folder that cannot be written has to be
/// one that really cannot.
struct Mounted(PathBuf);

impl Mounted {
    fn new(folder: PathBuf, options: &str) -> Result<Self> {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&folder)
            .status()?;
        ensure!(status.success(), "mount -o {options} {}", folder.display());
        Ok(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(&self.0).status());
    }
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}

#[test]
fn a_backup_folder_that_cannot_be_written_or_is_full() -> Result<()> {
    let world = World::new("bad-folder")?;
    let app = Ledger::new(
        &world.place,
        HelmLine::Three,
        "books",
        &world.subfolder("charts")?,
    );
    app.install("1.0.0", &["seedRows=20000"])?;
    let kubectl = KubectlPlugins::new(&world)?;
    let create = |folder: &Path| {
        let folder = folder.display().to_string();
        kubectl.run("pgbackup", &["create", "books", "--to", &folder])
    };

    let readable = Mounted::new(world.subfolder("read-only")?, "ro")?;
    create(&readable.0)?.expect_one_clear_line(10, &["failed to create", "Read-only file system"])?;

    let small = Mounted::new(world.subfolder("full")?, "size=64k")?;
    create(&small.0)?.expect_one_clear_line(10, &["failed to write", "No space left on device"])?;
    ensure!(files_below(&small.0)?.is_empty(), "{:?}", files_below(&small.0)?);
    let from = small.0.display().to_string();
    let listed = Command::new(e2e::program("kubectl-pgbackup")?)
        .args(["list", "--from", &from])
        .output()?;
    let listed = e2e::Ended::from_output(&listed).expect(0)?;
    // What a cluster would know is named as not known below that line.
    ensure!(listed.stdout.lines().next() == Some("no backups"), "{listed}");
    until_no_session_of_ours(&app.database(), "false")?;
    Ok(())
}

#[test]
fn a_wrong_password() -> Result<()> {
    let world = World::new("bad-password")?;
    let app = Ledger::new(&world.place, HelmLine::Four, "books", &world.subfolder("charts")?);
    app.install("1.0.0", &[])?;
    // A fresh server trusts its own pod; this one trusts nobody.
    let script = "psql -U ledger -d ledger -c \"alter role ledger password 'changed'\" && \
                  sed -i 's/trust$/scram-sha-256/' \"$PGDATA/pg_hba.conf\" && \
                  psql -U ledger -d ledger -c 'select pg_reload_conf()'";
    world
        .place
        .kubectl(&["exec", "books-postgres-0", "--", "sh", "-c", script])?;
    let kubectl = KubectlPlugins::new(&world)?;
    kubectl
        .run("pgbackup", &["create", "books"])?
        .expect_one_clear_line(1, &["password authentication failed", "ledger"])?;
    let ended = kubectl
        .run("upgrade-check", &["books", "-o", "json"])?
        .expect(2)?;
    let report = ended.json()?;
    let rows = report["checks"].as_array().context("checks")?;
    let row = rows
        .iter()
        .find(|row| row["id"] == "database-reachable")
        .context("a row")?;
    ensure!(row["verdict"] == "fail", "{row}");
    ensure!(
        row["message"]
            .as_str()
            .is_some_and(|told| told.contains("password")),
        "{row}"
    );
    Ok(())
}
