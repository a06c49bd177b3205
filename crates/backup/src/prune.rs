//! Which backups may go, why, and taking them away.
//!
//! [`Survey`] reads what is there, [`decide`] is a pure function from that and a [`Policy`] to a [`Decision`] with a
//! reason per backup, [`Plan`] carries it out or tells what it would do.

mod candidate;
mod decide;
mod pin;
mod plan;
mod policy;
mod reason;
mod survey;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, Pin, Series, Standing};
pub use decide::{Decision, decide};
pub use pin::{pin, unpin};
pub use plan::{Plan, PruneEnd};
pub use policy::{Policy, PolicyError};
pub use reason::{KeepReason, RemoveReason, Rule};
pub use survey::{ReleaseKey, Revisions, Survey};
