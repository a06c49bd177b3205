//! The stand-in for Coder as a release, with the release of its Postgres and one of external provisioners.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use test_node::command;

use crate::charts;
use crate::helm_line::HelmLine;
use crate::http::Client;
use crate::place::Place;
use crate::postgres::Postgres;

/// The Secret that Coder's own guide calls so, with the URL of the database.
const DATABASE_SECRET: &str = "coder-db-url";
/// The release of the chart `postgres`.
const DATABASE: &str = "coder-db";

/// The release `coder` of the chart `coder`.
#[derive(Debug, Clone)]
pub struct Coder {
    place: Place,
    line: HelmLine,
    charts: PathBuf,
}

/// What the application says about its users and their keys.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Users {
    /// The version that answered.
    pub version: String,
    /// Users.
    pub users: u64,
    /// Rows of `api_keys`.
    pub keys: u64,
    /// Over names and keys.
    pub checksum: String,
}

impl Users {
    /// Whether both tell of the same users and keys, whatever versions told it.
    #[must_use]
    pub fn same_users(&self, other: &Self) -> bool {
        (self.users, self.keys, &self.checksum) == (other.users, other.keys, &other.checksum)
    }
}

impl Coder {
    /// Every version that there is an image for, oldest first, with the schema version that it brings the database to.
    pub const VERSIONS: [(&'static str, i64); 3] = [("2.26.0", 2), ("2.26.6", 2), ("2.27.8", 4)];

    /// A release that is there or is to be made. Stamped charts are written into the folder `charts`.
    #[must_use]
    pub fn new(place: &Place, line: HelmLine, charts: &Path) -> Self {
        Self {
            place: place.clone(),
            line,
            charts: charts.to_owned(),
        }
    }

    /// The chart of a version, in a folder that stays.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn chart(&self, version: &str) -> Result<PathBuf> {
        charts::stamped("coder", version, &self.charts)
    }

    /// Installs a Postgres, then two replicas of a version, which hold `api_keys` for as long as they live where
    /// `holding` says so. Waits until both are ready and the Service answers.
    ///
    /// # Errors
    /// When helm fails or a release does not become ready within five minutes.
    pub fn install(&self, version: &str, holding: bool) -> Result<()> {
        Postgres::install(&self.place, self.line, DATABASE, 17)?;
        let template = "go-template={{.data.uri | base64decode}}";
        let secret = format!("{DATABASE}-postgres");
        let url = self
            .place
            .kubectl(&["get", "secret", &secret, "--output", template])?;
        let manifest = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": DATABASE_SECRET},
            "stringData": {"url": url}});
        self.place
            .node
            .apply(&self.place.namespace, &manifest.to_string())?;
        let mut env = vec![json!({"name": "CODER_PG_CONNECTION_URL",
            "valueFrom": {"secretKeyRef": {"name": DATABASE_SECRET, "key": "url"}}})];
        if holding {
            env.push(json!({"name": "CODER_STAND_IN_HOLD_API_KEYS", "value": "true"}));
        }
        let values = json!({"coder": {"replicaCount": 2, "env": env}});
        self.helm_install("coder", &self.chart(version)?, &values)?;
        self.wait_until_it_answers()
    }

    /// Installs an external provisioner, a release of its own that knows the server's address and no database.
    ///
    /// # Errors
    /// When helm fails or it does not become ready within five minutes.
    pub fn install_provisioner(&self, version: &str) -> Result<()> {
        let chart = charts::stamped("coder-provisioner", version, &self.charts)?;
        let values = json!({"coder": {"env": [{"name": "CODER_URL", "value": "http://coder"}]}});
        self.helm_install("coder-provisioner", &chart, &values)
    }

    fn helm_install(&self, release: &str, chart: &Path, values: &Value) -> Result<()> {
        let file = self.charts.join(format!("{release}-values.json"));
        fs::write(&file, values.to_string()).with_context(|| format!("write {}", file.display()))?;
        let mut helm = self.place.helm_command(self.line);
        helm.args(["install", release])
            .arg(chart)
            .arg("--values")
            .arg(&file);
        helm.args(["--wait", "--timeout", "5m"]);
        command::run(&mut helm)
            .with_context(|| format!("install {release}"))
            .map(drop)
    }

    /// Waits until the Service answers.
    ///
    /// # Errors
    /// When it does not for as long as a roll-out may take.
    pub fn wait_until_it_answers(&self) -> Result<()> {
        self.client()?.wait_for("/healthz")
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.place.service_address("coder")?))
    }

    /// The database that it works on.
    #[must_use]
    pub fn database(&self) -> Postgres {
        Postgres::of(&self.place, DATABASE, "app", "app")
    }

    /// Version and `dirty` of golang-migrate's one row, as psql prints them: `4|f`.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn schema(&self) -> Result<String> {
        self.database()
            .query("SELECT version, dirty FROM schema_migrations")
    }

    /// Writes the names of the migrations that a version has into a file, and gives it.
    ///
    /// # Errors
    /// When there is no such version or the file cannot be written.
    pub fn migrations(&self, version: &str) -> Result<PathBuf> {
        let last = Self::VERSIONS
            .iter()
            .find_map(|(known, last)| (*known == version).then_some(*last))
            .with_context(|| format!("find the version {version}"))?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("coder/migrations");
        let mut names = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let (number, _) = name.split_once('_').context("a migration has a number")?;
            if number.parse::<i64>()? <= last {
                names.push(name);
            }
        }
        names.sort();
        let list = self.charts.join(format!("migrations-of-{version}"));
        fs::write(&list, names.join("\n") + "\n").with_context(|| format!("write {}", list.display()))?;
        Ok(list)
    }

    /// Adds users through the application, each with a key.
    ///
    /// # Errors
    /// When a request fails.
    pub fn add_users(&self, prefix: &str, count: u32) -> Result<()> {
        let client = self.client()?;
        for number in 0..count {
            client.post("/stand-in/users", &json!({"name": format!("{prefix}-{number}")}))?;
        }
        Ok(())
    }

    /// What the application says about all users.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn users(&self) -> Result<Users> {
        let answer = self.client()?.get("/stand-in/summary")?;
        serde_json::from_value(answer.clone()).with_context(|| format!("understand the summary {answer}"))
    }
}
