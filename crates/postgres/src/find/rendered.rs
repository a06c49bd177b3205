//! Secrets and ConfigMaps that a chart would bring and that are not in the cluster yet.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::{ConfigMap, Secret as KubeSecret};
use model::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::environment::{Data, Referenced};
use super::template::secret_data;

/// Secrets and ConfigMaps of one namespace as a chart renders them.
#[derive(Clone, Default, PartialEq)]
pub struct RenderedData {
    /// Secrets, by name.
    pub secrets: BTreeMap<String, KubeSecret>,
    /// ConfigMaps, by name.
    pub config_maps: BTreeMap<String, ConfigMap>,
}

impl fmt::Debug for RenderedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedData")
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .field("config_maps", &self.config_maps.keys().collect::<Vec<_>>())
            .finish()
    }
}

impl RenderedData {
    /// Those among the objects of a manifest that are meant for the namespace.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>, namespace: &str) -> Self {
        let mut found = Self::default();
        for object in objects {
            let metadata = &object["metadata"];
            let here = metadata["namespace"]
                .as_str()
                .is_none_or(|other| other == namespace);
            let Some(name) = metadata["name"].as_str().filter(|_| here) else {
                continue;
            };
            if object["apiVersion"] != "v1" {
                continue;
            }
            match object["kind"].as_str() {
                Some("Secret") => {
                    found
                        .secrets
                        .extend(parsed(object).map(|secret| (name.to_owned(), secret)));
                }
                Some("ConfigMap") => {
                    found
                        .config_maps
                        .extend(parsed(object).map(|map| (name.to_owned(), map)));
                }
                Some(_) | None => {}
            }
        }
        found
    }

    /// Lets what is brought count instead of what is there, and gives back what is not the same there.
    pub(crate) fn lay_over(&self, referenced: &mut Referenced) -> Self {
        let mut brought = Self::default();
        for (name, secret) in &self.secrets {
            if let Some(live) = referenced.secrets.get_mut(name)
                && replaced(live, text_of_secret(secret), false)
            {
                brought.secrets.insert(name.clone(), secret.clone());
            }
        }
        for (name, map) in &self.config_maps {
            let binary = map.binary_data.as_ref().is_some_and(|data| !data.is_empty());
            if let Some(live) = referenced.config_maps.get_mut(name)
                && replaced(live, text_of_config_map(map), binary)
            {
                brought.config_maps.insert(name.clone(), map.clone());
            }
        }
        brought
    }
}

/// Replaces what is there, and says whether it was another. What is not text is not compared, and taken for another.
fn replaced(live: &mut Data, text: BTreeMap<String, Secret>, binary: bool) -> bool {
    if !binary && matches!(live, Ok(Some(data)) if *data == text) {
        return false;
    }
    *live = Ok(Some(text));
    true
}

fn text_of_secret(secret: &KubeSecret) -> BTreeMap<String, Secret> {
    let mut data = secret_data(secret.clone());
    let plain = secret.string_data.iter().flatten();
    data.extend(plain.map(|(key, value)| (key.clone(), Secret::new(value.clone()))));
    data
}

fn text_of_config_map(map: &ConfigMap) -> BTreeMap<String, Secret> {
    let data = map.data.iter().flatten();
    data.map(|(key, value)| (key.clone(), Secret::new(value.clone())))
        .collect()
}

fn parsed<K: DeserializeOwned>(object: &Value) -> Option<K> {
    K::deserialize(object).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn data(value: &str) -> Data {
        Ok(Some([("url".to_owned(), Secret::new(value))].into()))
    }

    #[test]
    fn what_a_chart_brings_counts_and_what_is_the_same_is_not_brought() {
        let objects = [
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "same" }, "data": { "url": "YQ==" } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "other" },
                    "stringData": { "url": "b" } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "hidden" },
                    "stringData": { "url": "c" } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "elsewhere", "namespace": "x" } }),
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "unused" } }),
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "new" }, "data": { "url": "d" } }),
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" } }),
        ];
        let rendered = RenderedData::of(&objects, "shop");
        assert_eq!(rendered.secrets.len(), 4, "{rendered:?}");
        let mut referenced = Referenced::default();
        for (name, live) in [
            ("same", data("a")),
            ("other", data("old")),
            ("hidden", Err("no right".to_owned())),
        ] {
            referenced.secrets.insert(name.into(), live);
        }
        referenced.config_maps.insert("new".into(), Ok(None));
        let brought = rendered.lay_over(&mut referenced);
        let names: Vec<&str> = brought.secrets.keys().map(String::as_str).collect();
        assert_eq!(names, ["hidden", "other"]);
        assert!(brought.config_maps.contains_key("new"));
        assert_eq!(referenced.secrets["other"], data("b"));
        assert_eq!(referenced.secrets["hidden"], data("c"));
        assert_eq!(referenced.config_maps["new"], data("d"));
        assert!(!format!("{brought:?}").contains("\"b\""), "names alone are shown");
    }
}
