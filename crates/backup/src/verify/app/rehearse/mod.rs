//! The new version's migration on the restored copy: let it run, watch it, and say what came of it.
//!
//! - `sights` looks at the copy once a second while the migration works.
//! - `verdict` says what was seen means.

mod sights;
mod verdict;

use std::time::{Duration, Instant};

use model::{MigrationState, Rehearsal, RehearsalOutcome, Seen, causes};
use postgres_room::Database;

use self::sights::{Sights, open, watch};
use self::verdict::{Evidence, judge};
use super::AppRequest;
use super::apart::{Apart, ONCE, PATIENTLY};
use super::door::Door;
use super::fill::fill_volumes;
use super::ground::Ground;
use super::live::sessions_from;
use super::own_copy::{globals, hand_over, session};
use super::pod::AppServer;
use super::request::MigrationWanted;
use super::start::Start;
use super::words::lines;
use crate::ask::ask;
use crate::helper_pod::HelperPodError;
use crate::settings::Settings;
use crate::verify::{Findings, VerifyError};
use crate::{Backup, Progress, Server};

/// How many lines of the migrator's log are kept.
const LOG_LINES: i64 = 20;

/// What a server in use does and a throw-away one does not: without these a migration looks quicker than it will be.
const LIKE_A_SERVER_IN_USE: [&str; 4] = [
    "alter system set fsync = on",
    "alter system set full_page_writes = on",
    "alter system set synchronous_commit = on",
    "select pg_catalog.pg_reload_conf()",
];

/// Makes sure, before anything is restored, that the pod is kept from everything else.
///
/// # Errors
/// [`VerifyError::NotApart`] where it is not.
pub(in crate::verify) async fn apart(pod: &AppServer, progress: Progress<'_>) -> Result<(), VerifyError> {
    progress(
        "trying whether the pod reaches the database in use or the API server",
        None,
    );
    match Apart::look(pod, PATIENTLY).await?.refused() {
        Some(words) => Err(VerifyError::NotApart(words)),
        None => Ok(()),
    }
}

/// Runs the migration on the restored database and judges it. Comes last: it changes the database.
///
/// # Errors
/// When the pod or the server fails us, or the new version turns up on the database in use.
pub(in crate::verify) async fn rehearse(
    pod: &AppServer,
    wanted: &MigrationWanted,
    server: &Server,
    backup: &Backup,
    settings: Option<&Settings>,
    findings: &mut Findings,
    progress: Progress<'_>,
) -> Result<(), VerifyError> {
    let request = &pod.request;
    let door = &request.app.door;
    progress("making the restored database the application's", None);
    let globals = globals(backup).await?;
    hand_over(server, globals, &backup.manifest, settings, door).await?;
    like_a_server_in_use(server, door).await?;
    let mut rehearsal = blank(request, wanted);
    if let Some(words) = not_startable(pod, server, backup, &mut rehearsal, progress).await? {
        rehearsal.findings.push(words);
        findings.rehearsal = Some(rehearsal);
        return Ok(());
    }
    let database = open(server, door).await?;
    let before = Copy::look(&database, wanted).await;
    progress(
        &format!("starting {} on the restored copy", request.words()),
        None,
    );
    pod.open_gate().await?;
    let mut sights = Sights::default();
    let (start, took) = until_its_end(pod, wanted, database, &mut sights, progress).await?;
    progress("looking at what the migration did", None);
    let on_live = on_live(pod, backup.id.as_str()).await?;
    // A pod whose init container failed has ended, and the server with it: then the last look counts.
    let after = match open(server, door).await {
        Ok(database) => Copy::look(&database, wanted).await,
        Err(error) => Copy {
            state: sights.state.clone(),
            unread: Some(causes(&error)),
            ..Copy::default()
        },
    };
    rehearsal.log = log(pod, &start).await;
    rehearsal.seconds = took.map(|took| took.as_secs_f64());
    rehearsal.schema_before = version(&before.state);
    rehearsal.schema_after = version(&after.state);
    rehearsal.bytes_before = before.bytes;
    rehearsal.bytes_after = after.bytes;
    rehearsal.bytes_most = sights.most_bytes.max(after.bytes).max(before.bytes);
    rehearsal.wal_bytes = after
        .wal
        .zip(before.wal)
        .map(|(after, before)| after.saturating_sub(before));
    let verdict = judge(&Evidence {
        by: wanted.by,
        container: request.app.container.clone(),
        start,
        limit: request.limit.as_secs(),
        arrived: sights.arrived.is_some(),
        before: before.state,
        after: after.state,
        expected: wanted.schema.clone(),
        on_live,
    });
    rehearsal.outcome = verdict.outcome;
    rehearsal.findings = verdict.findings;
    rehearsal.unknown = verdict.unknown;
    rehearsal
        .unknown
        .extend(before.unread.into_iter().chain(after.unread));
    sights.into_report(&mut rehearsal);
    findings.rehearsal = Some(rehearsal);
    Ok(())
}

/// A rehearsal of which nothing is known yet.
fn blank(request: &AppRequest, wanted: &MigrationWanted) -> Rehearsal {
    Rehearsal {
        migrator: request.workload.clone(),
        container: request.app.container.clone(),
        image: request.image.clone(),
        outcome: RehearsalOutcome::Refused,
        schema_before: None,
        schema_after: None,
        schema_expected: wanted.schema.clone(),
        seconds: None,
        bytes_before: None,
        bytes_after: None,
        bytes_most: None,
        wal_bytes: None,
        statements: Vec::new(),
        locks: Vec::new(),
        findings: Vec::new(),
        unknown: Vec::new(),
        log: Vec::new(),
        isolation: Vec::new(),
    }
}

