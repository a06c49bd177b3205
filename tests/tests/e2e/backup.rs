//! Backups of Postgres in pods: made, listed, fetched, tested by a restore elsewhere, restored in place; on every major
//! version that the node has an image of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use backup::{
    Backup, BackupId, CreateRequest, Filter, HelperPodError, LOCK_WAIT, Packing, Place as BackupPlace,
    Questions, RestoreRequest, Server, Store, VerifyError, VerifyPlace, VerifyRequest, create, get, restore,
    restore_id, undo_restore, verify,
};
use cluster::{Cluster, ConnectOptions};
use jiff::Timestamp;
use model::{BackupFormat, BackupGrade, DatabaseLocation, Profile, RestoreOptions, Secret};
use postgres_room::{Credentials, FindOptions, SecretKey, credentials, find};
use test_apps::{HelmLine, Place, Postgres, ensure_images};
use test_node::{Namespace, Node};

/// Rows, a large object, an index, a table whose name breaks whoever pastes it, and a role that owns something.
const CONTENT: &str = r#"
    create table orders (id serial primary key, note text not null);
    insert into orders (note) select md5(random()::text) || md5(random()::text) from generate_series(1, 50000);
    create index on orders (note);
    create table "odd ""$(touch /tmp/x)' table" (x int);
    insert into "odd ""$(touch /tmp/x)' table" values (1), (2), (3);
    select lo_from_bytea(0, 'large object');
    do 'begin if not exists (select from pg_roles where rolname = ''keeper'') then create role keeper; end if; end';
    create table kept (x int); alter table kept owner to keeper;
"#;

struct World {
    node: Node,
    namespace: Namespace,
    place: Place,
    folder: tempfile::TempDir,
    cluster: Cluster,
}

impl World {
    async fn new() -> Result<Self> {
        let node = Node::ensure_up()?;
        ensure_images(&node)?;
        let namespace = node.namespace("backup")?;
        let place = Place::new(&node, namespace.name());
        let cluster = Cluster::connect(&options(&node, namespace.name())).await?;
        Ok(Self {
            node,
            namespace,
            place,
            folder: tempfile::tempdir()?,
            cluster,
        })
    }

    /// A server with a database to back up.
    async fn database(&self, release: &str, major: u32) -> Result<Target> {
        let postgres = Postgres::install(&self.place, HelmLine::Three, release, major)?;
        postgres.query(CONTENT)?;
        let workloads = self
            .cluster
            .workloads_of_release(self.namespace.name(), release)
            .await?;
        let options = FindOptions {
            secret: Some(SecretKey {
                name: format!("{release}-postgres"),
                key: "uri".into(),
            }),
            ..FindOptions::default()
        };
        let found = find(
            &self.cluster,
            self.namespace.name(),
            &workloads,
            &profile()?,
            &options,
        )
        .await?;
        let location = found.into_iter().next().context("no database found")?.location;
        let credentials = credentials(&self.cluster, &location).await?;
        Ok(Target {
            postgres,
            location,
            credentials,
        })
    }

    fn store(&self) -> Result<Store> {
        Ok(Store::open(
            &self.folder.path().join("store").display().to_string(),
        )?)
    }
}

struct Target {
    postgres: Postgres,
    location: DatabaseLocation,
    credentials: Credentials,
}

impl Target {
    async fn server(&self, world: &World, id: &str) -> Result<Server> {
        Ok(Server::reach(Some(&world.cluster), &self.location, &self.credentials, id).await?)
    }

    async fn request(&self, world: &World, server: &Server, id: BackupId) -> CreateRequest {
        CreateRequest {
            id,
            place: BackupPlace::observe(Some(&world.cluster), server).await,
            reason: "test".into(),
            made_by: "test".into(),
            release: None,
            lock_wait: LOCK_WAIT,
            format: BackupFormat::Custom,
            packing: Packing::Best,
        }
    }

