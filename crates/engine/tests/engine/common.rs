//! A small world, steps that change it, and processes that work on it and die.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use cluster::Cluster;
use engine::journal::{JournalStore, MemoryStore};
use engine::lease::{Acquire, MemoryLeases};
use engine::{
    AbortConsent, Act, Asking, Clock, Events, Exposure, Faults, Holder, Journal, JournalError, Lease, NewRun,
    Outcome, RunDocument, RunEnd, RunError, Step, StepContext, StepFailure,
};
use model::{
    AnchorRelease, ChartIdentity, GateMode, Plan, PlannedStep, PostCheck, ReleaseIdentity, Reversal, StepSpec,
};
use tokio_util::sync::CancellationToken;

pub(crate) const RELEASE: &str = "shop";
pub(crate) const RUN: &str = "20260101-000000-00000001";

/// What the steps change: numbers by name.
pub(crate) type World = Arc<Mutex<BTreeMap<String, i32>>>;

/// What a fake step does besides its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behaviour {
    #[default]
    Works,
    /// Fails when half of its work is done.
    FailsHalfWay,
    /// Works, but its undo fails.
    UndoFails,
    /// Ends with a warning.
    Warns,
    /// Never ends and does not listen.
    Hangs,
    /// Works for two hours.
    Lasts,
    /// Works, and its undo ends only when the user presses.
    WaitsToGoBack,
    /// Fails half way and cannot tell whether anybody was served.
    CannotTell,
}

pub(crate) struct FakeStep {
    pub(crate) planned: PlannedStep,
    pub(crate) world: World,
    pub(crate) behaviour: Behaviour,
    pub(crate) exposure: Exposure,
}

#[async_trait]
impl Step for FakeStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        if self.planned.reversal == Reversal::NotNeeded {
            return Ok(Outcome::quiet());
        }
        let mut originals: BTreeMap<String, i32> = context.recorded()?.unwrap_or_default();
        for half in ["a", "b"] {
            let name = format!("{}.{half}", self.planned.id);
            if !originals.contains_key(&name) {
                let original = self.world.lock().unwrap()[&name];
                originals.insert(name.clone(), original);
                context.record(&originals).await?;
            }
            *self.world.lock().unwrap().get_mut(&name).unwrap() = 100;
            match self.behaviour {
                Behaviour::FailsHalfWay | Behaviour::CannotTell => {
                    return Err(StepFailure::new("half of it broke"));
                }
                Behaviour::Hangs => std::future::pending().await,
                Behaviour::Lasts => tokio::time::sleep(std::time::Duration::from_secs(3600)).await,
                Behaviour::Works | Behaviour::UndoFails | Behaviour::Warns | Behaviour::WaitsToGoBack => {}
            }
        }
        Ok(match self.behaviour {
            Behaviour::Warns => Outcome::warned("one pod is missing"),
            _ => Outcome::told("done"),
        })
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        if self.behaviour == Behaviour::UndoFails {
            return Err(StepFailure::new("it will not go back"));
        }
        let originals: BTreeMap<String, i32> = context.recorded()?.unwrap_or_default();
        for (name, original) in originals.into_iter().rev() {
            self.world.lock().unwrap().insert(name, original);
        }
        if self.behaviour == Behaviour::WaitsToGoBack {
            context.hurry().cancelled().await;
            return Ok(Outcome::told("the wait was cut short"));
        }
        Ok(Outcome::quiet())
    }

    async fn exposure(&self, _context: &StepContext) -> Result<Exposure, StepFailure> {
        match self.behaviour {
            Behaviour::CannotTell => Err(StepFailure::new("nobody answers")),
            _ => Ok(self.exposure.clone()),
        }
    }

    /// Only the first half of a step's work is a hold.
    async fn let_go(&self, context: &StepContext) -> Result<Option<String>, StepFailure> {
        if self.behaviour == Behaviour::UndoFails {
            return Err(StepFailure::new("it will not go back"));
        }
        let originals: BTreeMap<String, i32> = context.recorded()?.unwrap_or_default();
        let Some((name, original)) = originals.into_iter().next() else {
            return Ok(None);
        };
        self.world.lock().unwrap().insert(name.clone(), original);
        Ok(Some(format!("{name} is let go")))
    }
}

/// A plan of steps: an idle wait that changes nothing, then `count` that do, then a post-check.
pub(crate) fn plan(count: usize, priced_from: Option<usize>) -> Plan {
    let mut steps = vec![step(0, Reversal::NotNeeded, anchor())];
    steps.extend((1..=count).map(|index| step(index, Reversal::Automatic, anchor())));
    let post_check = StepSpec::PostCheck(PostCheck::default());
    steps.push(step(count + 1, Reversal::Automatic, post_check));
    Plan {
        api_version: model::API_VERSION.into(),
        kind: "Plan".into(),
        created_at: "2026-01-01T00:00:00Z".into(),
        from: ReleaseIdentity {
            name: RELEASE.into(),
            namespace: "default".into(),
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
        steps,
        priced_from,
        no_way_back: None,
        notices: Vec::new(),
    }
}

fn anchor() -> StepSpec {
    StepSpec::AnchorRelease(AnchorRelease { revision: 1 })
}

pub(crate) fn step(index: usize, reversal: Reversal, spec: StepSpec) -> PlannedStep {
    PlannedStep {
        id: format!("{index:02}-step"),
        title: format!("step {index}"),
        reversal,
        spec,
    }
}

/// Everything that outlives a process.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) plan: Plan,
    pub(crate) world: World,
    pub(crate) behaviours: BTreeMap<usize, Behaviour>,
    pub(crate) exposures: BTreeMap<usize, Exposure>,
    pub(crate) store: MemoryStore,
    pub(crate) leases: MemoryLeases,
    pub(crate) events: Events,
    pub(crate) cancel: CancellationToken,
    pub(crate) hurry: CancellationToken,
    pub(crate) clock: Clock,
    pub(crate) asking: Asking,
}

