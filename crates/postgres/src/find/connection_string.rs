//! Connection strings: URLs, JDBC URLs and libpq's `key=value` form.

use std::collections::BTreeMap;

use model::Secret;
use percent_encoding::percent_decode_str;

/// Why a text is no address of one Postgres server. No variant repeats any part of the text: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionStringError {
    /// It is no Postgres URL and no `key=value` list.
    #[error("the connection string is neither a postgres:// URL nor a list of key=value pairs")]
    NotPostgres,
    /// It names several hosts; which of them is the primary is for the user to say.
    #[error("the connection string names several hosts: give the address of the primary with --dsn")]
    SeveralHosts,
    /// The port is no number between 1 and 65535.
    #[error("the connection string's port is no number between 1 and 65535")]
    Port,
    /// A part is no valid percent-encoding of UTF-8.
    #[error("the connection string's {part} is not valid percent-encoded UTF-8")]
    Encoding {
        /// Which part.
        part: &'static str,
    },
    /// A quote in the `key=value` form is never closed, or a pair has no `=`.
    #[error("the connection string's key=value pairs are not well formed")]
    Pairs,
    /// The host is missing.
    #[error("the connection string names no host")]
    NoHost,
    /// The user is missing.
    #[error("the connection string names no user")]
    NoUser,
}

/// The parts that a connection string states. What it leaves out is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectionString {
    /// A host name, an address, or a folder with a socket (begins with `/`).
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) sslmode: Option<String>,
}

/// The part of a URL behind its scheme, if the scheme is one of Postgres: `postgres`, `postgresql`, both also with a
/// driver (`postgresql+asyncpg`) or behind `jdbc:`.
fn behind_scheme(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = strip_prefix_ignoring_case(text, "jdbc:").unwrap_or(text);
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let dialect = scheme.split('+').next().unwrap_or_default();
    matches!(dialect, "postgres" | "postgresql").then_some(rest)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| text.get(prefix.len()..).unwrap_or_default())
}

/// Whether a value is meant as a connection string, well formed or not.
pub(crate) fn looks_like_one(value: &str) -> bool {
    if behind_scheme(value).is_some() {
        return true;
    }
    let has = |key: &str| {
        value
            .split_whitespace()
            .any(|pair| pair.split_once('=').is_some_and(|(name, _)| name == key))
    };
    has("host") && (has("dbname") || has("user"))
}

/// Reads a connection string in any of its forms.
pub(crate) fn parse(text: &str) -> Result<ConnectionString, ConnectionStringError> {
    match behind_scheme(text) {
        Some(rest) => parse_url(rest),
        None if text.contains('=') => from_pairs(parse_pairs(text)?),
        None => Err(ConnectionStringError::NotPostgres),
    }
}

fn decode(part: &'static str, text: &str) -> Result<String, ConnectionStringError> {
    percent_decode_str(text)
        .decode_utf8()
        .map(|decoded| decoded.into_owned())
        .map_err(|_| ConnectionStringError::Encoding { part })
}

fn not_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn parse_port(text: &str) -> Result<Option<u16>, ConnectionStringError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u16>() {
        Ok(0) | Err(_) => Err(ConnectionStringError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

fn parse_url(rest: &str) -> Result<ConnectionString, ConnectionStringError> {
    // Passwords are often written unencoded: everything up to the last `@` before the path is the user's part.
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let (userinfo, address) = match authority.rsplit_once('@') {
        Some((userinfo, address)) => (Some(userinfo), address),
        None => (None, authority),
    };
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));

    let mut parts = ConnectionString::default();
    if let Some(userinfo) = userinfo {
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        parts.user = not_empty(decode("user", user)?);
        parts.password = match password {
            Some(password) => not_empty(decode("password", password)?).map(Secret::new),
            None => None,
        };
    }
    if address.contains(',') {
        return Err(ConnectionStringError::SeveralHosts);
    }
    let (host, port) = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or(ConnectionStringError::NoHost)?;
            (host, after.strip_prefix(':').unwrap_or_default())
        }
        None => address.rsplit_once(':').unwrap_or((address, "")),
    };
    parts.host = not_empty(decode("host", host)?);
    parts.port = parse_port(port)?;
    parts.database = not_empty(decode("database", path.strip_prefix('/').unwrap_or(path))?);

    let mut pairs = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.insert(decode("query", key)?, decode("query", value)?);
    }
    let stated = from_pairs(pairs)?;
    Ok(ConnectionString {
        host: stated.host.or(parts.host),
        port: stated.port.or(parts.port),
        database: stated.database.or(parts.database),
        user: stated.user.or(parts.user),
        password: stated.password.or(parts.password),
        sslmode: stated.sslmode,
    })
}

/// Reads libpq's form: `key = value` pairs between spaces, values in single quotes where needed, `\` escapes.
fn parse_pairs(text: &str) -> Result<BTreeMap<String, String>, ConnectionStringError> {
    let mut pairs = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (key, behind) = rest.split_once('=').ok_or(ConnectionStringError::Pairs)?;
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return Err(ConnectionStringError::Pairs);
        }
        let behind = behind.trim_start();
        let quoted = behind.strip_prefix('\'');
        let source = quoted.unwrap_or(behind);
        let mut value = String::new();
        let mut end = None;
        let mut characters = source.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                '\'' if quoted.is_some() => {
                    end = Some(at + 1);
                    break;
                }
                space if quoted.is_none() && space.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                other => value.push(other),
            }
        }
        if quoted.is_some() && end.is_none() {
            return Err(ConnectionStringError::Pairs);
        }
        pairs.insert(key.to_owned(), value);
        rest = source
            .get(end.unwrap_or(source.len())..)
            .unwrap_or_default()
            .trim_start();
    }
    Ok(pairs)
}

