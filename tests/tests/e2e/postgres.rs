//! The database room against real charts: from pod templates to the pod, through the API server to Postgres, and psql
//! over the pod's own socket.

use anyhow::{Context, Result, ensure};
use cluster::{Cluster, ConnectOptions};
use e2e::connect_options;
use model::{DatabaseRoute, MigrationTool, Profile, Seen, SessionRole, WorkloadKind};
use postgres_room::{
    Admin, Candidate, Connector, Database, FindError, FindOptions, RestoreName, SecretKey, SessionOptions,
    Snapshot, Swap, credentials, facts, find, row_counts, schema_hash, settings,
};
use test_apps::{HelmLine, Ledger, OpenFga, Place, ensure_images};
use test_node::{Namespace, Node};

struct World {
    node: Node,
    namespace: Namespace,
    place: Place,
    charts: tempfile::TempDir,
    cluster: Cluster,
}

impl World {
    async fn new() -> Result<Self> {
        let node = Node::ensure_up()?;
        ensure_images(&node)?;
        let namespace = node.namespace("database")?;
        let place = Place::new(&node, namespace.name());
        let cluster = Cluster::connect(&connect_options(&node, namespace.name())).await?;
        Ok(Self {
            node,
            namespace,
            place,
            charts: tempfile::tempdir()?,
            cluster,
        })
    }

    async fn find(&self, release: &str, options: &FindOptions) -> Result<Vec<Candidate>, FindError> {
        find_as(&self.cluster, self.namespace.name(), release, options).await
    }

    async fn connector(&self, candidate: &Candidate) -> Result<Connector> {
        let credentials = credentials(&self.cluster, &candidate.location).await?;
        Ok(Connector::new(
            &self.cluster,
            &candidate.location,
            &credentials,
            "e2e",
        ))
    }
}

async fn find_as(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    options: &FindOptions,
) -> Result<Vec<Candidate>, FindError> {
    let workloads = cluster
        .workloads_of_release(namespace, release)
        .await
        .expect("the release's workloads can be listed");
    find(cluster, namespace, &workloads, &profile(), options).await
}

