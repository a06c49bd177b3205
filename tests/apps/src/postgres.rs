//! The database behind a release.

use anyhow::{Context as _, Result};

use crate::charts;
use crate::helm_line::HelmLine;
use crate::place::Place;

/// A Postgres pod, and the user and database to work with.
#[derive(Debug, Clone)]
pub struct Postgres {
    place: Place,
    /// The pod's name.
    pub pod: String,
    /// The superuser's name.
    pub user: String,
    /// The application's database.
    pub database: String,
}

impl Postgres {
    /// Installs the chart `postgres` as `release` and waits until the server is ready. The pod is
    /// `RELEASE-postgres-0`; the Secret `RELEASE-postgres` holds `username`, `password`, `database` and `uri`.
    ///
    /// # Errors
    /// When helm fails or the server does not become ready within five minutes.
    pub fn install(place: &Place, line: HelmLine, release: &str, major: u32) -> Result<Self> {
        let mut helm = place.helm_command(line);
        helm.args(["install", release]).arg(charts::postgres());
        helm.args([
            "--set-string",
            &format!("major={major}"),
            "--wait",
            "--timeout",
            "5m",
        ]);
        test_node::command::run(&mut helm)
            .with_context(|| format!("install PostgreSQL {major} as {release}"))?;
        Ok(Self::of(place, release, "app", "app"))
    }

    /// The database of a release that has its pod under the name `RELEASE-postgres-0`.
    #[must_use]
    pub fn of(place: &Place, release: &str, user: &str, database: &str) -> Self {
        Self {
            place: place.clone(),
            pod: format!("{release}-postgres-0"),
            user: user.to_owned(),
            database: database.to_owned(),
        }
    }

    /// Runs SQL by `psql` in the pod; gives the rows, columns separated by `|`, without a header.
    ///
    /// # Errors
    /// When the pod cannot be reached or the SQL fails.
    pub fn query(&self, sql: &str) -> Result<String> {
        self.query_in(&self.database, sql)
    }

    /// As [`Self::query`], in another database of the same server.
    ///
    /// # Errors
    /// When the pod cannot be reached or the SQL fails.
    pub fn query_in(&self, database: &str, sql: &str) -> Result<String> {
        let psql = [
            "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            &self.user,
            "-d",
            database,
            "-c",
            sql,
        ];
        let output = self
            .place
            .kubectl(&[&["exec", &self.pod, "--"], &psql[..]].concat())?;
        Ok(output.trim_end().to_owned())
    }

    /// The newest version that goose's table (ledger's and OpenFGA's) names.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn schema_version(&self) -> Result<i64> {
        let version = self.query("SELECT max(version_id) FROM goose_db_version WHERE is_applied")?;
        version
            .parse()
            .with_context(|| format!("read the schema version from {version:?}"))
    }
}
