//! The engine on a real cluster: journal, lease and the shared steps, judged by the cluster itself.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use cluster::{Cluster, ConnectOptions};
use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{
    Act, Events, Faults, Holder, Journal, JournalError, Lease, LeaseError, NewRun, Outcome, RunEnd, Step,
    StepContext, StepFailure, facts, runs, unfinished,
};
use model::{
    AnchorRelease, ChartIdentity, CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute, Drain,
    GateMode, Plan, PlannedStep, Quiesce, QuiesceTarget, ReleaseIdentity, Resume, Reversal, RollOut,
    StepSpec, Suspend, SuspendTarget, UpgradeOutcome, WaitIdle, WorkloadKind, WorkloadName,
};
use serde_json::json;
use test_node::{Namespace, Node};
use tokio_util::sync::CancellationToken;

const RELEASE: &str = "shop";

struct Place {
    namespace: Namespace,
    cluster: Cluster,
}

impl Place {
    async fn new(name: &str) -> Result<Self> {
        let node = Node::ensure_up()?;
        let namespace = node.namespace(name)?;
        let options = ConnectOptions {
            kubeconfig: Some(node.kubeconfig.clone()),
            context: Some(node.context.clone()),
            namespace: Some(namespace.name().to_owned()),
            ..ConnectOptions::default()
        };
        let cluster = Cluster::connect(&options).await?;
        Ok(Self { namespace, cluster })
    }

    fn workload(&self, name: &str) -> WorkloadName {
        WorkloadName {
            kind: WorkloadKind::Deployment,
            namespace: self.namespace.name().to_owned(),
            name: name.to_owned(),
        }
    }

    fn store(&self) -> ClusterStore {
        ClusterStore::new(&self.cluster, self.namespace.name())
    }

    async fn lease(&self, run: &str, who: &str) -> Result<Lease, LeaseError> {
        let leases = Arc::new(ClusterLeases::new(&self.cluster, self.namespace.name()));
        let holder = Holder::from_text(format!("{run} {who}"));
        Lease::acquire(leases, RELEASE, &holder, Acquire::NewRun, &Events::nowhere()).await
    }

    fn plan(&self, steps: Vec<(Reversal, StepSpec)>) -> Plan {
        let planned = steps
            .into_iter()
            .enumerate()
            .map(|(index, (reversal, spec))| PlannedStep {
                id: format!("{index:02}-step"),
                title: format!("step {index}"),
                reversal,
                spec,
            });
        Plan {
            api_version: model::API_VERSION.into(),
            kind: "Plan".into(),
            created_at: "2026-01-01T00:00:00Z".into(),
            from: ReleaseIdentity {
                name: RELEASE.into(),
                namespace: self.namespace.name().into(),
                revision: 1,
                chart: "shop-1.0.0".into(),
                app_version: None,
            },
            to: ChartIdentity {
                name: "shop".into(),
                version: "2.0.0".into(),
                app_version: None,
            },
            profile: "generic".into(),
            gate: GateMode::Schema,
            chart_sha256: String::new(),
            values_digest: String::new(),
            helm_flags: Vec::new(),
            steps: planned.collect(),
            priced_from: None,
            no_way_back: None,
            notices: Vec::new(),
        }
    }

    /// Runs a plan in a new run.
    async fn run(&self, plan: Plan, faults: &str) -> Result<RunEnd> {
        let run = Journal::new_run_id();
        let lease = self.lease(&run, "ann@desk").await?;
        let faults: Faults = faults.parse()?;
        let new = NewRun {
            run,
            plan: plan.clone(),
            inputs: json!({}),
            parts: vec![("chart".into(), vec![7; 10])],
        };
        let journal = Journal::create(Arc::new(self.store()), lease.clone(), faults.clone(), new).await?;
        let act = Act {
            cluster: self.cluster.clone(),
            journal,
            lease,
            steps: plan.steps.iter().map(step).collect(),
            events: Events::nowhere(),
            cancel: CancellationToken::new(),
            faults,
        };
        Ok(engine::run(act).await?)
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.namespace.kubectl(arguments)?.trim().to_owned())
    }

    /// The Secrets, Leases and ConfigMaps of ours, by name.
    fn left(&self) -> Result<Vec<String>> {
        let ours = "app.kubernetes.io/managed-by=safe-upgrade";
        let names = self.kubectl(&["get", "secrets,leases,configmaps", "-l", ours, "-o", "name"])?;
        Ok(names.lines().map(str::to_owned).collect())
    }
}

