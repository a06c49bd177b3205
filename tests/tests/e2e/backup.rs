//! Backups of Postgres in pods that are given up or not allowed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use backup::{
    Backup, BackupId, CreateRequest, HelperPodError, LOCK_WAIT, Packing, Place as BackupPlace, Questions,
    Server, Store, VerifyError, VerifyPlace, VerifyRequest, create, verify,
};
use cluster::Cluster;
use e2e::connect_options;
use jiff::Timestamp;
use model::{BackupFormat, DatabaseLocation, Profile};
use postgres_room::{Credentials, FindOptions, SecretKey, credentials, find};
use test_apps::{HelmLine, Place, Postgres, ensure_images};
use test_node::{Namespace, Node};

/// Something to back up.
const CONTENT: &str =
    "create table orders as select i as id, md5(i::text) as note from generate_series(1, 50000) i";

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
        let cluster = Cluster::connect(&connect_options(&node, namespace.name())).await?;
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
    let mut as_nobody = connect_options(&world.node, world.namespace.name());
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
