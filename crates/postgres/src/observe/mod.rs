//! Reading what a database says of itself.

mod archiver;
mod collations;
mod facts;
mod locks;
mod redact;
mod server;
mod sessions;
mod space;

pub use archiver::archiver;
pub use collations::collation_drift;
pub use facts::facts;
pub use locks::{blocked, held_locks, prepared_transactions};
pub use redact::redact;
pub use server::{database_size, replication, server};
pub(crate) use sessions::activity;
pub use sessions::sessions;
pub use space::free_bytes;
