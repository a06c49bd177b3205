//! What is left behind where a migration refuses a transaction.

use migrators::{Migration, Project, migrator};
use model::{MigrationEnd, MigrationLockKind, MigrationTool};

use crate::story::{ENDLESS, RUNS, look, migration, programs, url};
use crate::support::{database, session, unique, until};

#[tokio::test]
async fn flyway_outside_a_transaction_leaves_a_failed_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::new(programs(), migrator(MigrationTool::Flyway), folder.path()).unwrap();
    // Its usual lock is a transaction around all, which takes the failed row back with it and stands in the way of
    // `concurrently`; whoever uses that turns it off.
    project.set("FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK", "false");
    let location = database(
        &unique("flyway"),
        "create schema old; create table old.users (name text); insert into old.users values ('twice'), ('twice')",
    )
    .await;
    project
        .add(&migration(1, "notes", "create table notes (id bigint)"))
        .unwrap();
    let outside = Migration {
        in_transaction: false,
        ..migration(
            2,
            "index",
            "create unique index concurrently users_name on old.users (name)",
        )
    };
    project.add(&outside).unwrap();
    assert!(!project.migrate(&url(&location)).unwrap().success());

    let facts = look(&location).await;
    let history = &facts.histories[0];
    assert_eq!(history.state.version.as_deref(), Some("1"));
    assert!(history.state.dirty);
    let trouble = &history.troubles[0];
    assert_eq!(
        (trouble.migration.as_str(), trouble.end),
        ("2", MigrationEnd::Failed)
    );
    assert!(trouble.since.is_some());
}

#[tokio::test]
async fn knex_outside_a_transaction_leaves_its_lock_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut project = Project::new(programs(), migrator(MigrationTool::Knex), folder.path()).unwrap();
    let location = database(&unique("knex"), "").await;
    let outside = Migration {
        in_transaction: false,
        ..migration(1, "users", ENDLESS)
    };
    project.add(&outside).unwrap();
    let mut child = project.start(&url(&location)).unwrap();
    let watcher = session(&location.database, "watcher").await;
    until(&watcher, RUNS).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let facts = look(&location).await;
    let [lock] = &facts.locks[..] else {
        panic!("one lock: {facts:#?}");
    };
    assert_eq!(
        (lock.tool, lock.kind),
        (MigrationTool::Knex, MigrationLockKind::Row)
    );
    // Knex writes neither, and this server keeps no commit times.
    assert_eq!((&lock.holder, &lock.since), (&None, &None));
    let release = postgres_room::release_migration_lock(lock).unwrap();
    watcher.batch_execute(&release).await.unwrap();
    assert_eq!(look(&location).await.locks, []);
    assert!(!facts.histories[0].state.dirty);
}