/// What is used for an application that nobody described.
fn profile() -> Profile {
    model::profile::parse(
        "test",
        "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: generic\n",
    )
    .expect("a profile")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_database_is_found_read_and_swapped_through_its_pod() -> Result<()> {
    let world = World::new().await?;
    Ledger::new(&world.place, HelmLine::Three, "shop", world.charts.path())
        .install("1.0.0", &["seedRows=100"])?;

    let candidates = world.find("shop", &FindOptions::default()).await?;
    let [candidate] = candidates.as_slice() else {
        anyhow::bail!("one database, not {candidates:?}")
    };
    ensure!(
        candidate.named_in.len() >= 2,
        "web and worker name it: {candidate:?}"
    );
    ensure!(
        candidate.location.origin.secret.as_deref() == Some("shop-database key DATABASE_URL"),
        "{candidate:?}"
    );
    let DatabaseRoute::Pod {
        pod, workload, port, ..
    } = &candidate.location.route
    else {
        anyhow::bail!("it runs in a pod: {candidate:?}")
    };
    ensure!(
        (pod.as_str(), *port) == ("shop-postgres-0", 5432),
        "{candidate:?}"
    );
    let workload = workload.as_ref().context("the pod's owner")?;
    ensure!(workload.kind == WorkloadKind::StatefulSet && workload.name == "shop-postgres");

    let connector = world.connector(candidate).await?;
    let database = connector.connect(&SessionOptions::default()).await?;
    let seen = facts(Some(&world.cluster), &database, None).await?;
    let migration = seen.migration.present().context("goose's table")?;
    ensure!(
        migration.tool == MigrationTool::Goose && migration.version.as_deref() == Some("2"),
        "{migration:?}"
    );
    ensure!(seen.can_swap == Seen::Present(true), "{seen:?}");
    ensure!(
        matches!(seen.free_bytes, Seen::Present(bytes) if bytes > 0),
        "{seen:?}"
    );
    let sessions = seen.sessions.present().context("sessions")?;
    ensure!(
        sessions
            .iter()
            .any(|one| one.application == "ledger-web" && one.role == SessionRole::Writer)
    );
    ensure!(
        sessions
            .iter()
            .any(|one| one.application == "safe-upgrade/e2e" && one.role == SessionRole::Ours)
    );

    swap_there_and_back(&connector, "ledger").await?;
    // A database whose name breaks careless quoting, over the same socket.
    let hostile = "we\"ird; drop 'x' \\ %s host=evil ä";
    let admin = Admin::open(&connector).await?;
    ensure!(
        admin.identity() == "psql over the socket of pod shop-postgres-0",
        "{}",
        admin.identity()
    );
    let made = RestoreName::new(hostile, "e2e");
    admin.create_database_like(&made, "ledger").await?;
    swap_there_and_back(&connector, made.as_str()).await?;
    admin.drop_restore(&made).await?;
    no_secret_was_written_down(&world, &connector).await
}

/// Swaps a new database in and the old one back, and leaves the new one dropped.
async fn swap_there_and_back(connector: &Connector, name: &str) -> Result<()> {
    let before = state(connector, name).await?;
    let admin = Admin::open(connector).await?;
    let incoming = RestoreName::new(name, "e2e-2");
    admin.create_database_like(&incoming, name).await?;
    admin.copy_properties(name, incoming.as_str()).await?;
    let kept = RestoreName::kept_name(name, "e2e-2");
    admin
        .swap(&Swap {
            live: name.into(),
            incoming: incoming.as_str().into(),
            keep_as: kept.clone(),
        })
        .await?;
    ensure!(state(connector, &kept).await? == before);
    admin
        .swap(&Swap {
            live: name.into(),
            incoming: kept,
            keep_as: format!("{name}_empty"),
        })
        .await?;
    ensure!(state(connector, name).await? == before);
    Ok(())
}

async fn state(connector: &Connector, name: &str) -> Result<(String, usize, Vec<String>)> {
    let snapshot = Snapshot::open(connector, Some(name)).await?;
    let database: &Database = snapshot.database();
    let tables = row_counts(database).await?.len();
    Ok((schema_hash(database).await?, tables, settings(database).await?))
}

/// The API server's audit log holds every command that was run in a pod.
async fn no_secret_was_written_down(world: &World, connector: &Connector) -> Result<()> {
    let password = credentials(&world.cluster, connector.location())
        .await?
        .password
        .context("a password")?;
    let log = std::fs::read_to_string(world.node.audit_log()?)?;
    let commands: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(world.namespace.name()) && line.contains("psql"))
        .collect();
    ensure!(!commands.is_empty(), "psql was run, so the log tells of it");
    ensure!(
        commands.iter().all(|line| !line.contains(password.expose())),
        "the password stands in the log"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_release_is_found_and_a_hidden_secret_is_named() -> Result<()> {
    let world = World::new().await?;
    let namespace = world.namespace.name().to_owned();
    OpenFga::new(&world.place, HelmLine::Four, "fga", world.charts.path()).install("1.3.0", 17)?;
    let candidates = world.find("fga", &FindOptions::default()).await?;
    let [candidate] = candidates.as_slice() else {
        anyhow::bail!("one database, not {candidates:?}")
    };
    ensure!(
        matches!(&candidate.location.route, DatabaseRoute::Pod { pod, .. } if pod == "fga-db-postgres-0"),
        "{candidate:?}"
    );
    let database = world
        .connector(candidate)
        .await?
        .connect(&SessionOptions::default())
        .await?;
    let seen = facts(Some(&world.cluster), &database, None).await?;
    ensure!(seen.server.version_num / 10_000 == 17, "{seen:?}");

    let by_secret = FindOptions {
        secret: Some(SecretKey {
            name: "fga-db-postgres".into(),
            key: "uri".into(),
        }),
        ..FindOptions::default()
    };
    let chosen = world.find("fga", &by_secret).await?;
    ensure!(chosen.first().context("a candidate")?.location.route == candidate.location.route);
    world
        .connector(chosen.first().context("a candidate")?)
        .await?
        .connect(&SessionOptions::default())
        .await?;

    let by_address = FindOptions {
        dsn: Some(format!("postgres://app@fga-db-postgres.{namespace}.svc/app")),
        ..FindOptions::default()
    };
    let given = world.find("fga", &by_address).await?;
    ensure!(given.first().context("a candidate")?.location.route == candidate.location.route);
    // The release that is the server alone tells of its own database.
    let own = world.find("fga-db", &FindOptions::default()).await?;
    ensure!(
        own.first().context("a candidate")?.location.route == candidate.location.route,
        "{own:?}"
    );
    world
        .connector(own.first().context("a candidate")?)
        .await?
        .connect(&SessionOptions::default())
        .await?;
    let with_password = FindOptions {
        dsn: Some("postgres://app:hush@db/app".into()),
        ..FindOptions::default()
    };
    let refused = world
        .find("fga", &with_password)
        .await
        .expect_err("a password in an argument is refused");
    ensure!(matches!(refused, FindError::PasswordInDsn) && !format!("{refused:?}").contains("hush"));

    // Somebody who may look at workloads and not at Secrets.
    world.namespace.kubectl(&[
        "create",
        "role",
        "looker",
        "--verb=get,list",
        "--resource=deployments.apps,statefulsets.apps,daemonsets.apps,cronjobs.batch,services,pods",
    ])?;
    world.namespace.kubectl(&[
        "create",
        "rolebinding",
        "looker",
        "--role=looker",
        "--user=looker",
    ])?;
    let looker = ConnectOptions {
        as_user: Some("looker".into()),
        ..connect_options(&world.node, &namespace)
    };
    let looker = Cluster::connect(&looker).await?;
    let hidden = find_as(&looker, &namespace, "fga", &FindOptions::default())
        .await
        .expect_err("nothing is readable");
    let text = model::causes(&hidden);
    ensure!(text.contains("Secret fga-db-postgres may not be read"), "{text}");
    Ok(())
}