fn from_pairs(mut pairs: BTreeMap<String, String>) -> Result<ConnectionString, ConnectionStringError> {
    let mut take = |key: &str| pairs.remove(key).and_then(not_empty);
    let port = take("port").unwrap_or_default();
    let host = take("host").or_else(|| take("hostaddr"));
    if port.contains(',') || host.as_ref().is_some_and(|host| host.contains(',')) {
        return Err(ConnectionStringError::SeveralHosts);
    }
    let sslmode = take("sslmode").or_else(|| {
        // Drivers of Java and Node say `ssl=true`, which asks for encryption as `require` does.
        take("ssl").and_then(|ssl| (ssl == "true" || ssl == "1").then(|| "require".to_owned()))
    });
    Ok(ConnectionString {
        host,
        port: parse_port(&port)?,
        database: take("dbname"),
        user: take("user"),
        password: take("password").map(Secret::new),
        sslmode,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> ConnectionString {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_whole_url_gives_all_its_parts() {
        let read =
            parts("postgresql://app:pw@db.shop.svc:6543/ledger?sslmode=verify-full&application_name=x");
        assert_eq!(read.host.as_deref(), Some("db.shop.svc"));
        assert_eq!(read.port, Some(6543));
        assert_eq!(read.database.as_deref(), Some("ledger"));
        assert_eq!(read.user.as_deref(), Some("app"));
        assert_eq!(read.password.as_ref().map(Secret::expose), Some("pw"));
        assert_eq!(read.sslmode.as_deref(), Some("verify-full"));
    }

    #[test]
    fn percent_encoded_parts_are_decoded() {
        let read = parts("postgres://us%40er:p%2Fa%3As%25s@db/we%22ird%20%C3%A4");
        assert_eq!(read.user.as_deref(), Some("us@er"));
        assert_eq!(read.password.as_ref().map(Secret::expose), Some("p/a:s%s"));
        assert_eq!(read.database.as_deref(), Some("we\"ird ä"));
        assert_eq!(read.port, None);
    }

    #[test]
    fn a_password_written_with_raw_at_signs_and_colons_is_read_whole() {
        let read = parts("postgres://app:a:b@c#d@db:5432/x");
        assert_eq!(read.password.as_ref().map(Secret::expose), Some("a:b@c#d"));
        assert_eq!(read.host.as_deref(), Some("db"));
    }

    #[test]
    fn drivers_and_jdbc_are_understood() {
        assert_eq!(parts("postgresql+asyncpg://u@db/x").host.as_deref(), Some("db"));
        let read = parts("jdbc:postgresql://db:5433/x?user=u&password=p&ssl=true");
        assert_eq!((read.user.as_deref(), read.port), (Some("u"), Some(5433)));
        assert_eq!(read.sslmode.as_deref(), Some("require"));
    }

    #[test]
    fn several_hosts_are_refused_in_every_form() {
        for text in [
            "postgres://u:p@a:5432,b:5432/x",
            "postgres://u@a,b/x",
            "postgres://u@/x?host=a,b",
            "host=a,b user=u dbname=x",
            "host=a port=1,2 user=u",
        ] {
            assert_eq!(parse(text), Err(ConnectionStringError::SeveralHosts), "{text}");
        }
    }

    #[test]
    fn sockets_are_read_from_the_host_and_from_the_query() {
        assert_eq!(
            parts("postgres:///x?host=/run/pg&user=u").host.as_deref(),
            Some("/run/pg")
        );
        assert_eq!(
            parts("postgres://u@%2Frun%2Fpg/x").host.as_deref(),
            Some("/run/pg")
        );
    }

    #[test]
    fn an_address_of_version_six_keeps_its_colons() {
        let read = parts("postgres://u@[fd00::1]:5433/x");
        assert_eq!((read.host.as_deref(), read.port), (Some("fd00::1"), Some(5433)));
    }

    #[test]
    fn pairs_are_read_with_quotes_and_escapes() {
        let read = parts(r"host=db user='the user' password='it\'s' dbname = x\ y port=5433 sslmode=disable");
        assert_eq!(read.user.as_deref(), Some("the user"));
        assert_eq!(read.password.as_ref().map(Secret::expose), Some("it's"));
        assert_eq!(read.database.as_deref(), Some("x y"));
        assert_eq!(read.port, Some(5433));
    }

    #[test]
    fn broken_strings_are_refused_without_repeating_them() {
        for (text, expected) in [
            ("mysql://u:hush@db/x", ConnectionStringError::NotPostgres),
            ("hush", ConnectionStringError::NotPostgres),
            ("postgres://u:hush@db:70000/x", ConnectionStringError::Port),
            ("postgres://u:hush@db:0/x", ConnectionStringError::Port),
            (
                "postgres://u:%ff@db/x",
                ConnectionStringError::Encoding { part: "password" },
            ),
            ("host=db password='hush", ConnectionStringError::Pairs),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hush"));
        }
        assert!(!format!("{:?}", parts("postgres://u:hush@db/x")).contains("hush"));
    }

    #[test]
    fn only_values_meant_as_connection_strings_look_like_one() {
        assert!(looks_like_one("postgres://db"));
        assert!(looks_like_one("host=db user=u"));
        for other in ["https://db/x", "a=b", "host=db", "mysql://db/x", ""] {
            assert!(!looks_like_one(other), "{other}");
        }
    }
}
