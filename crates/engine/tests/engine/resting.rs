//! The real steps of a quiesce against a stand-in for an API server, killed at every journal write and brought back: the
//! objects are what they were, to the letter. What a real API server makes of managed fields is seen on the node.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{Api, NAMESPACE};
use crate::common::{RELEASE, RUN, document_of, plan};
use engine::journal::MemoryStore;
use engine::lease::{Acquire, MemoryLeases};
use engine::{AbortConsent, Act, Events, Faults, Holder, Journal, JournalError, Lease, NewRun, RunEnd, Step};
use model::{
    Drain, Plan, PlannedStep, Quiesce, QuiesceTarget, Reversal, StandStill, StepSpec, StepState, Suspend,
    SuspendTarget, UpgradeOutcome, WorkloadKind, WorkloadName,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const WORKER: &str = "/apis/apps/v1/namespaces/shop/statefulsets/worker";
const AGENT: &str = "/apis/apps/v1/namespaces/shop/daemonsets/agent";
const NIGHTLY: &str = "/apis/batch/v1/namespaces/shop/cronjobs/nightly";
const SCALED: &str = "/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/web";

fn workload(kind: WorkloadKind, name: &str) -> WorkloadName {
    WorkloadName {
        kind,
        namespace: NAMESPACE.into(),
        name: name.into(),
    }
}

fn held() -> Vec<SuspendTarget> {
    let (namespace, name) = (NAMESPACE.to_owned(), |name: &str| name.to_owned());
    vec![
        SuspendTarget::ScaledObject {
            namespace: namespace.clone(),
            name: name("web"),
            original: None,
        },
        SuspendTarget::CronJob {
            namespace: namespace.clone(),
            name: name("nightly"),
            original: None,
        },
        SuspendTarget::DaemonSet {
            namespace,
            name: name("agent"),
            original: None,
        },
    ]
}

/// Suspend, quiesce, drain, stand still: what `helm safe-upgrade quiesce` plans.
fn quiesce() -> Plan {
    let workloads = vec![
        workload(WorkloadKind::StatefulSet, "worker"),
        workload(WorkloadKind::Deployment, "web"),
    ];
    // The counts of the plan are older than the cluster's; what is read when a workload is stopped counts.
    let target = |workload: &WorkloadName| QuiesceTarget {
        workload: workload.clone(),
        replicas: 9,
        role: workload.name.clone(),
    };
    let specs = [
        (
            Reversal::Automatic,
            StepSpec::Suspend(Suspend { targets: held() }),
        ),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: workloads.iter().map(target).collect(),
            }),
        ),
        (
            Reversal::NotNeeded,
            StepSpec::Drain(Drain {
                workloads: workloads.clone(),
                database: None,
                timeout_seconds: 30,
            }),
        ),
        (
            Reversal::NotNeeded,
            StepSpec::StandStill(StandStill {
                workloads,
                held: held(),
                database: None,
            }),
        ),
    ];
    let steps = specs
        .into_iter()
        .enumerate()
        .map(|(index, (reversal, spec))| PlannedStep {
            id: format!("{index:02}-step"),
            title: format!("step {index}"),
            reversal,
            spec,
        });
    Plan {
        steps: steps.collect(),
        ..plan(0, None)
    }
}

async fn release() -> Api {
    let api = Api::start().await;
    let labels = json!({ "app": "shop" });
    let counted = |kind: &str, name: &str, replicas: i32| {
        json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": { "name": name, "namespace": NAMESPACE },
            "spec": { "replicas": replicas, "serviceName": "", "selector": { "matchLabels": labels },
                      "template": { "metadata": { "labels": labels }, "spec": { "containers": [] } } },
            "status": Api::rolled_out(replicas),
        })
    };
    api.put(WEB, counted("Deployment", "web", 2));
    api.put(WORKER, counted("StatefulSet", "worker", 3));
    api.put(
        AGENT,
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": { "name": "agent", "namespace": NAMESPACE },
            "spec": { "selector": { "matchLabels": { "app": "agent" } }, "template": {
                "metadata": { "labels": { "app": "agent" } },
                "spec": { "containers": [], "nodeSelector": { "disk": "fast" } } } },
            "status": { "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberAvailable": 1,
                        "currentNumberScheduled": 1, "numberMisscheduled": 0, "numberReady": 1 },
        }),
    );
    api.put(
        NIGHTLY,
        json!({
            "apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": { "name": "nightly", "namespace": NAMESPACE },
            "spec": { "schedule": "0 3 * * *", "jobTemplate": { "spec": { "template": {} } } },
        }),
    );
    api.put(
        SCALED,
        json!({
            "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": { "name": "web", "namespace": NAMESPACE,
                          "annotations": { "autoscaling.keda.sh/paused": "false", "team": "shop" } },
            "spec": { "scaleTargetRef": { "name": "web" } },
        }),
    );
    api
}

/// Everything that outlives a process.
struct Stage {
    api: Api,
    store: MemoryStore,
    leases: MemoryLeases,
}

impl Stage {
    async fn new() -> Self {
        Self {
            api: release().await,
            store: MemoryStore::default(),
            leases: MemoryLeases::default(),
        }
    }

    async fn lease(&self, process: &str) -> Lease {
        // Who died by a fault holds it still; nobody waits a minute for that here.
        self.leases.remove(RELEASE);
        let holder = Holder::from_text(format!("{RUN} {process}@test"));
        let leases = Arc::new(self.leases.clone());
        Lease::acquire(leases, RELEASE, &holder, Acquire::TakeOver, &Events::in_memory())
            .await
            .unwrap()
    }

