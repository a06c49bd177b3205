//! Which variables of a container name a Postgres database.

use k8s_openapi::api::core::v1::Container;
use model::Secret;

use super::connection_string::{self, ConnectionString, ConnectionStringError};
use super::environment::Variable;
use super::server_pod;

/// A complete address found in one container.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    /// The variable that holds the URL or the host.
    pub(crate) variable: String,
    /// Where its value comes from; see [`Variable::origin`].
    pub(crate) origin: String,
    /// The Secret and key of the URL or of the password.
    pub(crate) secret: Option<String>,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: Option<Secret>,
    pub(crate) sslmode: Option<String>,
    /// Why there is no password although the environment has a place for it.
    pub(crate) password_unreadable: Option<String>,
    /// Whether the environment itself says that it is Postgres, and not merely some database.
    pub(crate) surely_postgres: bool,
}

/// A variable that seems to name a database and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(crate) variable: String,
    pub(crate) reason: String,
}

/// The port that libpq uses where none is said.
pub(crate) const DEFAULT_PORT: u16 = 5432;

const HOST: &[&str] = &["HOST", "HOSTNAME", "SERVER", "ADDRESS"];
const PORT: &[&str] = &["PORT"];
const USER: &[&str] = &["USER", "USERNAME", "USER_USERNAME", "USER_NAME", "LOGIN"];
const PASSWORD: &[&str] = &["PASSWORD", "PASS", "PASSWD", "PWD", "USER_PASSWORD"];
const DATABASE: &[&str] = &["DATABASE", "NAME", "DB", "DBNAME", "DB_NAME", "DATABASE_NAME"];
const SSLMODE: &[&str] = &["SSLMODE", "SSL_MODE", "USER_SSL_MODE"];
const ENGINE: &[&str] = &[
    "TYPE",
    "ENGINE",
    "DRIVER",
    "ADAPTER",
    "DIALECT",
    "CONNECTION",
    "CLIENT",
    "VENDOR",
];
/// How the name of a variable with a whole address usually ends. Only used for values that could not be read and to
/// find the user and password that stand beside a URL.
const URL: &[&str] = &[
    "URL",
    "URI",
    "DSN",
    "DATASOURCE",
    "CONNECTION_STRING",
    "CONNECTION_URI",
    "CONNECTION_URL",
];

/// The addresses that a container's variables state, and those that they seem to state.
pub(crate) fn mentions(variables: &[Variable]) -> (Vec<Mention>, Vec<Unusable>) {
    let mut found = Vec::new();
    let mut unusable = Vec::new();
    for variable in variables {
        match whole_address(variable, variables).or_else(|| parts(variable, variables)) {
            Some(Ok(mention)) => found.push(mention),
            Some(Err(reason)) => unusable.push(Unusable {
                variable: variable.name.clone(),
                reason,
            }),
            None => {}
        }
    }
    (found, unusable)
}

/// The database that a server's own container was told to make, by the variables of the images of Postgres. The host
/// is the pod itself.
pub(crate) fn of_the_server(container: &Container, variables: &[Variable]) -> Option<Mention> {
    if !server_pod::runs_postgres(container) {
        return None;
    }
    let set = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| variables.iter().find(|variable| variable.name == *name))
    };
    let text = |names: &[&str]| {
        set(names)
            .and_then(Variable::text)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let password = set(&["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"])?;
    let user = text(&["POSTGRES_USER", "POSTGRESQL_USERNAME"]).unwrap_or_else(|| "postgres".to_owned());
    Some(Mention {
        variable: password.name.clone(),
        origin: password.origin.clone(),
        secret: password.secret.clone(),
        host: "localhost".to_owned(),
        port: container
            .ports
            .iter()
            .flatten()
            .find_map(|listening| u16::try_from(listening.container_port).ok())
            .unwrap_or(DEFAULT_PORT),
        database: text(&["POSTGRES_DB", "POSTGRESQL_DATABASE"]).unwrap_or_else(|| user.clone()),
        user,
        password: password.value.clone().ok(),
        sslmode: None,
        password_unreadable: password.value.clone().err(),
        surely_postgres: true,
    })
}

/// What of a name stands before one of these endings, compared in capitals.
fn before_ending<'a>(name: &'a str, endings: &[&str]) -> Option<&'a str> {
    let upper = name.to_ascii_uppercase();
    let ending = endings
        .iter()
        .filter(|ending| upper.ends_with(**ending))
        .max_by_key(|ending| ending.len())?;
    name.get(..name.len().checked_sub(ending.len())?)
}

/// The variable that has this prefix and one of these endings, the first ending first.
fn sibling<'a>(variables: &'a [Variable], prefix: &str, endings: &[&str]) -> Option<&'a Variable> {
    endings.iter().find_map(|ending| {
        variables.iter().find(|variable| {
            variable.name.len() == prefix.len() + ending.len()
                && variable.name.starts_with(prefix)
                && variable.name.to_ascii_uppercase().ends_with(ending)
        })
    })
}

