//! `kubectl upgrade-check notes`: what the versions between the running one and the target bring.

mod arguments;
mod ask;
mod at_hand;
mod release;
mod run;
mod target;

pub(super) use arguments::NotesCommand;
pub(super) use at_hand::{at_hand, newest_at_hand};
pub(super) use run::run;
