//! Reading what a database says of itself.

mod archiver;
mod collations;
mod facts;
mod health;
mod load;
mod locks;
mod probe;
mod question;
mod redact;
mod server;
mod sessions;
mod space;

pub use archiver::archiver;
pub use collations::collation_drift;
pub use facts::facts;
pub use health::health;
pub use load::{Load, load};
pub use locks::{blocked, held_locks, prepared_transactions};
pub use probe::probe;
pub use question::{Answer, AskedAs, Said, question};
pub use redact::redact;
pub use server::{database_size, replication, server};
pub use sessions::{Activity, activity, sessions, superusers};
pub use space::free_bytes;

/// Schemas that are the application's, in a condition on `pg_namespace n`.
const OWN_SCHEMAS: &str = "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_toast%' \
                           and n.nspname not like 'pg\\_temp%'";
