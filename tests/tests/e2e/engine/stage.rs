//! A namespace with an application, and runs on it.

use std::sync::Arc;

use anyhow::Result;
use async_trait::async_trait;
use cluster::{Cluster, ConnectOptions};
use e2e::connect_options;
use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{
    Act, Events, Faults, Holder, Journal, Lease, LeaseError, NewRun, Outcome, RunEnd, Step, StepContext,
    StepFailure,
};
use model::{
    AnchorRelease, ChartIdentity, DatabaseLocation, Drain, GateMode, Plan, PlannedStep, QuiesceTarget,
    ReleaseIdentity, Reversal, StepSpec, Suspend, SuspendTarget, WorkloadKind, WorkloadName,
};
use serde_json::json;
use test_node::{Namespace, Node};
use tokio_util::sync::CancellationToken;

pub(crate) const RELEASE: &str = "shop";

pub(crate) struct Place {
    pub(crate) namespace: Namespace,
    pub(crate) cluster: Cluster,
}

impl Place {
    pub(crate) async fn new(name: &str) -> Result<Self> {
        let node = Node::ensure_up()?;
        let namespace = node.namespace(name)?;
        let options = ConnectOptions {
            context: Some(node.context.clone()),
            ..connect_options(&node, namespace.name())
        };
        let cluster = Cluster::connect(&options).await?;
        Ok(Self { namespace, cluster })
    }

    pub(crate) fn workload(&self, name: &str) -> WorkloadName {
        WorkloadName {
            kind: WorkloadKind::Deployment,
            namespace: self.namespace.name().to_owned(),
            name: name.to_owned(),
        }
    }

    pub(crate) fn store(&self) -> ClusterStore {
        ClusterStore::new(&self.cluster, self.namespace.name())
    }

    pub(crate) async fn lease(&self, run: &str, who: &str) -> Result<Lease, LeaseError> {
        let leases = Arc::new(ClusterLeases::new(&self.cluster, self.namespace.name()));
        let holder = Holder::from_text(format!("{run} {who}"));
        Lease::acquire(leases, RELEASE, &holder, Acquire::NewRun, &Events::nowhere()).await
    }

    pub(crate) fn plan(&self, steps: Vec<(Reversal, StepSpec)>) -> Plan {
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
            terms: None,
            steps: planned.collect(),
            priced_from: None,
            no_way_back: None,
            notices: Vec::new(),
        }
    }

    /// Runs a plan in a new run.
    pub(crate) async fn run(&self, plan: Plan, faults: &str) -> Result<RunEnd> {
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
            hurry: CancellationToken::new(),
            clock: engine::Clock::machine(),
            asking: engine::Asking::nobody(),
            faults,
        };
        Ok(engine::run(act).await?)
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        Ok(self.namespace.kubectl(arguments)?.trim().to_owned())
    }

    /// The Secrets, Leases and ConfigMaps of ours, by name.
    pub(crate) fn left(&self) -> Result<Vec<String>> {
        let ours = "app.kubernetes.io/managed-by=safe-upgrade";
        let names = self.kubectl(&["get", "secrets,leases,configmaps", "-l", ours, "-o", "name"])?;
        Ok(names.lines().map(str::to_owned).collect())
    }
}

/// A step that other rooms know: here it changes nothing.
pub(crate) struct Nothing(PlannedStep);

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

pub(crate) fn step(planned: &PlannedStep) -> Box<dyn Step> {
    engine::steps::shared(planned).unwrap_or_else(|| Box::new(Nothing(planned.clone())))
}

pub(crate) fn nothing() -> (Reversal, StepSpec) {
    (
        Reversal::NotNeeded,
        StepSpec::AnchorRelease(AnchorRelease { revision: 1 }),
    )
}

/// A web Deployment of three, a worker of one that ends on request at once, and a CronJob without `suspend`.
pub(crate) const APPLICATION: &str = r#"
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

pub(crate) fn targets(place: &Place) -> Vec<QuiesceTarget> {
    // The plan's counts are stale on purpose: what was read last is what must come back.
    [("web", 2), ("worker", 1)]
        .map(|(name, replicas)| QuiesceTarget {
            workload: place.workload(name),
            replicas,
            role: "writer".into(),
        })
        .to_vec()
}

pub(crate) fn suspend(place: &Place) -> Suspend {
    Suspend {
        targets: vec![SuspendTarget::CronJob {
            namespace: place.namespace.name().into(),
            name: "nightly".into(),
            original: None,
        }],
    }
}

pub(crate) fn drain(
    place: &Place,
    database: Option<DatabaseLocation>,
    timeout_seconds: u64,
) -> (Reversal, StepSpec) {
    let workloads = vec![place.workload("web"), place.workload("worker")];
    let drain = Drain {
        workloads,
        database,
        timeout_seconds,
    };
    (Reversal::NotNeeded, StepSpec::Drain(drain))
}

/// What the cluster says of the application: counts, ready pods, the CronJob's hold, and who owns fields of ours.
pub(crate) fn application(place: &Place) -> Result<(String, String, bool)> {
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

pub(crate) async fn installed(name: &str) -> Result<Place> {
    let place = Place::new(name).await?;
    place.namespace.apply(APPLICATION)?;
    place.kubectl(&["rollout", "status", "deployment/web", "--timeout=120s"])?;
    place.kubectl(&["rollout", "status", "deployment/worker", "--timeout=120s"])?;
    Ok(place)
}
