//! The support archive of a release: what somebody else needs to see in order to help, and nothing that nobody else may see.
//!
//! Everything that goes into an archive passes its mouth, which holds the one redactor: there is no other way to add a file. What was hidden is counted by rule and file, what could not be read is told in its place.

mod archive;
mod contents;
mod live;
mod mouth;
mod redact;
mod request;
mod run;
mod secrets;

pub use archive::{ArchiveError, check_place, write};
pub use mouth::Bundle;
pub use request::{Bounds, BundleRequest};
pub use run::{BundleError, gather};
