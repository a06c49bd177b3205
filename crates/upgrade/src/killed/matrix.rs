//! The whole matrix: every journal record × before and after it × carried on and taken back, for each gate and whoever
//! migrates. The records are counted in a run that nobody kills.

use engine::{AbortConsent, Faults, JournalError, JournalStore, RunDocument, RunError};
use helm::PostRenderSpec;
use model::{GateMode, Plan, UpgradeOutcome};

use super::shop::{self, Shape};
use super::stage::{RELEASE, Stage, Taken, View};

const RESUME: Taken = Taken::Resume;
const ABORT: Taken = Taken::Abort(AbortConsent::FreeOnly);

/// One shape with what it begins and ends with.
struct Matrix {
    shape: Shape,
    plan: Plan,
    before: View,
    done: View,
}

impl Matrix {
    fn new(gate: GateMode, hook: Option<&'static str>) -> Self {
        let shape = Shape { gate, hook };
        let mut done = shop::running("2.0.0");
        done.database.migrate();
        Self {
            shape,
            plan: shop::upgrade(shape),
            before: View::of(&shop::before(shape)),
            done: View::of(&done),
        }
    }

    async fn stage(&self) -> Stage {
        Stage::new(shop::before(self.shape), &self.plan).await
    }

    /// How many records the first process writes that does this.
    async fn records(&self, faults: &str) -> usize {
        let faults: Faults = faults.parse().unwrap();
        let stage = self.stage().await;
        let end = stage.begin(&faults).await.unwrap();
        assert!(end.journaled, "{:?}", end.reason);
        faults.writes()
    }

    /// Lets a process end the run and checks what is there then.
    async fn end(&self, stage: &Stage, taken: Taken, faults: &Faults, case: &str) {
        let Some(document) = stage.document().await else {
            assert_eq!(stage.view().differences(&self.before), NOTHING, "{case}");
            let ended = stage.take(taken, faults).await;
            assert!(matches!(ended, Err(JournalError::NotFound { .. })), "{case}");
            return;
        };
        let expected = expected(&document, taken);
        let outcome = match stage.take(taken, faults).await.unwrap() {
            Err(RunError::Priced { .. }) => self.agreed(stage, &document, faults, case).await,
            Err(RunError::Finished { outcome, .. }) => outcome,
            Err(error) => panic!("{case}: {error}"),
            Ok(end) => {
                assert!(end.journaled, "{case}: {:?}", end.reason);
                assert_eq!(end.outcome, expected, "{case}: {:?}", end.reason);
                end.outcome
            }
        };
        assert_eq!(outcome, expected, "{case}");
        self.is_whole(stage, outcome, case).await;
    }

    /// Turning back has a price here: that was told before anything was touched, and a person agrees.
    async fn agreed(
        &self,
        stage: &Stage,
        document: &RunDocument,
        faults: &Faults,
        case: &str,
    ) -> UpgradeOutcome {
        assert!(document.last_started() >= self.plan.priced_from, "{case}");
        let now = stage.document().await.unwrap();
        assert_eq!(now.steps, document.steps, "{case}: a refusal acted");
        let taken = stage.take(Taken::Abort(AbortConsent::Price), faults).await;
        let end = taken.unwrap().unwrap();
        assert!(end.journaled, "{case}: {:?}", end.reason);
        assert_eq!(end.outcome, UpgradeOutcome::Restored, "{case}: {:?}", end.reason);
        end.outcome
    }

    /// The world is one of the two that it may be, and nothing of ours is left but the head.
    async fn is_whole(&self, stage: &Stage, outcome: UpgradeOutcome, case: &str) {
        let (world, version) = match outcome {
            UpgradeOutcome::Upgraded => (&self.done, "2.0.0"),
            UpgradeOutcome::Restored => (&self.before, "1.0.0"),
            other => panic!("{case}: ended as {other:?}"),
        };
        assert_eq!(stage.view().differences(world), NOTHING, "{case}");
        let wrongs = stage.world.lock().unwrap().wrongs.clone();
        assert_eq!(wrongs, NOTHING, "{case}");

        let revisions = stage.revisions();
        let (newest, status, manifest) = revisions.last().unwrap();
        assert_eq!(status, "deployed", "{case}: revision {newest}");
        assert_eq!(*manifest, shop::chart(version), "{case}: revision {newest}");
        let deployed = revisions.iter().filter(|(_, status, _)| status == "deployed");
        assert_eq!(deployed.count(), 1, "{case}");
        let gated = |manifest: &str| manifest.contains(PostRenderSpec::GATE) || manifest.contains("suspend");
        assert!(
            !revisions.iter().any(|(_, _, manifest)| gated(manifest)),
            "{case}: a gated revision is in the history"
        );

        let heads = stage.store.list_heads(None).await.unwrap();
        assert_eq!(heads.len(), 1, "{case}");
        assert_eq!(heads[0].labels.outcome, Some(outcome), "{case}");
        assert_eq!(stage.store.piece_count(), 0, "{case}: parts are left");
        assert!(stage.leases.get(RELEASE).is_none(), "{case}: the lease is left");
    }
}

