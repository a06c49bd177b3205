//! Helm's own release records.

mod access;
mod chart;
mod codec;
mod driver;
mod error;
mod head;
mod record;
mod releases;

pub use access::Storage;
pub use chart::NoRecordedChart;
pub use driver::Driver;
pub use error::StorageError;
pub use head::RecordHead;
pub use record::StoredRelease;
pub use releases::{ListedRelease, list_releases};

#[cfg(test)]
mod tests;