fn text_of(variables: &[Variable], prefix: &str, endings: &[&str]) -> Option<String> {
    sibling(variables, prefix, endings)
        .and_then(Variable::text)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// A variable whose value is a connection string. What the string leaves out is taken from its neighbours (the same
/// name with another ending) and then from libpq's own variables.
fn whole_address(variable: &Variable, variables: &[Variable]) -> Option<Result<Mention, String>> {
    let value = match &variable.value {
        Ok(value) if connection_string::looks_like_one(value.expose()) => value.expose(),
        Ok(_) => return None,
        // The host alone could be unreadable too: both endings make a variable worth telling about.
        Err(reason) => {
            let telling = variable.name.is_empty()
                || before_ending(&variable.name, URL).is_some()
                || before_ending(&variable.name, HOST).is_some_and(|prefix| kind_of(prefix).is_some());
            return telling.then(|| Err(reason.clone()));
        }
    };
    Some(complete(variable, variables, value))
}

fn complete(variable: &Variable, variables: &[Variable], value: &str) -> Result<Mention, String> {
    let ConnectionString {
        host,
        port,
        database,
        user,
        password,
        sslmode,
    } = connection_string::parse(value).map_err(|error| error.to_string())?;
    let prefix = before_ending(&variable.name, URL).unwrap_or("PG");
    let beside =
        |endings: &[&str]| text_of(variables, prefix, endings).or_else(|| text_of(variables, "PG", endings));
    let user = user
        .or_else(|| beside(USER))
        .ok_or_else(|| ConnectionStringError::NoUser.to_string())?;
    let host = host
        .or_else(|| text_of(variables, "PG", HOST))
        .ok_or_else(|| ConnectionStringError::NoHost.to_string())?;
    let neighbour = sibling(variables, prefix, PASSWORD).or_else(|| sibling(variables, "PG", PASSWORD));
    let (password, secret, password_unreadable) = match (password, neighbour) {
        (Some(password), _) => (Some(password), variable.secret.clone(), None),
        (None, Some(neighbour)) => match &neighbour.value {
            Ok(value) => (Some(value.clone()), neighbour.secret.clone(), None),
            Err(reason) => (None, neighbour.secret.clone(), Some(reason.clone())),
        },
        (None, None) => (None, variable.secret.clone(), None),
    };
    Ok(Mention {
        variable: variable.name.clone(),
        origin: variable.origin.clone(),
        secret,
        host,
        port: port
            .or_else(|| text_of(variables, "PG", PORT).and_then(|port| port.parse().ok()))
            .unwrap_or(DEFAULT_PORT),
        database: database
            .or_else(|| beside(DATABASE))
            .unwrap_or_else(|| user.clone()),
        user,
        password,
        sslmode: sslmode.or_else(|| text_of(variables, "PG", SSLMODE)),
        password_unreadable,
        surely_postgres: true,
    })
}

/// What a prefix says of the kind of server: `Some(true)` Postgres, `Some(false)` a database of some kind.
fn kind_of(prefix: &str) -> Option<bool> {
    let words: Vec<String> = prefix
        .to_ascii_uppercase()
        .split(['_', '.', '-'])
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let postgres = words
        .iter()
        .any(|word| word == "PG" || word == "PSQL" || word.starts_with("POSTGRES"));
    if postgres {
        return Some(true);
    }
    words
        .iter()
        .any(|word| word == "DB" || word == "DATABASE")
        .then_some(false)
}

/// A host variable with its neighbours: `PGHOST` and `PGUSER`, `POSTGRES_HOST` and `POSTGRES_DB`, `DB_HOST` …
fn parts(host: &Variable, variables: &[Variable]) -> Option<Result<Mention, String>> {
    let prefix = before_ending(&host.name, HOST)?;
    let mut surely_postgres = kind_of(prefix)?;
    let address = host.text()?.trim();
    if address.is_empty() {
        return None;
    }
    if let Some(engine) = text_of(variables, prefix, ENGINE) {
        let engine = engine.to_ascii_lowercase();
        if engine.contains("postgres") || engine == "pg" || engine == "psql" {
            surely_postgres = true;
        } else if [
            "mysql",
            "maria",
            "sqlite",
            "mssql",
            "sqlserver",
            "oracle",
            "mongo",
            "redis",
            "cockroach",
        ]
        .iter()
        .any(|other| engine.contains(other))
        {
            return None;
        }
    }
    if address.contains(',') {
        return Some(Err(ConnectionStringError::SeveralHosts.to_string()));
    }
    let (address, port_beside_host) = match address.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port.to_owned())),
        _ => (address, None),
    };
    let port = match text_of(variables, prefix, PORT).or(port_beside_host) {
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port != 0 => port,
            Ok(_) | Err(_) => return Some(Err(ConnectionStringError::Port.to_string())),
        },
        None => DEFAULT_PORT,
    };
    let user_variable = sibling(variables, prefix, USER);
    let Some(user) = user_variable.and_then(Variable::text).map(str::to_owned) else {
        return match user_variable.map(|variable| &variable.value) {
            Some(Err(reason)) => Some(Err(reason.clone())),
            // A host of some database that nobody logs in to is no mention of Postgres.
            Some(Ok(_)) | None => surely_postgres.then(|| Err(ConnectionStringError::NoUser.to_string())),
        };
    };
    let database = match sibling(variables, prefix, DATABASE).map(|variable| &variable.value) {
        Some(Ok(name)) if !name.expose().is_empty() => name.expose().to_owned(),
        Some(Err(reason)) => return Some(Err(reason.clone())),
        Some(Ok(_)) | None => user.clone(),
    };
    let password = sibling(variables, prefix, PASSWORD);
    Some(Ok(Mention {
        variable: host.name.clone(),
        origin: host.origin.clone(),
        secret: password.and_then(|password| password.secret.clone()),
        host: address.to_owned(),
        port,
        database,
        user,
        password: password
            .and_then(|password| password.value.clone().ok())
            .filter(|p| !p.expose().is_empty()),
        sslmode: text_of(variables, prefix, SSLMODE),
        password_unreadable: password.and_then(|password| password.value.clone().err()),
        surely_postgres,
    }))
}
