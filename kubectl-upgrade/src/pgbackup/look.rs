//! Looking for backups of everybody: what `list`, `show` and `status` share.

use backup::inventory::{InventoryRequest, LOOK_LIMIT, Wanted, inventory};
use backup::{Filter, Store};
use clap::Args;
use cli::{Environment, Output, store_place};
use cluster::{Cluster, ListScope};
use jiff::Timestamp;
use model::{
    BackupFinding, BackupInventory, BackupSubject, ExitCode, FindingLevel, Mechanism, PostgresServer, Seen,
    Unread, causes,
};
use postgres_room::{Connector, SessionOptions};

use super::arguments::TargetFlags;
use super::stored::{Words, open_store};
use super::target::{Target, TargetError, target};
use crate::session::{Common, Session, could_not_begin};

/// What our sessions call themselves after the common prefix.
const SESSION_ID: &str = "look";

/// Where to look for backups.
#[derive(Debug, Clone, Args)]
pub(crate) struct LookFlags {
    #[command(flatten)]
    pub(crate) target: TargetFlags,
    /// Look in all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["release", "namespace"])]
    pub(crate) all_namespaces: bool,
    /// Store with backups of ours; may be repeated [default: safe-upgrade/backups in the user's data folder]
    #[arg(long = "from", value_name = "STORE")]
    pub(crate) from: Vec<String>,
    /// Look into stores only, and ask no cluster
    #[arg(long, conflicts_with_all = ["ask_tools", "all_namespaces"])]
    pub(crate) ours: bool,
    /// Ask pgBackRest, WAL-G and Barman in the database's pod for their catalogues; starts a process there
    #[arg(long)]
    pub(crate) ask_tools: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What was looked at, and what was found.
pub(crate) struct Looked {
    pub(crate) inventory: BackupInventory,
    /// What the verdict is on: a release, a database, a namespace.
    pub(crate) target: String,
    /// What is typed to mean the same database again.
    pub(crate) typed: String,
    /// Whether one database was named and found.
    pub(crate) one_database: bool,
    /// Why the database that was named was not found; everything of its namespace is shown then.
    pub(crate) trouble: Option<TargetError>,
}

/// What is known of the one database in question.
struct Known {
    wanted: Wanted,
    archiver: Seen<model::ArchiverFacts>,
    trouble: Option<String>,
}

impl LookFlags {
    /// The stores that the flags mean.
    pub(crate) async fn stores(
        &self,
        output: &Output,
        environment: &Environment,
    ) -> Result<Vec<Store>, ExitCode> {
        let named: Vec<Option<&str>> = match self.from.as_slice() {
            [] => vec![None],
            named => named.iter().map(|name| Some(name.as_str())).collect(),
        };
        let mut stores = Vec::new();
        for name in named {
            let place =
                store_place(name, environment).map_err(|words| could_not_begin(output, &Words(words)))?;
            stores.push(open_store(&place, &self.common, environment).await?);
        }
        Ok(stores)
    }