    fn act(&self, journal: Journal, lease: Lease, faults: &Faults) -> Act {
        let steps: Vec<Box<dyn Step>> = quiesce()
            .steps
            .iter()
            .map(|step| engine::steps::shared(step).unwrap())
            .collect();
        Act {
            cluster: self.api.cluster(),
            journal,
            lease,
            steps,
            events: Events::in_memory(),
            cancel: CancellationToken::new(),
            hurry: CancellationToken::new(),
            clock: engine::Clock::machine(),
            asking: engine::Asking::nobody(),
            faults: faults.clone(),
        }
    }

    async fn begin(&self, faults: &Faults) -> Result<RunEnd, JournalError> {
        let lease = self.lease("first").await;
        let new = NewRun {
            run: RUN.into(),
            plan: quiesce(),
            inputs: Value::Null,
            parts: Vec::new(),
        };
        let store = Arc::new(self.store.clone());
        let journal = Journal::create(store, lease.clone(), faults.clone(), new).await?;
        Ok(engine::run(self.act(journal, lease, faults)).await.unwrap())
    }

    async fn open(&self) -> Option<(Journal, Lease)> {
        let lease = self.lease("second").await;
        let store = Arc::new(self.store.clone());
        match Journal::open(store, lease.clone(), Faults::none(), RELEASE, RUN).await {
            Ok(journal) => Some((journal, lease)),
            Err(JournalError::NotFound { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// What `unquiesce` does.
    async fn bring_back(&self) -> Option<RunEnd> {
        let (journal, lease) = self.open().await?;
        let act = self.act(journal, lease, &Faults::none());
        Some(engine::abort(act, AbortConsent::Price).await.unwrap())
    }

    async fn resume(&self) -> Option<RunEnd> {
        let (journal, lease) = self.open().await?;
        let act = self.act(journal, lease, &Faults::none());
        Some(engine::resume(act).await.unwrap())
    }
}

fn stands_still(objects: &BTreeMap<String, Value>) -> bool {
    [WEB, WORKER]
        .iter()
        .all(|path| objects[*path]["spec"]["replicas"] == 0)
        && objects[NIGHTLY]["spec"]["suspend"] == true
        && objects[AGENT]["spec"]["template"]["spec"]["nodeSelector"][cluster::PARKED] == "true"
        && objects[SCALED]["metadata"]["annotations"]["autoscaling.keda.sh/paused"] == "true"
}

#[tokio::test]
async fn a_quiesce_ends_stopped_and_is_no_finished_run_until_it_is_brought_back() {
    let stage = Stage::new().await;
    let before = stage.api.objects();
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(
        (end.outcome, end.journaled),
        (UpgradeOutcome::Quiesced, true),
        "{:?}",
        end.reason
    );
    assert!(stands_still(&stage.api.objects()));
    let unfinished = engine::unfinished(&stage.store, RELEASE).await.unwrap();
    assert_eq!(unfinished.len(), 1, "nobody else may begin a run meanwhile");
    assert!(
        stage.leases.get(RELEASE).is_none(),
        "nobody works on it while it stands"
    );

    let again = stage.resume().await.unwrap();
    assert_eq!(
        again.outcome,
        UpgradeOutcome::Quiesced,
        "to resume it changes nothing"
    );
    assert!(stands_still(&stage.api.objects()));

    let end = stage.bring_back().await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored, "{:?}", end.reason);
    assert_eq!(stage.api.objects(), before);
    let document = document_of(&stage.store).await;
    assert!(document.is_final());
    assert!(
        document
            .steps
            .iter()
            .all(|step| step.state == StepState::Restored)
    );
}

#[tokio::test]
async fn killed_at_any_write_it_is_brought_back_to_the_letter() {
    let faults = Faults::none();
    Stage::new().await.begin(&faults).await.unwrap();
    let writes = faults.writes();
    assert!(writes > 12, "{writes} writes are too few to be all of them");
    for number in 1..=writes {
        for when in ["before", "after"] {
            for resumed in [false, true] {
                let case = format!("killed {when} write {number} of {writes}, resumed: {resumed}");
                let stage = Stage::new().await;
                let before = stage.api.objects();
                let fault: Faults = format!("kill:{when}:{number}").parse().unwrap();
                drop(stage.begin(&fault.simulated()).await);
                if resumed && let Some(end) = stage.resume().await {
                    assert_eq!(end.outcome, UpgradeOutcome::Quiesced, "{case}: {:?}", end.reason);
                    assert!(stands_still(&stage.api.objects()), "{case}");
                }
                match stage.bring_back().await {
                    Some(end) => {
                        assert_eq!(end.outcome, UpgradeOutcome::Restored, "{case}: {:?}", end.reason)
                    }
                    None => assert_eq!((when, number), ("before", 1), "{case}: no journal"),
                }
                assert_eq!(stage.api.objects(), before, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn what_somebody_changed_meanwhile_is_theirs_and_told() {
    let stage = Stage::new().await;
    stage.begin(&Faults::none()).await.unwrap();
    stage.api.change(WEB, |web| {
        web["spec"]["replicas"] = json!(5);
        web["status"] = Api::rolled_out(5);
    });
    let proof = stage.resume().await.unwrap();
    assert_eq!(proof.outcome, UpgradeOutcome::Quiesced, "its steps are done");
    stage.bring_back().await.unwrap();
    let document = document_of(&stage.store).await;
    let told = document.steps[1].detail.clone().unwrap();
    assert!(
        told.contains("deployment/web was given 5 by somebody else"),
        "{told}"
    );
    let objects = stage.api.objects();
    assert_eq!(objects[WEB]["spec"]["replicas"], 5);
    assert_eq!(objects[WORKER]["spec"]["replicas"], 3);
}
