//! What outlives a process, and processes that work on it and die.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use engine::journal::{JournalStore, MemoryStore};
use engine::lease::{Acquire, MemoryLeases};
use engine::{
    AbortConsent, Act, Asking, Clock, Events, Faults, Holder, Journal, JournalError, Lease, NewRun,
    RunDocument, RunEnd, RunError, Step,
};
use model::{Drain, Gate, HelmPass, Plan, PlannedStep, PostCheck, StandStill, StepSpec};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::fake_database::{Content, FakeAnchorDatabase, FakeBackUp};
use super::fake_helm::{FakeHelm, history};
use super::stand_in::{SharedWorld, World, connect};
use crate::Tools;
use crate::steps::steps;
use crate::tools::{CHART_PART, VALUES_PART};

pub(super) const RELEASE: &str = "shop";
pub(super) const RUN: &str = "20260101-000000-00000001";

/// What a second process does with an unfinished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Resume,
    Abort(AbortConsent),
}

pub(super) struct Stage {
    pub(super) world: SharedWorld,
    pub(super) store: MemoryStore,
    pub(super) leases: MemoryLeases,
    plan: Plan,
    helm: FakeHelm,
}

/// What can be seen of a world from outside, without what every write changes.
#[derive(Debug, PartialEq)]
pub(super) struct View {
    objects: BTreeMap<String, Value>,
    content: Content,
}

impl View {
    pub(super) fn of(world: &World) -> Self {
        let mut objects = world.objects.clone();
        objects.retain(|_, object| object["type"] != "helm.sh/release.v1");
        for object in objects.values_mut() {
            object.as_object_mut().unwrap().remove("status");
            let metadata = object["metadata"].as_object_mut().unwrap();
            metadata.remove("resourceVersion");
            metadata.remove("generation");
        }
        Self {
            objects,
            content: world.database.content.clone(),
        }
    }

    pub(super) fn object(&self, path: &str) -> &Value {
        &self.objects[path]
    }

    /// The places where two worlds are not the same, for people.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let paths: BTreeSet<&String> = self.objects.keys().chain(other.objects.keys()).collect();
        let mut found: Vec<String> = paths
            .into_iter()
            .filter(|path| self.objects.get(*path) != other.objects.get(*path))
            .map(|path| {
                let told = |view: &Self| view.objects.get(path).map(Value::to_string);
                format!("{path}: {:?} instead of {:?}", told(self), told(other))
            })
            .collect();
        if self.content != other.content {
            found.push(format!("{:?} instead of {:?}", self.content, other.content));
        }
        found
    }
}

impl Stage {
    pub(super) async fn new(world: World, plan: &Plan) -> Self {
        let world = Arc::new(Mutex::new(world));
        Self {
            helm: FakeHelm::listen(&world).await,
            world,
            store: MemoryStore::default(),
            leases: MemoryLeases::default(),
            plan: plan.clone(),
        }
    }

    pub(super) fn view(&self) -> View {
        View::of(&self.world.lock().unwrap())
    }

    /// Helm's revisions with their statuses and manifests.
    pub(super) fn revisions(&self) -> Vec<(u32, String, String)> {
        let world = self.world.lock().unwrap();
        let manifest = |revision: &u32| world.records.manifests[revision].clone();
        let history = history(&world).into_iter();
        history
            .map(|(revision, status)| (revision, status, manifest(&revision)))
            .collect()
    }

    /// The journal as it lies in the store, if there is one.
    pub(super) async fn document(&self) -> Option<RunDocument> {
        let head = self.store.read_head(RELEASE, RUN).await.unwrap()?;
        Some(RunDocument::parse(RUN, &head.text).unwrap())
    }

