//! What a dump by our identity would meet: asked before it begins, where it will run.

use serde::Deserialize;

use crate::script::{self, last_words};
use crate::{RunError, Server};

use super::CreateError;
use super::room::Room;

/// What the server said. Names are quoted as SQL has them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Examined {
    /// Whether no row-level policy can hide rows from us.
    pub(super) bypasses_row_security: bool,
    /// Tables whose policies would hide rows from us; the first few.
    pub(super) filtered: Vec<String>,
    /// Tables and sequences that we may not read; the first few.
    pub(super) unreadable: Vec<String>,
    /// Schemas with tables that we may not look into; the first few.
    pub(super) hidden_schemas: Vec<String>,
    /// How many tables are kept by other servers.
    pub(super) foreign_tables: u64,
    /// The other servers.
    pub(super) foreign_servers: Vec<String>,
    /// Subscriptions of the database.
    pub(super) subscriptions: Vec<String>,
    /// Replication slots of the database.
    pub(super) slots: Vec<String>,
    /// Size of all large objects.
    pub(super) large_object_bytes: u64,
    /// Every table with its schema, name and size without indexes, in the order in which pg_dump takes them.
    pub(super) tables: Vec<(String, String, u64)>,
    /// Who holds a table so that it cannot even be read.
    pub(super) locks: Vec<Holder>,
}

/// A session in the way.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Holder {
    /// The table, quoted.
    pub(super) table: Option<String>,
    /// The session's process id.
    pub(super) pid: i64,
    /// Its `application_name`, where we may see it.
    pub(super) application: Option<String>,
    /// Its role.
    pub(super) user: Option<String>,
    /// Its state.
    pub(super) state: Option<String>,
    /// Seconds since its transaction began.
    pub(super) seconds: Option<f64>,
}

impl Holder {
    /// The session in words.
    pub(super) fn words(&self) -> String {
        let mut words = format!("session {}", self.pid);
        if let Some(user) = self.user.as_deref().filter(|user| !user.is_empty()) {
            words.push_str(&format!(" of {user}"));
        }
        if let Some(application) = self.application.as_deref().filter(|name| !name.is_empty()) {
            words.push_str(&format!(" ({application})"));
        }
        if let Some(state) = self.state.as_deref().filter(|state| !state.is_empty()) {
            words.push_str(&format!(", {state}"));
        }
        if let Some(seconds) = self.seconds {
            words.push_str(&format!(", its transaction is {seconds:.0} s old"));
        }
        words
    }
}

impl Examined {
    /// What a dump has to carry at most, in bytes: tables without their indexes, and large objects.
    pub(super) fn bytes(&self) -> u64 {
        self.tables.iter().map(|(_, _, bytes)| bytes).sum::<u64>() + self.large_object_bytes
    }
}

/// Asks the place and the server.
pub(super) async fn examine(server: &Server) -> Result<(Examined, Room), CreateError> {
    let database = &server.location.database;
    let mut said = Vec::new();
    let ended = server.run(script::EXAMINE, database, "examine", &[], |feed| feed, &mut said);
    let end = ended.await.map_err(|source: RunError| CreateError::Stream {
        database: database.clone(),
        source,
    })?;
    let text = String::from_utf8_lossy(&said);
    let room = Room::read(&text);
    let unreadable = |words: String| CreateError::Examine {
        database: database.clone(),
        words,
    };
    if end.exit_code != 0 {
        return Err(unreadable(last_words(&end.stderr_tail)));
    }
    let Some(start) = text.find('{') else {
        return Err(unreadable("it did not answer".into()));
    };
    let examined = serde_json::from_str(&text[start..]).map_err(|error| unreadable(error.to_string()))?;
    Ok((examined, room))
}
