//! Observing and judging real releases: what the rows say of them, and that a row turns with the cluster.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use checks::profiles::ProfileChoice;
use checks::{ObserveError, ObserveRequest, Observed, RenderRequest, evaluate, observe, observe_with_target};
use cluster::{Cluster, ConnectOptions};
use e2e::{World, connect_options};
use helm::{Helm, UpgradeLine};
use model::{CheckReport, CheckResult, CheckVerdict, Confidence, Seen, Severity, Target, Verdict};
use postgres_room::FindOptions;
use test_apps::{HelmLine, Ledger, OpenFga};

const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/apps/profiles/ledger.yaml");
const KEEP: &str = "--reset-then-reuse-values";

/// A release in a namespace of its own, seen through a kubeconfig.
struct Look<'a> {
    world: &'a World,
    line: HelmLine,
    release: &'a str,
    profile: ProfileChoice,
    kubeconfig: PathBuf,
}

impl<'a> Look<'a> {
    fn new(world: &'a World, line: HelmLine, release: &'a str) -> Self {
        Self {
            world,
            line,
            release,
            profile: ProfileChoice::default(),
            kubeconfig: world.node.kubeconfig.clone(),
        }
    }

    fn ledger(world: &'a World, line: HelmLine) -> Self {
        Self {
            profile: ProfileChoice::file(PROFILE),
            ..Self::new(world, line, "books")
        }
    }

    fn connection(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: Some(self.kubeconfig.clone()),
            ..connect_options(&self.world.node, &self.world.place.namespace)
        }
    }

    async fn request(&self) -> Result<ObserveRequest> {
        Ok(ObserveRequest {
            cluster: Cluster::connect(&self.connection()).await?,
            namespace: self.world.place.namespace.as_str().to_owned(),
            release: self.release.to_owned(),
            profile: self.profile.clone(),
            path_file: None,
            database: FindOptions::default(),
            store: Some(self.world.subfolder("backups")?.display().to_string()),
        })
    }

    /// The running revision alone.
    async fn running(&self) -> Result<(Observed, CheckReport)> {
        let observed = observe(&self.request().await?).await?;
        let report = evaluate(&observed.observation, None, &observed.profile);
        Ok((observed, report))
    }

    /// The way to a chart.
    async fn to(&self, chart: &std::path::Path, flags: &[&str]) -> Result<(Observed, Target, CheckReport)> {
        let program = match self.line {
            HelmLine::Three => &self.world.node.helm3,
            HelmLine::Four => &self.world.node.helm4,
        };
        let helm = Helm::find(Some(program), &self.connection()).await?;
        let mut words = vec![self.release.to_owned(), chart.display().to_string()];
        words.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let line = UpgradeLine::parse(&words, helm.major())?;
        let folder = tempfile::tempdir()?;
        let wanted = RenderRequest {
            helm: &helm,
            line: &line,
            namespace: self.world.place.namespace.as_str(),
            into: folder.path(),
        };
        let (observed, target) = observe_with_target(&self.request().await?, &wanted).await?;
        let (_, target) = target.context("helm's records can be read")?;
        let report = evaluate(&observed.observation, Some(&target), &observed.profile);
        Ok((observed, target, report))
    }
}

fn row<'a>(report: &'a CheckReport, id: &str) -> Result<&'a CheckResult> {
    report
        .checks
        .iter()
        .find(|check| check.id == id)
        .with_context(|| format!("no row {id}"))
}

#[track_caller]
fn says(report: &CheckReport, id: &str, word: &str, parts: &[&str]) -> Result<()> {
    let row = row(report, id)?;
    ensure!(row.verdict.word() == word, "{id}: {row:#?}");
    for part in parts {
        ensure!(
            row.verdict.message().contains(part),
            "{id}: no {part:?} in {row:#?}"
        );
    }
    Ok(())
}

/// The rows that keep an upgrade from beginning, with what they say.
fn in_the_way(report: &CheckReport) -> Vec<String> {
    report
        .checks
        .iter()
        .filter(|check| check.blocks())
        .map(|check| {
            format!(
                "{} {}: {}",
                check.id,
                check.verdict.word(),
                check.verdict.message()
            )
        })
        .collect()
}

fn ledger(world: &World, line: HelmLine, values: &[&str]) -> Result<Ledger> {
    let app = Ledger::new(&world.place, line, "books", &world.subfolder("charts")?);
    app.install("1.0.0", values)?;
    Ok(app)
}

