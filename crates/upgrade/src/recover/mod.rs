//! An upgrade that somebody began by plain helm and that crashes or hangs: what is known of it, and whether it is finished
//! or turned back.

mod backups;
mod decide;
mod look;
mod schema;
mod sessions;
mod trouble;

pub(crate) use backups::{Wanted, backups, usable};
pub use decide::{Refused, Situation, UsableBackup, Way, Wish, decide};
pub(crate) use look::{Left, Question, last_in_force, look, was_in_force};
pub use schema::{Expected, Stand, stand};
pub use sessions::{InTheWay, in_the_way};
pub use trouble::Trouble;

#[cfg(test)]
mod decide_tests;
