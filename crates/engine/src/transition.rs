//! Which states a step may go through. Every journal write and every journal read back passes here.

use model::StepState;

/// A state that must not follow another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("step {step} cannot go from {from:?} to {to:?}")]
pub struct IllegalTransition {
    /// The step's id.
    pub step: String,
    /// Its state.
    pub from: StepState,
    /// The state it was to have.
    pub to: StepState,
}

/// The state after `from` when `to` is asked for: `to` itself where that is legal.
///
/// # Errors
/// Anything that is not in the table below.
pub fn next_state(step: &str, from: StepState, to: StepState) -> Result<StepState, IllegalTransition> {
    use StepState::{Done, Failed, Pending, Restored, Restoring, Running, Stuck};
    match (from, to) {
        (Pending, Running)
        // Another process takes up what one that died had begun.
        | (Running, Running | Done | Failed | Restoring)
        // A failed step is tried again on `resume` or undone.
        | (Failed, Running | Restoring)
        | (Done, Restoring)
        | (Restoring, Restoring | Restored | Stuck)
        // Whoever has removed the obstacle tries again.
        | (Stuck, Restoring) => Ok(to),
        (Pending | Running | Done | Failed | Restoring | Restored | Stuck, _) => Err(IllegalTransition {
            step: step.to_owned(),
            from,
            to,
        }),
    }
}

/// Whether the states of a plan's steps, in order, can have come from a run: work goes forward one step at a time and
/// back one step at a time.
pub(crate) fn is_reachable(states: &[StepState]) -> bool {
    use StepState::{Done, Failed, Pending, Restored, Restoring, Running, Stuck};
    let mut rest = states
        .iter()
        .copied()
        .skip_while(|state| *state == Done)
        .peekable();
    match rest.peek() {
        Some(Running | Failed) => {
            rest.next();
        }
        Some(Restoring | Stuck | Restored) => {
            rest.next_if(|state| matches!(state, Restoring | Stuck));
            while rest.next_if(|state| *state == Restored).is_some() {}
        }
        Some(Done | Pending) | None => {}
    }
    rest.all(|state| state == Pending)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [StepState; 7] = [
        StepState::Pending,
        StepState::Running,
        StepState::Done,
        StepState::Failed,
        StepState::Restoring,
        StepState::Restored,
        StepState::Stuck,
    ];

    #[test]
    fn a_restored_step_stays_restored_and_a_pending_one_can_only_be_begun() {
        for to in ALL {
            assert!(next_state("s", StepState::Restored, to).is_err(), "{to:?}");
            assert_eq!(
                next_state("s", StepState::Pending, to).is_ok(),
                to == StepState::Running,
                "{to:?}"
            );
        }
    }

    #[test]
    fn every_begun_step_can_be_put_back_and_no_step_becomes_pending_again() {
        for from in ALL {
            let begun = !matches!(from, StepState::Pending | StepState::Restored);
            assert_eq!(
                next_state("s", from, StepState::Restoring).is_ok(),
                begun,
                "{from:?}"
            );
            assert!(next_state("s", from, StepState::Pending).is_err(), "{from:?}");
        }
    }

    #[test]
    fn what_no_run_can_have_written_is_not_reachable() {
        use StepState::{Done, Failed, Pending, Restored, Restoring, Running, Stuck};
        for states in [
            &[Pending, Done][..],
            &[Running, Running],
            &[Failed, Done],
            &[Restored, Done],
            &[Restored, Restoring],
            &[Stuck, Restoring],
            &[Failed, Restored],
            &[Done, Pending, Restored],
        ] {
            assert!(!is_reachable(states), "{states:?}");
        }
        assert!(is_reachable(&[]));
        assert!(is_reachable(&[Done, Stuck, Restored, Pending]));
    }

    proptest! {
        /// Plays a run by the rules of the loop, with every choice left to chance, through deaths and second starts.
        #[test]
        fn whatever_a_run_does_its_states_stay_reachable(
            steps in 1_usize..7,
            choices in prop::collection::vec(0_u8..4, 0..40),
        ) {
            let mut states = vec![StepState::Pending; steps];
            let mut back = false;
            for choice in choices {
                let started = states.iter().rposition(|s| !matches!(s, StepState::Pending | StepState::Restored));
                let move_to = |states: &mut Vec<StepState>, index: usize, to| {
                    let next = next_state("s", states[index], to).map_err(|e| TestCaseError::fail(e.to_string()));
                    next.map(|next| states[index] = next)
                };
                if back {
                    let Some(index) = started else { break };
                    let to = match (states[index], choice) {
                        (StepState::Restoring, 0) => StepState::Stuck,
                        (StepState::Restoring, 1 | 2) => StepState::Restored,
                        _ => StepState::Restoring,
                    };
                    move_to(&mut states, index, to)?;
                } else {
                    let next = states.iter().position(|state| *state != StepState::Done);
                    let Some(index) = next else { back = choice == 0; continue };
                    match (states[index], choice) {
                        (StepState::Running, 0) => {
                            move_to(&mut states, index, StepState::Failed)?;
                            back = true;
                        }
                        (StepState::Running, 1 | 2) => move_to(&mut states, index, StepState::Done)?,
                        (_, 3) => back = started.is_some(),
                        _ => move_to(&mut states, index, StepState::Running)?,
                    }
                }
                prop_assert!(is_reachable(&states), "{states:?}");
            }
        }
    }
}