    async fn create(&self, world: &World) -> Result<Backup> {
        let id = BackupId::new(Timestamp::now());
        let server = self.server(world, id.as_str()).await?;
        let request = self.request(world, &server, id).await;
        Ok(create(&server, &world.store()?, &request, &told).await?)
    }

    fn content(&self, database: &str) -> Result<String> {
        self.postgres.query_in(
            database,
            r#"select (select md5(string_agg(id || note, ',' order by id)) from orders), count(*),
                (select count(*) from pg_largeobject) from "odd ""$(touch /tmp/x)' table""#,
        )
    }
}

fn options(node: &Node, namespace: &str) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: Some(node.kubeconfig.clone()),
        namespace: Some(namespace.to_owned()),
        ..ConnectOptions::default()
    }
}

fn profile() -> Result<Profile> {
    let text = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: generic\n";
    Ok(model::profile::parse("test", text)?)
}

fn told(_message: &str, _share: Option<f64>) {}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        found.extend(walk(&entry.path()));
    }
    found
}

/// A server that is process 1 of its container takes an orphan of ours that ends by a signal for a crashed session: it
/// throws everybody out and recovers.
fn server_was_left_in_peace(world: &World) -> Result<()> {
    let log = world.place.kubectl(&["logs", "db-postgres-0", "--tail=-1"])?;
    let crash: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("was terminated by signal"))
        .collect();
    ensure!(crash.is_empty(), "{crash:?}");
    Ok(())
}

