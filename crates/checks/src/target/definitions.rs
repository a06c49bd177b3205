//! How the cluster's definitions of custom resources stand to those that the chart brings and Helm does not apply.

use std::collections::BTreeMap;

use cluster::{ApiError, Cluster};
use futures::stream::{self, StreamExt, TryStreamExt};
use helm::PinnedChart;
use kube::api::{Api, DynamicObject};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use model::{ChartDefinition, DefinitionState, Seen, causes};
use serde_json::{Map, Value};

/// How many definitions are read at once.
const AT_ONCE: usize = 8;

/// Compares each definition in the chart's own folder `crds` with the live one. Those of charts within it are left alone:
/// which of these are switched on is Helm's to know.
pub(super) async fn definitions(cluster: &Cluster, chart: &PinnedChart) -> Seen<Vec<ChartDefinition>> {
    let brought = match chart.definitions() {
        Ok(brought) if brought.is_empty() => return Seen::Absent,
        Ok(brought) => brought,
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let resource = ApiResource::from_gvk_with_plural(&kind, "customresourcedefinitions");
    let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource);
    let compared: Result<Vec<ChartDefinition>, ApiError> = stream::iter(&brought)
        .map(|definition| {
            let api = api.clone();
            async move {
                let name = definition["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                let live = api.get_opt(&name).await.map_err(|source| {
                    ApiError::new(
                        format!("read customresourcedefinitions.apiextensions.k8s.io {name}"),
                        source,
                    )
                })?;
                let state = live.map_or(DefinitionState::Missing, |live| compare(definition, &live.data));
                Ok(ChartDefinition { name, state })
            }
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await;
    Seen::from_result(compared.map(Some))
}

fn compare(brought: &Value, live: &Value) -> DefinitionState {
    let (brought, live) = (served(brought), served(live));
    let (mut lacks, mut differs) = (Vec::new(), Vec::new());
    for (version, schema) in brought {
        match live.get(&version) {
            None => lacks.push(version),
            Some(there) if *there != schema => differs.push(version),
            Some(_) => {}
        }
    }
    if !lacks.is_empty() {
        DefinitionState::Lacks { versions: lacks }
    } else if !differs.is_empty() {
        DefinitionState::Differs { versions: differs }
    } else {
        DefinitionState::Same
    }
}

/// The versions that a definition serves, each with its schema.
fn served(definition: &Value) -> BTreeMap<String, Value> {
    let versions = definition["spec"]["versions"].as_array();
    versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true)
        .filter_map(|version| {
            let name = version["name"].as_str()?.to_owned();
            Some((name, plain(&version["schema"]["openAPIV3Schema"])))
        })
        .collect()
}

/// A schema without what the API server leaves out when it stores one: what is empty, false or null. Values that a schema
/// gives stay as they are.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter_map(|(name, value)| {
                let value = match name.as_str() {
                    "default" | "enum" | "example" => value.clone(),
                    _ => plain(value),
                };
                (!is_nothing(&value)).then(|| (name.clone(), value))
            });
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(plain).collect()),
        Value::Number(number) => number.as_f64().map_or_else(|| schema.clone(), Value::from),
        Value::Null | Value::Bool(_) | Value::String(_) => schema.clone(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(truth) => !truth,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(versions: &[(&str, bool, Value)]) -> Value {
        let versions: Vec<Value> = versions
            .iter()
            .map(|(name, served, schema)| {
                json!({"name": name, "served": served, "schema": {"openAPIV3Schema": schema}})
            })
            .collect();
        json!({"spec": {"versions": versions}})
    }

    #[test]
    fn a_version_that_the_chart_brings_must_be_there_with_its_schema() {
        let size = |maximum: Value| json!({"type": "object", "properties": {"size": {"maximum": maximum}}});
        let chart = definition(&[("v1", true, size(json!(9))), ("v1beta1", false, size(json!(1)))]);
        let live = |versions: &[(&str, bool, Value)]| compare(&chart, &definition(versions));
        assert_eq!(live(&[("v1", true, size(json!(9.0)))]), DefinitionState::Same);
        let more = [("v1", true, size(json!(9))), ("v2", true, size(json!(1)))];
        assert_eq!(live(&more), DefinitionState::Same);
        let versions = vec!["v1".to_owned()];
        assert_eq!(
            live(&[("v1", true, size(json!(5)))]),
            DefinitionState::Differs {
                versions: versions.clone()
            }
        );
        assert_eq!(
            live(&[("v1", false, size(json!(9)))]),
            DefinitionState::Lacks { versions }
        );
    }

    #[test]
    fn what_the_api_server_leaves_out_is_no_difference() {
        let written = json!({"type": "object", "nullable": false, "required": [], "description": ""});
        assert_eq!(plain(&written), plain(&json!({"type": "object"})));
        let given = |value: Value| plain(&json!({"type": "boolean", "default": value, "enum": [value]}));
        assert_ne!(given(json!(true)), given(json!(false)));
    }
}
