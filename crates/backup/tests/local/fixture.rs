//! A database to back up, a store to keep it in, and looks at what is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backup::{
    Backup, BackupId, CreateError, CreateRequest, LocalRunner, Packing, Place, Runner, Server, Store,
};
use jiff::Timestamp;
use model::{BackupFormat, DatabaseLocation};

use crate::support;

/// A name that breaks whoever pastes it into a shell, into SQL or into a connection string.
pub(crate) const HOSTILE: &str = "a b='c\"\\;$(touch x)`é%1\nhost=evil";

/// Some tables: rows that pack badly, an index, a view, a sequence, a large object, a migration table.
pub(crate) const CONTENT: &str = r#"
    create table orders (id serial primary key, note text not null);
    insert into orders (note) select md5(random()::text) || md5(random()::text) from generate_series(1, 20000);
    create index on orders (note);
    create schema "odd ""schema";
    create table "odd ""schema"."odd 'table" (x int);
    insert into "odd ""schema"."odd 'table" values (1), (2), (3);
    create view newest as select max(id) from orders;
    create table goose_db_version (id serial primary key, version_id bigint not null, is_applied bool not null,
        tstamp timestamp default now());
    insert into goose_db_version (version_id, is_applied) values (0, true), (7, true);
    select lo_from_bytea(0, 'large object');
"#;

pub(crate) struct Fixture {
    pub(crate) location: DatabaseLocation,
    pub(crate) store: Store,
    folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new(name: &str) -> Self {
        let name = support::unique(name);
        let location = support::database(&name, CONTENT).await;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store").to_str().unwrap()).unwrap();
        Self {
            location,
            store,
            folder,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.location.database
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn server(&self) -> Server {
        self.server_through(Arc::new(LocalRunner::default())).await
    }

    pub(crate) async fn server_through(&self, runner: Arc<dyn Runner>) -> Server {
        let credentials = support::credentials("postgres", support::PASSWORD);
        Server::reach_through(runner, &self.location, &credentials, &support::unique("test"))
            .await
            .unwrap()
    }

    pub(crate) fn request(&self) -> CreateRequest {
        CreateRequest {
            id: BackupId::new(Timestamp::now()),
            place: Place {
                cluster: "direct".into(),
                namespace: "direct".into(),
                server: "test".into(),
                database: self.name().into(),
            },
            reason: "test".into(),
            made_by: "test".into(),
            release: None,
            lock_wait: Duration::from_secs(20),
            format: BackupFormat::Custom,
            packing: Packing::Best,
        }
    }

    pub(crate) async fn create(&self) -> Backup {
        self.try_create(&self.server().await).await.unwrap()
    }

    pub(crate) async fn try_create(&self, server: &Server) -> Result<Backup, CreateError> {
        backup::create(server, &self.store, &self.request(), &quiet).await
    }

    /// Every file and folder in the store.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        walk(self.store.folder().unwrap())
    }
}

pub(crate) fn quiet(_message: &str, _share: Option<f64>) {}

pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        found.extend(walk(&entry.path()));
    }
    found
}

/// One text from a database.
pub(crate) async fn ask(database: &str, sql: &str) -> String {
    support::session(database, "look")
        .await
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0)
}

/// The databases of a test, by a part of their names.
pub(crate) async fn databases_like(part: &str) -> Vec<String> {
    let session = support::session("postgres", "look").await;
    let query = "select datname::text from pg_database where strpos(datname, $1) > 0 order by 1";
    let rows = session.query(query, &[&part]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// What makes two databases equal to a test: every row, in order.
pub(crate) async fn content(database: &str) -> String {
    ask(
        database,
        r#"select (select md5(string_agg(id || note, ',' order by id)) from orders) || count(*)::text || '/'
            || (select count(*) from pg_largeobject) from "odd ""schema"."odd 'table""#,
    )
    .await
}
