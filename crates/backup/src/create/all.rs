//! Which databases a server has.

use crate::script::{self, last_words};
use crate::{RunError, Server};

use super::CreateError;

/// The database that every server has and few keep anything in.
const MAINTENANCE: &str = "postgres";

/// The databases of a server that a backup of all of it takes, in order of name: neither templates nor, unless it is
/// asked for, the one called `postgres`; with those that are left out.
///
/// # Errors
/// When the server does not say.
pub async fn databases(
    server: &Server,
    with_postgres: bool,
) -> Result<(Vec<String>, Vec<String>), CreateError> {
    let database = &server.location.database;
    let mut said = Vec::new();
    let ended = server.run(
        script::DATABASES,
        database,
        "databases",
        &[],
        |feed| feed,
        &mut said,
    );
    let end = ended.await.map_err(|source: RunError| CreateError::Stream {
        database: database.clone(),
        source,
    })?;
    let unreadable = |words: String| CreateError::Examine {
        database: database.clone(),
        words,
    };
    if end.exit_code != 0 {
        return Err(unreadable(last_words(&end.stderr_tail)));
    }
    let all: Vec<String> = serde_json::from_slice(&said).map_err(|error| unreadable(error.to_string()))?;
    Ok(all
        .into_iter()
        .partition(|name| with_postgres || name != MAINTENANCE))
}
