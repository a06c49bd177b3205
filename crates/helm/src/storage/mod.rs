//! Helm's own release records.

mod access;
mod codec;
mod driver;
mod error;
mod record;

pub use access::Storage;
pub use driver::Driver;
pub use error::StorageError;
pub use record::StoredRelease;

#[cfg(test)]
mod tests;
