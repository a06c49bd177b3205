//! Whether what was restored is what was backed up.

use std::collections::BTreeMap;

use model::{BackupManifest, MigrationState, Seen, TableRows};
use postgres_room::{ConnectError, Connector, Database, QueryError, SessionOptions};

/// What of a database can be compared with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) rows: Vec<TableRows>,
    pub(crate) schema_hash: String,
    pub(crate) extensions: BTreeMap<String, String>,
    pub(crate) migration: Seen<MigrationState>,
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Equal, in words.
    pub(crate) compared: Vec<String>,
    /// Not equal, in words.
    pub(crate) differences: Vec<String>,
    /// Not as it was and no loss, in words.
    pub(crate) notes: Vec<String>,
}

/// How often a look is begun anew when its session is lost: connections through an API server are, now and then, and a
/// database that was filled for an hour should not be thrown away for it.
pub(crate) const LOOKS: usize = 3;

/// Why a database could not be looked into.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Content {
    /// Reads it from a database of the server, again if the session is lost.
    pub(crate) async fn look(connector: &Connector, name: &str) -> Result<Self, LookError> {
        let mut look = 1;
        loop {
            let database = session(connector, name).await?;
            match Self::observe(&database).await {
                Err(error) if error.is_closed() && look < LOOKS => look += 1,
                seen => return Ok(seen?),
            }
        }
    }

    /// Reads it from an open session.
    async fn observe(database: &Database) -> Result<Self, QueryError> {
        Ok(Self {
            rows: postgres_room::row_counts(database).await?,
            schema_hash: postgres_room::schema_hash(database).await?,
            extensions: postgres_room::extensions(database).await?,
            migration: postgres_room::migration_state(database, None).await,
        })
    }
}

/// Opens a session on a database of the server, without a limit on how long a count may take.
pub(crate) async fn session(connector: &Connector, database: &str) -> Result<Database, ConnectError> {
    let options = SessionOptions {
        database: Some(database.to_owned()),
        writable: false,
        statement_timeout: std::time::Duration::ZERO,
        lock_timeout: std::time::Duration::ZERO,
    };
    connector.connect(&options).await
}

/// Compares a restored database with what the manifest says of the dump. What the manifest does not know is not
/// compared, and so does not stand among what was.
pub(crate) fn compare(manifest: &BackupManifest, content: &Content) -> Comparison {
    let mut result = Comparison::default();
    if !manifest.schema_hash.is_empty() {
        result.note(manifest.schema_hash == content.schema_hash, "the schema", || {
            format!(
                "schema hash {} instead of {}",
                short(&content.schema_hash),
                short(&manifest.schema_hash)
            )
        });
    }
    if !manifest.rows.is_empty() {
        compare_rows(&manifest.rows, &content.rows, &mut result);
    }
    compare_extensions(&manifest.extensions, &content.extensions, &mut result);
    if let Some(before) = &manifest.migration {
        let found = content.migration.present();
        result.note(
            found.is_some_and(|found| found.fingerprint == before.fingerprint),
            "the state of the migration tool",
            || match found {
                Some(found) => format!(
                    "{} is at {} instead of {}",
                    before.table,
                    found.version.as_deref().unwrap_or("nothing"),
                    before.version.as_deref().unwrap_or("nothing")
                ),
                None => format!("the migration table {} could not be read", before.table),
            },
        );
    }
    result
}

/// An archive names extensions without their versions, so that a newer one may be installed: that is told and no loss.
fn compare_extensions(
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
    result: &mut Comparison,
) {
    if expected.is_empty() {
        return;
    }
    let missing: Vec<&str> = expected
        .keys()
        .filter(|name| !found.contains_key(*name))
        .map(String::as_str)
        .collect();
    result.note(
        missing.is_empty(),
        &format!("{} extensions", expected.len()),
        || format!("extensions missing: {}", missing.join(", ")),
    );
    for (name, version) in expected {
        if let Some(other) = found.get(name).filter(|other| *other != version) {
            result.notes.push(format!(
                "extension {name} was installed as {other}, and was {version}"
            ));
        }
    }
}

fn compare_rows(expected: &[TableRows], found: &[TableRows], result: &mut Comparison) {
    let by_table = |rows: &[TableRows]| -> BTreeMap<String, i64> {
        rows.iter()
            .map(|table| (table.table.clone(), table.rows))
            .collect()
    };
    let (expected, found) = (by_table(expected), by_table(found));
    let mut equal = true;
    for (table, rows) in &expected {
        match found.get(table) {
            Some(other) if other == rows => {}
            Some(other) => {
                equal = false;
                result
                    .differences
                    .push(format!("{table} has {other} rows instead of {rows}"));
            }
            None => {
                equal = false;
                result.differences.push(format!("{table} is missing"));
            }
        }
    }
    for table in found.keys().filter(|table| !expected.contains_key(*table)) {
        equal = false;
        result.differences.push(format!("{table} was not in the backup"));
    }
    if equal {
        let rows: i64 = expected.values().sum();
        result
            .compared
            .push(format!("{rows} rows in {} tables", expected.len()));
    }
}

impl Comparison {
    fn note(&mut self, equal: bool, what: &str, difference: impl FnOnce() -> String) {
        if equal {
            self.compared.push(what.to_owned());
        } else {
            self.differences.push(difference());
        }
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(counts: &[(&str, i64)]) -> Vec<TableRows> {
        counts
            .iter()
            .map(|(table, rows)| TableRows {
                table: (*table).into(),
                rows: *rows,
            })
            .collect()
    }

    fn differences(expected: &[(&str, i64)], found: &[(&str, i64)]) -> Vec<String> {
        let mut result = Comparison::default();
        compare_rows(&rows(expected), &rows(found), &mut result);
        assert_eq!(result.compared.is_empty(), !result.differences.is_empty());
        result.differences
    }

    #[test]
    fn an_extension_that_is_gone_differs_and_another_version_is_told() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs
                .iter()
                .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
                .collect()
        };
        let judge = |found: &[(&str, &str)]| {
            let mut result = Comparison::default();
            compare_extensions(&of(&[("a", "1.0"), ("b", "2.0")]), &of(found), &mut result);
            result
        };
        let equal = judge(&[("a", "1.0"), ("b", "2.0"), ("c", "1.0")]);
        assert_eq!(
            (equal.compared, equal.differences, equal.notes),
            (vec!["2 extensions".to_owned()], Vec::new(), Vec::new())
        );
        assert_eq!(judge(&[("a", "1.0")]).differences, ["extensions missing: b"]);
        let newer = judge(&[("a", "1.0"), ("b", "2.1")]);
        assert!(newer.differences.is_empty(), "{newer:?}");
        assert_eq!(newer.notes, ["extension b was installed as 2.1, and was 2.0"]);
    }

    #[test]
    fn every_difference_in_rows_is_named() {
        assert!(differences(&[("a", 1), ("b", 0)], &[("b", 0), ("a", 1)]).is_empty());
        assert_eq!(
            differences(&[("a", 1)], &[("a", 2)]),
            ["a has 2 rows instead of 1"]
        );
        assert_eq!(differences(&[("a", 1), ("b", 0)], &[("a", 1)]), ["b is missing"]);
        assert_eq!(
            differences(&[("a", 1)], &[("a", 1), ("c", 0)]),
            ["c was not in the backup"]
        );
    }
}
