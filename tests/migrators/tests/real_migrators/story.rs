//! The story of one tool: it migrates, waits for its next migration, is killed in it, fails in it, and ends well.

use std::sync::OnceLock;

use migrators::{Migration, Programs, Project, migrator};
use model::{DatabaseLocation, MigrationFacts, MigrationHistory, MigrationLockKind, MigrationTool, Seen};
use postgres_room::{Comparison, compare};
use test_node::cache::Cache;
use test_node::progress::Progress;

use crate::expected::{self, Expected};
use crate::support::{PASSWORD, database, open, server, session, unique, until};

/// A statement that is in the middle of its work until it is killed.
pub(crate) const ENDLESS: &str = "select pg_sleep(600)";
pub(crate) const RUNS: &str = "select exists (select from pg_stat_activity \
                    where datname = current_database() and state = 'active' and query like '%pg_sleep(600)%' \
                      and pid <> pg_backend_pid())";
const NOBODY_ELSE: &str = "select not exists (select from pg_stat_activity where datname = current_database() \
                           and backend_type = 'client backend' and pid <> pg_backend_pid())";

pub(crate) fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let cache = Cache::from_environment().expect("there is a cache folder");
        Programs::ready(&cache, &Progress::stderr()).expect("the migrators can be built")
    })
}

pub(crate) fn migration<'a>(number: u32, word: &'a str, sql: &'a str) -> Migration<'a> {
    Migration {
        number,
        word,
        sql,
        in_transaction: true,
    }
}

pub(crate) fn url(location: &DatabaseLocation) -> String {
    let password = PASSWORD.replace(' ', "%20");
    let (port, name) = (server().port, &location.database);
    format!("postgres://postgres:{password}@127.0.0.1:{port}/{name}?sslmode=disable")
}

/// What is told about the database now.
pub(crate) async fn look(location: &DatabaseLocation) -> MigrationFacts {
    match postgres_room::migrations(&open(location).await).await {
        Seen::Present(facts) => facts,
        other => panic!("the migrations cannot be read: {other:?}"),
    }
}

pub(crate) async fn of(tool: MigrationTool) {
    let expected = expected::of(tool);
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::new(programs(), migrator(tool), folder.path()).unwrap();
    let location = database(&unique("story"), "").await;
    let url = url(&location);

    // Clean.
    project
        .add(&migration(1, "users", "create table users (id bigint)"))
        .unwrap();
    project
        .add(&migration(2, "notes", "create table notes (id bigint)"))
        .unwrap();
    let done = project.migrate(&url).unwrap();
    assert!(done.success(), "{tool}: {done}");
    let history = calm(&location, tool, &expected, 2).await;
    assert_compared(&history, &project, &expected, &[], &[]);

    // Pending.
    project.add(&migration(3, "third", ENDLESS)).unwrap();
    let third = (expected.name)(3, "third");
    assert_compared(&history, &project, &expected, &[&third], &[]);

    // Killed half-way; its session lives on until the server notices, or until somebody ends it.
    let mut child = project.start(&url).unwrap();
    let watcher = session(&location.database, "watcher").await;
    until(&watcher, RUNS).await;
    assert_lock_held(&look(&location).await, tool, expected.lock);
    child.kill().unwrap();
    child.wait().unwrap();
    if expected.lock_outlives {
        assert_lock_held(&look(&location).await, tool, expected.lock);
    }
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() \
               and pid <> pg_backend_pid()";
    watcher.execute(end, &[]).await.unwrap();
    until(&watcher, NOBODY_ELSE).await;
    let facts = look(&location).await;
    assert_eq!(
        trouble(&facts, &third),
        expected.killed,
        "{tool} killed: {facts:#?}"
    );
    let left = facts.locks.iter().map(|lock| lock.kind).collect::<Vec<_>>();
    let stays = expected.lock.filter(|kind| *kind == MigrationLockKind::Row);
    assert_eq!(left, stays.into_iter().collect::<Vec<_>>(), "{tool} killed");
    mend(&watcher, &expected).await;

    // Failed.
    project.replace(&migration(3, "third", "select 1 / 0")).unwrap();
    let done = project.migrate(&url).unwrap();
    assert!(!done.success(), "{tool} must fail");
    let facts = look(&location).await;
    assert_eq!(
        trouble(&facts, &third),
        expected.failed,
        "{tool} failed: {facts:#?}"
    );
    assert_eq!(facts.locks, [], "{tool} failed");
    assert_eq!(facts.histories[0].state.dirty, expected.failed.is_some());
    mend(&watcher, &expected).await;

    // Clean again, and ahead of a version that has two migrations only.
    project
        .replace(&migration(3, "third", "alter table users add name text"))
        .unwrap();
    let done = project.migrate(&url).unwrap();
    assert!(done.success(), "{tool}: {done}");
    let after = calm(&location, tool, &expected, 3).await;
    assert_ne!(after.state.fingerprint, history.state.fingerprint, "{tool}");
    project.forget_last();
    assert_compared(&after, &project, &expected, &[], &[&third]);
}