async fn round(major: u32) -> Result<()> {
    let world = World::new().await?;
    let target = world.database("db", major).await?;
    let before = target.content("app")?;
    let backup = target.create(&world).await?;
    ensure!(backup.manifest.proof.is_complete());
    ensure!(backup.manifest.server.version_num / 10_000 == i32::try_from(major)?);
    ensure!(
        backup
            .manifest
            .rows
            .iter()
            .any(|table| table.table == "public.orders" && table.rows == 50_000)
    );
    ensure!(
        backup.manifest.server_name == "db-postgres",
        "{}",
        backup.manifest.server_name
    );
    let listed = world.store()?.list(&Filter::default()).await?;
    ensure!(listed.len() == 1 && listed[0].id == backup.id && listed[0].manifest == backup.manifest);
    server_was_left_in_peace(&world)?;

    let copy = get(&backup, &world.folder.path().join("copy"), &told).await?;
    ensure!(copy.manifest == backup.manifest);

    let request = VerifyRequest::like(&world.cluster, &target.location, Duration::from_secs(300)).await?;
    let place = VerifyPlace::Pod(world.cluster.clone(), request);
    let questions = Questions::default();
    let verification = verify(&place, &copy, &questions, &told, std::future::pending()).await?;
    ensure!(
        verification.differences.is_empty(),
        "{:?}",
        verification.differences
    );
    ensure!(
        verification.compared.iter().any(|what| what.contains("rows")),
        "{:?}",
        verification.compared
    );
    let copies = Store::open(&world.folder.path().join("copy").display().to_string())?;
    let proven = copies.find(&copy.id).await?;
    ensure!(proven.summary(Timestamp::now()).grade == BackupGrade::A);
    let pods = world.place.kubectl(&[
        "get",
        "pods",
        "-l",
        "app.kubernetes.io/managed-by=kubectl-pgbackup",
        "-o",
        "name",
    ])?;
    ensure!(pods.trim().is_empty(), "left: {pods}");

    target
        .postgres
        .query("update orders set note = 'gone'; drop table kept")?;
    let request = RestoreRequest {
        id: restore_id(Timestamp::now()),
        options: RestoreOptions::default(),
    };
    let server = target.server(&world, &request.id).await?;
    let report = restore(&server, &backup, &request, &told).await?;
    ensure!(target.content("app")? == before);
    ensure!(
        target
            .postgres
            .query("select tableowner from pg_tables where tablename = 'kept'")?
            .trim()
            == "keeper"
    );
    ensure!(
        target
            .postgres
            .query_in(&report.kept_as, "select min(note) from orders")?
            .trim()
            == "gone"
    );
    ensure!(restore(&server, &backup, &request, &told).await?.done_before);
    undo_restore(&server, &request.id, &told).await?;
    ensure!(target.postgres.query("select min(note) from orders")?.trim() == "gone");

    let Some(password) = target.credentials.password.as_ref().map(Secret::expose) else {
        bail!("the chart makes a password");
    };
    ensure!(
        !std::fs::read_to_string(world.node.audit_log()?)?.contains(password),
        "the password stands in the audit log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_postgresql_15_goes_all_the_way_round() -> Result<()> {
    round(15).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_postgresql_17_goes_all_the_way_round() -> Result<()> {
    round(17).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_postgresql_18_goes_all_the_way_round() -> Result<()> {
    round(18).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_given_up_leaves_no_dump_in_the_pod_and_no_file_here() -> Result<()> {
    let world = World::new().await?;
    let target = world.database("db", 17).await?;
    target.postgres.query("create table lock_me (x int)")?;
    let id = BackupId::new(Timestamp::now());
    let server = target.server(&world, id.as_str()).await?;
    let request = target.request(&world, &server, id).await;
    let store = world.store()?;
    // Holds the table until it is told to go, in a session that ends with the test's namespace at the latest.
    let holder = std::thread::spawn({
        let postgres = target.postgres.clone();
        move || {
            postgres
                .query("begin; lock table lock_me; select pg_advisory_lock(1); select pg_sleep(15); commit")
        }
    });
    let sessions = |what: &str| {
        let query = format!("select count(*) from pg_stat_activity where {what}");
        target.postgres.query(&query).map(|count| count.trim().to_owned())
    };
    while sessions("query like '%pg_sleep(15)%' and pid <> pg_backend_pid()")? == "0" {}
    tokio::select! {
        made = create(&server, &store, &request, &told) => bail!("not blocked: {made:?}"),
        waiting = async {
            loop {
                let count = tokio::task::block_in_place(|| {
                    sessions("query like 'LOCK TABLE%' and wait_event = 'relation' and application_name like 'safe-upgrade%'")
                });
                if count? != "0" {
                    break anyhow::Ok(());
                }
                tokio::task::yield_now().await;
            }
        } => waiting?,
    }
    let root = store.folder().context("the store is a folder")?;
    let left = walk(root);
    ensure!(left.iter().all(|path| path == root), "left: {left:?}");
    // The lock wait is 30 s and the holder sleeps 15 s: what is gone while the holder still holds was ended by us.
    let running = || {
        // A process may end between its being listed and its being read.
        let names = "cat /proc/[0-9]*/comm 2>/dev/null; true";
        world
            .place
            .kubectl(&["exec", &target.postgres.pod, "--", "sh", "-c", names])
    };
    let mut left = running()?;
    for _ in 0..100 {
        if !left.lines().any(|name| name == "pg_dump") {
            break;
        }
        left = running()?;
    }
    ensure!(
        !left.lines().any(|name| name == "pg_dump"),
        "pg_dump still runs in the pod"
    );
    ensure!(
        !holder.is_finished(),
        "the table was free before the dump was gone"
    );
    let _ = holder.join();
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_create_pods_is_told_so_before_anything_happens() -> Result<()> {
    let world = World::new().await?;
    let target = world.database("db", 15).await?;
    let backup = target.create(&world).await?;
    let request = VerifyRequest::like(&world.cluster, &target.location, Duration::from_secs(60)).await?;
    let mut as_nobody = options(&world.node, world.namespace.name());
    as_nobody.as_user = Some("nobody".into());
    let nobody = Cluster::connect(&as_nobody).await?;
    let place = VerifyPlace::Pod(nobody, request);
    let questions = Questions::default();
    let error = verify(&place, &backup, &questions, &told, std::future::pending())
        .await
        .err()
        .context("was allowed")?;
    ensure!(
        matches!(error, VerifyError::Pod(HelperPodError::Forbidden { .. })),
        "{error}"
    );
    ensure!(error.to_string().contains("create pods"), "{error}");
    Ok(())
}