/// Fills its volumes, and tries once more where it would get to. Gives the reason why it must not start.
async fn not_startable(
    pod: &AppServer,
    server: &Server,
    backup: &Backup,
    rehearsal: &mut Rehearsal,
    progress: Progress<'_>,
) -> Result<Option<String>, VerifyError> {
    let request = &pod.request;
    let filled = match fill_volumes(pod, backup, progress).await {
        Ok(filled) => filled,
        Err(error) => return Ok(Some(causes(&error))),
    };
    let ground = match Ground::look(pod, server).await? {
        Ok(ground) => ground,
        Err(words) => return Ok(Some(words)),
    };
    if let Some(words) = Apart::look(pod, ONCE).await?.refused() {
        return Ok(Some(words));
    }
    rehearsal.isolation = vec![format!("{}, nor does the API server", ground.words())];
    let filled = filled
        .into_iter()
        .map(|words| format!("{words} is from the same backup"));
    rehearsal.isolation.extend(filled);
    rehearsal.isolation.extend(request.copies.words());
    let notes = pod.volumes.notes.iter().chain(&request.notes);
    rehearsal.isolation.extend(notes.cloned());
    Ok(None)
}

async fn like_a_server_in_use(server: &Server, door: &Door) -> Result<(), VerifyError> {
    let admin = session(server, "template1", true).await?;
    for statement in LIKE_A_SERVER_IN_USE {
        ask(
            &admin,
            "let the throw-away server write as one in use does",
            statement,
            &[],
        )
        .await?;
    }
    let copy = session(server, &door.database, true).await?;
    for statement in ["analyze", "checkpoint"] {
        ask(
            &copy,
            "let the restored database be as one in use is",
            statement,
            &[],
        )
        .await?;
    }
    Ok(())
}

/// Waits for the end of the migration, and watches it meanwhile. Also tells how long it took, where it ran at all.
async fn until_its_end(
    pod: &AppServer,
    wanted: &MigrationWanted,
    database: Database,
    sights: &mut Sights,
    progress: Progress<'_>,
) -> Result<(Start, Option<Duration>), VerifyError> {
    let mut running: Option<Instant> = None;
    let started = pod.started(|start| {
        if matches!(start, Start::Waits { running: true, .. } | Start::Ready) {
            running.get_or_insert_with(Instant::now);
        }
    });
    let opened = Instant::now();
    let ended = tokio::select! {
        ended = started => Some(ended.map_err(HelperPodError::Start)?),
        () = watch(database, wanted, sights, progress) => None,
    };
    let begun = running.or(sights.first_at_work).unwrap_or(opened);
    let now = sights
        .arrived
        .filter(|_| ended.is_none())
        .unwrap_or_else(Instant::now);
    Ok(match ended {
        Some(start @ (Start::Ready | Start::Ended { .. })) => (start, Some(now.duration_since(begun))),
        Some(start @ (Start::Waits { .. } | Start::Cannot(_))) => (start, None),
        None => {
            let words = "it is not ready, and its schema has arrived".to_owned();
            let running = true;
            (Start::Waits { running, words }, Some(now.duration_since(begun)))
        }
    })
}

/// Sessions of its pod on the database in use: none, or not known. Any is an error.
async fn on_live(pod: &AppServer, id: &str) -> Result<Seen<i64>, VerifyError> {
    let AppRequest { live, app, .. } = &pod.request;
    let found = match pod.address().await {
        Ok(Some(address)) => sessions_from(&pod.cluster, live, &app.door, &address, id).await,
        Ok(None) => Seen::Unreadable("its pod has no address".into()),
        Err(error) => Seen::Unreadable(causes(&error)),
    };
    match found {
        Seen::Present(count) if count > 0 => Err(VerifyError::ReachedLive(count)),
        found => Ok(found),
    }
}

async fn log(pod: &AppServer, start: &Start) -> Vec<String> {
    let request = &pod.request;
    let talks = match start {
        Start::Ended { container, .. } => container,
        Start::Ready | Start::Waits { .. } | Start::Cannot(_) => &request.app.container,
    };
    // Whoever said nothing yet has no last words.
    let log = pod.log(talks, LOG_LINES).await.unwrap_or_default();
    lines(&log, &request.secrets)
}

fn version(state: &Option<MigrationState>) -> Option<String> {
    state.as_ref()?.version.clone()
}

/// The copy at one moment.
#[derive(Default)]
struct Copy {
    state: Option<MigrationState>,
    bytes: Option<u64>,
    /// Where writing ahead is, in bytes from the beginning.
    wal: Option<u64>,
    /// What could not be read, in words.
    unread: Option<String>,
}

impl Copy {
    async fn look(database: &Database, wanted: &MigrationWanted) -> Self {
        let mut unread = Vec::new();
        let state = match postgres_room::migration_state(database, wanted.tool).await {
            Seen::Present(state) => Some(state),
            Seen::Absent => None,
            Seen::Unreadable(why) => {
                unread.push(format!("the schema's version could not be read: {why}"));
                None
            }
        };
        let bytes = match postgres_room::database_size(database).await {
            Ok(bytes) => u64::try_from(bytes).ok(),
            Err(error) => {
                unread.push(causes(&error));
                None
            }
        };
        let position = "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint";
        let wal = match ask(database, "read how much was written ahead", position, &[]).await {
            Ok(rows) => rows
                .first()
                .and_then(|row| u64::try_from(row.get::<_, i64>(0)).ok()),
            Err(error) => {
                unread.push(causes(&error));
                None
            }
        };
        Self {
            state,
            bytes,
            wal,
            unread: (!unread.is_empty()).then(|| unread.join("; ")),
        }
    }
}
