//! What becomes of a run whose steps fail, warn, hang or are interrupted, and whose journal or lease goes away.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Behaviour, RELEASE, RUN, Stage, Taken, document, plan};
use engine::lease::Acquire;
use engine::{Events, Faults, Journal, NewRun, RunDocument, RunError, StepContext};
use model::{Event, StepState, UpgradeOutcome};

fn states(document: &RunDocument) -> Vec<StepState> {
    document.steps.iter().map(|step| step.state).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_run_in_order_and_every_state_is_told() {
    let stage = Stage::new(plan(2, None));
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(
        (end.outcome, end.journaled, end.reason),
        (UpgradeOutcome::Upgraded, true, None)
    );
    assert_eq!(stage.world_now(), stage.world_done());
    let told: Vec<(String, StepState)> = stage
        .events
        .collected()
        .into_iter()
        .filter_map(|event| match event {
            Event::Step { id, state, .. } => Some((id, state)),
            _ => None,
        })
        .collect();
    let expected: Vec<(String, StepState)> = stage
        .plan
        .steps
        .iter()
        .flat_map(|step| {
            [
                (step.id.clone(), StepState::Running),
                (step.id.clone(), StepState::Done),
            ]
        })
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failing_step_is_put_back_with_all_before_it() {
    for failing in 1..=4 {
        let stage = Stage::new(plan(3, None)).with(failing, Behaviour::FailsHalfWay);
        let before = stage.world_now();
        let end = stage.begin(&Faults::none()).await.unwrap();
        assert_eq!(end.outcome, UpgradeOutcome::Restored, "step {failing}");
        assert_eq!(stage.world_now(), before, "step {failing}");
        let reason = end.reason.unwrap();
        assert!(
            reason.contains(&format!("step {failing}")) && reason.contains("half of it broke"),
            "{reason}"
        );
        let states = states(&document(&stage).await);
        let (begun, rest) = states.split_at(failing + 1);
        assert!(
            begun.iter().all(|state| *state == StepState::Restored),
            "{states:?}"
        );
        assert!(
            rest.iter().all(|state| *state == StepState::Pending),
            "{states:?}"
        );
        assert!(
            stage
                .events
                .collected()
                .iter()
                .any(|event| matches!(event, Event::TurningBack { .. }))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_stops_the_way_back_where_it_is() {
    let stage = Stage::new(plan(3, None))
        .with(2, Behaviour::UndoFails)
        .with(3, Behaviour::FailsHalfWay);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("it will not go back"));
    let states = states(&document(&stage).await);
    use StepState::{Done, Pending, Restored, Stuck};
    assert_eq!(states, [Done, Done, Stuck, Restored, Pending]);
    assert_eq!(
        stage.world_now()["01-step.a"],
        100,
        "the step before the stuck one is left alone"
    );
    assert!(stage.store.piece_count() > 0, "a stopped run keeps its parts");
    assert!(
        stage.leases.get(RELEASE).is_none(),
        "a stopped run gives its lease away"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stuck_step_is_put_back_by_whoever_removed_the_obstacle() {
    for taken in [Taken::Resume, Taken::Abort] {
        let mut stage = Stage::new(plan(3, None))
            .with(2, Behaviour::UndoFails)
            .with(3, Behaviour::FailsHalfWay);
        let before = stage.world_now();
        stage.begin(&Faults::none()).await.unwrap();
        stage.behaviours.insert(2, Behaviour::Works);
        let end = stage.take(taken, &Faults::none()).await.unwrap().unwrap();
        assert_eq!(end.outcome, UpgradeOutcome::Restored);
        assert_eq!(stage.world_now(), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_turns_back_is_not_turned_around_by_resume() {
    let mut stage = Stage::new(plan(3, None)).with(2, Behaviour::FailsHalfWay);
    let before = stage.world_now();
    // Head, parts, two states of steps 0, two states and two records of step 1; running, record and failed of step 2.
    let died: Faults = "kill:after:11".parse::<Faults>().unwrap().simulated();
    stage.begin(&died).await.unwrap();
    assert_eq!(
        states(&document(&stage).await)[2],
        StepState::Failed,
        "it died right after the failure was journaled"
    );
    stage.behaviours.clear();
    let end = stage.take(Taken::Resume, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert!(end.reason.unwrap().contains("half of it broke"));
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn fault_points_fail_an_apply_after_its_work_and_an_undo_before_its_own() {
    let stage = Stage::new(plan(3, None));
    let end = stage
        .begin(&"error:02-step,undo-error:01-step".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert_eq!(stage.world_now()["02-step.b"], -1, "the failed step is put back");
    assert_eq!(stage.world_now()["01-step.a"], 100, "the stuck step is not");
}

#[tokio::test(start_paused = true)]
async fn a_post_check_that_warns_ends_as_upgraded_with_failures() {
    let stage = Stage::new(plan(2, Some(1))).with(3, Behaviour::Warns);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::UpgradedWithFailures);
    assert_eq!(end.reason.as_deref(), Some("one pod is missing"));
    let stage = Stage::new(plan(2, Some(1))).with(2, Behaviour::Warns);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(
        end.outcome,
        UpgradeOutcome::Upgraded,
        "another step's warning is only told"
    );
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_turns_a_free_run_back_and_stops_a_priced_one() {
    for (priced, outcome) in [
        (None, UpgradeOutcome::Restored),
        (Some(2), UpgradeOutcome::Stopped),
    ] {
        let stage = Stage::new(plan(3, priced)).with(2, Behaviour::Hangs);
        let before = stage.world_now();
        let cancel = stage.cancel.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            cancel.cancel();
        });
        let end = stage.begin(&Faults::none()).await.unwrap();
        assert_eq!(end.outcome, outcome);
        assert!(end.journaled);
        assert!(end.reason.unwrap().starts_with("interrupted by the user"));
        assert_eq!(stage.world_now() == before, priced.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_ends_everything_at_once_and_nothing_is_put_back() {
    let stage = Stage::new(plan(3, None)).with(2, Behaviour::Hangs);
    let leases = stage.leases.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        leases.plant(RELEASE, "other-run eve@elsewhere", "2026-01-01T00:00:00Z");
    });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!((end.outcome, end.journaled), (UpgradeOutcome::Stopped, false));
    assert!(end.reason.unwrap().contains("lost to other-run eve@elsewhere"));
    assert_eq!(stage.world_now()["01-step.a"], 100, "nothing was put back");
    assert_eq!(
        states(&document(&stage).await)[2],
        StepState::Running,
        "nothing was journaled"
    );
    assert_eq!(
        stage.leases.get(RELEASE).unwrap().holder,
        "other-run eve@elsewhere"
    );
}

#[tokio::test(start_paused = true)]
async fn a_finished_run_cannot_be_taken_up_again() {
    let stage = Stage::new(plan(1, None));
    stage.begin(&Faults::none()).await.unwrap();
    for taken in [Taken::Resume, Taken::Abort] {
        let again = stage.take(taken, &Faults::none()).await.unwrap();
        let upgraded = UpgradeOutcome::Upgraded;
        assert!(
            matches!(again, Err(RunError::Finished { outcome, .. }) if outcome == upgraded),
            "{again:?}"
        );
    }
    assert!(stage.leases.get(RELEASE).is_none());
}

#[tokio::test(start_paused = true)]
async fn steps_of_another_plan_are_refused() {
    let stage = Stage::new(plan(2, None));
    let lease = stage.lease("first", Acquire::NewRun).await;
    let new = NewRun {
        run: RUN.into(),
        plan: plan(1, None),
        inputs: serde_json::Value::Null,
        parts: Vec::new(),
    };
    let journal = Journal::create(Arc::new(stage.store.clone()), lease.clone(), Faults::none(), new)
        .await
        .unwrap();
    let refused = engine::run(stage.act(journal, lease, Faults::none())).await;
    assert!(matches!(refused, Err(RunError::WrongSteps { .. })), "{refused:?}");
}

#[test]
fn a_fault_text_with_a_slip_is_refused() {
    for text in [
        "kill",
        "kill:before",
        "kill:before:0",
        "kill:during:1",
        "error:",
        "eror:01",
    ] {
        assert!(text.parse::<Faults>().is_err(), "{text}");
    }
    assert!("kill:before:3, error:01-quiesce".parse::<Faults>().is_ok());
}

#[tokio::test]
async fn events_reach_a_listener_and_survive_its_end() {
    let (events, mut listener) = Events::channel();
    events.notice("one");
    assert_eq!(
        listener.next().await,
        Some(Event::Notice {
            message: "one".into()
        })
    );
    drop(listener);
    events.notice("nobody hears this");
}

// The context is the steps' whole world: it must go into tasks and be cloned for them.
const _: fn() = || {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<StepContext>();
};
