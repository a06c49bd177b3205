//! Restores that need an answer of a person, and what is kept afterwards.

use backup::{
    Backup, RestoreError, RestoreRequest, drop_kept, kept, loss, newest_backup, restore, restore_id,
    undo_restore,
};
use jiff::Timestamp;
use model::{RestoreOptions, Verification};

use crate::fixture::{Fixture, ask, databases_like, quiet};
use crate::support;

fn answered(options: RestoreOptions) -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options,
    }
}

const OWNER: &str = "select tableowner::text from pg_tables where tablename = 'orders'";
const GRANTED: &str = "select coalesce(relacl::text, 'nothing') from pg_class where relname = 'orders'";

/// A backup in which a role owns a table and another may read it, both gone since.
async fn without_roles(fixture: &Fixture) -> (Backup, String, String) {
    let (owner, reader) = (support::unique("owner"), support::unique("reader"));
    let session = support::session(fixture.name(), "setup").await;
    session
        .batch_execute(&format!(
            "create role {owner}; create role {reader}; alter table orders owner to {owner}; \
             grant select on orders to {reader}"
        ))
        .await
        .unwrap();
    let backup = fixture.create().await;
    session
        .batch_execute(&format!(
            "reassign owned by {owner} to postgres; drop owned by {owner}, {reader}; drop role {owner}, {reader}"
        ))
        .await
        .unwrap();
    (backup, owner, reader)
}

#[tokio::test]
async fn missing_roles_are_named_with_the_answers_and_each_answer_does() {
    let fixture = Fixture::new("roles").await;
    let (backup, owner, reader) = without_roles(&fixture).await;
    let server = fixture.server().await;
    let asked = answered(RestoreOptions::default());
    let error = restore(&server, &backup, &asked, &quiet).await.unwrap_err();
    let words = error.to_string();
    for part in [
        owner.as_str(),
        &reader,
        "--owner",
        "--no-owner",
        "--no-acl",
        "--create-roles",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    let only_owner = answered(RestoreOptions {
        no_owner: true,
        ..RestoreOptions::default()
    });
    let error = restore(&server, &backup, &only_owner, &quiet).await.unwrap_err();
    assert!(
        matches!(&error, RestoreError::MissingRoles(roles) if *roles == [reader.clone()]),
        "{error}"
    );
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);

    let neither = answered(RestoreOptions {
        no_owner: true,
        no_acl: true,
        ..RestoreOptions::default()
    });
    let report = restore(&server, &backup, &neither, &quiet).await.unwrap();
    assert_eq!(ask(fixture.name(), OWNER).await, "postgres");
    assert_eq!(ask(fixture.name(), GRANTED).await, "nothing");
    assert_eq!(
        report.ownership,
        "everything belongs to postgres, who restores, privileges left out"
    );

    let role = support::unique("shop");
    let session = support::session(fixture.name(), "setup").await;
    session
        .batch_execute(&format!("create role {role}"))
        .await
        .unwrap();
    let to_role = answered(RestoreOptions {
        owner: Some(role.clone()),
        no_acl: true,
        ..RestoreOptions::default()
    });
    // A role that is not the server's owner may make things in a schema only where it was let.
    session.batch_execute("select 1").await.unwrap();
    let database = support::quoted(fixture.name());
    session
        .batch_execute(&format!("alter database {database} owner to {role}"))
        .await
        .unwrap();
    drop(session);
    let report = restore(&server, &backup, &to_role, &quiet).await.unwrap();
    assert_eq!(ask(fixture.name(), OWNER).await, role);
    assert!(
        report.ownership.contains(&format!("belongs to {role}")),
        "{report:?}"
    );

    let created = answered(RestoreOptions {
        create_roles: true,
        ..RestoreOptions::default()
    });
    let report = restore(&server, &backup, &created, &quiet).await.unwrap();
    assert_eq!(ask(fixture.name(), OWNER).await, owner);
    assert!(ask(fixture.name(), GRANTED).await.contains(&reader));
    assert!(
        report.notes.iter().any(|note| note.contains(&owner)),
        "{report:?}"
    );
    let login = format!("select rolcanlogin::text from pg_roles where rolname = '{owner}'");
    assert_eq!(ask("postgres", &login).await, "false");
}

