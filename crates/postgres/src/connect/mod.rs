//! Connecting to one database.

mod connector;
mod database;
mod error;
mod pooler;
mod sslmode;
mod tls;

pub use connector::{APPLICATION_PREFIX, Connector, Credentials, SessionOptions};
pub use database::Database;
pub use error::{ConnectError, QueryError};
