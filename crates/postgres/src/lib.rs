//! The database of a release: finding it, connecting to it, reading what it says, and swapping databases.
//!
//! - [`find`] reads the release's pod templates and leads from an environment variable to the pod that runs Postgres;
//!   [`credentials`] reads the password again whenever it is needed.
//! - [`Connector`] opens a [`Database`]: read-only unless said otherwise, through the pod or by address.
//! - [`facts`], [`sessions`], [`blocked`] … read one database; [`migrations`] reads what migration tools recorded in it,
//!   and [`migration_state`] the one state that an upgrade compares.
//! - [`question`] asks what a profile, a path or a person wants to know, and can do nothing but read.
//! - [`Snapshot`] holds the view that a dump is made in, so that counts and hashes belong to that dump.
//! - [`Hold`] keeps writers away for a bounded time.
//! - [`Admin`] creates, renames and swaps databases.

mod admin;
mod connect;
mod digest;
mod find;
mod hold;
mod migrations;
mod observe;
mod schema;
mod signal;

pub use admin::{
    Admin, AdminError, DatabaseEntry, RestoreName, Swap, TerminatedSession, quote_identifier, quote_literal,
};
pub use connect::{
    APPLICATION_PREFIX, ConnectError, Connector, Credentials, Database, QueryError, SessionOptions,
};
pub use find::{
    Candidate, ConnectionStringError, CredentialError, FindAgainError, FindError, FindOptions, Keeper, Leads,
    Named, NamedError, Operator, RenderedData, SecretKey, ServerImage, Surroundings, ToldAddress, at_address,
    credentials, credentials_given, find, find_again, image_of_a_server, keeper, password_in, surroundings,
    surroundings_of,
};
pub use hold::{Hold, HoldError};
pub use migrations::{
    Comparison, HeavyWork, compare, heavy_work, mend_migration, migration_state, migrations,
    release_migration_lock,
};
pub use observe::{
    Activity, Answer, AskedAs, Load, Said, activity, archiver, blocked, collation_drift, database_size,
    facts, free_bytes, health, held_locks, load, prepared_transactions, probe, question, redact, replication,
    server, sessions, superusers,
};
pub use schema::{Snapshot, extensions, grantees, owners, row_counts, row_counts_of, schema_hash, settings};
pub use signal::{Signal, SignalError, signal};
