//! A question in SQL, with what it is for.

use postgres_room::{Database, QueryError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Asks and returns the rows; `doing` completes "failed to …".
pub(crate) async fn ask(
    database: &Database,
    doing: &str,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, QueryError> {
    database
        .client()
        .query(sql, parameters)
        .await
        .map_err(|error| QueryError {
            doing: doing.to_owned(),
            error,
        })
}
