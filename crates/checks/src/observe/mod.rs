//! Gathering facts, once and in parallel. Nothing else in the house looks for itself.

mod database;
mod jobs;
mod path;
mod release;
mod request;
mod requirements;
mod rights;
mod run;
mod sharers;

pub(crate) use database::filed_under;
pub use request::{ObserveError, ObserveRequest, Observed};
pub use run::observe;