/// A step that other rooms know: here it changes nothing.
struct Nothing(PlannedStep);

#[async_trait]
impl Step for Nothing {
    fn planned(&self) -> &PlannedStep {
        &self.0
    }

    async fn apply(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

fn step(planned: &PlannedStep) -> Box<dyn Step> {
    engine::steps::shared(planned).unwrap_or_else(|| Box::new(Nothing(planned.clone())))
}

fn nothing() -> (Reversal, StepSpec) {
    (
        Reversal::NotNeeded,
        StepSpec::AnchorRelease(AnchorRelease { revision: 1 }),
    )
}

/// A web Deployment of three, a worker of one that ends on request at once, and a CronJob without `suspend`.
const APPLICATION: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: web, image: "localhost/postgres:17", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 1
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - {name: worker, image: "localhost/postgres:17", imagePullPolicy: IfNotPresent, command: [sleep, "3600"]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: job, image: "localhost/postgres:17", command: ["true"]}]
"#;

fn targets(place: &Place) -> Vec<QuiesceTarget> {
    // The plan's counts are stale on purpose: what was read last is what must come back.
    [("web", 2), ("worker", 1)]
        .map(|(name, replicas)| QuiesceTarget {
            workload: place.workload(name),
            replicas,
            role: "writer".into(),
        })
        .to_vec()
}

fn suspend(place: &Place) -> Suspend {
    Suspend {
        targets: vec![SuspendTarget::CronJob {
            namespace: place.namespace.name().into(),
            name: "nightly".into(),
            original: None,
        }],
    }
}

fn drain(place: &Place, database: Option<DatabaseLocation>, timeout_seconds: u64) -> (Reversal, StepSpec) {
    let workloads = vec![place.workload("web"), place.workload("worker")];
    let drain = Drain {
        workloads,
        database,
        timeout_seconds,
    };
    (Reversal::NotNeeded, StepSpec::Drain(drain))
}

/// What the cluster says of the application: counts, ready pods, the CronJob's hold, and who owns fields of ours.
fn application(place: &Place) -> Result<(String, String, bool)> {
    let counts = place.kubectl(&[
        "get",
        "deployments",
        "-o",
        "jsonpath={range .items[*]}{.metadata.name}={.spec.replicas}/{.status.readyReplicas} {end}",
    ])?;
    let held = place.kubectl(&["get", "cronjob", "nightly", "-o", "jsonpath={.spec.suspend}"])?;
    let objects = place.kubectl(&[
        "get",
        "deployments,cronjobs",
        "-o",
        "yaml",
        "--show-managed-fields",
    ])?;
    Ok((counts, held, objects.contains("manager: safe-upgrade")))
}

async fn installed(name: &str) -> Result<Place> {
    let place = Place::new(name).await?;
    place.namespace.apply(APPLICATION)?;
    place.kubectl(&["rollout", "status", "deployment/web", "--timeout=120s"])?;
    place.kubectl(&["rollout", "status", "deployment/worker", "--timeout=120s"])?;
    Ok(place)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_gives_back_the_exact_counts_and_holds_and_leaves_only_its_head() -> Result<()> {
    let place = installed("engine-back").await?;
    let before = application(&place)?;
    let plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        nothing(),
    ]);
    let end = place.run(plan, "error:03-step").await?;
    ensure!(end.outcome == UpgradeOutcome::Restored, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(!before.2, "no field belongs to us");
    let left = place.left()?;
    ensure!(
        left.len() == 1 && left[0].starts_with("secret/safe-upgrade.shop."),
        "{left:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_keeps_writers_down_until_somebody_aborts_it_from_elsewhere() -> Result<()> {
    let place = installed("engine-abort").await?;
    let before = application(&place)?;
    let mut plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        nothing(),
    ]);
    plan.priced_from = Some(2);
    let end = place.run(plan, "error:03-step").await?;
    ensure!(end.outcome == UpgradeOutcome::Stopped, "{end:?}");
    let (counts, held, _) = application(&place)?;
    ensure!(counts == "web=0/ worker=0/" && held == "true", "{counts} {held}");
    ensure!(
        place.kubectl(&["get", "pods", "-o", "name"])?.is_empty(),
        "drained"
    );

