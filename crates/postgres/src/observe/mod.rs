//! Reading what a database says of itself.

mod archiver;
mod facts;
mod locks;
mod migration;
mod redact;
mod server;
mod sessions;
mod space;

pub use archiver::archiver;
pub use facts::facts;
pub use locks::{blocked, held_locks, prepared_transactions};
pub use migration::migration_state;
pub use redact::redact;
pub use server::{database_size, replication, server};
pub use sessions::sessions;
pub use space::free_bytes;
