//! A quiesce, killed at every journal record and brought back: the objects are what they were, to the letter.

use engine::{AbortConsent, Faults, JournalError, RunEnd};
use model::{GateMode, StepState, UpgradeOutcome};
use serde_json::json;

use super::controllers::settle;
use super::shop::{self, Shape};
use super::stage::{RELEASE, Stage, Taken, View};
use super::stand_in::path;

async fn at_work() -> Stage {
    let shape = Shape {
        gate: GateMode::Traffic,
        hook: None,
    };
    Stage::new(shop::before(shape), &shop::quiesce()).await
}

/// Carries the run on; `None` where there is none.
async fn taken(stage: &Stage, taken: Taken) -> Option<RunEnd> {
    match stage.take(taken, &Faults::none()).await {
        Ok(end) => Some(end.unwrap()),
        Err(JournalError::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What `unquiesce` does.
async fn brought_back(stage: &Stage) -> Option<RunEnd> {
    taken(stage, Taken::Abort(AbortConsent::Price)).await
}

fn stands_still(view: &View) -> bool {
    let count = |kind, name| &view.object(&path(kind, name))["spec"]["replicas"];
    let scaled = &view.object(&path("ScaledObject", "worker"))["metadata"]["annotations"];
    let agent = &view.object(&path("DaemonSet", "agent"))["spec"]["template"]["spec"];
    *count("Deployment", "web") == 0
        && *count("StatefulSet", "worker") == 0
        && *count("StatefulSet", "db") == 1
        && view.object(&path("CronJob", "nightly"))["spec"]["suspend"] == true
        && agent["nodeSelector"][cluster::PARKED] == "true"
        && scaled["autoscaling.keda.sh/paused"] == "true"
}

#[tokio::test(start_paused = true)]
async fn a_quiesce_ends_stopped_and_is_no_finished_run_until_it_is_brought_back() {
    let stage = at_work().await;
    let before = stage.view();
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(
        (end.outcome, end.journaled),
        (UpgradeOutcome::Quiesced, true),
        "{:?}",
        end.reason
    );
    assert!(stands_still(&stage.view()));
    let unfinished = engine::unfinished(&stage.store, RELEASE).await.unwrap();
    assert_eq!(unfinished.len(), 1, "nobody else may begin a run meanwhile");
    assert!(
        stage.leases.get(RELEASE).is_none(),
        "nobody works on it while it stands"
    );

    let again = taken(&stage, Taken::Resume).await.unwrap();
    assert_eq!(
        again.outcome,
        UpgradeOutcome::Quiesced,
        "to resume it changes nothing"
    );
    assert!(stands_still(&stage.view()));

    let end = brought_back(&stage).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored, "{:?}", end.reason);
    assert_eq!(stage.view(), before);
    let document = stage.document().await.unwrap();
    assert!(document.is_final());
    assert!(
        document
            .steps
            .iter()
            .all(|step| step.state == StepState::Restored)
    );
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_write_it_is_brought_back_to_the_letter() {
    let faults = Faults::none();
    at_work().await.begin(&faults).await.unwrap();
    let writes = faults.writes();
    assert!(writes > 12, "{writes} writes are too few to be all of them");
    for number in 1..=writes {
        for when in ["before", "after"] {
            for resumed in [false, true] {
                let case = format!("killed {when} write {number} of {writes}, resumed: {resumed}");
                let stage = at_work().await;
                let before = stage.view();
                let fault: Faults = format!("kill:{when}:{number}").parse().unwrap();
                drop(stage.begin(&fault.simulated()).await);
                if resumed && let Some(end) = taken(&stage, Taken::Resume).await {
                    assert_eq!(end.outcome, UpgradeOutcome::Quiesced, "{case}: {:?}", end.reason);
                    assert!(stands_still(&stage.view()), "{case}");
                }
                match brought_back(&stage).await {
                    Some(end) => {
                        assert_eq!(end.outcome, UpgradeOutcome::Restored, "{case}: {:?}", end.reason)
                    }
                    None => assert_eq!((when, number), ("before", 1), "{case}: no journal"),
                }
                assert_eq!(stage.view(), before, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_changed_meanwhile_is_theirs_and_told() {
    let stage = at_work().await;
    stage.begin(&Faults::none()).await.unwrap();
    let web = path("Deployment", "web");
    {
        let mut world = stage.world.lock().unwrap();
        let mut changed = world.objects[&web].clone();
        changed["spec"]["replicas"] = json!(7);
        world.put(&web, changed);
        settle(&mut world);
    }
    let proof = taken(&stage, Taken::Resume).await.unwrap();
    assert_eq!(proof.outcome, UpgradeOutcome::Quiesced, "its steps are done");
    brought_back(&stage).await.unwrap();
    let document = stage.document().await.unwrap();
    let told = document.steps[1].detail.clone().unwrap();
    assert!(
        told.contains("deployment/web was given 7 by somebody else"),
        "{told}"
    );
    let view = stage.view();
    assert_eq!(view.object(&web)["spec"]["replicas"], 7);
    assert_eq!(view.object(&path("StatefulSet", "worker"))["spec"]["replicas"], 3);
}
