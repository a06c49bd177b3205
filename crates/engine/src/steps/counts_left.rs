//! Whose a count is: ours, as this run's steps left it, or somebody else's newer wish.

use model::WorkloadName;
use serde::{Deserialize, Serialize};

use super::OriginalCount;
use crate::{StepContext, StepFailure, StepKind};

/// The part of a step's record that tells the other steps which counts it met and which it left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountsLeft {
    /// Counts that somebody else had given meanwhile, and that this step took down to get on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<OriginalCount>,
    /// Counts as this step left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<OriginalCount>,
}

/// What the undo of a run's other steps knows of the counts.
pub(super) struct LeftBy {
    pass: CountsLeft,
    anchor: CountsLeft,
}

/// What is known of one workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// What somebody else gave it while it was held.
    foreign: Option<i32>,
    /// What putting the older revision back gave it.
    left: Option<i32>,
}

/// What to do about a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Give {
    /// Give it this count: what is there was left by this run.
    Ours(i32),
    /// It has its count.
    Nothing,
    /// Somebody else wants this count.
    Theirs(i32),
}

impl LeftBy {
    pub(super) fn read(context: &StepContext) -> Result<Self, StepFailure> {
        Ok(Self {
            pass: context.recorded_by(StepKind::HelmPass)?.unwrap_or_default(),
            anchor: context.recorded_by(StepKind::AnchorRelease)?.unwrap_or_default(),
        })
    }

    pub(super) fn of(&self, workload: &WorkloadName) -> Known {
        let count = |counts: &[OriginalCount]| {
            let found = counts.iter().find(|count| count.workload == *workload);
            found.map(|count| count.replicas)
        };
        Known {
            foreign: count(&self.pass.foreign),
            left: count(&self.anchor.left),
        }
    }
}

/// Decides about a count that is `now` and was `original` before this run took the workload to 0.
pub(super) fn give(original: i32, now: i32, known: Known) -> Give {
    let ours = now == 0 || known.left == Some(now);
    match known.foreign {
        Some(foreign) if ours && foreign != original => Give::Theirs(foreign),
        Some(_) | None if now == original => Give::Nothing,
        Some(_) | None if ours => Give::Ours(original),
        Some(_) | None => Give::Theirs(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(foreign: Option<i32>, left: Option<i32>) -> Known {
        Known { foreign, left }
    }

    #[test]
    fn what_this_run_took_to_0_gets_its_count_back() {
        assert_eq!(give(5, 0, Known::default()), Give::Ours(5));
        assert_eq!(give(5, 5, Known::default()), Give::Nothing);
    }

    #[test]
    fn the_count_of_the_revision_that_was_put_back_is_not_somebody_elses_wish() {
        assert_eq!(give(5, 2, known(None, Some(2))), Give::Ours(5));
    }

    #[test]
    fn a_count_that_somebody_gave_since_stays() {
        assert_eq!(give(5, 3, Known::default()), Give::Theirs(3));
        assert_eq!(give(5, 3, known(None, Some(2))), Give::Theirs(3));
    }

    #[test]
    fn a_wish_that_the_way_back_had_to_take_down_is_given_again() {
        assert_eq!(give(5, 0, known(Some(3), None)), Give::Theirs(3));
        assert_eq!(give(5, 2, known(Some(3), Some(2))), Give::Theirs(3));
        assert_eq!(give(5, 7, known(Some(3), Some(2))), Give::Theirs(7));
    }
}
