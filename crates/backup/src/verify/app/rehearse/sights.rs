//! What a migration does to the copy while it runs: statements at work, locks on tables, the size, and how far it is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::{
    MigrationState, Rehearsal, RehearsedLock, RehearsedStatement, Seen, Session, SessionRole, causes,
};
use postgres_room::{ConnectError, Database, QueryError, SessionOptions};
use tokio::time::{MissedTickBehavior, interval};

use super::super::request::{MigrationBy, MigrationWanted};
use super::Door;
use crate::{Progress, Server};

/// How often the copy is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How many looks in a row have to find the schema arrived and nobody at work, before an application that is not ready
/// counts as one that has migrated.
const QUIET_LOOKS: u32 = 10;

/// How many statements and locks are told.
const TOLD: usize = 20;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Sights {
    statements: BTreeMap<String, f64>,
    locks: BTreeMap<(String, String), f64>,
    /// The largest size of the database, in bytes.
    pub(super) most_bytes: Option<u64>,
    /// The schema's version at the last look.
    pub(super) state: Option<MigrationState>,
    /// When a session of the application was at work for the first time.
    pub(super) first_at_work: Option<Instant>,
    /// When the schema was seen to have arrived where the target brings it.
    pub(super) arrived: Option<Instant>,
    quiet: u32,
    /// Why there were no looks, or no more of them.
    trouble: Option<String>,
}

/// One look.
struct Look {
    sessions: Vec<Session>,
    /// Holder, table, mode.
    locks: Vec<(i32, String, String)>,
    bytes: Option<u64>,
    state: Option<MigrationState>,
}

/// Opens the session that looks: it waits for nobody.
pub(super) async fn open(server: &Server, door: &Door) -> Result<Database, ConnectError> {
    let options = SessionOptions {
        database: Some(door.database.clone()),
        ..SessionOptions::default()
    };
    server.connector.connect(&options).await
}

/// Watches until the schema has arrived and nobody works any more; else until dropped. Trouble in looking is kept for the
/// report and ends nothing.
pub(super) async fn watch(
    database: Database,
    wanted: &MigrationWanted,
    sights: &mut Sights,
    progress: Progress<'_>,
) {
    let begun = Instant::now();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = begun;
    loop {
        ticks.tick().await;
        let look = match look(&database, wanted).await {
            Ok(look) => look,
            Err(error) => {
                sights.trouble = Some(causes(&error));
                return std::future::pending().await;
            }
        };
        let now = Instant::now();
        progress(&words(&look, begun.elapsed()), None);
        sights.add(look, wanted, now, now.duration_since(last));
        last = now;
        if wanted.by == MigrationBy::Boot && sights.quiet >= QUIET_LOOKS {
            return;
        }
    }
}

async fn look(database: &Database, wanted: &MigrationWanted) -> Result<Look, QueryError> {
    let activity = postgres_room::activity(database).await?;
    let bytes = u64::try_from(postgres_room::database_size(database).await?).ok();
    let locks = match postgres_room::held_locks(database).await {
        Seen::Present(locks) => locks
            .into_iter()
            .map(|lock| (lock.holder, lock.relation, lock.mode))
            .collect(),
        Seen::Absent | Seen::Unreadable(_) => Vec::new(),
    };
    // The tool's table may be locked by the migration itself: then this look knows no version.
    let state = postgres_room::migration_state(database, wanted.tool).await;
    Ok(Look {
        sessions: activity.sessions.into_iter().filter(works).collect(),
        locks,
        bytes,
        state: state.present().cloned(),
    })
}

/// Whether it is a session of the application that does something.
fn works(session: &Session) -> bool {
    session.role == SessionRole::Writer && session.state.as_deref().is_some_and(|state| state != "idle")
}

fn words(look: &Look, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let at_work = look.sessions.iter().find(|session| !session.statement.is_empty());
    match at_work {
        Some(session) => format!("after {seconds} s: {}", session.statement),
        None => format!("after {seconds} s: nobody is at work on the copy"),
    }
}

impl Sights {
    /// Adds a look that came `since` after the one before.
    fn add(&mut self, look: Look, wanted: &MigrationWanted, now: Instant, since: Duration) {
        let Look {
            sessions,
            locks,
            bytes,
            state,
        } = look;
        if !sessions.is_empty() {
            self.first_at_work.get_or_insert(now);
        }
        for session in sessions.iter().filter(|session| !session.statement.is_empty()) {
            let worked = match session.state.as_deref() {
                Some("active") => session.state_seconds.unwrap_or_default().max(0.0),
                Some(_) | None => 0.0,
            };
            let longest = self.statements.entry(session.statement.clone()).or_default();
            *longest = longest.max(worked);
        }
        let theirs = |holder: i32| sessions.iter().any(|session| session.pid == holder);
        let mut held: Vec<(String, String)> = locks
            .into_iter()
            .filter(|(holder, ..)| theirs(*holder))
            .map(|(_, table, mode)| (table, mode))
            .collect();
        held.sort();
        held.dedup();
        for lock in held {
            *self.locks.entry(lock).or_default() += since.as_secs_f64();
        }
        self.most_bytes = self.most_bytes.max(bytes);
        let there = state
            .as_ref()
            .is_some_and(|state| !state.dirty && wanted.schema.is_some() && state.version == wanted.schema);
        if there {
            self.arrived.get_or_insert(now);
        } else {
            self.arrived = None;
        }
        self.quiet = if there && sessions.is_empty() {
            self.quiet + 1
        } else {
            0
        };
        if state.is_some() {
            self.state = state;
        }
    }

