//! Looking for the databases that a release uses.

use std::collections::BTreeMap;

use cluster::Cluster;
use model::{
    CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute, Profile, Secret, Workload,
    WorkloadName,
};

use super::connection_string::{self, ConnectionStringError};
use super::credentials::CredentialError;
use super::environment::{self, Referenced};
use super::files;
use super::given::{from_secret, given};
use super::mention::{self, DEFAULT_PORT, Mention};
use super::named::Named;
use super::operators::by_operator;
use super::pod::{by_pod, by_service};
use super::resolve::{Resolved, resolve};
use super::template;

/// A key of a Secret, as `--secret NAME/KEY` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretKey {
    /// The Secret's name, in the release's namespace.
    pub name: String,
    /// The key that holds a connection string.
    pub key: String,
}

impl std::str::FromStr for SecretKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((name, key)) if !name.is_empty() && !key.is_empty() => Ok(Self {
                name: name.to_owned(),
                key: key.to_owned(),
            }),
            Some(_) | None => {
                Err("expected NAME/KEY: a Secret and its key that holds a connection string".to_owned())
            }
        }
    }
}

/// What the user says about the database instead of leaving it to be found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindOptions {
    /// `--dsn`: an address without a password; the password is taken from `PGPASSWORD`.
    pub dsn: Option<String>,
    /// `--secret`: a Secret's key that holds a connection string.
    pub secret: Option<SecretKey>,
    /// The variable to use where several hold different databases.
    pub env: Option<String>,
    /// The same as `dsn`, read from standard input: it may hold a password, because nobody else could read it there.
    pub private_dsn: Option<Secret>,
    /// What is named instead of a release.
    pub named: Option<Named>,
    /// The database on the server that is found.
    pub database: Option<String>,
}

/// A database that the release seems to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Where it is and how its credentials are read again.
    pub location: DatabaseLocation,
    /// Every place that names it, for the user: `deployment/web, container web, env DATABASE_URL …`.
    pub named_in: Vec<String>,
}

/// Why no database could be named.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A workload could not be read.
    #[error("failed to read the pod template of {workload}")]
    Template {
        /// The workload.
        workload: WorkloadName,
        /// The API server's answer.
        #[source]
        source: cluster::RequestError,
    },
    /// The address given with `--dsn` is none.
    #[error("failed to read the address given with --dsn")]
    Dsn(#[source] ConnectionStringError),
    /// The address given with `--dsn` holds a password, which everybody on this machine could read.
    #[error(
        "the address given with --dsn holds a password, which everybody on this machine can read: leave it out and set \
         PGPASSWORD or keep it in ~/.pgpass, or give the whole address on standard input with --dsn -"
    )]
    PasswordInDsn,
    /// The Secret given with `--secret` could not be used.
    #[error("failed to use the Secret given with --secret")]
    Secret(#[source] CredentialError),
    /// An address given by the user leads nowhere.
    #[error("the database cannot be reached: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Nothing usable was found, but some places seemed to hold an address.
    #[error("no database address could be used: {}", reasons.join("; "))]
    NothingUsable {
        /// Each place with the reason.
        reasons: Vec<String>,
    },
}

/// A place in a release that names a database.
struct Place<'a> {
    workload: &'a WorkloadName,
    container: String,
    mention: Mention,
}

impl Place<'_> {
    fn words(&self) -> String {
        let Self {
            workload,
            container,
            mention,
        } = self;
        let mut words = format!("{workload}, container {container}, ");
        // A file says of itself that it is one.
        if !mention.variable.starts_with(files::PREFIX) {
            words.push_str("env ");
        }
        words.push_str(&mention.variable);
        if !mention.origin.is_empty() {
            words.push(' ');
            words.push_str(&mention.origin);
        }
        words
    }
}

/// Finds the databases that the workloads use, most likely first, each once. Nothing found is an empty list; several
/// are for the caller to ask about.
///
/// Variables that the profile names come first and, if they lead anywhere, alone. Without them whole addresses and
/// sets such as `PGHOST`, `POSTGRES_HOST`, `DB_HOST` are looked for in every container.
///
/// # Errors
/// See [`FindError`]. What a missing right hides is an error only where nothing else was found, or where the profile
/// names exactly that variable.
pub async fn find(
    cluster: &Cluster,
    namespace: &str,
    workloads: &[Workload],
    profile: &Profile,
    options: &FindOptions,
) -> Result<Vec<Candidate>, FindError> {
    let mut found = find_any(cluster, namespace, workloads, profile, options).await?;
    if let Some(database) = &options.database {
        for candidate in &mut found {
            candidate.location.database.clone_from(database);
        }
        let all = std::mem::take(&mut found);
        all.into_iter().for_each(|candidate| add(&mut found, candidate));
    }
    Ok(found)
}