    fn names_database(&self) -> bool {
        let options = self.target.database.options();
        self.target.release.is_some()
            || self.target.pod.is_some()
            || options.dsn.is_some()
            || options.secret.is_some()
    }
}

/// Looks. A cluster that cannot be reached, and a server that cannot be asked, are told and end nothing.
pub(crate) async fn look(
    flags: &LookFlags,
    output: &Output,
    environment: &Environment,
) -> Result<Looked, ExitCode> {
    let stores = flags.stores(output, environment).await?;
    let options = flags.common.connection.options(environment);
    let namespace_said = options.namespace.clone();
    let connected = if flags.ours {
        None
    } else {
        Some(Cluster::connect(&options).await)
    };
    let (session, unreachable) = match connected {
        None => (None, None),
        Some(Ok(cluster)) => {
            let namespace = cluster.namespace.clone();
            (
                Some(Session {
                    cluster,
                    namespace,
                    output: *output,
                    options,
                    connection: flags.common.connection.words(),
                }),
                None,
            )
        }
        Some(Err(error)) => (None, Some(causes(&error))),
    };
    let (mut known, mut trouble) = (None, None);
    if let Some(session) = &session
        && flags.names_database()
    {
        match target(session, &flags.target, flags.target.release.as_deref()).await {
            Ok(target) => known = Some(know(session, &target).await),
            Err(error) => trouble = Some(error),
        }
    }
    let scope = session
        .as_ref()
        .map(|session| match (&known, flags.all_namespaces) {
            (_, true) => ListScope::All,
            (Some(known), false) if !known.wanted.namespace.is_empty() => {
                ListScope::Namespace(known.wanted.namespace.clone())
            }
            (_, false) => ListScope::Namespace(session.namespace.clone()),
        });
    // What cannot be tied to the database that was named would only mislead.
    let scope = if trouble.is_some() { None } else { scope };
    let filter = Filter {
        namespace: if known.is_some() { None } else { namespace_said },
        // A database outside the cluster is of no namespace, and may still be that of an application in this one.
        outside: true,
        database: known.as_ref().map(|known| known.wanted.database.clone()),
        ..Filter::default()
    };
    let request = InventoryRequest {
        cluster: session
            .as_ref()
            .map(|session| &session.cluster)
            .zip(scope.as_ref()),
        stores: &stores,
        filter: &filter,
        wanted: known.as_ref().map(|known| &known.wanted),
        archiver: known.as_ref().map(|known| &known.archiver),
        ask_tools: flags.ask_tools,
        limit: LOOK_LIMIT,
        now: Timestamp::now(),
    };
    let mut inventory = inventory(&request).await;
    if let Some(why) = unreachable {
        inventory.unread.push(Unread {
            mechanism: None,
            what: "the cluster".into(),
            why,
        });
    }
    if let Some(why) = known.as_ref().and_then(|known| known.trouble.clone()) {
        inventory.findings.push(not_asked(why));
    }
    if known.is_none()
        && let Some(release) = &flags.target.release
    {
        // Its workloads are gone or cannot be read; its backups still say whose they are.
        keep_release(&mut inventory, &stores, &filter, release).await;
    }
    Ok(Looked {
        target: words(
            flags,
            session.as_ref().map(|session| session.namespace.as_str()),
            known.as_ref(),
        ),
        typed: flags.target.typed(session.as_ref()),
        one_database: known.is_some(),
        inventory,
        trouble,
    })
}

fn words(flags: &LookFlags, namespace: Option<&str>, known: Option<&Known>) -> String {
    match (&flags.target.release, known, namespace) {
        (Some(target), Some(known), _) => format!("{target} (database {})", known.wanted.database),
        (Some(target), None, _) => target.clone(),
        (None, Some(known), _) => format!("database {}", known.wanted.database),
        (None, None, _) if flags.all_namespaces => "all namespaces".into(),
        (None, None, Some(namespace)) => format!("namespace {namespace}"),
        (None, None, None) => "the stores".into(),
    }
}

/// What the server says, and by what its backups may name it.
async fn know(session: &Session, target: &Target) -> Known {
    let cluster = &session.cluster;
    let connector = Connector::new(cluster, &target.location, &target.credentials, SESSION_ID);
    let (mut server, mut archiver, mut trouble) = (None::<PostgresServer>, Seen::Absent, None);
    match connector.connect(&SessionOptions::default()).await {
        Ok(database) => {
            let (words, archive) = tokio::join!(
                postgres_room::server(&database),
                postgres_room::archiver(&database)
            );
            archiver = archive;
            match words {
                Ok(words) => server = Some(words),
                Err(error) => trouble = Some(causes(&error)),
            }
        }
        Err(error) => trouble = Some(causes(&error)),
    }
    Known {
        wanted: Wanted::observe(cluster, &target.location, server.as_ref()).await,
        archiver,
        trouble,
    }
}

fn not_asked(why: String) -> BackupFinding {
    BackupFinding {
        id: "server-not-asked".into(),
        level: FindingLevel::Warn,
        mechanism: Mechanism::Pgbackup,
        namespace: String::new(),
        object: "Server".into(),
        of: BackupSubject::Unknown,
        message: format!("it could not be asked, so its archive and the bytes at risk are not known: {why}"),
    }
}

/// Keeps those of ours that were made for a release.
async fn keep_release(inventory: &mut BackupInventory, stores: &[Store], filter: &Filter, release: &str) {
    let mut ids = Vec::new();
    for store in stores {
        // A store that cannot be read has been told already.
        let Ok(backups) = store.list(filter).await else {
            continue;
        };
        let own = backups.iter().filter(|backup| {
            backup
                .manifest
                .release
                .as_ref()
                .is_some_and(|made_for| made_for.name == release)
        });
        ids.extend(own.map(|backup| backup.id.to_string()));
    }
    inventory
        .backups
        .retain(|backup| backup.mechanism == Mechanism::Pgbackup && ids.contains(&backup.id));
}
