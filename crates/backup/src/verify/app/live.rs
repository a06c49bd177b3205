//! Whether the database in use has sessions from the pod of an application that must not reach it.

use cluster::Cluster;
use model::{Seen, causes};
use postgres_room::{Connector, SessionOptions};

use super::door::Door;
use super::request::Live;
use crate::ask::ask;

/// Sessions from an address, and sessions of the application's roles whose address may not be seen.
const SESSIONS: &str = "select count(*) filter (where client_addr = $1::text::inet), \
                               count(*) filter (where backend_type is null and usename::text = any($2)) \
                        from pg_catalog.pg_stat_activity";

/// Counts them.
pub(super) async fn sessions_from(
    cluster: &Cluster,
    live: &Live,
    door: &Door,
    address: &str,
    id: &str,
) -> Seen<i64> {
    let connector = Connector::new(cluster, &live.location, &live.credentials, id);
    let database = match connector.connect(&SessionOptions::default()).await {
        Ok(database) => database,
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    let users = &door.users;
    match ask(
        &database,
        "look for sessions of its pod",
        SESSIONS,
        &[&address, users],
    )
    .await
    {
        Err(error) => Seen::Unreadable(causes(&error)),
        Ok(rows) => match rows.as_slice() {
            [row] => {
                let (from_pod, hidden): (i64, i64) = (row.get(0), row.get(1));
                if from_pod == 0 && hidden > 0 {
                    Seen::Unreadable(format!("{hidden} sessions of its role may not be seen in full"))
                } else {
                    Seen::Present(from_pod)
                }
            }
            _ => Seen::Absent,
        },
    }
}
