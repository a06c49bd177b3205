//! What goes wrong with connections and queries.

/// Why no session could be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// x
    #[error("x")]
    X,
}

/// A query that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {doing}")]
pub struct QueryError {
    /// What the query was for: `read the sessions`.
    pub doing: &'static str,
    /// The server's answer.
    #[source]
    pub source: tokio_postgres::Error,
}
