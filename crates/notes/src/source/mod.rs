//! Where notes are, and what a source tells.

mod chart;
mod entry;
mod github;
mod place;

pub use chart::{chart_links, chart_repositories, chart_sources};
pub use entry::{Entry, Reach, SourceNotes};
pub use github::{GitHub, GitHubError};
pub use place::{Place, PlaceError, Source};

pub(crate) use github::Release;