fn that_found_a_difference(backup: &Backup) -> Verification {
    let test = serde_json::json!({
        "apiVersion": model::API_VERSION,
        "kind": "BackupVerification",
        "id": backup.id.to_string(),
        "verifiedAt": Timestamp::now().to_string(),
        "compared": [],
        "differences": ["public.orders: 2 rows, and 3 in the manifest"],
        "restoreSeconds": 1.0,
    });
    serde_json::from_value(test).unwrap()
}

#[tokio::test]
async fn what_is_kept_is_listed_and_dropped_only_while_the_database_in_use_is_well() {
    let fixture = Fixture::new("keeps").await;
    let backup = fixture.create().await;
    let server = fixture.server().await;
    let request = answered(RestoreOptions::default());
    let report = restore(&server, &backup, &request, &quiet).await.unwrap();
    let listed = kept(&server).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0].name, &listed[0].id), (&report.kept_as, &request.id));

    let unknown = loss(&server, "nosuch").await.unwrap_err();
    assert!(matches!(unknown, RestoreError::NothingKept { .. }), "{unknown}");
    let somebody = support::session(&report.kept_as, "psql").await;
    let error = drop_kept(&server, &request.id, &quiet).await.unwrap_err();
    assert!(matches!(error, RestoreError::InUse { .. }), "{error}");
    drop(somebody);
    let gone = format!(
        "select count(*) = 0 from pg_stat_activity where datname = '{}'",
        report.kept_as
    );
    support::until(&support::session("postgres", "look").await, &gone).await;

    let session = support::session(fixture.name(), "mistake").await;
    session
        .batch_execute("create schema aside; do 'declare t text; begin for t in select format(''%I.%I'', schemaname, tablename) \
            from pg_tables where schemaname !~ ''^pg_|information'' loop execute ''drop table '' || t || '' cascade''; end loop; end'")
        .await
        .unwrap();
    let error = drop_kept(&server, &request.id, &quiet).await.unwrap_err();
    assert!(matches!(error, RestoreError::NotWell { .. }), "{error}");
    assert_eq!(databases_like(&report.kept_as).await.len(), 1);

    session.batch_execute("create table again (x int)").await.unwrap();
    drop(session);
    assert_eq!(
        newest_backup(&fixture.store, &server).await.unwrap().unwrap().id,
        backup.id
    );
    backup
        .publish_verification(&that_found_a_difference(&backup), Timestamp::now())
        .await
        .unwrap();
    let newest = newest_backup(&fixture.store, &server).await.unwrap();
    assert!(newest.is_none(), "one that is not equal restores nothing");
    let lost = drop_kept(&server, &request.id, &quiet).await.unwrap();
    assert!(lost.tables > 1 && lost.kept.name == report.kept_as, "{lost:?}");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
    let again = undo_restore(&server, &request.id, &quiet).await.unwrap_err();
    assert!(matches!(again, RestoreError::NothingKept { .. }), "{again}");
}

#[tokio::test]
async fn a_dump_newer_than_the_schema_in_use_needs_an_answer() {
    let fixture = Fixture::new("older").await;
    let backup = fixture.create().await;
    let session = support::session(fixture.name(), "setup").await;
    session
        .batch_execute("delete from goose_db_version where version_id = 7")
        .await
        .unwrap();
    let server = fixture.server().await;
    let outlook = backup::outlook(&server, (&backup).into()).await;
    assert!(
        outlook.words().contains("version 7, newer than none"),
        "{}",
        outlook.words()
    );
    let error = restore(&server, &backup, &answered(RestoreOptions::default()), &quiet)
        .await
        .unwrap_err();
    assert!(matches!(error, RestoreError::OlderImage(_)), "{error}");
    assert_eq!(databases_like(fixture.name()).await, [fixture.name()]);
    let agreed = answered(RestoreOptions {
        older_image: true,
        ..RestoreOptions::default()
    });
    restore(&server, &backup, &agreed, &quiet).await.unwrap();
    let newest = "select max(version_id)::text from goose_db_version";
    assert_eq!(ask(fixture.name(), newest).await, "7");

    session
        .batch_execute("select 1")
        .await
        .expect_err("the session was on the database before, which was swapped out");
    let now = support::session(fixture.name(), "setup").await;
    now.batch_execute("insert into goose_db_version (version_id, is_applied) values (8, true)")
        .await
        .unwrap();
    let outlook = backup::outlook(&server, (&backup).into()).await;
    assert!(
        outlook.words().contains("from 7 to 8 (1 migration)"),
        "{}",
        outlook.words()
    );
}
