//! `kubectl upgrade-check fleet`: many releases of namespaces and clusters, one line each, as they come.

mod arguments;
mod clusters;
mod gathered;
mod run;
mod view;

pub(super) use arguments::{AFTER_HELP, FleetFlags};
pub(super) use run::run;
