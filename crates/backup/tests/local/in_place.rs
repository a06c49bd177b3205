//! Restoring where no second database may be made.

use std::sync::Arc;

use backup::{
    Backup, LocalRunner, RestoreError, RestoreFrom, RestoreRequest, Server, only_in_place, restore,
    restore_id, restore_in_place,
};
use jiff::Timestamp;
use model::{RestoreOptions, causes};

use crate::fixture::{CONTENT, Fixture, ask, content, quiet};
use crate::support;

/// A database of the administrator's in which a role without further rights owns everything.
struct Rented {
    fixture: Fixture,
    role: String,
}

impl Rented {
    async fn new(name: &str) -> Self {
        let (role, name) = (support::unique("tenant"), support::unique(name));
        let setup = support::session("postgres", "setup").await;
        setup
            .batch_execute(&format!("create role {role} login password 'x'"))
            .await
            .unwrap();
        setup
            .batch_execute(&format!("create database {name}"))
            .await
            .unwrap();
        let session = support::session(&name, "setup").await;
        session
            .batch_execute(&format!(
                "grant create on database {name} to {role}; grant create on schema public to {role}; set role {role}; {CONTENT}"
            ))
            .await
            .unwrap();
        let mut fixture = Fixture::new("unused").await;
        fixture.location.database = name;
        fixture.location.user.clone_from(&role);
        Self { fixture, role }
    }

    async fn server(&self) -> Server {
        let credentials = support::credentials(&self.role, "x");
        let runner = Arc::new(LocalRunner::default());
        Server::reach_through(
            runner,
            &self.fixture.location,
            &credentials,
            &support::unique("rented"),
        )
        .await
        .unwrap()
    }

    async fn create(&self) -> Backup {
        self.fixture.try_create(&self.server().await).await.unwrap()
    }

    /// What a bad migration does, as the role itself.
    async fn spoil(&self) {
        let session = support::session(self.fixture.name(), "migration").await;
        session
            .batch_execute(&format!(
                "set role {}; update orders set note = 'gone'; create table lines (id int references orders (id)); \
                 create type colour as enum ('red'); create function paint() returns colour language sql as 'select ''red''::colour'; \
                 create schema later; create table later.t (c colour)",
                self.role
            ))
            .await
            .unwrap();
    }
}

fn request() -> RestoreRequest {
    RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    }
}

#[tokio::test]
async fn what_the_role_owns_is_replaced_in_one_transaction() {
    let rented = Rented::new("rented").await;
    let name = rented.fixture.name().to_owned();
    let before = content(&name).await;
    let backup = rented.create().await;
    rented.spoil().await;
    let server = rented.server().await;
    let usual = restore(&server, &backup, &request(), &quiet).await.unwrap_err();
    assert!(causes(&usual).contains("CREATEDB"), "{}", causes(&usual));
    let spoiled = rented.create().await;
    let report = restore_in_place(&server, (&backup).into(), &spoiled, &request(), &quiet)
        .await
        .unwrap();
    assert_eq!(content(&name).await, before);
    assert!(!report.compared.is_empty(), "{report:?}");
    assert!(
        report.notes.iter().any(|note| note.contains(spoiled.id.as_str())),
        "{report:?}"
    );
    let left = "select (select count(*) from pg_class where relname in ('lines', 't'))::text || (select count(*) from pg_namespace \
        where nspname = 'later') || (select count(*) from pg_type where typname = 'colour')";
    assert_eq!(ask(&name, left).await, "000");
}

#[tokio::test]
async fn a_failure_in_the_middle_changes_nothing() {
    let rented = Rented::new("middle").await;
    let name = rented.fixture.name().to_owned();
    let setup = support::session(&name, "setup").await;
    // Valid in use and not restorable.
    setup
        .batch_execute(&format!(
            "set role {}; create function twice(int) returns int language sql immutable as 'select $1 * 2';
             create function four(int) returns int language plpgsql immutable as 'begin return twice(twice($1)); end';
             create table indexed (x int); insert into indexed values (1); create index on indexed (four(x))",
            rented.role
        ))
        .await
        .unwrap();
    let backup = rented.create().await;
    rented.spoil().await;
    let server = rented.server().await;
    let error = restore_in_place(&server, (&backup).into(), &backup, &request(), &quiet)
        .await
        .unwrap_err();
    assert!(
        causes(&error).contains("psql ended with status 3"),
        "{}",
        causes(&error)
    );
    assert_eq!(ask(&name, "select min(note) from orders").await, "gone");
    assert_eq!(ask(&name, "select count(*)::text from later.t").await, "0");
}

#[tokio::test]
async fn it_is_refused_where_it_need_not_or_must_not_be() {
    let fixture = Fixture::new("may").await;
    let backup = fixture.create().await;
    let error = only_in_place(&fixture.server().await, RestoreFrom::Backup(&backup))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("may make a second database"),
        "{error}"
    );

    let rented = Rented::new("shared").await;
    let backup = rented.create().await;
    let setup = support::session(rented.fixture.name(), "setup").await;
    setup
        .batch_execute(&format!(
            "create view theirs as select * from orders; grant select on theirs to {}",
            rented.role
        ))
        .await
        .unwrap();
    let error = only_in_place(&rented.server().await, RestoreFrom::Backup(&backup))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, RestoreError::NotInPlace { why, .. } if why.contains("theirs")),
        "{error}"
    );
}