    /// Puts what was seen into the report, the longest first.
    pub(super) fn into_report(self, report: &mut Rehearsal) {
        let by_length = |one: f64, other: f64| other.total_cmp(&one);
        let mut statements: Vec<RehearsedStatement> = self
            .statements
            .into_iter()
            .map(|(statement, seconds)| RehearsedStatement { statement, seconds })
            .collect();
        statements.sort_by(|one, other| by_length(one.seconds, other.seconds));
        statements.truncate(TOLD);
        let mut locks: Vec<RehearsedLock> = self
            .locks
            .into_iter()
            .map(|((table, mode), seconds)| RehearsedLock { table, mode, seconds })
            .collect();
        locks.sort_by(|one, other| by_length(one.seconds, other.seconds));
        locks.truncate(TOLD);
        report.statements = statements;
        report.locks = locks;
        if let Some(why) = self.trouble {
            report
                .unknown
                .push(format!("statements and locks were not seen to the end: {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn session(pid: i32, state: &str, statement: &str, seconds: f64) -> Session {
        Session {
            pid,
            user: Some("app".into()),
            application: "migrate".into(),
            client: None,
            state: Some(state.into()),
            transaction_seconds: None,
            state_seconds: Some(seconds),
            waiting_for: None,
            statement: statement.into(),
            role: SessionRole::Writer,
        }
    }

    fn look(sessions: Vec<Session>, locks: &[(i32, &str, &str)], bytes: u64, version: Option<&str>) -> Look {
        Look {
            sessions,
            locks: locks
                .iter()
                .map(|(holder, table, mode)| (*holder, (*table).to_owned(), (*mode).to_owned()))
                .collect(),
            bytes: Some(bytes),
            state: version.map(|version| MigrationState {
                tool: MigrationTool::Goose,
                table: "public.goose_db_version".into(),
                version: Some(version.into()),
                applied: 1,
                dirty: false,
                fingerprint: version.into(),
            }),
        }
    }

    fn wanted() -> MigrationWanted {
        MigrationWanted {
            by: MigrationBy::Boot,
            schema: Some("6".into()),
            tool: None,
        }
    }

    fn empty() -> Rehearsal {
        let text = r#"{"migrator":"job/m","container":"m","image":"i","outcome":"unknown","statements":[],"locks":[],
                       "findings":[],"unknown":[],"log":[],"isolation":[]}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_lasts_longest_is_told_first_and_only_the_application_s_own() {
        let mut sights = Sights::default();
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let strong = "AccessExclusiveLock";
        for (seconds, bytes) in [(0.2, 100), (1.2, 300), (2.2, 200)] {
            let at_work = vec![session(7, "active", "alter table entries", seconds)];
            let locks = [
                (7, "public.entries", strong),
                (7, "public.entries", strong),
                (9, "public.beats", strong),
            ];
            sights.add(look(at_work, &locks, bytes, Some("4")), &wanted(), now, second);
        }
        let idle = vec![session(7, "idle in transaction", "select ?", 50.0)];
        sights.add(look(idle, &[], 150, None), &wanted(), now, second);
        assert_eq!(sights.most_bytes, Some(300));
        assert_eq!(sights.state.as_ref().unwrap().version.as_deref(), Some("4"));
        assert_eq!(sights.arrived, None);
        let mut report = empty();
        sights.into_report(&mut report);
        let told: Vec<(&str, f64)> = report
            .statements
            .iter()
            .map(|one| (one.statement.as_str(), one.seconds))
            .collect();
        assert_eq!(told, [("alter table entries", 2.2), ("select ?", 0.0)]);
        assert_eq!(report.locks.len(), 1, "{:?}", report.locks);
        assert_eq!(report.locks[0].table, "public.entries");
        assert!((report.locks[0].seconds - 3.0).abs() < 0.001);
    }

    #[test]
    fn the_schema_has_arrived_only_when_it_stays_and_nobody_works() {
        let mut sights = Sights::default();
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let add = |sights: &mut Sights, sessions, version| {
            sights.add(look(sessions, &[], 1, version), &wanted(), now, second);
        };
        add(&mut sights, Vec::new(), Some("4"));
        assert_eq!((sights.quiet, sights.arrived), (0, None));
        add(&mut sights, Vec::new(), Some("6"));
        add(&mut sights, Vec::new(), Some("6"));
        assert_eq!(sights.quiet, 2);
        assert_eq!(sights.arrived, Some(now));
        add(&mut sights, vec![session(7, "active", "insert", 0.1)], Some("6"));
        assert_eq!(sights.quiet, 0, "somebody still works");
        add(&mut sights, Vec::new(), None);
        assert_eq!(sights.arrived, None, "what was not read has not arrived");
    }
}