/// Asserts that `count` migrations are applied and nothing else is to be told.
async fn calm(
    location: &DatabaseLocation,
    tool: MigrationTool,
    expected: &Expected,
    count: u32,
) -> MigrationHistory {
    let facts = look(location).await;
    let MigrationFacts {
        histories,
        locks,
        unreadable,
    } = &facts;
    let [history] = &histories[..] else {
        panic!("{tool} has one table, found {facts:#?}");
    };
    let words = ["users", "notes", "third"];
    let names: Vec<String> = (1..=count)
        .map(|n| (expected.name)(n, words[n as usize - 1]))
        .collect();
    let listed = names[names.len() - (expected.lists)(count) as usize..].to_vec();
    assert_eq!(history.state.tool, tool);
    assert_eq!(history.applied, listed, "{tool}");
    assert_eq!(
        history.state.version.as_deref(),
        names.last().map(String::as_str),
        "{tool}"
    );
    assert_eq!(
        history.state.applied,
        i64::from((expected.lists)(count)),
        "{tool}"
    );
    assert!(
        !history.state.dirty && history.troubles.is_empty(),
        "{tool}: {history:#?}"
    );
    assert!(locks.is_empty() && unreadable.is_empty(), "{tool}: {facts:#?}");
    history.clone()
}

/// The lock of a migrator that works or whose session lives on: of the kind that the tool takes, with who holds it.
fn assert_lock_held(facts: &MigrationFacts, tool: MigrationTool, expected: Option<MigrationLockKind>) {
    let kinds: Vec<MigrationLockKind> = facts.locks.iter().map(|lock| lock.kind).collect();
    match expected {
        None => assert_eq!(kinds, [], "{tool}: {facts:#?}"),
        Some(kind) => assert!(kinds.contains(&kind), "{tool}: {facts:#?}"),
    }
    for lock in &facts.locks {
        assert_eq!(lock.tool, tool);
        match lock.kind {
            MigrationLockKind::Row => assert!(lock.session.is_none()),
            MigrationLockKind::Advisory | MigrationLockKind::Table => {
                assert!(lock.session.is_some(), "{tool}: {lock:#?}");
            }
        }
    }
    if tool == MigrationTool::Liquibase {
        let lock = &facts.locks[0];
        assert!(lock.holder.is_some() && lock.since.is_some(), "{lock:#?}");
    }
}

fn assert_compared(
    history: &MigrationHistory,
    project: &Project<'_>,
    expected: &Expected,
    pending: &[&str],
    ahead: &[&str],
) {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let comparison = compare(history, project.files());
    let tool = history.state.tool;
    if expected.by_files {
        let comparison = comparison.unwrap_or_else(|| panic!("{tool} has files"));
        assert_eq!(comparison.pending, Some(owned(pending)), "{tool}");
        assert_eq!(comparison.ahead, owned(ahead), "{tool}");
        assert_eq!(comparison.known, project.files().len(), "{tool}");
    } else {
        // Alembic's files say which revisions a version knows, and nothing about their order.
        let heads = comparison.map(|Comparison { pending, ahead, .. }| (pending, ahead));
        let known = (tool == MigrationTool::Alembic).then(|| (None, owned(ahead)));
        assert_eq!(heads, known, "{tool}");
    }
}

fn trouble(facts: &MigrationFacts, name: &str) -> Option<model::MigrationEnd> {
    let [trouble] = &facts.histories[0].troubles[..] else {
        assert!(facts.histories[0].troubles.is_empty(), "{facts:#?}");
        return None;
    };
    assert_eq!(trouble.migration, name);
    if trouble.end == model::MigrationEnd::Failed {
        let said = trouble.said.as_deref().unwrap_or_default();
        assert!(said.contains("division by zero"), "{trouble:?}");
    }
    Some(trouble.end)
}

async fn mend(session: &tokio_postgres::Client, expected: &Expected) {
    if let Some(sql) = expected.mend {
        session.batch_execute(sql).await.unwrap();
    }
}
