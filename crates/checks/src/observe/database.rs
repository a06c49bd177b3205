//! The database: found, reached, asked, and looked up among the backups.

use std::time::Duration;

use backup::inventory::{InventoryRequest, Wanted, inventory};
use backup::{Filter, Store};
use cluster::{Cluster, ListScope};
use jiff::Timestamp;
use model::path::PathAnswer;
use model::{
    BackupInventory, ClusterFacts, DatabaseFacts, DatabaseLocation, DatabaseRoute, PostgresServer, Profile,
    Seen, Workload, causes,
};
use postgres_room::{Connector, Credentials, FindOptions, SessionOptions};

use super::path::{Question, answers, unanswered};

/// What our sessions call themselves after the common prefix, so that a person can tell a check from a run.
const SESSION_ID: &str = "check";

/// Where the database is, and what else is named.
pub(super) struct Found {
    pub(super) location: Seen<DatabaseLocation>,
    pub(super) others: Vec<String>,
}

pub(super) async fn find(
    cluster: &Cluster,
    namespace: &str,
    workloads: &Seen<Vec<Workload>>,
    profile: &Profile,
    options: &FindOptions,
) -> Found {
    let said = options.dsn.is_some() || options.secret.is_some();
    let workloads = match workloads {
        Seen::Present(workloads) => workloads.as_slice(),
        Seen::Unreadable(why) if !said => {
            return Found {
                location: Seen::Unreadable(why.clone()),
                others: Vec::new(),
            };
        }
        Seen::Absent | Seen::Unreadable(_) => &[],
    };
    match postgres_room::find(cluster, namespace, workloads, profile, options).await {
        Ok(candidates) => {
            let mut locations = candidates.into_iter().map(|candidate| candidate.location);
            let location = locations.next().map_or(Seen::Absent, Seen::Present);
            Found {
                location,
                others: locations
                    .map(|other| format!("{} on {}", other.database, other.host))
                    .collect(),
            }
        }
        Err(error) => Found {
            location: Seen::Unreadable(causes(&error)),
            others: Vec::new(),
        },
    }
}

/// What was learned by asking the database itself.
pub(super) struct Asked {
    pub(super) facts: Seen<DatabaseFacts>,
    pub(super) answers: Vec<PathAnswer>,
    pub(super) credentials: Option<Credentials>,
    pub(super) connector: Option<Connector>,
}

impl Asked {
    fn not(facts: Seen<DatabaseFacts>, why: &str, questions: &[Question]) -> Self {
        Self {
            facts,
            answers: unanswered(questions, why),
            credentials: None,
            connector: None,
        }
    }
}

pub(super) async fn ask(
    cluster: &Cluster,
    location: &Seen<DatabaseLocation>,
    profile: &Profile,
    questions: &[Question],
) -> Asked {
    let location = match location {
        Seen::Present(location) => location,
        Seen::Absent => return Asked::not(Seen::Absent, "no database was found", questions),
        Seen::Unreadable(why) => return Asked::not(Seen::Unreadable(why.clone()), why, questions),
    };
    let credentials = match postgres_room::credentials(cluster, location).await {
        Ok(credentials) => credentials,
        Err(error) => {
            let why = causes(&error);
            return Asked::not(Seen::Unreadable(why.clone()), &why, questions);
        }
    };
    let connector = Connector::new(cluster, location, &credentials, SESSION_ID);
    let (facts, answers) = match connector.connect(&SessionOptions::default()).await {
        Ok(database) => {
            let (facts, answers) = tokio::join!(
                Box::pin(postgres_room::facts(
                    Some(cluster),
                    &database,
                    profile.migrations.tool
                )),
                Box::pin(answers(&connector, questions)),
            );
            (Seen::from_result(facts.map(Some)), answers)
        }
        Err(error) => {
            let why = causes(&error);
            let answers = unanswered(questions, &why);
            (Seen::Unreadable(why), answers)
        }
    };
    Asked {
        facts,
        answers,
        credentials: Some(credentials),
        connector: Some(connector),
    }
}

/// How long one request for the objects of others may take: a check is to be quick, and what does not come in time is
/// told as not read.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// Backups of this database, of every mechanism.
pub(super) async fn backups(
    store: Option<&str>,
    cluster: &Cluster,
    facts: &ClusterFacts,
    location: &Seen<DatabaseLocation>,
    server: Option<&PostgresServer>,
    now: Timestamp,
) -> Seen<BackupInventory> {
    let (Some(store), Some(location)) = (store, location.present()) else {
        return Seen::Absent;
    };
    let store = match Store::open(store) {
        Ok(store) => store.within(cluster, &cluster.namespace),
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    let wanted = Wanted::observe(cluster, location, server).await;
    let filter = Filter {
        cluster: cluster_word(facts, &location.route),
        database: Some(location.database.clone()),
        ..Filter::default()
    };
    let scope = ListScope::Namespace(match &location.route {
        DatabaseRoute::Pod { namespace, .. } => namespace.clone(),
        DatabaseRoute::Direct => cluster.namespace.clone(),
    });
    let request = InventoryRequest {
        cluster: Some((cluster, &scope)),
        stores: &[store],
        filter: &filter,
        wanted: Some(&wanted),
        archiver: None,
        // It would start a process in the database's pod.
        ask_tools: false,
        limit: LOOK_LIMIT,
        now,
    };
    Seen::Present(inventory(&request).await)
}

/// How stores name the cluster. A server outside is filed elsewhere.
fn cluster_word(cluster: &ClusterFacts, route: &DatabaseRoute) -> Option<String> {
    match route {
        DatabaseRoute::Pod { .. } => filed_under(cluster),
        DatabaseRoute::Direct => None,
    }
}

/// The first 8 characters of the cluster's UID; `None` where that could not be read.
pub(crate) fn filed_under(cluster: &ClusterFacts) -> Option<String> {
    const SHOWN: usize = 8;
    cluster.uid.present().map(|uid| uid.chars().take(SHOWN).collect())
}