async fn a_healthy_ledger(line: HelmLine) -> Result<()> {
    let world = World::new("checks")?;
    let app = ledger(&world, line, &["seedRows=200"])?;
    let (observed, _, report) = Look::ledger(&world, line)
        .to(&app.chart("1.1.0")?, &[KEEP])
        .await?;
    ensure!(in_the_way(&report).is_empty(), "{:#?}", in_the_way(&report));
    ensure!(
        matches!(report.verdict, CheckVerdict::Ready | CheckVerdict::Warnings),
        "{report:#?}"
    );
    says(
        &report,
        "database-found",
        "pass",
        &["ledger on books-postgres", "DATABASE_URL"],
    )?;
    says(&report, "migration-state", "pass", &["goose at 2"])?;
    says(&report, "schema-known", "pass", &["schema 2"])?;
    says(&report, "postgres-image-major", "pass", &["PostgreSQL 15"])?;
    says(&report, "version-jump", "pass", &["1.0.0 to 1.1.0"])?;
    says(&report, "apply-refused", "pass", &["accepted"])?;
    says(&report, "secret-change", "pass", &[])?;
    says(&report, "way-back-swap", "pass", &[])?;
    says(&report, "backup-fresh", "warn", &["no backup was found"])?;
    let members = checks::assign(
        &observed.profile,
        observed.observation.workloads.present().context("workloads")?,
        None,
    );
    let database: Vec<_> = members
        .iter()
        .filter(|member| member.kind == model::profile::RoleKind::Database)
        .map(|member| member.workload.name.to_string())
        .collect();
    ensure!(database == ["statefulset/books-postgres"], "{database:?}");
    // What is written down must hold no secret.
    let password = world.place.kubectl(&[
        "get",
        "secret",
        "books-postgres",
        "-o",
        "go-template={{.data.password | base64decode}}",
    ])?;
    let text = serde_json::to_string(&observed.observation)?;
    ensure!(
        !password.is_empty() && !text.contains(&password),
        "the observation holds the password"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_ledger_is_ready_under_helm_3() -> Result<()> {
    a_healthy_ledger(HelmLine::Three).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_ledger_is_ready_under_helm_4() -> Result<()> {
    a_healthy_ledger(HelmLine::Four).await
}

async fn openfga(line: HelmLine) -> Result<()> {
    let world = World::new("checks-fga")?;
    let app = OpenFga::new(&world.place, line, "fga", &world.subfolder("charts")?);
    app.install("1.3.0", 17)?;
    let look = Look::new(&world, line, "fga");
    let (observed, _, report) = look.to(&app.chart("1.22.1")?, &[KEEP]).await?;
    ensure!(observed.profile.name == "openfga", "{}", observed.profile_reason);
    ensure!(in_the_way(&report).is_empty(), "{:#?}", in_the_way(&report));
    says(&report, "schema-known", "pass", &["schema 3"])?;
    says(&report, "helm-hook-leftover", "pass", &[])?;
    says(&report, "startup-budget", "skip", &["hook Job migrates"])?;
    says(&report, "hook-deadline", "pass", &[])?;
    says(&report, "postgres-image-major", "skip", &[])?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn openfga_is_known_and_ready_under_helm_3() -> Result<()> {
    openfga(HelmLine::Three).await
}

#[tokio::test(flavor = "multi_thread")]
async fn openfga_is_known_and_ready_under_helm_4() -> Result<()> {
    openfga(HelmLine::Four).await
}

/// A session that takes a lock, commits nothing and waits for more to do.
struct Holder(Child);

impl Holder {
    fn new(world: &World, sql: &str) -> Result<Self> {
        use std::io::Write as _;
        let mut command: Command = world.place.kubectl_command();
        command.args([
            "exec",
            "-i",
            "books-postgres-0",
            "--",
            "psql",
            "-U",
            "ledger",
            "-d",
            "ledger",
        ]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let stdin = child.stdin.as_mut().context("a pipe")?;
        writeln!(stdin, "{sql}")?;
        stdin.flush()?;
        Ok(Self(child))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // kubectl itself would wait for the far end until its stream times out.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks until a condition holds, as somebody in front of a screen would.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(90);
    tokio::time::timeout(LIMIT, async {
        while !holds().await? {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    })
    .await
    .with_context(|| format!("{what} did not happen"))?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_lock_turns_its_row_red_and_green_again() -> Result<()> {
    let world = World::new("checks-lock")?;
    let app = ledger(&world, HelmLine::Four, &[])?;
    let look = Look::ledger(&world, HelmLine::Four);
    let (_, report) = look.running().await?;
    says(&report, "idle-transactions", "pass", &[])?;
    says(&report, "lock-waits", "pass", &[])?;

    let holder = Holder::new(&world, "begin; lock table entries in access exclusive mode;")?;
    let held = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and granted \
                and relation = 'entries'::regclass";
    until("the lock", async || Ok(app.database().query(held)?.trim() == "1")).await?;
    // No role of the application reads entries by itself: this makes sure that somebody waits.
    let victim = Holder::new(&world, "select count(*) from entries;")?;
    until("a long wait", async || {
        let (_, report) = look.running().await?;
        Ok(row(&report, "lock-waits")?.verdict.word() == "fail")
    })
    .await?;
    let (_, report) = look.running().await?;
    says(&report, "lock-waits", "fail", &["entries"])?;
    let (_, report) = {
        until("a minute of idleness", async || {
            let (_, report) = look.running().await?;
            Ok(row(&report, "idle-transactions")?.verdict.word() == "fail")
        })
        .await?;
        look.running().await?
    };
    says(
        &report,
        "idle-transactions",
        "fail",
        &["entries", "AccessExclusiveLock"],
    )?;
    ensure!(report.verdict == CheckVerdict::Blocked);

    // As the remedy says.
    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'psql' \
               and pid <> pg_backend_pid()";
    app.database().query(end)?;
    drop(holder);
    drop(victim);
    until("the end of it", async || {
        let (_, report) = look.running().await?;
        Ok(row(&report, "idle-transactions")?.verdict.word() == "pass"
            && row(&report, "lock-waits")?.verdict.word() == "pass")
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_a_person_set_is_found_under_helm_4_and_no_trouble_under_helm_3() -> Result<()> {
    for line in HelmLine::ALL {
        let world = World::new("checks-field")?;
        let app = ledger(&world, line, &[])?;
        let look = Look::ledger(&world, line);
        world.place.kubectl(&[
            "set",
            "env",
            "statefulset/books-worker",
            "LEDGER_HEARTBEAT_SECONDS=5",
        ])?;
        world
            .place
            .kubectl(&["scale", "deployment/books-web", "--replicas=3"])?;
        let (_, _, report) = look.to(&app.chart("1.1.0")?, &[KEEP]).await?;
        match line {
            HelmLine::Three => says(&report, "apply-conflicts", "pass", &[])?,
            HelmLine::Four => {
                says(
                    &report,
                    "apply-conflicts",
                    "fail",
                    &["books-worker", "kubectl-set", "LEDGER_HEARTBEAT_SECONDS"],
                )?;
                // The count alone would only warn.
                let (_, _, report) = look
                    .to(&app.chart("1.1.0")?, &[KEEP, "--force-conflicts"])
                    .await?;
                says(&report, "apply-conflicts", "pass", &[])?;
            }
        }
        says(
            &report,
            "workload-replicas",
            "warn",
            &["books-web runs 3, the target says 2"],
        )?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scaled_count_only_warns_because_stopping_frees_it() -> Result<()> {
    let world = World::new("checks-count")?;
    let app = ledger(&world, HelmLine::Four, &[])?;
    world
        .place
        .kubectl(&["scale", "deployment/books-web", "--replicas=3"])?;
    let (_, _, report) = Look::ledger(&world, HelmLine::Four)
        .to(&app.chart("1.1.0")?, &[KEEP])
        .await?;
    says(
        &report,
        "apply-conflicts",
        "warn",
        &["books-web", ".spec.replicas", "kubectl"],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn another_major_version_and_an_immutable_field_block() -> Result<()> {
    let world = World::new("checks-target")?;
    let app = ledger(&world, HelmLine::Three, &[])?;
    let look = Look::ledger(&world, HelmLine::Three);
    let flags = [
        KEEP,
        "--set-string",
        "postgres.major=17",
        "--set",
        "postgres.storage=2Gi",
    ];
    let (_, _, report) = look.to(&app.chart("1.1.0")?, &flags).await?;
    says(
        &report,
        "postgres-image-major",
        "fail",
        &["PostgreSQL 15", "localhost/postgres:17"],
    )?;
    says(&report, "apply-refused", "fail", &["books-postgres", "Forbidden"])?;
    let flags = [KEEP, "--set", "postgres.password=another"];
    let (_, _, report) = look.to(&app.chart("1.1.0")?, &flags).await?;
    says(
        &report,
        "secret-change",
        "fail",
        &["books-database (DATABASE_URL)"],
    )?;
    let (_, _, report) = look
        .to(&app.chart("1.1.0")?, &["--set", "job.enabled=false"])
        .await?;
    says(&report, "version-jump", "pass", &[])
}

/// A kubeconfig of a service account that may only read.
fn restricted(world: &World) -> Result<PathBuf> {
    world.reader(&["secrets", "pods", "services", "configmaps"])?;
    let token = world.place.kubectl(&["create", "token", "reader"])?;
    let path = world.folder.path().join("reader.kubeconfig");
    std::fs::copy(&world.node.kubeconfig, &path)?;
    let set = |arguments: &[&str]| -> Result<()> {
        let mut command = world.place.kubectl_command();
        let status = command
            .env("KUBECONFIG", &path)
            .args(["config", "--kubeconfig"])
            .arg(&path)
            .args(arguments)
            .stdout(Stdio::null())
            .status()?;
        ensure!(status.success(), "kubectl config {arguments:?}");
        Ok(())
    };
    set(&["set-credentials", "reader", &format!("--token={}", token.trim())])?;
    set(&["set-context", "--current", "--user=reader"])?;
    Ok(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn withheld_rights_are_named_phase_by_phase_and_nothing_unread_is_green() -> Result<()> {
    let world = World::new("checks-rights")?;
    let app = ledger(&world, HelmLine::Four, &[])?;
    let look = Look {
        kubeconfig: restricted(&world)?,
        ..Look::ledger(&world, HelmLine::Four)
    };
    let (observed, _, report) = look.to(&app.chart("1.1.0")?, &[KEEP]).await?;
    let namespace = world.place.namespace.as_str();
    says(
        &report,
        "access-quiesce",
        "fail",
        &[&format!("patch deployments/scale.apps in {namespace}")],
    )?;
    says(
        &report,
        "access-backup",
        "fail",
        &[&format!("create pods/exec in {namespace}")],
    )?;
    says(&report, "access-upgrade", "fail", &["create secrets"])?;
    says(
        &report,
        "access-observe",
        "fail",
        &["get leases.coordination.k8s.io"],
    )?;
    says(&report, "apply-refused", "unknown", &["could not be asked"])?;
    says(&report, "run-lease", "unknown", &[])?;
    ensure!(
        matches!(observed.observation.lease, Seen::Unreadable(_)),
        "{:?}",
        observed.observation.lease
    );
    ensure!(report.verdict == CheckVerdict::Blocked);
    // The database could be read all the same.
    says(&report, "database-reachable", "pass", &[])?;
    let sure = row(&report, "access-quiesce")?;
    ensure!(sure.severity == Severity::Block && sure.confidence == Confidence::Reported);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_blocks_in_the_servers_words() -> Result<()> {
    let world = World::new("checks-password")?;
    ledger(&world, HelmLine::Three, &[])?;
    let look = Look::ledger(&world, HelmLine::Three);
    // Sessions through the pod come from its own loopback, which a fresh server trusts.
    let script = "psql -U ledger -d ledger -c \"alter role ledger password 'changed'\" && \
                  sed -i '/^host/s/trust/scram-sha-256/' \"$PGDATA/pg_hba.conf\" && \
                  psql -U ledger -d ledger -c 'select pg_reload_conf()'";
    world
        .place
        .kubectl(&["exec", "books-postgres-0", "--", "sh", "-c", script])?;
    let (observed, report) = look.running().await?;
    says(&report, "database-reachable", "fail", &["password", "ledger"])?;
    says(&report, "lock-waits", "unknown", &[])?;
    ensure!(observed.observation.database.present().is_none());
    ensure!(matches!(
        row(&report, "database-found")?.verdict,
        Verdict::Pass(_)
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_release_is_one_clear_error() -> Result<()> {
    let world = World::new("checks-none")?;
    let look = Look::new(&world, HelmLine::Three, "nothing");
    let error = observe(&look.request().await?).await.err().context("an error")?;
    ensure!(matches!(error, ObserveError::UnknownRelease { .. }));
    ensure!(
        error.to_string()
            == format!(
                "release nothing not found in namespace {}: `helm list -A` names those there are",
                world.place.namespace.as_str()
            )
    );
    Ok(())
}