async fn find_any(
    cluster: &Cluster,
    namespace: &str,
    workloads: &[Workload],
    profile: &Profile,
    options: &FindOptions,
) -> Result<Vec<Candidate>, FindError> {
    if let Some(dsn) = &options.private_dsn {
        let parts = connection_string::parse(dsn.expose()).map_err(FindError::Dsn)?;
        return Ok(vec![given(cluster, namespace, parts, "standard input").await?]);
    }
    if let Some(dsn) = &options.dsn {
        let parts = connection_string::parse(dsn).map_err(FindError::Dsn)?;
        if parts.password.is_some() {
            return Err(FindError::PasswordInDsn);
        }
        return Ok(vec![given(cluster, namespace, parts, "--dsn").await?]);
    }
    if let Some(secret) = &options.secret {
        return Ok(vec![from_secret(cluster, namespace, secret).await?]);
    }
    let database = options.database.as_deref();
    match &options.named {
        Some(Named::Pod(name, container)) => {
            return Ok(vec![
                by_pod(cluster, namespace, name, container.as_deref(), database).await?,
            ]);
        }
        Some(Named::Service(name)) => return Ok(vec![by_service(cluster, namespace, name, database).await?]),
        Some(Named::Operator(operator, name)) => {
            return by_operator(cluster, namespace, *operator, name, database).await;
        }
        // Their workloads were handed to us.
        Some(Named::Release(_) | Named::Workload(..)) | None => {}
    }
    let wanted: Vec<String> = match &options.env {
        Some(name) => vec![name.clone()],
        None => profile.database.env.clone(),
    };
    let Seen {
        places,
        servers,
        mut reasons,
    } = look_through(cluster, workloads).await?;
    for name in &wanted {
        let named: Vec<&Place<'_>> = places
            .iter()
            .filter(|place| place.mention.variable == *name)
            .collect();
        let (candidates, failures) = candidates_of(cluster, &named).await;
        if !candidates.is_empty() {
            return Ok(candidates);
        }
        let hidden: Vec<String> = reasons
            .iter()
            .filter(|(variable, _)| variable == name)
            .map(|(_, reason)| reason.clone())
            .chain(failures)
            .collect();
        if !hidden.is_empty() {
            return Err(FindError::NothingUsable { reasons: hidden });
        }
    }
    if options.env.is_some() {
        return Ok(Vec::new());
    }
    let (candidates, failures) = candidates_of(cluster, &places.iter().collect::<Vec<_>>()).await;
    if !candidates.is_empty() {
        return Ok(candidates);
    }
    // Files are looked into where the environment says nothing: they need more rights, and most hold something else.
    let in_files = look_into_files(cluster, workloads).await?;
    let (candidates, in_vain) = candidates_of(cluster, &in_files.iter().collect::<Vec<_>>()).await;
    if !candidates.is_empty() {
        return Ok(candidates);
    }
    reasons.extend(in_vain.into_iter().map(|reason| (String::new(), reason)));
    // A release that is nothing but a server uses none: then its own database is meant.
    let (own, own_failures) = candidates_of(cluster, &servers.iter().collect::<Vec<_>>()).await;
    if !own.is_empty() && reasons.is_empty() && failures.is_empty() {
        return Ok(own);
    }
    let failures = failures.into_iter().chain(own_failures);
    reasons.extend(failures.map(|reason| (String::new(), reason)));
    if reasons.is_empty() {
        return Ok(candidates);
    }
    let mut reasons: Vec<String> = reasons.into_iter().map(|(_, reason)| reason).collect();
    reasons.sort();
    reasons.dedup();
    Err(FindError::NothingUsable { reasons })
}

/// What the pod templates of a release say of databases.
#[derive(Default)]
struct Seen<'a> {
    /// Every address that a container is given.
    places: Vec<Place<'a>>,
    /// The databases that the release's own servers were told to make.
    servers: Vec<Place<'a>>,
    /// Variables that seem to hold an address, with the reason why they cannot be used.
    reasons: Vec<(String, String)>,
}

/// Looks through every container of every workload.
async fn look_through<'a>(cluster: &Cluster, workloads: &'a [Workload]) -> Result<Seen<'a>, FindError> {
    let mut seen = Seen::default();
    // The same Secret serves many workloads: it is read once.
    let mut known: BTreeMap<String, Referenced> = BTreeMap::new();
    for workload in workloads {
        let name = &workload.name;
        let template =
            template::read_template(cluster, name)
                .await
                .map_err(|source| FindError::Template {
                    workload: name.clone(),
                    source: source.into(),
                })?;
        let Some(template) = template else { continue };
        let referenced = known.entry(name.namespace.clone()).or_default();
        let mut missing = environment::references(template::containers(&template));
        missing
            .secrets
            .retain(|secret| !referenced.secrets.contains_key(secret));
        missing
            .config_maps
            .retain(|map| !referenced.config_maps.contains_key(map));
        let read = template::read_referenced(cluster, &name.namespace, &missing).await;
        referenced.secrets.extend(read.secrets);
        referenced.config_maps.extend(read.config_maps);
        for container in template::containers(&template) {
            let variables = environment::resolve(container, referenced);
            let (mentions, unusable) = mention::mentions(&variables);
            let place = |mention| Place {
                workload: name,
                container: container.name.clone(),
                mention,
            };
            seen.servers
                .extend(mention::of_the_server(container, &variables).map(place));
            seen.places.extend(mentions.into_iter().map(place));
            seen.reasons.extend(unusable.into_iter().map(|unusable| {
                let reason = format!(
                    "{name}, container {}, env {}: {}",
                    container.name, unusable.variable, unusable.reason
                );
                (unusable.variable, reason)
            }));
        }
    }
    Ok(seen)
}

