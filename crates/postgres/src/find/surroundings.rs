//! What a workload's containers are told of databases and other machines: to know whom they would talk to when they start.

use cluster::Cluster;
use k8s_openapi::api::core::v1::{Container, PodSpec};
use model::{DatabaseLocation, Secret, WorkloadName};

use super::candidates::is_same_server;
use super::environment::{self, Referenced, Variable};
use super::mention::Mention;
use super::number::tells_a_number;
use super::rendered::RenderedData;
use super::resolve::resolve;
use super::{FindError, files, mention, template, untold};

/// A pod template with every address that it gives its containers.
#[derive(Debug, Clone, PartialEq)]
pub struct Surroundings {
    /// The template.
    pub template: PodSpec,
    /// Every address of a Postgres server.
    pub addresses: Vec<ToldAddress>,
    /// What may hold an address and is not known: container, and why in words.
    pub unknown: Vec<(String, String)>,
    /// Machines that are told by their number and not by a name, loopback aside: container, and where in words.
    pub numbers: Vec<(String, String)>,
    /// What no message may show, should a container say it.
    pub secrets: Vec<Secret>,
    /// What the template refers to that its chart brings and that is not in the cluster as it would be.
    pub brought: RenderedData,
}

/// An address of a Postgres server that a container is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldAddress {
    /// The container.
    pub container: String,
    /// Where it stands, in words: `env DATABASE_URL from Secret web-db key url`. Never its value.
    pub place: String,
    /// The host as the application writes it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The role.
    pub user: String,
    /// `sslmode` as the application writes it.
    pub sslmode: Option<String>,
    /// Where it leads, seen from one database.
    pub leads: Leads,
}

/// Where an address leads, seen from one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leads {
    /// To that database.
    There,
    /// To another database of its server.
    Beside,
    /// To another server, or to none that is known.
    Elsewhere,
}

/// Reads a workload's pod template with all that its containers are told. `None` when there is no such workload.
///
/// # Errors
/// When the template cannot be read.
pub async fn surroundings(
    cluster: &Cluster,
    workload: &WorkloadName,
    database: &DatabaseLocation,
) -> Result<Option<Surroundings>, FindError> {
    let read = template::read_template(cluster, workload).await;
    let template = read.map_err(|source| FindError::Template {
        workload: workload.clone(),
        source: source.into(),
    })?;
    let Some(template) = template else { return Ok(None) };
    let nothing = RenderedData::default();
    Ok(Some(
        surroundings_of(cluster, workload, template, &nothing, database).await,
    ))
}

