//! Upgrade paths: which one is in force, the way it gives, and what each upgrade of the way meets.

mod choose;
mod fetch;
mod judge;
mod meet;
mod route;
#[cfg(test)]
mod route_tests;
mod versions;

pub(crate) use choose::choose;
pub use choose::{PathChoiceError, built_in_paths, replace_path, settle_path};
pub use fetch::{PathAddressError, read_path};
pub use judge::path_report;
pub(crate) use judge::{beyond, next_hop, reason};
pub(crate) use meet::{Met, Overlap, by_hand, hazards, overlaps};
pub use route::{Gap, Leg, Reason, Way, way};
pub(crate) use versions::{by_chart, running, wanted};
