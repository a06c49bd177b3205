//! A run that is killed before or after any journal write is carried on, forward or back, by another process.

use std::collections::BTreeMap;

use crate::common::{Behaviour, RELEASE, RUN, Stage, Taken, document, plan};
use engine::journal::JournalStore;
use engine::{Clock, Faults, RunDocument, RunError};
use model::{RunTerms, StepState, UpgradeOutcome};

fn kill(when: &str, number: usize) -> Faults {
    format!("kill:{when}:{number}")
        .parse::<Faults>()
        .unwrap()
        .simulated()
}

/// Checks that the journal and the world say the same, and which end it was.
async fn end_of(stage: &Stage, before: &BTreeMap<String, i32>, case: &str) -> Option<UpgradeOutcome> {
    let Some(head) = stage.store.read_head(RELEASE, RUN).await.unwrap() else {
        assert_eq!(
            stage.world_now(),
            *before,
            "{case}: no journal, but the world has changed"
        );
        return None;
    };
    let document = RunDocument::parse(RUN, &head.text).unwrap();
    match document.outcome {
        Some(UpgradeOutcome::Upgraded) => assert_eq!(stage.world_now(), stage.world_done(), "{case}"),
        Some(UpgradeOutcome::Restored) => assert_eq!(stage.world_now(), *before, "{case}"),
        other => panic!("{case}: ended as {other:?} ({:?})", document.reason),
    }
    assert_eq!(head.labels.outcome, document.outcome, "{case}");
    assert_eq!(stage.store.piece_count(), 0, "{case}: parts are left behind");
    assert!(
        stage.leases.get(RELEASE).is_none(),
        "{case}: the lease is left behind"
    );
    document.outcome
}

/// Lets the second process work and checks its end. Returns how the run ended.
async fn carry_on(stage: &Stage, taken: Taken, faults: &Faults, case: &str) -> Option<UpgradeOutcome> {
    match stage.take(taken, faults).await {
        Ok(Ok(end)) => Some(end.outcome),
        Ok(Err(RunError::Finished { outcome, .. })) => Some(outcome),
        Ok(Err(error)) => panic!("{case}: {error}"),
        Err(engine::JournalError::NotFound { .. }) => {
            stage.leases.remove(RELEASE);
            None
        }
        Err(engine::JournalError::SimulatedDeath) => None,
        Err(error) => panic!("{case}: {error}"),
    }
}