/// The same for a pod template that is not in the cluster yet: what its chart brings with it counts instead of what is there.
pub async fn surroundings_of(
    cluster: &Cluster,
    workload: &WorkloadName,
    template: PodSpec,
    rendered: &RenderedData,
    database: &DatabaseLocation,
) -> Surroundings {
    let namespace = &workload.namespace;
    let mut names = environment::references(template::containers(&template));
    let mounted = files::references(&template);
    names.secrets.extend(mounted.secrets);
    names.config_maps.extend(mounted.config_maps);
    let mut referenced = template::read_referenced(cluster, namespace, &names).await;
    // What is there now and what the chart brings instead: neither may be shown.
    let mut secrets = untold::values(&referenced);
    let brought = rendered.lay_over(&mut referenced);
    secrets.extend(untold::values(&referenced));
    let (mut addresses, mut unknown, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for container in template::containers(&template) {
        let of = |words: String| (container.name.clone(), words);
        let variables = environment::resolve(container, &referenced);
        let in_files = files::variables(container, &template, &referenced);
        let (told, unusable) = mention::mentions(&variables);
        let (in_files, unusable_files) = mention::mentions(&in_files);
        // A value may be made of a Secret's and of other words.
        let of_secrets = variables.iter().filter(|variable| variable.secret.is_some());
        secrets.extend(of_secrets.filter_map(|variable| variable.value.clone().ok()));
        for mention in told.into_iter().chain(in_files) {
            secrets.extend(mention.password.clone());
            let leads = leads(cluster, workload, &mention, database).await;
            addresses.push(address(&container.name, mention, leads));
        }
        // What is not there at all tells the container nothing; what may not be read is another matter.
        let readable = |name: &str| {
            let told = variables.iter().find(|variable| variable.name == name);
            told.is_none_or(|variable| variable.value.is_ok())
        };
        let unusable = unusable.into_iter().chain(unusable_files);
        let unusable = unusable.filter(|unusable| readable(&unusable.variable));
        unknown.extend(unusable.map(|unusable| of(format!("{}: {}", unusable.variable, unusable.reason))));
        unknown.extend(hidden(container, &template, &referenced).into_iter().map(of));
        let texts = variables.iter().filter_map(|variable| {
            let Variable { name, origin, .. } = variable;
            Some((place(name, origin), variable.text()?))
        });
        let words = container.command.iter().chain(&container.args).flatten();
        let texts = texts.chain(words.map(|word| ("its command".to_owned(), word.as_str())));
        let texts = texts.chain(files::texts(container, &template, &referenced));
        numbers.extend(
            texts
                .filter(|(_, text)| tells_a_number(text))
                .map(|(place, _)| of(place)),
        );
        numbers.extend(nodes(container).map(of));
    }
    Surroundings {
        template,
        addresses,
        unknown,
        numbers,
        secrets,
        brought,
    }
}

fn address(container: &str, mention: Mention, leads: Leads) -> ToldAddress {
    ToldAddress {
        container: container.to_owned(),
        place: place(&mention.variable, &mention.origin),
        host: mention.host,
        port: mention.port,
        database: mention.database,
        user: mention.user,
        sslmode: mention.sslmode,
        leads,
    }
}

/// The variables that hold the number of the container's node: agents listen there.
fn nodes(container: &Container) -> impl Iterator<Item = String> {
    container.env.iter().flatten().filter_map(|variable| {
        let field = variable.value_from.as_ref()?.field_ref.as_ref()?;
        let is_node = field.field_path.starts_with("status.hostIP");
        is_node.then(|| place(&variable.name, "from the address of its node"))
    })
}

/// The Secrets and ConfigMaps of a container that may not be read, with the reason.
fn hidden(container: &Container, template: &PodSpec, referenced: &Referenced) -> Vec<String> {
    let mut names = environment::references([container]);
    let mounted = files::references_of(container, template);
    names.secrets.extend(mounted.secrets);
    names.config_maps.extend(mounted.config_maps);
    let secrets = names.secrets.iter().map(|name| referenced.secrets.get(name));
    let config_maps = names
        .config_maps
        .iter()
        .map(|name| referenced.config_maps.get(name));
    let reasons = secrets
        .chain(config_maps)
        .filter_map(|data| data?.as_ref().err().cloned());
    reasons.collect()
}

/// A place in words. A file says of itself that it is one; all keys of an object have no name of their own.
fn place(name: &str, origin: &str) -> String {
    let name = match name {
        "" => "env",
        file if file.starts_with(files::PREFIX) => file,
        _ => return format!("env {name} {origin}").trim_end().to_owned(),
    };
    format!("{name} {origin}").trim_end().to_owned()
}

async fn leads(
    cluster: &Cluster,
    workload: &WorkloadName,
    mention: &Mention,
    database: &DatabaseLocation,
) -> Leads {
    let Mention { host, port, .. } = mention;
    let same_words = host.eq_ignore_ascii_case(&database.host) && *port == database.port;
    let same_server = match resolve(cluster, &workload.namespace, Some(workload), host, *port).await {
        Ok(resolved) => {
            let told = DatabaseLocation {
                host: resolved.host,
                port: *port,
                route: resolved.route,
                ..database.clone()
            };
            is_same_server(&told, database)
        }
        // What leads nowhere now may still be the words that led to the database.
        Err(_) => same_words,
    };
    match (same_server, mention.database == database.database) {
        (true, true) => Leads::There,
        (true, false) => Leads::Beside,
        (false, _) => Leads::Elsewhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_of_a_pod_is_told_by_its_number() {
        let field = |path: &str| serde_json::json!({ "fieldRef": { "fieldPath": path } });
        let container: Container = serde_json::from_value(serde_json::json!({ "name": "web", "env": [
            { "name": "AGENT", "valueFrom": field("status.hostIP") },
            { "name": "POD", "valueFrom": field("status.podIP") },
            { "name": "PLAIN", "value": "status.hostIP" },
        ] }))
        .unwrap();
        let told: Vec<String> = nodes(&container).collect();
        assert_eq!(told, ["env AGENT from the address of its node"]);
    }

    #[test]
    fn a_place_is_told_without_its_value() {
        assert_eq!(
            place("DATABASE_URL", "from Secret web-db key url"),
            "env DATABASE_URL from Secret web-db key url"
        );
        assert_eq!(place("PLAIN", ""), "env PLAIN");
        assert_eq!(
            place("file /etc/app/app.yaml", "from ConfigMap conf key app.yaml"),
            "file /etc/app/app.yaml from ConfigMap conf key app.yaml"
        );
        assert_eq!(
            place("", "from all keys of Secret web"),
            "env from all keys of Secret web"
        );
    }
}
