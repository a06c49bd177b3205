//! Who is connected, and as what.

use std::collections::BTreeSet;

use model::{Seen, Session, SessionRole};

use super::redact;
use crate::{APPLICATION_PREFIX, Database, QueryError};

/// Whether an `application_name` is one of ours.
fn is_ours(application: &str) -> bool {
    application.starts_with(APPLICATION_PREFIX)
}

/// Sessions on the session's database, ours marked, oldest first. `Unreadable` where some may not be seen in full:
/// then nobody can say that no writer is among them.
pub async fn sessions(database: &Database) -> Seen<Vec<Session>> {
    match activity(database).await {
        Ok(Activity {
            sessions,
            masked: None,
        }) => Seen::Present(sessions),
        Ok(Activity {
            masked: Some(why), ..
        }) => Seen::Unreadable(why),
        Err(error) => Seen::Unreadable(model::causes(&error)),
    }
}

/// Every session that can be seen, be it only in part.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    /// The sessions, oldest first.
    pub sessions: Vec<Session>,
    /// Why some were seen only in part, where that is so.
    pub masked: Option<String>,
}

/// The process ids of the sessions whose role is a superuser.
///
/// # Errors
/// When the query fails.
pub async fn superusers(database: &Database) -> Result<BTreeSet<i32>, QueryError> {
    let rows = database
        .query(
            "read which sessions are superusers'",
            "select a.pid from pg_stat_activity a join pg_roles r on r.oid = a.usesysid where r.rolsuper",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Reads `pg_stat_activity`, masked rows included.
///
/// # Errors
/// When the query fails.
pub async fn activity(database: &Database) -> Result<Activity, QueryError> {
    // A masked row keeps its role and loses its backend_type. A server process has no role and is masked as well.
    let rows = database
        .query(
            "read the sessions",
            "select pid, usename::text, coalesce(application_name, ''), host(client_addr), state, \
                    extract(epoch from clock_timestamp() - xact_start)::float8, \
                    extract(epoch from clock_timestamp() - state_change)::float8, \
                    wait_event_type || ': ' || wait_event, left(coalesce(query, ''), 4000), \
                    backend_type, pid = pg_backend_pid() \
             from pg_stat_activity \
             where datname = current_database() or backend_type = 'walsender' \
             order by backend_start, pid",
            &[],
        )
        .await?;
    let mut sessions = Vec::with_capacity(rows.len());
    let mut hidden: Vec<String> = Vec::new();
    for row in rows {
        let user: Option<String> = row.get(1);
        let application: String = row.get(2);
        let statement: String = row.get(8);
        let backend: Option<String> = row.get(9);
        if let (Some(user), None) = (&user, &backend)
            && !hidden.contains(user)
        {
            hidden.push(user.clone());
        }
        sessions.push(Session {
            pid: row.get(0),
            role: classify(&application, user.is_some(), backend.as_deref(), row.get(10)),
            user,
            application,
            client: row.get(3),
            state: row.get(4),
            transaction_seconds: row.get(5),
            state_seconds: row.get(6),
            waiting_for: row.get(7),
            statement: redact(&statement),
        });
    }
    let user = &database.connector().location().user;
    let masked = (!hidden.is_empty()).then(|| {
        format!(
            "role {user} may not see the sessions of {}: grant it pg_read_all_stats",
            hidden.join(", ")
        )
    });
    Ok(Activity { sessions, masked })
}

/// Programs that read statistics and manage the server, by the `application_name` they are known to set. Anything
/// that is not surely one of them counts as a writer.
const EXPORTERS: &[&str] = &[
    "postgres_exporter",
    "postgres-exporter",
    "pg_exporter",
    "pgwatch",
    "pgwatch2",
    "pgwatch3",
    "pganalyze-collector",
    "cnpg_metrics_exporter",
    "cnpg-instance-manager",
    "patroni",
    "patroni heartbeat",
    "patroni restapi",
    "datadog-agent",
    "telegraf",
];

/// Programs that read the whole database.
const DUMPS: &[&str] = &["pg_dump", "pg_dumpall", "pg_basebackup"];

fn classify(application: &str, has_user: bool, backend: Option<&str>, own: bool) -> SessionRole {
    let known = application.to_ascii_lowercase();
    if own || is_ours(application) {
        return SessionRole::Ours;
    }
    match backend {
        Some("client backend") | None if has_user => {
            if DUMPS.contains(&known.as_str()) {
                SessionRole::Dump
            } else if EXPORTERS.contains(&known.as_str()) || known.starts_with("datadog-agent") {
                SessionRole::Exporter
            } else {
                SessionRole::Writer
            }
        }
        Some("walsender") if DUMPS.contains(&known.as_str()) => SessionRole::Dump,
        Some("walsender") => SessionRole::Replication,
        Some(worker) if worker.starts_with("logical replication") => SessionRole::Replication,
        Some(_) | None => SessionRole::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_client_is_told_apart_and_the_unknown_is_a_writer() {
        for (application, has_user, backend, expected) in [
            ("", true, Some("client backend"), SessionRole::Writer),
            ("web", true, Some("client backend"), SessionRole::Writer),
            (
                "exporter-of-orders",
                true,
                Some("client backend"),
                SessionRole::Writer,
            ),
            ("pg_dump", true, Some("client backend"), SessionRole::Dump),
            ("pg_restore", true, Some("client backend"), SessionRole::Writer),
            ("pg_basebackup", true, Some("walsender"), SessionRole::Dump),
            ("walreceiver", true, Some("walsender"), SessionRole::Replication),
            (
                "",
                true,
                Some("logical replication worker"),
                SessionRole::Replication,
            ),
            (
                "postgres_exporter",
                true,
                Some("client backend"),
                SessionRole::Exporter,
            ),
            (
                "safe-upgrade/20261120",
                true,
                Some("client backend"),
                SessionRole::Ours,
            ),
            ("", false, Some("autovacuum worker"), SessionRole::Server),
            ("", false, None, SessionRole::Server),
            ("", true, None, SessionRole::Writer),
        ] {
            assert_eq!(
                classify(application, has_user, backend, false),
                expected,
                "{application} {backend:?}"
            );
        }
        assert_eq!(
            classify("", true, Some("client backend"), true),
            SessionRole::Ours
        );
    }
}
