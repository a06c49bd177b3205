//! Passwords in libpq's own file.
//!
//! The file is `PGPASSFILE`, else `.pgpass` in the home folder, `%APPDATA%\postgresql\pgpass.conf` on Windows; a line is
//! `host:port:database:user:password`, `*` stands for anything, a backslash takes the next character as it is.

use std::path::PathBuf;

use model::Secret;

/// Whose password.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

/// The password of the first line that fits.
pub(crate) fn look_up(text: &str, wanted: Wanted<'_>) -> Option<Secret> {
    let port = wanted.port.to_string();
    // A socket stands in the file as localhost.
    let host = if wanted.host.starts_with('/') {
        "localhost"
    } else {
        wanted.host
    };
    let asked = [host, &port, wanted.database, wanted.user];
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .find_map(|line| {
            let fields = fields(line);
            let (named, password) = fields.split_at_checked(asked.len())?;
            let fits = named
                .iter()
                .zip(asked)
                .all(|((raw, plain), asked)| raw == "*" || plain == asked);
            fits.then(|| Some(Secret::new(password.first()?.1.clone())))?
        })
}

/// The fields of a line, each as it is written and as it is meant.
fn fields(line: &str) -> Vec<(String, String)> {
    let mut fields = vec![(String::new(), String::new())];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == ':' {
            fields.push(Default::default());
            continue;
        }
        let Some((raw, plain)) = fields.last_mut() else {
            break;
        };
        raw.push(character);
        match character {
            '\\' => {
                if let Some(next) = characters.next() {
                    raw.push(next);
                    plain.push(next);
                }
            }
            other => plain.push(other),
        }
    }
    fields
}

/// The password for a login in the user's file; `None` where there is no file, none that is private, or no line that
/// fits.
pub(crate) fn from_file(wanted: Wanted<'_>) -> Option<Secret> {
    let path = place()?;
    if !is_private(&path) {
        return None;
    }
    look_up(&std::fs::read_to_string(path).ok()?, wanted)
}

fn place() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("PGPASSFILE") {
        return Some(path.into());
    }
    if cfg!(windows) {
        let folder = PathBuf::from(std::env::var_os("APPDATA")?);
        return Some(folder.join("postgresql").join("pgpass.conf"));
    }
    Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass"))
}

/// libpq takes no password from a file that others may read.
#[cfg(unix)]
fn is_private(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(path: &std::path::Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# a note\ndb.example:5432:shop:app:one\n*:*:*:ad\\:min:t\\:w\\\\o:x\nlocalhost:*:*:app:three\n";

    fn password(host: &str, user: &str) -> Option<String> {
        let wanted = Wanted {
            host,
            port: 5432,
            database: "shop",
            user,
        };
        look_up(FILE, wanted).map(|password| password.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        assert_eq!(password("db.example", "app").as_deref(), Some("one"));
        assert_eq!(password("anything", "ad:min").as_deref(), Some("t:w\\o"));
        assert_eq!(password("/run/postgresql", "app").as_deref(), Some("three"));
        assert_eq!(password("other", "app"), None);
    }
}