    /// A process that begins the run; `Err` if it died before the loop.
    pub(super) async fn begin(&self, faults: &Faults) -> Result<RunEnd, JournalError> {
        let lease = self.lease("first", Acquire::NewRun).await;
        let new = NewRun {
            run: RUN.into(),
            plan: self.plan.clone(),
            inputs: json!({ "helmMajor": 3 }),
            parts: vec![
                (CHART_PART.into(), b"a chart".to_vec()),
                (VALUES_PART.into(), b"{}".to_vec()),
            ],
        };
        let store = Arc::new(self.store.clone());
        let journal = Journal::create(store, lease.clone(), faults.clone(), new).await?;
        Ok(engine::run(self.act(journal, lease, faults).await).await.unwrap())
    }

    /// A process that takes the run over; `Err` if it died before the loop, or there is no run.
    pub(super) async fn take(
        &self,
        taken: Taken,
        faults: &Faults,
    ) -> Result<Result<RunEnd, RunError>, JournalError> {
        let lease = self.lease("second", Acquire::TakeOver).await;
        let store = Arc::new(self.store.clone());
        let opened = Journal::open(store, lease.clone(), faults.clone(), RELEASE, RUN).await;
        let journal = match opened {
            Ok(journal) => journal,
            Err(error) => {
                if matches!(error, JournalError::NotFound { .. }) {
                    lease.release().await;
                }
                return Err(error);
            }
        };
        let act = self.act(journal, lease, faults).await;
        Ok(match taken {
            Taken::Resume => engine::resume(act).await,
            Taken::Abort(consent) => engine::abort(act, consent).await,
        })
    }

    async fn lease(&self, process: &str, situation: Acquire) -> Lease {
        let holder = Holder::from_text(format!("{RUN} {process}@test"));
        let leases = Arc::new(self.leases.clone());
        Lease::acquire(leases, RELEASE, &holder, situation, &Events::in_memory())
            .await
            .unwrap()
    }

    /// What a process works with: chart and values come out of the journal.
    async fn act(&self, journal: Journal, lease: Lease, faults: &Faults) -> Act {
        let cluster = connect(&self.world);
        let helm = self.helm.find().await;
        let tools = Tools::journaled(helm, &cluster, &journal).await.unwrap();
        Act {
            cluster,
            steps: self.steps(tools),
            journal,
            lease,
            events: Events::in_memory(),
            cancel: CancellationToken::new(),
            hurry: CancellationToken::new(),
            clock: Clock::machine(),
            asking: Asking::nobody(),
            faults: faults.clone(),
        }
    }

    /// The plan's real steps, with their eyes on the database closed, and fakes in place of those that are about it alone.
    fn steps(&self, tools: Tools) -> Vec<Box<dyn Step>> {
        let mut blind = self.plan.clone();
        for step in &mut blind.steps {
            step.spec = without_database(step.spec.clone());
        }
        let real = steps(&blind, &Arc::new(tools)).unwrap();
        let fake = |(planned, real): (&PlannedStep, Box<dyn Step>)| -> Box<dyn Step> {
            let (planned, world) = (planned.clone(), Arc::clone(&self.world));
            match &planned.spec {
                StepSpec::BackUp(_) => Box::new(FakeBackUp { planned, world }),
                StepSpec::AnchorDatabase(_) => Box::new(FakeAnchorDatabase { planned, world }),
                _ => real,
            }
        };
        self.plan.steps.iter().zip(real).map(fake).collect()
    }
}

/// A step that does not look at the database.
fn without_database(spec: StepSpec) -> StepSpec {
    let database = None;
    match spec {
        StepSpec::Drain(spec) => StepSpec::Drain(Drain { database, ..spec }),
        StepSpec::StandStill(spec) => StepSpec::StandStill(StandStill { database, ..spec }),
        StepSpec::HelmPass(spec) => StepSpec::HelmPass(HelmPass { database, ..spec }),
        StepSpec::Gate(spec) => StepSpec::Gate(Gate { database, ..spec }),
        StepSpec::PostCheck(spec) => StepSpec::PostCheck(PostCheck { database, ..spec }),
        other => other,
    }
}
