//! Release notes: where they are, how they are read, and what in them matters to an upgrade.
//!
//! [`gather`] asks the sources and is the only part that reaches a network or a file; [`report`] judges what they said and is
//! pure. What a source says is other people's text: it is bounded, stripped of what would steer a terminal, and never obeyed.

mod bundle;
mod cache;
mod fetch;
mod gather;
mod keep;
mod newest;
mod report;
mod select;
mod source;
mod text;
mod way;

pub use bundle::{Bundle, BundleError};
pub use cache::Cache;
pub use fetch::Fetcher;
pub use gather::{Answered, Ask, GatherRequest, gather};
pub use newest::newest_told;
pub use report::{ReportRequest, report};
pub use source::{
    Entry, GitHub, GitHubError, Place, PlaceError, Reach, Source, SourceNotes, chart_links,
    chart_repositories, chart_sources,
};
pub use text::{changelog, highlights};
pub use way::{Versions, Way};
pub use web::Patience;