    // Another process, which knows nothing but the cluster.
    let store = place.store();
    let open = unfinished(&store, RELEASE).await?;
    let [head] = open.as_slice() else {
        anyhow::bail!("one unfinished run, not {open:?}")
    };
    let lease = place.lease(&head.run, "bob@elsewhere").await?;
    let journal = Journal::open(Arc::new(store), lease.clone(), Faults::none(), RELEASE, &head.run).await?;
    ensure!(
        journal
            .get_part("chart")
            .await?
            .context("a stopped run keeps its parts")?
            == [7; 10]
    );
    let plan = journal.document().plan;
    let act = Act {
        cluster: place.cluster.clone(),
        journal,
        lease,
        steps: plan.steps.iter().map(step).collect(),
        events: Events::nowhere(),
        cancel: CancellationToken::new(),
        faults: Faults::none(),
    };
    let end = engine::abort(act, engine::AbortConsent::Price).await?;
    ensure!(end.outcome == UpgradeOutcome::Restored, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(place.left()?.len() == 1, "{:?}", place.left()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_succeeds_resumes_rolls_out_and_lets_go() -> Result<()> {
    let place = installed("engine-forth").await?;
    let before = application(&place)?;
    let workloads = vec![place.workload("web"), place.workload("worker")];
    let plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        (
            Reversal::Automatic,
            StepSpec::Resume(Resume {
                targets: targets(&place),
            }),
        ),
        (
            Reversal::NotNeeded,
            StepSpec::RollOut(RollOut {
                workloads,
                timeout_seconds: 120,
            }),
        ),
        (Reversal::Automatic, StepSpec::Unsuspend(suspend(&place))),
    ]);
    let end = place.run(plan, "").await?;
    ensure!(end.outcome == UpgradeOutcome::Upgraded, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(
        end.downtime_seconds.is_some_and(|seconds| seconds > 0.0),
        "{end:?}"
    );
    ensure!(place.left()?.len() == 1, "{:?}", place.left()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_out_that_cannot_end_is_told_with_its_first_cause() -> Result<()> {
    let place = Place::new("engine-trouble").await?;
    let crashing = APPLICATION
        .replace(
            r#"command: [sleep, "3600"]"#,
            r#"command: [sh, -c, "sleep 1; echo no such table; exit 4"]"#,
        )
        .replace("replicas: 3", "replicas: 1");
    place.namespace.apply(&crashing)?;
    let roll_out = RollOut {
        workloads: vec![place.workload("web")],
        timeout_seconds: 40,
    };
    let end = place
        .run(
            place.plan(vec![(Reversal::NotNeeded, StepSpec::RollOut(roll_out))]),
            "",
        )
        .await?;
    let reason = end.reason.clone().unwrap_or_default();
    ensure!(
        reason.contains("exit code 4") && reason.contains("no such table"),
        "{end:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_is_refused_by_the_holders_name_and_a_dead_ones_lease_runs_out() -> Result<()> {
    let place = Place::new("engine-lease").await?;
    let first = place.lease("run-1", "ann@desk").await?;
    let refused = place.lease("run-2", "bob@desk").await;
    let Err(LeaseError::Held { holder, .. }) = &refused else {
        anyhow::bail!("it was not refused")
    };
    ensure!(holder == "run-1 ann@desk", "{holder}");
    let by_kubectl = place.kubectl(&[
        "get",
        "lease",
        "safe-upgrade.shop",
        "-o",
        "jsonpath={.spec.holderIdentity}",
    ])?;
    ensure!(by_kubectl == "run-1 ann@desk", "{by_kubectl}");

    first.release().await;
    ensure!(place.left()?.is_empty(), "{:?}", place.left()?);

    let second = place.lease("run-2", "bob@desk").await?;
    place.kubectl(&["delete", "lease", "safe-upgrade.shop"])?;
    second.lost().cancelled().await;
    ensure!(second.check().is_err_and(|to| to.contains("removed")));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_notices_every_other_hand_and_large_parts_come_back() -> Result<()> {
    let place = Place::new("engine-journal").await?;
    let run = Journal::new_run_id();
    let lease = place.lease(&run, "ann@desk").await?;
    let chart: Vec<u8> = (0..1_300_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let new = NewRun {
        run: run.clone(),
        plan: place.plan(vec![nothing()]),
        inputs: json!({ "flags": ["--wait"] }),
        parts: vec![("chart".into(), chart.clone())],
    };
    let store = Arc::new(place.store());
    let journal = Journal::create(store.clone(), lease.clone(), Faults::none(), new).await?;
    let name = format!("safe-upgrade.shop.{run}");
    let type_ = place.kubectl(&["get", "secret", &name, "-o", "jsonpath={.type}"])?;
    ensure!(type_ == "safe-upgrade.dev/run", "{type_}");
    let pieces = place.kubectl(&[
        "get",
        "secrets",
        "-l",
        "safe-upgrade.dev/part=chart",
        "-o",
        "name",
    ])?;
    ensure!(pieces.lines().count() == 3, "{pieces}");
    ensure!(journal.get_part("chart").await?.as_ref() == Some(&chart));

    // A touch that leaves the document alone is survived.
    place.kubectl(&["annotate", "secret", &name, "team=payments"])?;
    journal.put_part("values", b"replicas: 2").await?;
    let annotation = place.kubectl(&[
        "get",
        "secret",
        &name,
        "-o",
        "jsonpath={.metadata.annotations.team}",
    ])?;
    ensure!(
        annotation == "payments",
        "other people's annotations stay: {annotation}"
    );

    // A second process that takes the run over is noticed by the first.
    let other = Journal::open(store.clone(), lease.clone(), Faults::none(), RELEASE, &run).await?;
    other.put_part("more", b"x").await?;
    let noticed = journal.put_part("late", b"y").await;
    ensure!(
        matches!(noticed, Err(JournalError::Changed { .. })),
        "{noticed:?}"
    );

    // Whoever removes the head by hand takes the parts along.
    place.kubectl(&["delete", "secret", &name])?;
    place.kubectl(&[
        "wait",
        "--for=delete",
        "secret",
        "-l",
        "safe-upgrade.dev/part=chart",
        "--timeout=60s",
    ])?;
    ensure!(runs(store.as_ref(), RELEASE).await?.is_empty());
    lease.release().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_ten_runs_and_the_facts_are_all_that_stays() -> Result<()> {
    let place = Place::new("engine-kept").await?;
    for _ in 0..12 {
        place.run(place.plan(vec![nothing()]), "").await?;
    }
    facts::remember(
        &place.cluster,
        place.namespace.name(),
        RELEASE,
        facts::MIGRATION_SECONDS,
        12,
    )
    .await?;
    facts::remember(
        &place.cluster,
        place.namespace.name(),
        RELEASE,
        facts::BACKUP_SECONDS,
        3,
    )
    .await?;
    facts::remember(
        &place.cluster,
        place.namespace.name(),
        RELEASE,
        facts::MIGRATION_SECONDS,
        14,
    )
    .await?;
    let recalled = facts::recall(&place.cluster, place.namespace.name(), RELEASE).await?;
    ensure!(
        recalled.get(facts::MIGRATION_SECONDS) == Some(&14)
            && recalled.get(facts::BACKUP_SECONDS) == Some(&3),
        "{recalled:?}"
    );
    let left = place.left()?;
    let heads = left
        .iter()
        .filter(|name| name.starts_with("secret/safe-upgrade.shop."))
        .count();
    ensure!(heads == 10 && left.len() == 11, "{left:?}");
    ensure!(
        left.contains(&"configmap/safe-upgrade.shop.facts".to_owned()),
        "{left:?}"
    );
    Ok(())
}

const DATABASE: &str = r#"
apiVersion: v1
kind: Secret
metadata: {name: dsn}
stringData: {url: "postgres://app:secret@db:5432/app?sslmode=disable"}
---
apiVersion: v1
kind: Pod
metadata: {name: db, labels: {app: db}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: postgres
    image: localhost/postgres:17
    imagePullPolicy: IfNotPresent
    env:
    - {name: POSTGRES_USER, value: app}
    - {name: POSTGRES_PASSWORD, value: secret}
    - {name: POSTGRES_DB, value: app}
    readinessProbe:
      exec: {command: [pg_isready, -h, 127.0.0.1, -U, app]}
      periodSeconds: 1
"#;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_still_connected_or_busy_is_named_when_the_wait_is_over() -> Result<()> {
    let place = Place::new("engine-drain").await?;
    place.namespace.apply(DATABASE)?;
    place.kubectl(&["wait", "--for=condition=Ready", "pod/db", "--timeout=120s"])?;
    let location = DatabaseLocation {
        host: "db".into(),
        port: 5432,
        database: "app".into(),
        user: "app".into(),
        sslmode: Some("disable".into()),
        origin: DatabaseOrigin {
            found_in: "Secret dsn key url".into(),
            secret: Some("dsn/url".into()),
            source: CredentialSource::Secret {
                namespace: place.namespace.name().into(),
                name: "dsn".into(),
                key: "url".into(),
            },
        },
        route: DatabaseRoute::Pod {
            namespace: place.namespace.name().into(),
            pod: "db".into(),
            container: "postgres".into(),
            port: 5432,
            workload: None,
        },
    };
    let free = place
        .run(place.plan(vec![drain(&place, Some(location.clone()), 5)]), "")
        .await?;
    ensure!(
        free.outcome == UpgradeOutcome::Upgraded,
        "nobody is there: {free:?}"
    );

    place.kubectl(&[
        "exec",
        "db",
        "--",
        "sh",
        "-c",
        "PGPASSWORD=secret nohup psql 'host=127.0.0.1 user=app dbname=app application_name=leftover' \
         -c 'select pg_sleep(600)' >/dev/null 2>&1 & sleep 1",
    ])?;
    let drained = place
        .run(place.plan(vec![drain(&place, Some(location.clone()), 1)]), "")
        .await?;
    let reason = drained.reason.clone().unwrap_or_default();
    ensure!(
        drained.outcome == UpgradeOutcome::Restored && reason.contains("leftover"),
        "{drained:?}"
    );

    let idle = WaitIdle {
        database: location,
        queries: vec![(
            "a leftover session".into(),
            "select 1 from pg_stat_activity where application_name = 'leftover'".into(),
        )],
        timeout_seconds: 1,
    };
    let waited = place
        .run(
            place.plan(vec![(Reversal::NotNeeded, StepSpec::WaitIdle(idle))]),
            "",
        )
        .await?;
    ensure!(
        waited
            .reason
            .clone()
            .unwrap_or_default()
            .contains("a leftover session"),
        "{waited:?}"
    );
    Ok(())
}
