//! Whether what answers is a server or only passes connections on.

use model::Seen;
use tokio_postgres::SimpleQueryMessage;

use super::connector::CONNECT_TIMEOUT;
use super::sslmode::SslMode;
use super::{ConnectError, Connector, QueryError};

/// The name under which PgBouncer answers questions about itself.
const CONSOLE: &str = "pgbouncer";

/// What PgBouncer says to whoever may not ask it: no Postgres says this of a database.
const REFUSALS: [&str; 2] = ["not allowed", "no such database"];

/// What a server calls its access rules when they let nobody into such a database.
const ACCESS_RULES: &str = "no pg_hba.conf entry";

impl Connector {
    /// What a connection pooler says of itself, where one answers in the place of the server. Only PgBouncer can be
    /// told, by its console; `Absent` only where a server has answered as no pooler does.
    pub async fn pooler(&self) -> Seen<String> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.ask_console()).await {
            Ok(Ok(version)) => version
                .filter(|version| version.contains("PgBouncer"))
                .map_or(Seen::Absent, Seen::Present),
            Ok(Err(error)) => judge(&error),
            Err(_) => Seen::Unreadable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs())),
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
        let messages = match client.simple_query("show version").await {
            Ok(messages) => messages,
            // A server with a database of that name knows no such setting.
            Err(error) if error.code().is_some() => return Ok(None),
            Err(error) => return Err(ConnectError::Setup(QueryError::new("ask who answers", error))),
        };
        Ok(messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }
}

/// Who it is that lets nobody in.
fn judge(error: &ConnectError) -> Seen<String> {
    let words = model::causes(error);
    if is_refusal(&words) {
        return Seen::Present("PgBouncer".to_owned());
    }
    // A server asks for the password first: whoever says that there is no such database knows us.
    let is_server = matches!(error, ConnectError::UnknownDatabase { .. })
        || matches!(error, ConnectError::NotAllowed { message, .. } if message.contains(ACCESS_RULES));
    if is_server {
        Seen::Absent
    } else {
        Seen::Unreadable(words)
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

    #[test]
    fn only_a_server_s_own_words_say_that_there_is_no_pooler() {
        let (user, database) = ("app".to_owned(), CONSOLE.to_owned());
        let not_allowed = |message: &str| ConnectError::NotAllowed {
            user: "app".into(),
            message: message.into(),
        };
        assert_eq!(judge(&ConnectError::UnknownDatabase { database }), Seen::Absent);
        assert_eq!(
            judge(&not_allowed("no pg_hba.conf entry for host \"10.0.0.1\"")),
            Seen::Absent
        );
        assert_eq!(
            judge(&not_allowed("not allowed")),
            Seen::Present("PgBouncer".into())
        );
        for unclear in [
            ConnectError::WrongPassword { user },
            not_allowed("something else"),
            ConnectError::NotReady {
                message: "starting up".into(),
            },
        ] {
            assert!(matches!(judge(&unclear), Seen::Unreadable(_)), "{unclear}");
        }
    }
}
