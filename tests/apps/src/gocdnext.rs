//! The stand-in for gocdnext as a release with its development database.

use std::fs;
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

/// Any key of 32 bytes.
const SECRET_KEY: &str = "6f1d3c5e7a9b0c2d4e6f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5";

/// The release `gocdnext` of the chart `gocdnext`.
#[derive(Debug, Clone)]
pub struct Gocdnext {
    place: Place,
    line: HelmLine,
    charts: PathBuf,
}

/// What the server says about its jobs, what they made, and who runs them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Jobs {
    /// Rows of `job_runs`.
    pub jobs: u64,
    /// Of these, those that run.
    pub running: u64,
    /// Of these, those that ended well.
    pub succeeded: u64,
    /// Of these, those that were begun more than once.
    pub run_twice: u64,
    /// Rows of `log_lines`.
    pub log_lines: u64,
    /// Rows of `artifacts`.
    pub artefacts: u64,
    /// Of these, those whose bytes are there and are the right ones.
    pub artefacts_ok: u64,
    /// Agents that are registered.
    pub agents_online: u64,
    /// Rows of `secrets`.
    pub secrets: u64,
    /// Of these, those that the server's key opens.
    pub secrets_open: u64,
}

impl Gocdnext {
    /// Every version that there are images for, oldest first, with the schema version that it brings the database to.
    pub const VERSIONS: [(&'static str, i64); 2] = [("0.4.34", 35), ("0.6.4", 39)];

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
        charts::stamped("gocdnext", version, &self.charts)
    }

    /// Installs a version with its development database and two agents; waits until all pods are ready and the Service
    /// answers. The access mode of the agents' volumes is given, because its default changes with 0.5.0.
    ///
    /// # Errors
    /// When helm fails or the release does not become ready within five minutes.
    pub fn install(&self, version: &str) -> Result<()> {
        let values = json!({
            "devDatabase": {"enabled": true},
            "agent": {"tokenSecret": {"value": "a token of the tests"}, "workspace": {"accessMode": "ReadWriteMany"}},
            "secretKey": {"value": SECRET_KEY},
        });
        let file = self.charts.join("gocdnext-values.json");
        fs::write(&file, values.to_string()).with_context(|| format!("write {}", file.display()))?;
        let mut helm = self.place.helm_command(self.line);
        helm.args(["install", "gocdnext"])
            .arg(self.chart(version)?)
            .arg("--values")
            .arg(&file)
            .args(["--wait", "--timeout", "5m"]);
        command::run(&mut helm).context("install gocdnext")?;
        self.wait_until_it_answers()
    }

    /// Waits until the Service answers.
    ///
    /// # Errors
    /// When it does not for as long as a roll-out may take.
    pub fn wait_until_it_answers(&self) -> Result<()> {
        self.client()?.wait_for("/readyz")
    }

    /// The Service's address, `IP:PORT`.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn address(&self) -> Result<String> {
        self.place.service_address("gocdnext-gocdnext-server")
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.address()?))
    }

    /// The development database.
    #[must_use]
    pub fn database(&self) -> Postgres {
        Postgres::of(&self.place, "gocdnext-gocdnext", "gocdnext", "gocdnext")
    }

    /// Queues a job, which runs until it may finish; gives its number.
    ///
    /// # Errors
    /// When the request fails.
    pub fn queue_job(&self) -> Result<i64> {
        let answer = self.client()?.post("/stand-in/jobs", &json!({}))?;
        answer["id"]
            .as_i64()
            .with_context(|| format!("find the number of the job in {answer}"))
    }

    /// Lets a job finish: its agent then writes its log and its artefact.
    ///
    /// # Errors
    /// When the request fails.
    pub fn let_finish(&self, job: i64) -> Result<()> {
        self.client()?
            .post(&format!("/stand-in/jobs/{job}/finish"), &json!({}))
            .map(drop)
    }

    /// Keeps a secret, sealed with the server's key.
    ///
    /// # Errors
    /// When the request fails.
    pub fn keep_secret(&self, name: &str) -> Result<()> {
        self.client()?
            .post(
                "/stand-in/secrets",
                &json!({"name": name, "value": "of a project"}),
            )
            .map(drop)
    }

    /// What the server says about jobs and agents.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn jobs(&self) -> Result<Jobs> {
        let answer = self.client()?.get("/stand-in/summary")?;
        serde_json::from_value(answer.clone()).with_context(|| format!("understand the summary {answer}"))
    }
}
