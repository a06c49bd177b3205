//! The steps of a run that back up and put back.

use engine::Step;
use model::PlannedStep;

/// The step for a planned one, if it is one of ours: back up, anchor the database.
pub fn shared(step: &PlannedStep) -> Option<Box<dyn Step>> {
    todo!()
}
