//! By which names and through which port an application knows its database.
//!
//! The restored copy answers there in its place. Where it could not, nothing is booted: an application that was not led to
//! the copy might reach the database in use.

use std::net::IpAddr;

use postgres_room::{Leads, Surroundings, ToldAddress};

/// Modes of `sslmode` that work without TLS; a throw-away server speaks none.
const PLAIN: [&str; 3] = ["disable", "allow", "prefer"];

/// The longest name of a host.
const NAME_LENGTH: usize = 253;

/// The way to the database as an application knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    /// The port.
    pub(super) port: u16,
    /// The names that are to lead to the copy; none where the application knows its own pod only.
    pub(super) names: Vec<String>,
    /// The database.
    pub(super) database: String,
    /// The roles.
    pub(super) users: Vec<String>,
}

/// The container of a workload that is meant: the one that is named, else the one that is told where the database is.
pub(super) fn choose<'a>(
    surroundings: &'a Surroundings,
    workload: &str,
    wanted: Option<&str>,
    flag: &str,
) -> Result<&'a str, String> {
    let all: Vec<&str> = surroundings
        .template
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    if let Some(wanted) = wanted {
        let found = all.iter().find(|name| **name == wanted);
        return found
            .copied()
            .ok_or_else(|| format!("{workload} has no container {wanted}; it has {}", all.join(", ")));
    }
    let told: Vec<&str> = all
        .iter()
        .copied()
        .filter(|name| leading(surroundings, &[*name]).next().is_some())
        .collect();
    match (told.as_slice(), all.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one),
        ([], several) | (several, _) => Err(format!(
            "{workload} has several containers that may be meant ({}): name one with {flag}",
            several.join(", ")
        )),
    }
}

/// The addresses of some containers that lead to the database.
fn leading<'a>(
    surroundings: &'a Surroundings,
    containers: &'a [&'a str],
) -> impl Iterator<Item = &'a ToldAddress> {
    let addresses = surroundings.addresses.iter();
    addresses.filter(move |told| told.leads == Leads::There && containers.contains(&told.container.as_str()))
}

impl Door {
    /// The door that all these containers know. `Err` says in words why the copy cannot stand behind it.
    pub(super) fn of(surroundings: &Surroundings, containers: &[&str]) -> Result<Self, String> {
        let of_ours = |(container, words): &(String, String)| {
            containers
                .contains(&container.as_str())
                .then(|| format!("container {container}, {words}"))
        };
        let unknown: Vec<String> = surroundings.unknown.iter().filter_map(of_ours).collect();
        if !unknown.is_empty() {
            return Err(format!(
                "it is not known whom it would talk to: {}",
                unknown.join("; ")
            ));
        }
        let beside = surroundings
            .addresses
            .iter()
            .find(|told| told.leads == Leads::Beside && containers.contains(&told.container.as_str()));
        if let Some(told) = beside {
            return Err(format!(
                "{} names database {} of the same server as well, which is not in this backup",
                words(told),
                told.database
            ));
        }
        let mut found: Option<Self> = None;
        for told in leading(surroundings, containers) {
            let name = name_of(told)?;
            let door = found.get_or_insert_with(|| Self {
                port: told.port,
                names: Vec::new(),
                database: told.database.clone(),
                users: Vec::new(),
            });
            if door.port != told.port {
                return Err(format!(
                    "it knows the database through port {} and, by {}, through port {}; the copy has one",
                    door.port,
                    words(told),
                    told.port
                ));
            }
            if let Some(name) = name
                && !door.names.contains(&name)
            {
                door.names.push(name);
            }
            if !door.users.contains(&told.user) {
                door.users.push(told.user.clone());
            }
        }
        found.ok_or_else(|| {
            format!(
                "nothing in the environment and the mounted files of container {} names the database of the backup",
                containers.first().copied().unwrap_or_default()
            )
        })
    }
}

/// The name that has to lead to the copy; `None` where it does by itself, because it means the pod.
fn name_of(told: &ToldAddress) -> Result<Option<String>, String> {
    let place = words(told);
    if let Some(mode) = told.sslmode.as_deref().filter(|mode| !PLAIN.contains(mode)) {
        return Err(format!(
            "{place} asks for TLS (sslmode {mode}), which a throw-away server does not speak"
        ));
    }
    let host = told.host.trim();
    if host.starts_with('/') {
        return Err(format!(
            "{place} names the database by a socket, which the copy cannot have"
        ));
    }
    let number = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    match number {
        // The throw-away server listens for IPv4 alone.
        Ok(address) if address.is_loopback() && address.is_ipv4() => return Ok(None),
        Ok(_) => {
            return Err(format!(
                "{place} names the database by the number {host}, which cannot be led to the copy"
            ));
        }
        Err(_) if host.eq_ignore_ascii_case("localhost") => return Ok(None),
        Err(_) => {}
    }
    let name = host.to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if name.len() > NAME_LENGTH || !name.split('.').all(is_label) {
        return Err(format!(
            "{place} names the database as {host:?}, which no entry of a hosts file can stand for"
        ));
    }
    Ok(Some(name))
}

