//! When a run turns back by itself, when it waits for a person, and what a person may choose.

use std::sync::Arc;
use std::time::Duration;

use crate::common::{Behaviour, RELEASE, RUN, Stage, Taken, document, plan};
use engine::lease::Acquire;
use engine::{AbortConsent, Exposure, Faults, Journal, RunError, unfinished};
use model::{Reversal, StepState, UpgradeOutcome};

#[tokio::test(start_paused = true)]
async fn a_failure_that_has_a_price_stops_and_resume_goes_forward() {
    let mut stage = Stage::new(plan(3, Some(2))).with(3, Behaviour::FailsHalfWay);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert_eq!(stage.world_now()["02-step.a"], 100, "nothing was put back");
    assert_eq!(unfinished(&stage.store, RELEASE).await.unwrap().len(), 1);
    stage.behaviours.clear();
    let end = stage.take(Taken::Resume, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Upgraded);
    assert_eq!(stage.world_now(), stage.world_done());
}

#[tokio::test(start_paused = true)]
async fn aborting_at_a_price_needs_consent_and_changes_nothing_without_it() {
    let stage = Stage::new(plan(3, Some(2))).with(3, Behaviour::FailsHalfWay);
    let before = stage.world_now();
    stage.begin(&Faults::none()).await.unwrap();
    let stopped = stage.world_now();
    let refused = stage.take(Taken::Abort, &Faults::none()).await.unwrap();
    assert!(
        matches!(refused, Err(RunError::Priced { ref step, .. }) if step == "03-step"),
        "{refused:?}"
    );
    assert_eq!(stage.world_now(), stopped);

    let lease = stage.lease("third", Acquire::TakeOver).await;
    let store = Arc::new(stage.store.clone());
    let journal = Journal::open(store, lease.clone(), Faults::none(), RELEASE, RUN)
        .await
        .unwrap();
    let end = engine::abort(stage.act(journal, lease, Faults::none()), AbortConsent::Price)
        .await
        .unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn a_failure_just_before_the_price_turns_back() {
    let stage = Stage::new(plan(3, Some(3))).with(2, Behaviour::FailsHalfWay);
    let before = stage.world_now();
    assert_eq!(
        stage.begin(&Faults::none()).await.unwrap().outcome,
        UpgradeOutcome::Restored
    );
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn a_begun_step_that_needs_consent_keeps_the_run_from_turning_back_by_itself() {
    let mut its_plan = plan(3, None);
    its_plan.steps[1].reversal = Reversal::OnConsent;
    let stage = Stage::new(its_plan).with(3, Behaviour::FailsHalfWay);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("step 1"));
    assert_eq!(stage.world_now()["02-step.a"], 100);
}

#[tokio::test(start_paused = true)]
async fn a_refused_abort_leaves_the_outcome_as_it_was() {
    let stage = Stage::new(plan(3, Some(2))).with(3, Behaviour::FailsHalfWay);
    stage.begin(&Faults::none()).await.unwrap();
    let reason = document(&stage).await.reason;
    assert!(stage.take(Taken::Abort, &Faults::none()).await.unwrap().is_err());
    let document = document(&stage).await;
    assert_eq!(
        (document.outcome, document.reason),
        (Some(UpgradeOutcome::Stopped), reason)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_at_a_price_turns_back_by_itself_where_nobody_was_served() {
    let stage = Stage::new(plan(3, Some(2)))
        .with(3, Behaviour::FailsHalfWay)
        .exposing(2, Exposure::Nobody)
        .exposing(3, Exposure::Nobody);
    let before = stage.world_now();
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored, "{:?}", end.reason);
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn one_step_that_may_have_served_is_enough_for_a_price_and_its_words_are_told() {
    let stage = Stage::new(plan(3, Some(2)))
        .with(3, Behaviour::FailsHalfWay)
        .exposing(2, Exposure::Possible(Some("revision 4 has served".into())))
        .exposing(3, Exposure::Nobody);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("revision 4 has served"));
    let refused = stage.take(Taken::Abort, &Faults::none()).await.unwrap();
    assert!(
        matches!(refused, Err(RunError::Priced { ref price, .. }) if price == "revision 4 has served"),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_has_its_price() {
    let stage = Stage::new(plan(3, Some(3))).with(3, Behaviour::CannotTell);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("nobody answers"));
}

#[tokio::test(start_paused = true)]
async fn without_a_way_back_for_the_database_nothing_is_turned_back_by_itself() {
    let mut its_plan = plan(3, Some(2));
    its_plan.no_way_back = Some("no identity may rename".into());
    let stage = Stage::new(its_plan)
        .with(3, Behaviour::FailsHalfWay)
        .exposing(2, Exposure::Nobody)
        .exposing(3, Exposure::Nobody);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("no identity may rename"));
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_where_nobody_was_served_is_aborted_without_consent() {
    let stage = Stage::new(plan(2, Some(2))).exposing(2, Exposure::Nobody);
    let before = stage.world_now();
    // Head, parts, two states of step 0, two states and two records of step 1, running of step 2.
    let died: Faults = "kill:after:9".parse::<Faults>().unwrap().simulated();
    stage.begin(&died).await.unwrap();
    assert_eq!(document(&stage).await.steps[2].state, StepState::Running);
    let end = stage.take(Taken::Abort, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_left_lets_its_holds_go_keeps_all_else_and_is_over() {
    let stage = Stage::new(plan(3, Some(2))).with(3, Behaviour::FailsHalfWay);
    let before = stage.world_now();
    stage.begin(&Faults::none()).await.unwrap();
    let end = stage.take(Taken::Leave, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Left);
    assert_eq!(end.outcome.exit_code(), model::ExitCode::Stopped);
    let reason = end.reason.unwrap();
    assert!(reason.contains("02-step.a is let go"), "{reason}");
    let now = stage.world_now();
    assert_eq!(now["02-step.a"], before["02-step.a"]);
    assert_eq!(now["02-step.b"], 100, "what is no hold stays");
    assert!(unfinished(&stage.store, RELEASE).await.unwrap().is_empty());
    assert_eq!(stage.store.piece_count(), 0, "a run that is over keeps no parts");
    for taken in [Taken::Resume, Taken::Abort, Taken::Leave] {
        let again = stage.take(taken, &Faults::none()).await.unwrap();
        assert!(matches!(again, Err(RunError::Finished { .. })), "{again:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_cannot_be_let_go_keeps_the_run_open() {
    let stage = Stage::new(plan(3, Some(2)))
        .with(1, Behaviour::UndoFails)
        .with(3, Behaviour::FailsHalfWay);
    stage.begin(&Faults::none()).await.unwrap();
    let end = stage.take(Taken::Leave, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("it will not go back"));
    assert_eq!(unfinished(&stage.store, RELEASE).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_the_way_back_is_cut_short_by_the_interrupt_after_the_one_that_turned_the_run() {
    let stage = Stage::new(plan(3, None))
        .with(1, Behaviour::WaitsToGoBack)
        .with(2, Behaviour::Hangs);
    let before = stage.world_now();
    let (cancel, hurry) = (stage.cancel.clone(), stage.hurry.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        cancel.cancel();
        tokio::time::sleep(Duration::from_secs(30)).await;
        hurry.cancel();
    });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert_eq!(end.steps[1].detail.as_deref(), Some("the wait was cut short"));
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn where_a_failure_turned_the_run_the_first_interrupt_cuts_the_wait_short() {
    let stage = Stage::new(plan(3, None))
        .with(1, Behaviour::WaitsToGoBack)
        .with(2, Behaviour::FailsHalfWay);
    let cancel = stage.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        cancel.cancel();
    });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
}