const NOTHING: Vec<String> = Vec::new();

/// Where a run must end that a process died on.
fn expected(document: &RunDocument, taken: Taken) -> UpgradeOutcome {
    match (document.outcome.filter(|_| document.is_final()), taken) {
        (Some(outcome), _) => outcome,
        // What is to be applied was not journaled yet, so nothing was begun.
        (None, _) if document.parts.is_empty() => UpgradeOutcome::Restored,
        (None, Taken::Resume) if document.turning_back.is_none() => UpgradeOutcome::Upgraded,
        (None, Taken::Resume | Taken::Abort(_)) => UpgradeOutcome::Restored,
    }
}

fn dying(faults: &str, when: &str, number: usize) -> Faults {
    let faults: Faults = format!("{faults},kill:{when}:{number}").parse().unwrap();
    faults.simulated()
}

/// A run on its way forward.
async fn killed_forward(matrix: &Matrix) {
    let records = matrix.records("").await;
    assert!(records > 30, "{records} records are too few to be all of them");
    for number in 1..=records {
        for when in ["before", "after"] {
            for taken in [RESUME, ABORT] {
                let case = format!("killed {when} record {number} of {records}, then {taken:?}");
                let stage = matrix.stage().await;
                let ended = stage.begin(&dying("", when, number)).await;
                let lives = ended.is_ok_and(|end| end.journaled);
                assert!(!lives || number == records, "{case}: it lives");
                matrix.end(&stage, taken, &Faults::none(), &case).await;
            }
        }
    }
}

/// A run whose gate says no, on its way back: what was killed before it turned is the test above.
async fn killed_on_the_way_back(matrix: &Matrix) {
    let gate = matrix.plan.steps.iter().find(|step| step.id.ends_with("-gate"));
    let no = format!("error:{}", gate.unwrap().id);
    let records = matrix.records(&no).await;
    let mut deaths = 0;
    for number in (1..=records).rev() {
        for when in ["after", "before"] {
            for taken in [RESUME, ABORT] {
                let case =
                    format!("gate not passed, killed {when} record {number} of {records}, then {taken:?}");
                let stage = matrix.stage().await;
                drop(stage.begin(&dying(&no, when, number)).await);
                let document = stage.document().await.unwrap();
                if document.turning_back.is_none() {
                    assert!(deaths > 20, "{case}: only {deaths} deaths");
                    return;
                }
                deaths += 1;
                matrix.end(&stage, taken, &no.parse().unwrap(), &case).await;
            }
        }
    }
}

/// The longest way back: a run that is done but for its outcome, taken back by a person who agrees, by a process that dies
/// as well.
async fn killed_while_it_is_aborted(matrix: &Matrix) {
    let last = matrix.records("").await;
    let abort = Taken::Abort(AbortConsent::Price);
    let done_but_for_its_outcome = async || {
        let stage = matrix.stage().await;
        drop(stage.begin(&dying("", "before", last)).await);
        stage
    };
    let faults = Faults::none();
    let stage = done_but_for_its_outcome().await;
    let end = stage.take(abort, &faults).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored, "{:?}", end.reason);
    let records = faults.writes();
    assert!(records > 15, "{records} records are too few to be all of them");
    for number in 1..=records {
        for when in ["before", "after"] {
            for taken in [RESUME, ABORT] {
                let case = format!("aborted, killed {when} record {number} of {records}, then {taken:?}");
                let stage = done_but_for_its_outcome().await;
                drop(stage.take(abort, &dying("", when, number)).await);
                matrix.end(&stage, taken, &Faults::none(), &case).await;
            }
        }
    }
}

macro_rules! shapes {
    ($($name:ident: $gate:ident, $hook:expr;)*) => {
        $(mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn killed_forward_it_ends_whole() {
                killed_forward(&Matrix::new(GateMode::$gate, $hook)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn killed_while_it_is_aborted_it_ends_as_before() {
                killed_while_it_is_aborted(&Matrix::new(GateMode::$gate, $hook)).await;
            }
        })*
    };
}

shapes! {
    boot_run_behind_gate_traffic: Traffic, None;
    hook_run_behind_gate_schema: Schema, Some("pre-upgrade");
    hook_run_behind_gate_traffic: Traffic, Some("pre-upgrade");
    boot_run_with_gate_after: After, None;
    hook_run_with_gate_after: After, Some("pre-upgrade");
    post_upgrade_hook_with_gate_after: After, Some("post-upgrade");
}

// Under the gate `after` a run that fails stops, for its way back has a price.
#[tokio::test(start_paused = true)]
async fn killed_on_its_way_back_from_gate_traffic_it_ends_as_before() {
    killed_on_the_way_back(&Matrix::new(GateMode::Traffic, None)).await;
}

#[tokio::test(start_paused = true)]
async fn killed_on_its_way_back_from_gate_schema_it_ends_as_before() {
    killed_on_the_way_back(&Matrix::new(GateMode::Schema, Some("pre-upgrade"))).await;
}