fn words(told: &ToldAddress) -> String {
    format!("container {}, {}", told.container, told.place)
}

#[cfg(test)]
mod tests {
    use postgres_room::RenderedData;
    use serde_json::json;

    use super::*;

    fn told(container: &str, host: &str, leads: Leads) -> ToldAddress {
        ToldAddress {
            container: container.into(),
            place: "env DATABASE_URL from Secret web key url".into(),
            host: host.into(),
            port: 5432,
            database: "shop".into(),
            user: "app".into(),
            sslmode: None,
            leads,
        }
    }

    fn surroundings(addresses: Vec<ToldAddress>) -> Surroundings {
        let template = json!({ "containers": [{ "name": "web" }, { "name": "proxy" }] });
        Surroundings {
            template: serde_json::from_value(template).unwrap(),
            addresses,
            unknown: Vec::new(),
            numbers: Vec::new(),
            secrets: Vec::new(),
            brought: RenderedData::default(),
        }
    }

    #[test]
    fn every_name_of_the_database_leads_to_the_copy_and_no_other_does() {
        let mut other_role = told("web", "DB.shop.svc", Leads::There);
        other_role.user = "admin".into();
        let found = Door::of(
            &surroundings(vec![
                told("web", "db", Leads::There),
                other_role,
                told("web", "localhost", Leads::There),
                told("web", "reports", Leads::Elsewhere),
                told("proxy", "10.0.0.1", Leads::There),
            ]),
            &["web"],
        );
        assert_eq!(
            found,
            Ok(Door {
                port: 5432,
                names: vec!["db".into(), "db.shop.svc".into()],
                database: "shop".into(),
                users: vec!["app".into(), "admin".into()],
            })
        );
    }

    #[test]
    fn what_cannot_be_led_to_the_copy_is_refused_with_the_reason() {
        let refused = |change: &dyn Fn(&mut ToldAddress)| {
            let mut one = told("web", "db", Leads::There);
            change(&mut one);
            let all = surroundings(vec![told("web", "db", Leads::There), one]);
            Door::of(&all, &["web"]).unwrap_err()
        };
        let host = |host: &'static str| refused(&move |told| told.host = host.into());
        assert!(host("10.1.2.3").contains("by the number 10.1.2.3"));
        assert!(host("[fd00::1]").contains("by the number"));
        assert!(host("::1").contains("by the number"));
        assert!(host("/var/run/postgresql").contains("by a socket"));
        assert!(host("my_db").contains("hosts file"));
        assert!(host("db.").contains("hosts file"));
        assert!(refused(&|told| told.port = 6432).contains("through port 6432"));
        assert!(refused(&|told| told.sslmode = Some("verify-full".into())).contains("verify-full"));
        let beside = refused(&|told| {
            told.database = "audit".into();
            told.leads = Leads::Beside;
        });
        assert!(beside.contains("database audit of the same server"), "{beside}");
        let elsewhere = surroundings(vec![told("web", "db", Leads::Elsewhere)]);
        assert!(
            Door::of(&elsewhere, &["web"])
                .unwrap_err()
                .contains("names the database")
        );
        let mut hidden = surroundings(vec![told("web", "db", Leads::There)]);
        hidden
            .unknown
            .push(("web".into(), "Secret x may not be read".into()));
        assert!(Door::of(&hidden, &["web"]).unwrap_err().contains("Secret x"));
        assert!(
            Door::of(&hidden, &["proxy"])
                .unwrap_err()
                .contains("container proxy")
        );
    }

    #[test]
    fn the_container_that_knows_the_database_is_meant() {
        let one = surroundings(vec![told("web", "db", Leads::There)]);
        assert_eq!(choose(&one, "deployment/web", None, "--app"), Ok("web"));
        assert_eq!(
            choose(&one, "deployment/web", Some("proxy"), "--app"),
            Ok("proxy")
        );
        assert!(
            choose(&one, "deployment/web", Some("x"), "--app")
                .unwrap_err()
                .contains("it has web, proxy")
        );
        let both = surroundings(vec![
            told("web", "db", Leads::There),
            told("proxy", "db", Leads::There),
        ]);
        let ask = choose(&both, "deployment/web", None, "--app deployment/web:CONTAINER").unwrap_err();
        assert!(ask.contains("--app deployment/web:CONTAINER"), "{ask}");
        assert!(choose(&surroundings(Vec::new()), "deployment/web", None, "--app").is_err());
    }
}
