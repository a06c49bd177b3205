//! How old the keys of a backup's time are, and whether they are still those.

use std::collections::BTreeMap;

use cluster::Cluster;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret as KubeSecret;
use kube::Api;
use kube::core::PartialObjectMeta;
use model::{ComparedKey, KeyFingerprints, KeyStanding};

use super::compare_keys;

/// How each key of recorded fingerprints stands now. Only Secrets are looked up.
pub async fn key_standing(
    cluster: &Cluster,
    namespace: &str,
    recorded: &KeyFingerprints,
    now: Timestamp,
) -> Vec<KeyStanding> {
    let secrets: Api<KubeSecret> = Api::namespaced(cluster.client.clone(), namespace);
    let mut since: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for key in &recorded.keys {
        if let Some(name) = key.source.strip_prefix("secret/")
            && !since.contains_key(key.source.as_str())
        {
            // That it is gone, or may not be read, the comparison tells.
            let found = secrets.get_metadata(name).await.ok();
            since.insert(&key.source, found.and_then(|found| written(&found)));
        }
    }
    let compared = compare_keys(cluster, namespace, recorded).await;
    let standing = compared.into_iter().map(|key| {
        let since = since.get(key.source.as_str()).copied().flatten();
        stands(key, since, now)
    });
    standing.collect()
}

/// Since when a Secret is as it is: the last time that somebody wrote its data, where that is known, else its beginning.
fn written(secret: &PartialObjectMeta<KubeSecret>) -> Option<Timestamp> {
    let of_data = secret.metadata.managed_fields.iter().flatten().filter(|entry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        fields.is_some_and(|fields| fields.get("f:data").is_some())
    });
    let times = of_data.filter_map(|entry| entry.time.as_ref().map(|time| time.0));
    let created = secret.metadata.creation_timestamp.as_ref().map(|time| time.0);
    times.max().or(created)
}

fn stands(key: ComparedKey, since: Option<Timestamp>, now: Timestamp) -> KeyStanding {
    KeyStanding {
        source: key.source,
        key: key.key,
        state: key.state,
        why: key.why,
        since: since.map(|since| since.to_string()),
        age_seconds: since.map(|since| now.as_second() - since.as_second()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_as_old_as_its_data() {
        let at = |managed: serde_json::Value| {
            let metadata = json!({"creationTimestamp": "2025-01-01T00:00:00Z", "managedFields": managed});
            written(&serde_json::from_value(json!({ "metadata": metadata })).unwrap())
        };
        let entry = |time: &str, fields: serde_json::Value| {
            json!({"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "time": time, "fieldsV1": fields})
        };
        let data = json!({"f:data": {"f:key": {}}});
        let labels = json!({"f:metadata": {"f:labels": {}}});
        let found = at(json!([
            entry("2025-03-01T00:00:00Z", data),
            entry("2025-06-01T00:00:00Z", labels)
        ]));
        assert_eq!(found.unwrap().to_string(), "2025-03-01T00:00:00Z");
        assert_eq!(at(json!(null)).unwrap().to_string(), "2025-01-01T00:00:00Z");
    }
}
