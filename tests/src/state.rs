//! What a release looks like in the cluster, and what of ours is left there.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use test_apps::{HelmLine, Place};

/// The counts and switches of a release's workloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseState {
    /// `spec.replicas` by `kind/name`.
    pub replicas: BTreeMap<String, i64>,
    /// Ready pods by `kind/name`.
    pub ready: BTreeMap<String, i64>,
    /// `spec.suspend` by CronJob.
    pub suspended: BTreeMap<String, bool>,
    /// Images by `kind/name`.
    pub images: BTreeMap<String, String>,
}

impl ReleaseState {
    /// Reads it.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn read(place: &Place) -> Result<Self> {
        let list = place.kubectl(&["get", "deployments,statefulsets,cronjobs", "--output", "json"])?;
        let list: Value = serde_json::from_str(&list)?;
        let mut state = Self {
            replicas: BTreeMap::new(),
            ready: BTreeMap::new(),
            suspended: BTreeMap::new(),
            images: BTreeMap::new(),
        };
        for item in list["items"].as_array().context("a list has items")? {
            let kind = item["kind"].as_str().unwrap_or_default();
            let name = format!("{kind}/{}", item["metadata"]["name"].as_str().unwrap_or_default());
            if kind == "CronJob" {
                state
                    .suspended
                    .insert(name, item["spec"]["suspend"].as_bool().unwrap_or(false));
                continue;
            }
            state
                .replicas
                .insert(name.clone(), item["spec"]["replicas"].as_i64().unwrap_or(1));
            state.ready.insert(
                name.clone(),
                item["status"]["readyReplicas"].as_i64().unwrap_or(0),
            );
            let image = &item["spec"]["template"]["spec"]["containers"][0]["image"];
            state
                .images
                .insert(name, image.as_str().unwrap_or_default().to_owned());
        }
        Ok(state)
    }
}

/// What of ours is in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Names of journal heads.
    pub heads: Vec<String>,
    /// Anything else that carries our label or name, as `kind/name`; our ConfigMaps of facts excepted.
    pub others: Vec<String>,
}

impl Left {
    /// Looks for it.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn read(place: &Place) -> Result<Self> {
        let kinds = "secrets,configmaps,leases,pods,jobs,persistentvolumeclaims";
        let list: Value = serde_json::from_str(&place.kubectl(&["get", kinds, "--output", "json"])?)?;
        let mut left = Self {
            heads: Vec::new(),
            others: Vec::new(),
        };
        for item in list["items"].as_array().context("a list has items")? {
            let kind = item["kind"].as_str().unwrap_or_default();
            let name = item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let labelled = item["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "safe-upgrade";
            if !(labelled || name.starts_with("safe-upgrade.")) {
                continue;
            }
            match (kind, item["type"].as_str()) {
                ("Secret", Some("safe-upgrade.dev/run")) => left.heads.push(name),
                ("ConfigMap", _) if name.ends_with(".facts") => {}
                _ => left.others.push(format!("{kind}/{name}")),
            }
        }
        Ok(left)
    }

    /// The statuses in Helm's history, by revision.
    ///
    /// # Errors
    /// When helm fails.
    pub fn history(place: &Place, line: HelmLine, release: &str) -> Result<BTreeMap<i64, String>> {
        let list: Value =
            serde_json::from_str(&place.helm(line, &["history", release, "--output", "json"])?)?;
        Ok(list
            .as_array()
            .context("a history is a list")?
            .iter()
            .map(|entry| {
                (
                    entry["revision"].as_i64().unwrap_or(0),
                    entry["status"].as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect())
    }
}