/// Looks through the configuration files that every container of every workload mounts.
async fn look_into_files<'a>(
    cluster: &Cluster,
    workloads: &'a [Workload],
) -> Result<Vec<Place<'a>>, FindError> {
    let mut places = Vec::new();
    for workload in workloads {
        let name = &workload.name;
        let read = template::read_template(cluster, name).await;
        let template = read.map_err(|source| FindError::Template {
            workload: name.clone(),
            source: source.into(),
        })?;
        let Some(template) = template else { continue };
        let referenced =
            template::read_referenced(cluster, &name.namespace, &files::references(&template)).await;
        for container in template::containers(&template) {
            let (mentions, _) = mention::mentions(&files::variables(container, &template, &referenced));
            places.extend(mentions.into_iter().map(|mention| Place {
                workload: name,
                container: container.name.clone(),
                mention,
            }));
        }
    }
    Ok(places)
}

/// Follows each place to its server and merges those that name the same database.
async fn candidates_of(cluster: &Cluster, places: &[&Place<'_>]) -> (Vec<Candidate>, Vec<String>) {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut failures = Vec::new();
    let mut resolutions: BTreeMap<(String, String, u16), Result<Resolved, String>> = BTreeMap::new();
    for place in places {
        let Mention { host, port, .. } = &place.mention;
        let owner = place.workload.to_string();
        let key = (
            format!("{}/{owner}", place.workload.namespace),
            host.clone(),
            *port,
        );
        let resolved = match resolutions.get(&key) {
            Some(resolved) => resolved.clone(),
            None => {
                let resolved = resolve(
                    cluster,
                    &place.workload.namespace,
                    Some(place.workload),
                    host,
                    *port,
                )
                .await;
                resolutions.insert(key, resolved.clone());
                resolved
            }
        };
        // `DB_HOST` with another port is some other kind of server unless its pod says that it is Postgres.
        let likely = place.mention.surely_postgres || *port == DEFAULT_PORT;
        match resolved {
            Ok(resolved) if likely || resolved.surely_postgres => {
                add(&mut candidates, candidate(place, resolved));
            }
            Err(reason) if likely => failures.push(format!("{}: {reason}", place.words())),
            Ok(_) | Err(_) => {}
        }
    }
    (candidates, failures)
}

fn candidate(place: &Place<'_>, resolved: Resolved) -> Candidate {
    let mention = &place.mention;
    let mut words = place.words();
    if let Some(note) = &resolved.note {
        words.push_str(&format!(" ({note})"));
    }
    Candidate {
        named_in: vec![words.clone()],
        location: DatabaseLocation {
            host: resolved.host,
            port: mention.port,
            database: mention.database.clone(),
            user: mention.user.clone(),
            sslmode: mention.sslmode.clone(),
            origin: DatabaseOrigin {
                found_in: words,
                secret: mention.secret.clone(),
                source: CredentialSource::Environment {
                    workload: place.workload.clone(),
                    container: place.container.clone(),
                    variable: mention.variable.clone(),
                },
            },
            route: resolved.route,
        },
    }
}

/// Adds a candidate, or its place to the one that is the same database. Another role on the same database is no
/// other database.
fn add(candidates: &mut Vec<Candidate>, candidate: Candidate) {
    let same = candidates
        .iter_mut()
        .find(|known| is_same_database(&known.location, &candidate.location));
    match same {
        Some(known) => known.named_in.extend(candidate.named_in),
        None => candidates.push(candidate),
    }
}

fn is_same_database(one: &DatabaseLocation, other: &DatabaseLocation) -> bool {
    is_same_server(one, other) && one.database == other.database
}

/// Whether two locations lead to one server: the same pod and port, or outside the cluster the same words.
pub(crate) fn is_same_server(one: &DatabaseLocation, other: &DatabaseLocation) -> bool {
    match (&one.route, &other.route) {
        (
            DatabaseRoute::Pod {
                namespace, pod, port, ..
            },
            DatabaseRoute::Pod {
                namespace: other_namespace,
                pod: other_pod,
                port: other_port,
                ..
            },
        ) => (namespace, pod, port) == (other_namespace, other_pod, other_port),
        (DatabaseRoute::Direct, DatabaseRoute::Direct) => {
            one.host.eq_ignore_ascii_case(&other.host) && one.port == other.port
        }
        (DatabaseRoute::Pod { .. }, DatabaseRoute::Direct)
        | (DatabaseRoute::Direct, DatabaseRoute::Pod { .. }) => false,
    }
}
