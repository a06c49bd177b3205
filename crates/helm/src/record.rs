//! A release as Helm writes it in JSON: in its records and in the answer of a dry run, alike on both Helm lines.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{ChartDocuments, ChartFile, ChartIdentity, ObjectName, RenderedHook};
use serde::Deserialize;
use serde_json::Value;

use crate::documents::{changelog, is_changelog};
use crate::yaml;

/// Helm 3 writes empty times as `""`, Helm 4 leaves them out; either writes `null` for what is empty.
#[derive(Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) namespace: String,
    #[serde(default)]
    pub(crate) version: u32,
    #[serde(default)]
    pub(crate) info: Info,
    #[serde(default)]
    pub(crate) chart: Option<Chart>,
    #[serde(default)]
    pub(crate) config: Option<Value>,
    #[serde(default)]
    pub(crate) manifest: String,
    #[serde(default)]
    pub(crate) hooks: Option<Vec<Hook>>,
    #[serde(default)]
    pub(crate) apply_method: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Info {
    #[serde(default)]
    pub(crate) last_deployed: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Chart {
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
    #[serde(default)]
    pub(crate) values: Option<Value>,
    #[serde(default)]
    files: Option<Vec<File>>,
}

/// A file of a chart that is no template, in base64.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    name: String,
    #[serde(default)]
    data: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) app_version: Option<String>,
    #[serde(default)]
    home: Option<String>,
    #[serde(default)]
    sources: Option<Vec<String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Clone)]
pub(crate) struct Hook {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) manifest: String,
    #[serde(default)]
    pub(crate) events: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) delete_policies: Option<Vec<String>>,
}

impl Chart {
    pub(crate) fn identity(&self) -> ChartIdentity {
        let nothing = Metadata::default();
        let metadata = self.metadata.as_ref().unwrap_or(&nothing);
        ChartIdentity {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            app_version: metadata.app_version.clone().filter(|version| !version.is_empty()),
        }
    }

    /// What the chart says about itself and its changes. A change log that is no base64 is none.
    pub(crate) fn documents(&self) -> ChartDocuments {
        let metadata = self.metadata.as_ref();
        let files = self.files.iter().flatten();
        let texts = files.filter(|file| is_changelog(&file.name)).filter_map(|file| {
            let bytes = STANDARD.decode(file.data.as_deref()?).ok()?;
            Some(ChartFile {
                name: file.name.clone(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            })
        });
        ChartDocuments {
            identity: self.identity(),
            home: metadata.and_then(|metadata| metadata.home.clone()),
            sources: metadata
                .and_then(|metadata| metadata.sources.clone())
                .unwrap_or_default(),
            annotations: metadata
                .and_then(|metadata| metadata.annotations.clone())
                .unwrap_or_default(),
            changelog: changelog(texts.collect()),
        }
    }
}

impl Metadata {
    /// What the chart says about itself, where nothing but its metadata was read.
    pub(crate) fn documents(self) -> ChartDocuments {
        Chart {
            metadata: Some(self),
            ..Chart::default()
        }
        .documents()
    }
}

impl Hook {
    /// The hook as an object; null where its manifest cannot be read.
    pub(crate) fn object(&self) -> Value {
        yaml::parse(&self.manifest)
            .ok()
            .flatten()
            .map_or(Value::Null, |node| node.to_json())
    }

    /// What may be shown of a hook. One whose manifest cannot be read is known by what the record says of it.
    pub(crate) fn facts(&self, default_namespace: &str) -> RenderedHook {
        let object = self.object();
        let text = |value: &Value, otherwise: &str| value.as_str().unwrap_or(otherwise).to_owned();
        let job = &object["spec"];
        let containers = |key: &str| {
            job["template"]["spec"][key]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        RenderedHook {
            object: ObjectName {
                api_version: text(&object["apiVersion"], ""),
                kind: text(&object["kind"], &self.kind),
                namespace: text(&object["metadata"]["namespace"], default_namespace),
                name: text(&object["metadata"]["name"], &self.name),
            },
            events: self.events.clone().unwrap_or_default(),
            active_deadline_seconds: job["activeDeadlineSeconds"].as_i64(),
            images: containers("initContainers")
                .iter()
                .chain(&containers("containers"))
                .filter_map(|container| container["image"].as_str().map(str::to_owned))
                .collect(),
            delete_policies: self.delete_policies.clone().unwrap_or_default(),
        }
    }
}

/// An empty mapping for what Helm writes as `null`.
pub(crate) fn or_empty(values: Option<Value>) -> Value {
    values
        .filter(|values| !values.is_null())
        .unwrap_or_else(|| Value::Object(serde_json::Map::new()))
}
