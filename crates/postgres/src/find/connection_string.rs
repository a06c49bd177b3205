//! Connection strings.

/// Why a text is no address of one Postgres server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// Not a Postgres URL.
    #[error("the connection string is no postgres:// URL")]
    NotPostgres,
}
