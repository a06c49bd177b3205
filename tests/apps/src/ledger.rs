//! The ledger as a release: install, upgrade, write and read back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::json;
use test_node::command;

use crate::charts;
use crate::helm_line::HelmLine;
use crate::http::Client;
use crate::place::Place;
use crate::postgres::Postgres;

/// A release of the chart `ledger`.
#[derive(Debug, Clone)]
pub struct Ledger {
    place: Place,
    line: HelmLine,
    release: String,
    charts: PathBuf,
}

/// What the application says about its entries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Summary {
    /// The version that answered.
    pub version: String,
    /// The schema's version in the database.
    pub schema: Option<i64>,
    /// Entries.
    pub rows: u64,
    /// The sum of all amounts.
    pub total_cents: String,
    /// Over id, account and amount of each entry, which every version keeps.
    pub checksum: String,
    /// Entries with a note; none where the schema has no notes any more (from 3.0.0).
    pub notes: Option<u64>,
}

impl Summary {
    /// Whether both tell of the same entries, whatever versions of application and schema told it.
    #[must_use]
    pub fn same_entries(&self, other: &Self) -> bool {
        (self.rows, &self.total_cents, &self.checksum) == (other.rows, &other.total_cents, &other.checksum)
    }
}

impl Ledger {
    /// Every version, oldest first, with the schema version that it brings the database to.
    pub const VERSIONS: [(&'static str, i64); 4] = [("1.0.0", 2), ("1.1.0", 4), ("2.0.0", 6), ("3.0.0", 9)];

    /// A release that is there or is to be made. Stamped charts are written into the folder `charts`.
    #[must_use]
    pub fn new(place: &Place, line: HelmLine, release: &str, charts: &Path) -> Self {
        Self {
            place: place.clone(),
            line,
            release: release.to_owned(),
            charts: charts.to_owned(),
        }
    }

    /// The chart of a version, in a folder that stays.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn chart(&self, version: &str) -> Result<PathBuf> {
        charts::stamped("ledger", version, &self.charts)
    }

    /// Installs a version with values (`path=value`, as for `--set`), waits until all pods are ready and the Service
    /// answers.
    ///
    /// # Errors
    /// When helm fails or the release does not become ready within five minutes.
    pub fn install(&self, version: &str, values: &[&str]) -> Result<()> {
        self.helm("install", version, values)?;
        self.client()?.wait_for("/readyz")
    }

    /// Upgrades by plain helm, with the values of the release before and these, and waits as [`Self::install`] does.
    ///
    /// # Errors
    /// When helm fails or the release does not become ready within five minutes.
    pub fn upgrade(&self, version: &str, values: &[&str]) -> Result<()> {
        self.helm("upgrade", version, values)?;
        self.client()?.wait_for("/readyz")?;
        // For a moment the Service still routes to them.
        self.place
            .wait_until_leaving_pods_are_gone(&format!("app.kubernetes.io/instance={}", self.release))
    }

    /// Waits until the Service answers.
    ///
    /// # Errors
    /// When it does not for as long as a roll-out may take.
    pub fn wait_until_it_answers(&self) -> Result<()> {
        self.client()?.wait_for("/readyz")
    }

    /// Stops everything that writes (the CronJob, the web pods, the workers) and waits until their pods are gone: what is
    /// compared afterwards stands still.
    ///
    /// # Errors
    /// When kubectl fails or a pod stays for a minute.
    pub fn stop_writers(&self) -> Result<()> {
        let release = &self.release;
        let suspend = r#"{"spec":{"suspend":true}}"#;
        self.place
            .kubectl(&["patch", &format!("cronjob/{release}-tidy"), "--patch", suspend])?;
        self.place.kubectl(&[
            "scale",
            &format!("deployment/{release}-web"),
            &format!("statefulset/{release}-worker"),
            "--replicas=0",
        ])?;
        for component in ["web", "worker"] {
            let selector =
                format!("app.kubernetes.io/instance={release},app.kubernetes.io/component={component}");
            self.place.kubectl(&[
                "wait",
                "pod",
                "--for=delete",
                "--selector",
                &selector,
                "--timeout=60s",
            ])?;
        }
        Ok(())
    }

    fn helm(&self, verb: &str, version: &str, values: &[&str]) -> Result<()> {
        let mut helm = self.place.helm_command(self.line);
        helm.args([verb, &self.release])
            .arg(self.chart(version)?)
            .args(["--wait", "--timeout", "5m"]);
        if verb == "upgrade" {
            helm.arg("--reset-then-reuse-values");
        }
        for value in values {
            helm.args(["--set", value]);
        }
        command::run(&mut helm)
            .with_context(|| format!("{verb} ledger {version} as {}", self.release))
            .map(drop)
    }

    /// The Service's address, `IP:PORT`.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn address(&self) -> Result<String> {
        self.place.service_address(&self.release)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.address()?))
    }

    /// The database of the release's own Postgres.
    #[must_use]
    pub fn database(&self) -> Postgres {
        Postgres::of(&self.place, &self.release, "ledger", "ledger")
    }

    /// Writes entries for the account `test` through the application.
    ///
    /// # Errors
    /// When a request fails.
    pub fn write(&self, entries: u32) -> Result<()> {
        let client = self.client()?;
        for number in 0..entries {
            let entry = json!({"account": "test", "amount_cents": number * 100 + 1, "note": format!("entry {number}")});
            client.post("/entries", &entry)?;
        }
        Ok(())
    }

    /// What the application says about all entries.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn summary(&self) -> Result<Summary> {
        self.ask("/summary")
    }

    /// What the application says about one account's entries (`test`: what [`Self::write`] wrote; `worker`: what the
    /// worker writes).
    ///
    /// # Errors
    /// When it does not answer.
    pub fn summary_of(&self, account: &str) -> Result<Summary> {
        self.ask(&format!("/summary?account={account}"))
    }

    fn ask(&self, path: &str) -> Result<Summary> {
        let answer = self.client()?.get(path)?;
        serde_json::from_value(answer.clone()).with_context(|| format!("understand the summary {answer}"))
    }
}
