//! Databases whose address the user gives instead of leaving them to be found.

use cluster::Cluster;
use model::{CredentialSource, DatabaseLocation, DatabaseOrigin, DatabaseRoute};

use super::candidates::{Candidate, FindError, FindOptions, SecretKey};
use super::connection_string::{self, ConnectionStringError};
use super::credentials::{CredentialError, read_secret_key};
use super::mention::DEFAULT_PORT;
use super::resolve::resolve;

/// A database whose address the user gave.
pub(super) async fn given(
    cluster: &Cluster,
    namespace: &str,
    parts: connection_string::ConnectionString,
    found_in: &str,
) -> Result<Candidate, FindError> {
    let source = CredentialSource::Given;
    chosen(cluster, namespace, parts, found_in.to_owned(), None, source)
        .await
        .map_err(|error| match error {
            Refused::Parts(error) => FindError::Dsn(error),
            Refused::Route(reason) => FindError::Unreachable { reason },
        })
}

/// A database whose address a Secret holds that the user named.
pub(super) async fn from_secret(
    cluster: &Cluster,
    namespace: &str,
    secret: &SecretKey,
) -> Result<Candidate, FindError> {
    let SecretKey { name, key } = secret;
    let value = read_secret_key(cluster, namespace, name, key)
        .await
        .map_err(FindError::Secret)?;
    let malformed = |source| {
        FindError::Secret(CredentialError::Malformed {
            secret: format!("{name} key {key}"),
            source,
        })
    };
    let parts = connection_string::parse(value.expose()).map_err(malformed)?;
    let words = format!("{name} key {key}");
    let source = CredentialSource::Secret {
        namespace: namespace.to_owned(),
        name: name.clone(),
        key: key.clone(),
    };
    chosen(
        cluster,
        namespace,
        parts,
        format!("Secret {words}"),
        Some(words),
        source,
    )
    .await
    .map_err(|error| match error {
        Refused::Parts(error) => malformed(error),
        Refused::Route(reason) => FindError::Unreachable { reason },
    })
}

/// The database at the address that the user gave, without asking a cluster: it is reached as it is written. `None`
/// where no address was given.
///
/// # Errors
/// When the address is none, or holds a password that others could read.
pub fn at_address(options: &FindOptions) -> Result<Option<DatabaseLocation>, FindError> {
    let (parts, found_in) = match (&options.private_dsn, &options.dsn) {
        (Some(dsn), _) => (connection_string::parse(dsn.expose()), "standard input"),
        (None, Some(dsn)) => (connection_string::parse(dsn), "--dsn"),
        (None, None) => return Ok(None),
    };
    let parts = parts.map_err(FindError::Dsn)?;
    if options.private_dsn.is_none() && parts.password.is_some() {
        return Err(FindError::PasswordInDsn);
    }
    let user = parts.user.ok_or(FindError::Dsn(ConnectionStringError::NoUser))?;
    let database = options.database.clone().or(parts.database);
    Ok(Some(DatabaseLocation {
        host: parts.host.ok_or(FindError::Dsn(ConnectionStringError::NoHost))?,
        port: parts.port.unwrap_or(DEFAULT_PORT),
        database: database.unwrap_or_else(|| user.clone()),
        user,
        sslmode: parts.sslmode,
        origin: DatabaseOrigin {
            found_in: found_in.to_owned(),
            secret: None,
            source: CredentialSource::Given,
        },
        route: DatabaseRoute::Direct,
    }))
}

/// Why an address that the user chose does not do.
enum Refused {
    Parts(ConnectionStringError),
    Route(String),
}

async fn chosen(
    cluster: &Cluster,
    namespace: &str,
    parts: connection_string::ConnectionString,
    found_in: String,
    secret: Option<String>,
    source: CredentialSource,
) -> Result<Candidate, Refused> {
    let host = parts.host.ok_or(Refused::Parts(ConnectionStringError::NoHost))?;
    let user = parts.user.ok_or(Refused::Parts(ConnectionStringError::NoUser))?;
    let port = parts.port.unwrap_or(DEFAULT_PORT);
    let resolved = resolve(cluster, namespace, None, &host, port)
        .await
        .map_err(Refused::Route)?;
    Ok(Candidate {
        named_in: vec![found_in.clone()],
        location: DatabaseLocation {
            host: resolved.host,
            port,
            database: parts.database.unwrap_or_else(|| user.clone()),
            user,
            sslmode: parts.sslmode,
            origin: DatabaseOrigin {
                found_in,
                secret,
                source,
            },
            route: resolved.route,
        },
    })
}
