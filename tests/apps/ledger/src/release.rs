//! The versions of the application, and the migrations that each of them knows.

use anyhow::{Result, bail};

/// One SQL file.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) version: i64,
    /// The file's name, as goose logs it.
    pub(crate) file: &'static str,
    pub(crate) sql: &'static str,
}

/// One version of the application.
#[derive(Debug)]
pub(crate) struct Release {
    /// As `LEDGER_VERSION` and the image tag say it.
    pub(crate) version: &'static str,
    /// The newest migration that this version knows.
    pub(crate) schema: i64,
    pub(crate) names: Names,
}

/// What a version calls things in its SQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) account: &'static str,
    pub(crate) heartbeats: &'static str,
    /// Whether entries have a note.
    pub(crate) note: bool,
}

const FIRST_NAMES: Names = Names {
    account: "account",
    heartbeats: "heartbeats",
    note: true,
};

/// All versions, oldest first.
pub(crate) const RELEASES: &[Release] = &[
    Release {
        version: "1.0.0",
        schema: 2,
        names: FIRST_NAMES,
    },
    // Additive: an older version goes on working with this schema.
    Release {
        version: "1.1.0",
        schema: 4,
        names: FIRST_NAMES,
    },
    // Slow: every row of `entries` is rewritten, then updated.
    Release {
        version: "2.0.0",
        schema: 6,
        names: FIRST_NAMES,
    },
    // Destructive: a column renamed, a column and a table dropped. No older version works with this schema.
    Release {
        version: "3.0.0",
        schema: 9,
        names: Names {
            account: "account_name",
            heartbeats: "worker_status",
            note: false,
        },
    },
];

macro_rules! migration {
    ($version:literal, $file:literal) => {
        Migration {
            version: $version,
            file: $file,
            sql: include_str!(concat!("../migrations/", $file)),
        }
    };
}

/// All migrations, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    migration!(1, "00001_create_entries.sql"),
    migration!(2, "00002_create_heartbeats.sql"),
    migration!(3, "00003_add_currency.sql"),
    migration!(4, "00004_index_account.sql"),
    migration!(5, "00005_widen_amount.sql"),
    migration!(6, "00006_fingerprint_entries.sql"),
    migration!(7, "00007_rename_account.sql"),
    migration!(8, "00008_drop_note.sql"),
    migration!(9, "00009_replace_heartbeats.sql"),
];

impl Release {
    /// Finds a version by its name.
    pub(crate) fn named(version: &str) -> Result<&'static Self> {
        match RELEASES.iter().find(|release| release.version == version) {
            Some(release) => Ok(release),
            None => {
                let known: Vec<_> = RELEASES.iter().map(|release| release.version).collect();
                bail!("LEDGER_VERSION is {version:?}, known are {}", known.join(", "))
            }
        }
    }

    /// The migrations that this version has and a database at `current` does not.
    pub(crate) fn pending(&self, current: i64) -> impl Iterator<Item = &'static Migration> {
        let newest = self.schema;
        MIGRATIONS
            .iter()
            .filter(move |migration| migration.version > current && migration.version <= newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_the_folder_is_in_the_table_under_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let table: Vec<_> = MIGRATIONS.iter().map(|migration| migration.file).collect();
        assert_eq!(files, table);
        for migration in MIGRATIONS {
            assert!(
                migration.file.starts_with(&format!("{:05}_", migration.version)),
                "{}",
                migration.file
            );
        }
    }

    #[test]
    fn a_version_runs_only_what_it_knows() {
        let pending: Vec<_> = Release::named("1.1.0")
            .unwrap()
            .pending(2)
            .map(|m| m.version)
            .collect();
        assert_eq!(pending, [3, 4]);
        assert_eq!(Release::named("1.0.0").unwrap().pending(6).count(), 0);
        assert_eq!(
            RELEASES.last().unwrap().schema,
            MIGRATIONS.last().unwrap().version
        );
    }
}