async fn writes_of(stage: &Stage) -> usize {
    let faults = Faults::none();
    stage.begin(&faults).await.unwrap();
    faults.writes()
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_write_is_finished_by_resume_and_put_back_by_abort() {
    let writes = writes_of(&Stage::new(plan(3, None))).await;
    assert!(writes > 20, "{writes} writes are too few to be all of them");
    for number in 1..=writes {
        for when in ["before", "after"] {
            for taken in [Taken::Resume, Taken::Abort] {
                let case = format!("killed {when} write {number} of {writes}, then {taken:?}");
                let stage = Stage::new(plan(3, None));
                let before = stage.world_now();
                if let Ok(end) = stage.begin(&kill(when, number)).await {
                    assert!(!end.journaled || number == writes, "{case}: it did not die");
                }
                carry_on(&stage, taken, &Faults::none(), &case).await;
                let outcome = end_of(&stage, &before, &case).await;
                let began = (when, number) != ("before", 1);
                let was_finished = (when, number) == ("after", writes);
                let expected = match (began, was_finished, taken) {
                    (false, ..) => None,
                    (true, true, _) | (true, false, Taken::Resume) => Some(UpgradeOutcome::Upgraded),
                    (true, false, Taken::Abort) => Some(UpgradeOutcome::Restored),
                    (true, false, Taken::Leave) => Some(UpgradeOutcome::Left),
                };
                assert_eq!(outcome, expected, "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_is_put_back_wherever_it_is_killed() {
    let broken = || Stage::new(plan(3, None)).with(3, Behaviour::FailsHalfWay);
    let writes = writes_of(&broken()).await;
    for number in 2..=writes {
        for when in ["before", "after"] {
            for taken in [Taken::Resume, Taken::Abort] {
                let case = format!("fails, killed {when} write {number} of {writes}, then {taken:?}");
                let stage = broken();
                let before = stage.world_now();
                drop(stage.begin(&kill(when, number)).await);
                carry_on(&stage, taken, &Faults::none(), &case).await;
                let outcome = end_of(&stage, &before, &case).await;
                assert_eq!(outcome, Some(UpgradeOutcome::Restored), "{case}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_twice_still_ends_whole() {
    let writes = writes_of(&Stage::new(plan(2, None))).await;
    for first in 2..=writes {
        for second in 1..=writes {
            for (taken, then) in [
                (Taken::Resume, Taken::Resume),
                (Taken::Resume, Taken::Abort),
                (Taken::Abort, Taken::Resume),
                (Taken::Abort, Taken::Abort),
            ] {
                let case =
                    format!("killed before write {first}, {taken:?} killed before {second}, then {then:?}");
                let stage = Stage::new(plan(2, None));
                let before = stage.world_now();
                drop(stage.begin(&kill("before", first)).await);
                carry_on(&stage, taken, &kill("before", second), &case).await;
                carry_on(&stage, then, &Faults::none(), &case).await;
                assert!(end_of(&stage, &before, &case).await.is_some(), "{case}");
            }
        }
    }
}

/// A run that is to be over at half past ten, on a machine whose clock says so.
fn due_at_half_past_ten(now: &str) -> Stage {
    let mut its_plan = plan(3, None);
    its_plan.terms = Some(RunTerms {
        deadline: Some("2026-01-31T22:30:00Z".into()),
        ..RunTerms::default()
    });
    let mut stage = Stage::new(its_plan);
    stage.clock = clock(now);
    stage
}

fn clock(time: &str) -> Clock {
    Clock::steered(time.parse().unwrap())
}

/// Where the next machine's clock is behind, the run has its time. Where it is ahead, the deadline is over: the run turns
/// back, unless nothing is left to be begun.
#[tokio::test(start_paused = true)]
async fn a_run_killed_at_any_write_ends_whole_where_the_next_clock_is_an_hour_off() {
    let begun = "2026-01-31T22:00:00Z";
    let writes = writes_of(&due_at_half_past_ten(begun)).await;
    for number in 2..=writes {
        for when in ["before", "after"] {
            for taken in [Taken::Resume, Taken::Abort] {
                for (next, late) in [("2026-01-31T21:00:00Z", false), ("2026-01-31T23:00:00Z", true)] {
                    let case = format!("killed {when} write {number}, then {taken:?} at {next}");
                    let mut stage = due_at_half_past_ten(begun);
                    let before = stage.world_now();
                    drop(stage.begin(&kill(when, number)).await);
                    let steps = document(&stage).await.steps;
                    let all_done = steps.iter().all(|step| step.state == StepState::Done);
                    stage.clock = clock(next);
                    carry_on(&stage, taken, &Faults::none(), &case).await;
                    let was_finished = (when, number) == ("after", writes);
                    let comes_through = was_finished || (taken == Taken::Resume && (all_done || !late));
                    let expected = if comes_through {
                        UpgradeOutcome::Upgraded
                    } else {
                        UpgradeOutcome::Restored
                    };
                    assert_eq!(end_of(&stage, &before, &case).await, Some(expected), "{case}");
                    if late && taken == Taken::Resume && !comes_through {
                        let why = document(&stage).await.turning_back.unwrap_or_default();
                        assert!(
                            why.starts_with("the deadline 2026-01-31T22:30:00Z has come"),
                            "{case}: {why}"
                        );
                    }
                }
            }
        }
    }
}

/// Tells the child process of the test below that it is to be the victim.
const VICTIM: &str = "SAFE_UPGRADE_TEST_VICTIM";

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn a_kill_fault_ends_the_process_as_kill_9_does() {
    use std::os::unix::process::ExitStatusExt;

    if std::env::var_os(VICTIM).is_some() {
        let ended = Stage::new(plan(1, None))
            .begin(&"kill:before:3".parse().unwrap())
            .await;
        panic!("it lives: {ended:?}");
    }
    let name = "killed_anywhere::a_kill_fault_ends_the_process_as_kill_9_does";
    let victim = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(VICTIM, "1")
        .output()
        .unwrap();
    assert_eq!(victim.status.signal(), Some(9), "{victim:?}");
}
