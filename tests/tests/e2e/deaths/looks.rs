//! What a release looks like, field by field.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_apps::{Ledger, Place};

/// What is compared.
const KINDS: &str = "deployments,statefulsets,daemonsets,cronjobs,horizontalpodautoscalers";

/// Settings of roles and of the database in use; a database that is kept under another name has its own.
const SETTINGS: &str = "select coalesce(r.rolname, '*'), s.setconfig from pg_db_role_setting s \
    left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase \
    where d.datname is null or d.datname = current_database() order by 1, 2";

/// Every workload's and autoscaler's labels and whole spec (counts, holds, probes, gates), and the settings of roles.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looks {
    objects: BTreeMap<String, String>,
    settings: String,
}

impl Looks {
    pub(super) fn of(place: &Place, app: &Ledger) -> Result<Self> {
        let listed = place.kubectl(&["get", KINDS, "--show-managed-fields", "--output", "json"])?;
        let listed: Value = serde_json::from_str(&listed)?;
        let mut objects = BTreeMap::new();
        for item in listed["items"].as_array().context("a list has items")? {
            let (kind, metadata) = (&item["kind"], &item["metadata"]);
            let name = format!("{} {}", kind, metadata["name"]);
            let managers = metadata["managedFields"].to_string();
            ensure!(!managers.contains("safe-upgrade"), "{name} has a field of ours");
            objects.insert(name, format!("{} {}", metadata["labels"], item["spec"]));
        }
        Ok(Self {
            objects,
            settings: app.database().query(SETTINGS)?,
        })
    }

    /// The same in another version: the chart says it in labels and images.
    pub(super) fn in_version(&self, from: &str, to: &str) -> Self {
        let objects = self.objects.iter();
        Self {
            objects: objects
                .map(|(name, text)| (name.clone(), text.replace(from, to)))
                .collect(),
            settings: self.settings.clone(),
        }
    }

    /// Fails with every object that is not as in the other.
    pub(super) fn are(&self, expected: &Self) -> Result<()> {
        let names = self.objects.keys().chain(expected.objects.keys());
        let differences: BTreeMap<&String, [Option<&String>; 2]> = names
            .map(|name| (name, [self.objects.get(name), expected.objects.get(name)]))
            .filter(|(_, [now, wanted])| now != wanted)
            .collect();
        ensure!(
            differences.is_empty(),
            "not as expected (now, expected): {differences:#?}"
        );
        ensure!(
            self.settings == expected.settings,
            "settings {:?} became {:?}",
            expected.settings,
            self.settings
        );
        Ok(())
    }
}
