//! Runs whose time is over: before anything, half-way, past the price, and on the next machine.

use engine::{Asking, Clock, Exposure, Faults};
use jiff::Timestamp;
use model::{Event, OnSlow, RunTerms, StepState, UpgradeOutcome, WindowSpan};

use crate::common::{Behaviour, Stage, Taken, document, plan};

const TEN: &str = "2026-01-31T22:00:00Z";
const ELEVEN: &str = "2026-01-31T23:00:00Z";

fn at(time: &str) -> Clock {
    Clock::steered(time.parse::<Timestamp>().unwrap())
}

/// Three steps that act; from step 2 on turning back has a price. The deadline is eleven.
fn stage(on_slow: OnSlow, now: &str) -> Stage {
    let mut its_plan = plan(3, Some(2));
    its_plan.terms = Some(RunTerms {
        deadline: Some(ELEVEN.into()),
        on_slow,
        ..RunTerms::default()
    });
    let mut stage = Stage::new(its_plan);
    stage.clock = at(now);
    stage
}

/// The same where nothing has a price.
fn free(now: &str) -> Stage {
    let mut stage = stage(OnSlow::Continue, now);
    stage.plan.priced_from = None;
    stage
}

fn told(stage: &Stage, words: &str) -> bool {
    stage
        .events
        .collected()
        .iter()
        .any(|event| matches!(event, Event::Notice { message } if message.contains(words)))
}

#[tokio::test(start_paused = true)]
async fn a_run_in_time_is_as_without_terms() {
    let stage = stage(OnSlow::Abort, TEN);
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Upgraded, "{:?}", end.reason);
    assert_eq!(document(&stage).await.overtime, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_at_the_deadline() {
    let stage = stage(OnSlow::Continue, ELEVEN);
    let before = stage.world_now();
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert!(
        end.reason
            .unwrap()
            .contains("deadline 2026-01-31T23:00:00Z has come")
    );
    assert!(end.steps.iter().all(|step| step.state == StepState::Pending));
    assert_eq!(stage.world_now(), before);
}

#[tokio::test(start_paused = true)]
async fn a_step_at_work_is_ended_at_the_deadline_where_that_loses_nothing() {
    let stage = free(TEN).with(2, Behaviour::Hangs);
    let before = stage.world_now();
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    let reason = end.reason.unwrap();
    assert!(
        reason.starts_with("the deadline") && reason.contains("step 2"),
        "{reason}"
    );
    assert_eq!(stage.world_now(), before);
    assert!(stage.clock.now() >= ELEVEN.parse::<Timestamp>().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_window_that_has_closed_keeps_writers_from_being_stopped() {
    let mut stage = stage(OnSlow::Continue, ELEVEN);
    stage.plan.terms = Some(RunTerms {
        window: Some(WindowSpan {
            words: "22:00-23:00 UTC".into(),
            opens: TEN.into(),
            closes: ELEVEN.into(),
        }),
        ..RunTerms::default()
    });
    stage.plan.steps[1].spec = model::StepSpec::Quiesce(model::Quiesce { targets: Vec::new() });
    let end = stage.begin(&Faults::none()).await.unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert!(end.reason.unwrap().contains("window 22:00-23:00 UTC"));
    assert_eq!(
        end.steps[0].state,
        StepState::Restored,
        "what only looks may begin"
    );
    assert_eq!(end.steps[1].state, StepState::Pending);
}

/// Dies when step 2 is at work, past the price, so that the next process finds the deadline behind it.
async fn died_past_the_price(on_slow: OnSlow) -> Stage {
    let mut stage = stage(on_slow, TEN).exposing(2, Exposure::Possible(Some("two rows".into())));
    let died: Faults = "kill:after:9".parse::<Faults>().unwrap().simulated();
    stage.begin(&died).await.unwrap();
    assert_eq!(document(&stage).await.steps[2].state, StepState::Running);
    stage.clock = at(ELEVEN);
    stage
}

#[tokio::test(start_paused = true)]
async fn the_next_machine_keeps_to_the_deadline_and_a_person_who_carries_on_past_the_price_goes_on() {
    let stage = died_past_the_price(OnSlow::Abort).await;
    let end = stage.take(Taken::Resume, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Upgraded);
    let overtime = document(&stage).await.overtime.unwrap();
    assert!(overtime.contains("a person carries it on"), "{overtime}");
    assert!(told(&stage, "deadline"));

    let mut stage = free(TEN);
    let before = stage.world_now();
    let died: Faults = "kill:after:9".parse::<Faults>().unwrap().simulated();
    stage.begin(&died).await.unwrap();
    stage.clock = at(ELEVEN);
    let end = stage.take(Taken::Resume, &Faults::none()).await.unwrap().unwrap();
    assert_eq!(end.outcome, UpgradeOutcome::Restored);
    assert_eq!(stage.world_now(), before);
}

/// Runs to the end with step 2, past the price, lasting beyond the deadline.
async fn late(on_slow: OnSlow, asking: Asking) -> (Stage, engine::RunEnd) {
    let mut stage = stage(on_slow, TEN).with(2, Behaviour::Lasts);
    stage.asking = asking;
    let end = stage.begin(&Faults::none()).await.unwrap();
    (stage, end)
}

#[tokio::test(start_paused = true)]
async fn past_the_price_it_goes_on_and_says_so_once() {
    for (on_slow, why) in [
        (OnSlow::Continue, "--on-slow continue"),
        (OnSlow::Ask, "nobody was there"),
    ] {
        let (stage, end) = late(on_slow, Asking::nobody()).await;
        assert_eq!(end.outcome, UpgradeOutcome::Upgraded, "{:?}", end.reason);
        let overtime = document(&stage).await.overtime.unwrap();
        assert!(overtime.contains(why), "{overtime}");
        assert!(told(&stage, "what is at work comes to its end"));
    }
}

#[tokio::test(start_paused = true)]
async fn past_the_price_it_stops_where_that_was_agreed_or_a_person_says_so() {
    let (stage, end) = late(OnSlow::Abort, Asking::nobody()).await;
    assert_eq!(end.outcome, UpgradeOutcome::Stopped);
    assert!(end.reason.unwrap().contains("deadline"));
    assert_eq!(
        stage.world_now()["02-step.b"],
        100,
        "what was at work came to its end"
    );

    for (yes, outcome) in [(true, UpgradeOutcome::Stopped), (false, UpgradeOutcome::Upgraded)] {
        let (asking, mut questions) = Asking::channel();
        let answering = tokio::spawn(async move {
            let asked = questions.next().await.unwrap();
            let question = asked.question.clone();
            asked.answer(yes);
            (question, questions.next().await.is_none())
        });
        let (stage, end) = late(OnSlow::Ask, asking).await;
        assert_eq!(end.outcome, outcome);
        drop(stage);
        let (question, once) = answering.await.unwrap();
        assert!(question.contains("Stop here?") && once, "{question}");
    }
}
