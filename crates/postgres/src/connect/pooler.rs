//! Whether what answers is a server or only passes connections on.

use tokio_postgres::SimpleQueryMessage;

use super::connector::CONNECT_TIMEOUT;
use super::sslmode::SslMode;
use super::{ConnectError, Connector};

/// The name under which PgBouncer answers questions about itself.
const CONSOLE: &str = "pgbouncer";

/// What PgBouncer says to whoever may not ask it: no Postgres says this of a database.
const REFUSALS: [&str; 2] = ["not allowed", "no such database"];

impl Connector {
    /// What a connection pooler says of itself, where one answers in the place of the server. Only PgBouncer can be
    /// told, by its console; what cannot be told is no answer.
    pub async fn pooler(&self) -> Option<String> {
        let answer = tokio::time::timeout(CONNECT_TIMEOUT, self.ask_console())
            .await
            .ok()?;
        match answer {
            Ok(version) => version.filter(|version| version.contains("PgBouncer")),
            Err(error) => is_refusal(&model::causes(&error)).then(|| "PgBouncer".to_owned()),
        }
    }

    async fn ask_console(&self) -> Result<Option<String>, ConnectError> {
        let location = self.location();
        let mode = SslMode::on_route(location.sslmode.as_deref(), &location.host, &location.route)?;
        // What is only preferred is left out: the console says no more to an encrypted connection.
        let mode = if mode == SslMode::Prefer {
            SslMode::Disable
        } else {
            mode
        };
        let client = self.negotiate(mode, CONSOLE).await?;
        let Ok(messages) = client.simple_query("show version").await else {
            return Ok(None);
        };
        Ok(messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }
}

/// Whether these are a pooler's words.
fn is_refusal(words: &str) -> bool {
    REFUSALS.iter().any(|refusal| words.contains(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_such_a_database_is_no_pooler() {
        assert!(!is_refusal("FATAL: database \"pgbouncer\" does not exist"));
        assert!(!is_refusal(
            "FATAL: password authentication failed for user \"app\""
        ));
        assert!(is_refusal("FATAL: not allowed"));
        assert!(is_refusal("FATAL: no such database: pgbouncer"));
    }
}
