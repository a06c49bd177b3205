//! What a database is made of, and how two databases are compared.

mod catalogue;
mod hash;
mod normalise;
mod rows;
mod snapshot;

pub use catalogue::{extensions, grantees, owners, settings};
pub use hash::schema_hash;
pub use rows::{row_counts, row_counts_of};
pub use snapshot::Snapshot;
