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