/// What a second process does with an unfinished run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Resume,
    Abort,
    Leave,
}

impl Stage {
    pub(crate) fn new(plan: Plan) -> Self {
        let mut world = BTreeMap::new();
        for (index, step) in plan.steps.iter().enumerate() {
            if step.reversal != Reversal::NotNeeded {
                world.insert(format!("{}.a", step.id), i32::try_from(index).unwrap());
                world.insert(format!("{}.b", step.id), -1);
            }
        }
        Self {
            plan,
            world: Arc::new(Mutex::new(world)),
            behaviours: BTreeMap::new(),
            exposures: BTreeMap::new(),
            store: MemoryStore::default(),
            leases: MemoryLeases::default(),
            events: Events::in_memory(),
            cancel: CancellationToken::new(),
            hurry: CancellationToken::new(),
            clock: Clock::machine(),
            asking: Asking::nobody(),
        }
    }

    pub(crate) fn exposing(mut self, index: usize, exposure: Exposure) -> Self {
        self.exposures.insert(index, exposure);
        self
    }

    pub(crate) fn with(mut self, index: usize, behaviour: Behaviour) -> Self {
        self.behaviours.insert(index, behaviour);
        self
    }

    pub(crate) fn world_now(&self) -> BTreeMap<String, i32> {
        self.world.lock().unwrap().clone()
    }

    /// The world as it is when every step is done.
    pub(crate) fn world_done(&self) -> BTreeMap<String, i32> {
        self.world_now().into_keys().map(|name| (name, 100)).collect()
    }

    pub(crate) async fn lease(&self, process: &str, situation: Acquire) -> Lease {
        let holder = Holder::from_text(format!("{RUN} {process}@test"));
        Lease::acquire(
            Arc::new(self.leases.clone()),
            RELEASE,
            &holder,
            situation,
            &self.events,
        )
        .await
        .unwrap()
    }

    pub(crate) fn act(&self, journal: Journal, lease: Lease, faults: Faults) -> Act {
        let steps = self.plan.steps.iter().enumerate().map(|(index, planned)| {
            let step = FakeStep {
                planned: planned.clone(),
                world: Arc::clone(&self.world),
                behaviour: self.behaviours.get(&index).copied().unwrap_or_default(),
                exposure: self
                    .exposures
                    .get(&index)
                    .cloned()
                    .unwrap_or(Exposure::Possible(None)),
            };
            Box::new(step) as Box<dyn Step>
        });
        Act {
            cluster: no_cluster(),
            journal,
            lease,
            steps: steps.collect(),
            events: self.events.clone(),
            cancel: self.cancel.clone(),
            hurry: self.hurry.clone(),
            clock: self.clock.clone(),
            asking: self.asking.clone(),
            faults,
        }
    }

    /// A process that begins the run; `Err` if it died before the loop.
    pub(crate) async fn begin(&self, faults: &Faults) -> Result<RunEnd, JournalError> {
        let lease = self.lease("first", Acquire::NewRun).await;
        let new = NewRun {
            run: RUN.into(),
            plan: self.plan.clone(),
            inputs: serde_json::json!({ "flags": ["--wait"] }),
            parts: vec![("chart".into(), b"a chart".to_vec())],
        };
        let journal =
            Journal::create(Arc::new(self.store.clone()), lease.clone(), faults.clone(), new).await?;
        Ok(engine::run(self.act(journal, lease, faults.clone()))
            .await
            .unwrap())
    }

    /// A process that takes the run over; `None` if it died before the loop.
    pub(crate) async fn take(
        &self,
        taken: Taken,
        faults: &Faults,
    ) -> Result<Result<RunEnd, RunError>, JournalError> {
        let lease = self.lease("second", Acquire::TakeOver).await;
        let store = Arc::new(self.store.clone());
        let journal = Journal::open(store, lease.clone(), faults.clone(), RELEASE, RUN).await?;
        let act = self.act(journal, lease, faults.clone());
        Ok(match taken {
            Taken::Resume => engine::resume(act).await,
            Taken::Abort => engine::abort(act, AbortConsent::FreeOnly).await,
            Taken::Leave => engine::leave(act).await,
        })
    }
}

/// The journal as it lies in the store.
pub(crate) async fn document(stage: &Stage) -> RunDocument {
    document_of(&stage.store).await
}

/// The journal of the run in a store.
pub(crate) async fn document_of(store: &MemoryStore) -> RunDocument {
    let head = store.read_head(RELEASE, RUN).await.unwrap().unwrap();
    RunDocument::parse(RUN, &head.text).unwrap()
}

/// A cluster that nobody is to speak with. Made once, because reading the system's certificates takes its time.
pub(crate) fn no_cluster() -> Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let make = || {
        cluster::install_crypto_provider();
        let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        Cluster::from_client(kube::Client::try_from(config).unwrap(), "nowhere", "default")
    };
    CLUSTER.get_or_init(make).clone()
}
