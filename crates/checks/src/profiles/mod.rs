//! Profiles: which one is in force, whether a file is one, how it fits a release, and a first one for a release without.

mod choice;
mod draft;
mod lint;
mod pack;
mod questions;
mod trial;

pub use choice::{
    GENERIC, KnownProfile, ProfileChoice, ProfileChoiceError, Resolved, WantedProfile, built_in,
    known_profiles, look_up, resolve,
};
pub(crate) use choice::{fits_chart, fits_image};
pub use draft::{DraftError, draft};
pub use lint::{files_to_lint, lint};
pub use questions::{not_asked, profile_questions};
pub use trial::trial;
