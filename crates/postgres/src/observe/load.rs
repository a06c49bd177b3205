//! How busy a database is at this moment.

use std::time::Duration;

use model::{Seen, Session, SessionRole};

use super::sessions;
use crate::{Database, QueryError};

/// How busy a database is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Sessions of others that are at work, in a transaction included.
    pub active: u64,
    /// Transactions a second, ours among them: two or three in a sample.
    pub tps: f64,
}

/// Measures for as long as `sample`. A session reports what it did at most once a second, so less tells little.
/// `Unreadable` where sessions may not be seen in full: then nobody can say that they do nothing.
pub async fn load(database: &Database, sample: Duration) -> Seen<Load> {
    let measured = async {
        let (before, begun) = transactions(database).await?;
        tokio::time::sleep(sample).await;
        let (after, ended) = transactions(database).await?;
        Ok::<_, QueryError>(rate(before, after, ended - begun))
    };
    let tps = match measured.await {
        Ok(tps) => tps,
        Err(error) => return Seen::Unreadable(model::causes(&error)),
    };
    match sessions(database).await {
        Seen::Present(sessions) => Seen::Present(Load {
            active: u64::try_from(sessions.iter().filter(|session| works(session)).count())
                .unwrap_or(u64::MAX),
            tps,
        }),
        Seen::Absent => Seen::Absent,
        Seen::Unreadable(why) => Seen::Unreadable(why),
    }
}

/// Transactions of the session's database since its statistics began, and the server's time, in seconds.
async fn transactions(database: &Database) -> Result<(i64, f64), QueryError> {
    let rows = database
        .query(
            "count transactions",
            "select xact_commit + xact_rollback, extract(epoch from clock_timestamp())::float8 \
             from pg_stat_database where datname = current_database()",
            &[],
        )
        .await?;
    Ok(rows.first().map_or((0, 0.0), |row| (row.get(0), row.get(1))))
}

/// Transactions a second. Statistics that were reset meanwhile began anew at 0.
fn rate(before: i64, after: i64, seconds: f64) -> f64 {
    let count = if after < before { after } else { after - before };
    // A sample's count is far below what a double holds exactly.
    let count = count as f64;
    if seconds > 0.0 { count / seconds } else { 0.0 }
}

/// Whether a session is at work. One that does not say what it does counts as one that works.
fn works(session: &Session) -> bool {
    match session.role {
        SessionRole::Writer | SessionRole::Dump => session.state.as_deref() != Some("idle"),
        SessionRole::Exporter | SessionRole::Replication | SessionRole::Ours | SessionRole::Server => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_that_were_reset_begin_anew() {
        assert_eq!(rate(100, 130, 3.0).to_bits(), 10.0_f64.to_bits());
        assert_eq!(rate(100, 30, 3.0).to_bits(), 10.0_f64.to_bits());
        assert_eq!(rate(1, 2, 0.0).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn who_does_not_say_what_it_does_is_at_work() {
        let works_as = |role: SessionRole, state: Option<&str>| {
            works(&Session {
                pid: 1,
                user: None,
                application: String::new(),
                client: None,
                state: state.map(str::to_owned),
                transaction_seconds: None,
                state_seconds: None,
                waiting_for: None,
                statement: String::new(),
                role,
            })
        };
        assert!(!works_as(SessionRole::Writer, Some("idle")));
        assert!(works_as(SessionRole::Writer, Some("idle in transaction")));
        assert!(works_as(SessionRole::Writer, None));
        assert!(works_as(SessionRole::Dump, Some("active")));
        assert!(!works_as(SessionRole::Exporter, Some("active")));
        assert!(!works_as(SessionRole::Ours, Some("active")));
    }
}
