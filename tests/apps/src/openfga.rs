//! OpenFGA as a release: install, upgrade, write through its API and read back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use test_node::command;

use crate::charts;
use crate::helm_line::HelmLine;
use crate::http::Client;
use crate::place::Place;
use crate::postgres::Postgres;

/// Tuples in one write; OpenFGA takes a hundred at most.
const BATCH: u32 = 50;

/// A release of the chart `openfga`, and the release of the chart `postgres` that it works on.
#[derive(Debug, Clone)]
pub struct OpenFga {
    place: Place,
    line: HelmLine,
    release: String,
    charts: PathBuf,
}

/// What the application tells about one store: equal before and after an upgrade, or data was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The store's id.
    pub store: String,
    /// The store's name.
    pub name: String,
    /// The ids of its authorization models.
    pub models: Vec<String>,
    /// All tuples as `user relation object`, sorted.
    pub tuples: Vec<String>,
    /// Answers to questions that need the model, each with the question.
    pub checks: Vec<(String, bool)>,
}

impl OpenFga {
    /// Every version that there is an image for, oldest first, with the schema version that it brings the database to.
    pub const VERSIONS: [(&'static str, i64); 3] = [("1.3.0", 3), ("1.8.4", 5), ("1.22.1", 6)];

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
        charts::stamped("openfga", version, &self.charts)
    }

    /// The name of the release of its Postgres.
    #[must_use]
    pub fn database_release(&self) -> String {
        format!("{}-db", self.release)
    }

    /// The database that it works on.
    #[must_use]
    pub fn database(&self) -> Postgres {
        Postgres::of(&self.place, &self.database_release(), "app", "app")
    }

    /// The value that names the database's Secret, to be given to each install or upgrade whose values are not reused.
    #[must_use]
    pub fn database_value(&self) -> String {
        format!("datastore.existingSecret={}-postgres", self.database_release())
    }

    /// Installs a Postgres, then a version of OpenFGA; waits until all pods are ready and the Service answers.
    ///
    /// # Errors
    /// When helm fails or a release does not become ready within five minutes.
    pub fn install(&self, version: &str, postgres_major: u32) -> Result<()> {
        Postgres::install(&self.place, self.line, &self.database_release(), postgres_major)?;
        self.helm("install", version)
    }

    /// Upgrades by plain helm and waits as [`Self::install`] does, and until the pods of before are gone: while they
    /// shut down they answer requests with 404.
    ///
    /// # Errors
    /// When helm fails or the release does not become ready within five minutes.
    pub fn upgrade(&self, version: &str) -> Result<()> {
        self.helm("upgrade", version)?;
        self.place.wait_until_leaving_pods_are_gone(&format!(
            "app.kubernetes.io/instance={},app.kubernetes.io/component=server",
            self.release
        ))
    }

    /// Waits until the Service answers.
    ///
    /// # Errors
    /// When it does not for as long as a roll-out may take.
    pub fn wait_until_it_answers(&self) -> Result<()> {
        self.client()?.wait_for("/healthz")
    }

    fn helm(&self, verb: &str, version: &str) -> Result<()> {
        let mut helm = self.place.helm_command(self.line);
        helm.args([verb, &self.release])
            .arg(self.chart(version)?)
            .args(["--wait", "--timeout", "5m"]);
        helm.args(["--set", &self.database_value()]);
        command::run(&mut helm).with_context(|| format!("{verb} OpenFGA {version} as {}", self.release))?;
        self.wait_until_it_answers()
    }

    /// The Service's HTTP address, `IP:PORT`.
    ///
    /// # Errors
    /// When there is no such release.
    pub fn address(&self) -> Result<String> {
        self.place.service_address(&self.release)
    }

    fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.address()?))
    }

    /// Makes a store with a model and `documents` documents: each has a viewer (`user:N` of `document:N`), and is in
    /// a folder that `user:owner` owns. Gives the store's id.
    ///
    /// # Errors
    /// When a request fails.
    pub fn write(&self, documents: u32) -> Result<String> {
        let client = self.client()?;
        let store = text(&client.post("/stores", &json!({"name": "safe-upgrade"}))?, "id")?;
        client.post(&format!("/stores/{store}/authorization-models"), &model())?;
        let tuple = |user: String, relation: &str, object: String| json!({"user": user, "relation": relation, "object": object});
        let mut tuples = vec![tuple(
            "user:owner".to_owned(),
            "owner",
            "folder:shared".to_owned(),
        )];
        for number in 0..documents {
            let document = format!("document:{number}");
            tuples.push(tuple(format!("user:{number}"), "viewer", document.clone()));
            tuples.push(tuple("folder:shared".to_owned(), "parent", document));
        }
        for batch in tuples.chunks(BATCH as usize) {
            client.post(
                &format!("/stores/{store}/write"),
                &json!({"writes": {"tuple_keys": batch}}),
            )?;
        }
        Ok(store)
    }

    /// Reads all about a store back through the API.
    ///
    /// # Errors
    /// When a request fails.
    pub fn snapshot(&self, store: &str) -> Result<Snapshot> {
        let client = self.client()?;
        let about = client.get(&format!("/stores/{store}"))?;
        let models = client.get(&format!("/stores/{store}/authorization-models"))?;
        let mut tuples = Vec::new();
        let mut token = String::new();
        loop {
            let page = client.post(
                &format!("/stores/{store}/read"),
                &json!({"page_size": 100, "continuation_token": token}),
            )?;
            for tuple in list(&page, "tuples") {
                let key = &tuple["key"];
                tuples.push(format!(
                    "{} {} {}",
                    text(key, "user")?,
                    text(key, "relation")?,
                    text(key, "object")?
                ));
            }
            token = page["continuation_token"].as_str().unwrap_or_default().to_owned();
            if token.is_empty() {
                break;
            }
        }
        tuples.sort();
        let mut checks = Vec::new();
        for (user, object) in [
            // By a tuple; by way of the folder; not at all.
            ("user:0", "document:0"),
            ("user:owner", "document:0"),
            ("user:stranger", "document:0"),
        ] {
            let question = json!({"tuple_key": {"user": user, "relation": "viewer", "object": object}});
            let answer = client.post(&format!("/stores/{store}/check"), &question)?;
            checks.push((
                format!("{user} viewer {object}"),
                answer["allowed"].as_bool().unwrap_or(false),
            ));
        }
        Ok(Snapshot {
            store: store.to_owned(),
            name: text(&about, "name")?,
            models: list(&models, "authorization_models")
                .iter()
                .map(|model| text(model, "id"))
                .collect::<Result<_>>()?,
            tuples,
            checks,
        })
    }
}

fn model() -> Value {
    let of_users = json!({"directly_related_user_types": [{"type": "user"}]});
    json!({
        "schema_version": "1.1",
        "type_definitions": [
            {"type": "user"},
            {
                "type": "folder",
                "relations": {"owner": {"this": {}}},
                "metadata": {"relations": {"owner": of_users}},
            },
            {
                "type": "document",
                "relations": {
                    "parent": {"this": {}},
                    "viewer": {"union": {"child": [
                        {"this": {}},
                        {"tupleToUserset": {
                            "tupleset": {"object": "", "relation": "parent"},
                            "computedUserset": {"object": "", "relation": "owner"},
                        }},
                    ]}},
                },
                "metadata": {"relations": {
                    "parent": {"directly_related_user_types": [{"type": "folder"}]},
                    "viewer": of_users,
                }},
            },
        ],
    })
}

fn text(value: &Value, field: &str) -> Result<String> {
    value[field]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("find {field} in {value}"))
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}
