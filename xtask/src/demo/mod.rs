//! `cargo xtask demo`: one upgrade from beginning to end. Each act says what it is about, shows what it types, and fails
//! unless it ends as it should.

mod lock_holder;
mod stage;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use test_apps::{HelmLine, OpenFga, Place, charts, images};
use test_node::Node;
use test_node::cache::Cache;
use test_node::command;
use test_node::progress::Progress;

use crate::cargo::{build_programs, checkout};
use crate::terminal::say;
use lock_holder::LockHolder;
use stage::Stage;

/// The namespace of the demonstration; what an earlier one left there goes.
const NAMESPACE: &str = "demo";
const RELEASE: &str = "authz";
const OLD: &str = "1.3.0";
const NEW: &str = "1.22.1";
const POSTGRES_MAJOR: &str = "major=17";
/// Documents to write: two tuples each.
const DOCUMENTS: u32 = 500;

pub(crate) fn run() -> Result<()> {
    let (cache, progress) = (Cache::from_environment()?, Progress::stderr());
    let programs = build_programs(&progress)?;
    let node = Node::up(&cache, &progress)?;
    for version in [OLD, NEW] {
        let image = images::openfga(version, &cache, &progress)?;
        progress.run(format!("give OpenFGA {version} to the node"), |_| {
            node.import_image(&image)
        })?;
    }
    let folder = cache.root().join("demo");
    lay_out(&folder, &node, &programs)?;
    let stage = Stage::new(&node, &folder, NAMESPACE);
    stage.lay_out()?;
    progress.run("make the namespace anew", |_| new_namespace(&node))?;
    let place = Place::new(&node, NAMESPACE);
    let app = OpenFga::new(&place, HelmLine::Four, RELEASE, &folder);
    let backup = play(&stage, &app)?;
    say(&format!(
        "\nTry next:\n  \
         . {folder}/env    # this shell now has what the demonstration typed with\n  \
         helm safe-upgrade status {RELEASE}\n  \
         kubectl upgrade-check {RELEASE}\n  \
         kubectl pgbackup verify {backup} --from backups    # restored into a throw-away server and compared\n  \
         helm safe-upgrade rollback {RELEASE} --backup-to backups --dry-run    # the way back to {OLD}, and its price\n  \
         cargo xtask node down    # in the checkout; nothing is left of the node but its cache",
        folder = folder.display()
    ))
}

/// The acts; gives the name of the backup.
fn play(stage: &Stage, app: &OpenFga) -> Result<String> {
    let (old_chart, new_chart) = (format!("openfga-{OLD}"), format!("openfga-{NEW}"));
    app.chart(OLD)?;
    app.chart(NEW)?;

    stage.act(&format!(
        "OpenFGA {OLD} with two replicas on PostgreSQL, installed by plain helm"
    ))?;
    let (database, secret) = (app.database_release(), app.database_value());
    stage.types(
        &[
            "helm",
            "install",
            &database,
            "postgres",
            "--set-string",
            POSTGRES_MAJOR,
            "--wait",
        ],
        0,
    )?;
    stage.types(
        &["helm", "install", RELEASE, &old_chart, "--set", &secret, "--wait"],
        0,
    )?;
    app.wait_until_it_answers()?;
    let store = app.write(DOCUMENTS)?;
    let before = app.snapshot(&store)?;
    let schema = app.database().schema_version()?;
    stage.tells(&format!(
        "written through its API: 1 model, {} tuples; schema {schema}",
        before.tuples.len()
    ))?;

    stage.act("The plugin, installed as Helm's users do")?;
    stage.types(
        &["helm", "plugin", "install", &checkout()?.display().to_string()],
        0,
    )?;

    stage.act("Somebody left a psql open that holds a lock on a table, and a report waits behind it")?;
    let holder = LockHolder::plant(stage, app)?;

    stage.act(
        "Would the upgrade go well? It would hang: the check finds the holder and blocks with exit code 2",
    )?;
    let reuse = "--reset-then-reuse-values";
    stage.types(&["kubectl", "upgrade-check", RELEASE, &new_chart, reuse], 2)?;
    ensure!(
        app.database().schema_version()? == schema,
        "a check changes nothing, but the schema is another one"
    );

    stage.act("The holder goes home")?;
    holder.leave(stage)?;
    ensure!(
        app.snapshot(&store)? == before,
        "the application's answers are as they were"
    );

    stage.act(&format!("The upgrade to {NEW}, by the plugin in the real helm"))?;
    stage.types(
        &[
            "helm",
            "safe-upgrade",
            RELEASE,
            &new_chart,
            reuse,
            "--backup-to",
            "backups",
            "--yes",
        ],
        0,
    )?;

    stage.act("Everything that was written is read back through the new version")?;
    app.wait_until_it_answers()?;
    let after = app.snapshot(&store)?;
    ensure!(
        after == before,
        "the application tells something else now: {before:?} became {after:?}"
    );
    let schema_now = app.database().schema_version()?;
    ensure!(
        schema_now > schema,
        "no migration ran: the schema is {schema_now}"
    );
    stage.tells(&format!(
        "equal: 1 model, {} tuples, {} answered questions; schema {schema} → {schema_now}",
        after.tuples.len(),
        after.checks.len()
    ))?;

    stage.act("What is left: Helm's history without the gated revision, and a proven backup")?;
    stage.types(&["helm", "history", RELEASE], 0)?;
    let list = ["kubectl", "pgbackup", "list", RELEASE, "--from", "backups"];
    stage.types(&list, 0)?;
    newest_backup(stage, &list)
}

fn newest_backup(stage: &Stage, list: &[&str]) -> Result<String> {
    let listed = command::run(&mut stage.command(&[list, &["-o", "json"]].concat())?)?;
    let listed: serde_json::Value = serde_json::from_str(&listed).context("read the list of backups")?;
    listed["items"][0]["id"]
        .as_str()
        .map(str::to_owned)
        .context("no backup is listed")
}

/// The folder that the demonstration works in: programs under the names that people type, charts, Helm's data.
fn lay_out(folder: &Path, node: &Node, programs: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).with_context(|| format!("create {}", bin.display()))?;
    let link = |target: &Path, name: &Path| {
        symlink(target, name).with_context(|| format!("link {} to {}", name.display(), target.display()))
    };
    link(&node.helm4, &bin.join("helm"))?;
    link(&node.kubectl, &bin.join("kubectl"))?;
    for plugin in ["kubectl-upgrade_check", "kubectl-pgbackup"] {
        link(&programs.join(plugin), &bin.join(plugin))?;
    }
    link(
        &programs.join("helm-safe-upgrade"),
        &folder.join("helm-safe-upgrade"),
    )?;
    link(&charts::postgres(), &folder.join("postgres"))
}

fn new_namespace(node: &Node) -> Result<()> {
    node.kubectl([
        "delete",
        "namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--wait",
        "--timeout=120s",
    ])?;
    node.kubectl(["create", "namespace", NAMESPACE])?;
    // Before that, the API server refuses pods.
    node.kubectl([
        "wait",
        "--namespace",
        NAMESPACE,
        "--for=create",
        "serviceaccount/default",
        "--timeout=60s",
    ])?;
    Ok(())
}
