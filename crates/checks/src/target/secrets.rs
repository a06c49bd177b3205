//! Which Secrets the upgrade would change, without a value leaving this file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{ApiError, Cluster};
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::api::Api;
use model::{ChangedSecret, ObjectName, Seen};
use serde_json::Value;

/// How many Secrets are read at once.
const AT_ONCE: usize = 8;

/// The rendered Secrets that exist with other data. What the manifest does not say is not compared: others may add keys.
pub(super) async fn changed_secrets(
    cluster: &Cluster,
    namespace: &str,
    objects: &[(ObjectName, Value)],
) -> Seen<Vec<ChangedSecret>> {
    let rendered = objects
        .iter()
        .filter(|(name, _)| name.kind == "Secret" && name.api_version == "v1");
    let compared: Result<Vec<Option<ChangedSecret>>, ApiError> = stream::iter(rendered)
        .map(|(name, object)| async move {
            let place = if name.namespace.is_empty() {
                namespace
            } else {
                &name.namespace
            };
            let api: Api<Secret> = Api::namespaced(cluster.client.clone(), place);
            let live = api.get_opt(&name.name).await.map_err(|source| {
                ApiError::new(format!("read secret {} in namespace {place}", name.name), source)
            })?;
            Ok(live.and_then(|live| compare(&name.name, object, live)))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await;
    Seen::from_result(compared.map(|changed| Some(changed.into_iter().flatten().collect())))
}

fn compare(name: &str, rendered: &Value, live: Secret) -> Option<ChangedSecret> {
    let live = live.data.unwrap_or_default();
    let keys: Vec<String> = data(rendered)
        .into_iter()
        .filter(|(key, value)| live.get(key).map(|bytes| bytes.0.as_slice()) != Some(value.as_slice()))
        .map(|(key, _)| key)
        .collect();
    (!keys.is_empty()).then(|| ChangedSecret {
        name: name.to_owned(),
        keys,
    })
}

/// The data of a rendered Secret as the API server will store it: `stringData` wins over `data`.
fn data(rendered: &Value) -> BTreeMap<String, Vec<u8>> {
    let entries = |field: &str| {
        rendered
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect::<Vec<_>>()
    };
    let mut data: BTreeMap<String, Vec<u8>> = entries("data")
        .into_iter()
        // What is no base64 is refused by the API server and told by the dry run.
        .filter_map(|(key, text)| Some((key, STANDARD.decode(text.trim()).ok()?)))
        .collect();
    data.extend(
        entries("stringData")
            .into_iter()
            .map(|(key, text)| (key, text.into_bytes())),
    );
    data
}

#[cfg(test)]
mod tests {
    use k8s_openapi::ByteString;
    use serde_json::json;

    use super::*;

    fn live(entries: &[(&str, &str)]) -> Secret {
        Secret {
            data: Some(
                entries
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                    .collect(),
            ),
            ..Secret::default()
        }
    }

    #[test]
    fn the_same_value_is_the_same_in_either_spelling() {
        let rendered = json!({"data": {"user": "YQ=="}, "stringData": {"password": "b"}});
        assert_eq!(
            compare("db", &rendered, live(&[("user", "a"), ("password", "b")])),
            None
        );
    }

    #[test]
    fn a_new_password_is_named_by_its_key_alone() {
        let rendered = json!({"stringData": {"user": "a", "password": "new"}});
        let changed = compare("db", &rendered, live(&[("user", "a"), ("password", "old")])).unwrap();
        assert_eq!(changed.keys, ["password"]);
    }

    #[test]
    fn keys_that_somebody_added_are_left_alone() {
        let rendered = json!({"stringData": {"user": "a"}});
        assert_eq!(
            compare("db", &rendered, live(&[("user", "a"), ("more", "b")])),
            None
        );
    }
}
