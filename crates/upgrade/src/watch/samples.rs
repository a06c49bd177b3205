//! Looks at the database, one a second: who works, who waits for whom, and how far the migration tool is.

use std::sync::PoisonError;
use std::time::Duration;

use super::LastSample;
use engine::StepContext;
use model::{DatabaseLocation, Event, MigrationSample, Seen, Session, SessionRole};
use postgres_room::{Database, SessionOptions};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often the database is asked. Finding blockers takes the lock manager's own locks, so no oftener than this.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Takes samples until dropped. Trouble in looking is told once and never ends anything.
pub(super) async fn take(context: StepContext, database: DatabaseLocation, last: LastSample) {
    let begun = Instant::now();
    let mut session: Option<Database> = None;
    let mut blind = false;
    let mut ticks = interval(SAMPLE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if session.is_none() {
            session = connect(&context, &database).await;
        }
        let Some(open) = &session else {
            if !blind {
                blind = true;
                let message = format!("database {} cannot be watched for now", database.database);
                context.events().send(Event::Notice { message });
            }
            continue;
        };
        let Some(sample) = sample(open, begun.elapsed()).await else {
            session = None;
            continue;
        };
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample.clone());
        context.events().send(Event::Migration(sample));
    }
}

async fn connect(context: &StepContext, location: &DatabaseLocation) -> Option<Database> {
    let connector = context.connector(location).await.ok()?;
    connector.connect(&SessionOptions::default()).await.ok()
}

async fn sample(database: &Database, elapsed: Duration) -> Option<MigrationSample> {
    let (sessions, blocked, migration) = tokio::join!(
        postgres_room::sessions(database),
        postgres_room::blocked(database),
        postgres_room::migration_state(database, None),
    );
    let Seen::Present(sessions) = sessions else {
        return None;
    };
    let version = migration.present().and_then(|state| state.version.clone());
    Some(MigrationSample {
        seconds: elapsed.as_secs_f64(),
        active: sessions.into_iter().filter(works).collect(),
        blocked: blocked.present().cloned().unwrap_or_default(),
        version,
    })
}

/// Whether a session does something that a person who waits for a migration wants to see.
fn works(session: &Session) -> bool {
    let busy = session.state.as_deref().is_some_and(|state| state != "idle");
    match session.role {
        SessionRole::Writer | SessionRole::Dump => busy,
        SessionRole::Exporter | SessionRole::Replication | SessionRole::Ours | SessionRole::Server => false,
    }
}
