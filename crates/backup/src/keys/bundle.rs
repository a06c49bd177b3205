//! Keys as they are sealed, and their fingerprints.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use model::{KeyFingerprint, KeyFingerprints, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use thiserror::Error;

use crate::transfer::hex;

use super::Key;

/// The annotation that says where a key came from.
const SOURCE: &str = "safe-upgrade.dev/source";

/// Sealed keys that hold something else.
#[derive(Debug, Error)]
#[error("what was sealed is no list of Secrets: {0}")]
pub struct BundleError(&'static str);

/// Fingerprints under a new salt.
pub fn fingerprints(keys: &[Key]) -> KeyFingerprints {
    let salt = hex(&rand::random::<[u8; 32]>());
    under(&salt, keys)
}

/// Fingerprints under a known salt, to compare with earlier ones.
pub(super) fn under(salt: &str, keys: &[Key]) -> KeyFingerprints {
    let fingerprint = |key: &Key| {
        // The salt as it is written: nobody has to agree on how it is decoded.
        let mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes());
        let mac = mac.map(|mac| mac.chain_update(key.value.expose().as_bytes()).finalize());
        KeyFingerprint {
            source: key.source.clone(),
            key: key.name.clone(),
            fingerprint: mac.map_or_else(|_| String::new(), |mac| hex(&mac.into_bytes())),
        }
    };
    KeyFingerprints {
        salt: salt.to_owned(),
        keys: keys.iter().map(fingerprint).collect(),
    }
}

/// The keys as a List of Secrets that `kubectl apply -f -` takes.
pub(super) fn pack(keys: &[Key], namespace: &str) -> Secret {
    let mut by_source: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for key in keys {
        by_source
            .entry(&key.source)
            .or_default()
            .insert(&key.name, key.value.expose());
    }
    let items = by_source.into_iter().map(|(source, data)| {
        let name = source
            .strip_prefix("secret/")
            .map_or_else(|| format!("kept-{source}"), str::to_owned);
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "annotations": {SOURCE: source}},
            "data": data,
        })
    });
    let items: Vec<Value> = items.collect();
    Secret::new(json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
}

/// The keys of such a list.
pub(super) fn unpack(text: &Secret) -> Result<Vec<Key>, BundleError> {
    // What serde says of a text shows parts of it.
    let list: Value = serde_json::from_str(text.expose()).map_err(|_| BundleError("it is no JSON"))?;
    let items = list["items"].as_array().ok_or(BundleError("it has no items"))?;
    let mut keys = Vec::new();
    for item in items {
        let source = item["metadata"]["annotations"][SOURCE].as_str();
        let source = source.ok_or(BundleError("an item does not say where it came from"))?;
        let data = item["data"]
            .as_object()
            .ok_or(BundleError("an item has no data"))?;
        for (name, value) in data {
            let value = value.as_str().filter(|value| STANDARD.decode(value).is_ok());
            let value = value.ok_or(BundleError("a value is no base64"))?;
            keys.push(Key {
                source: source.to_owned(),
                name: name.clone(),
                value: Secret::new(value),
            });
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(value: &str) -> Vec<Key> {
        vec![
            Key::new("secret/web", "cookie", value.as_bytes()),
            Key::new("secret/web", "tls.key", &[0, 255, 10]),
            Key::new("database", "password", b"p"),
        ]
    }

    #[test]
    fn a_fingerprint_changes_with_the_value_and_with_the_salt_and_shows_neither() {
        let [one, again] = [fingerprints(&keys("hunter2")), fingerprints(&keys("hunter2"))];
        assert_ne!(one, again);
        assert_eq!(one, under(&one.salt, &keys("hunter2")));
        let other = under(&one.salt, &keys("hunter3"));
        assert_ne!(one.keys[0], other.keys[0]);
        assert_eq!(one.keys[1..], other.keys[1..]);
        let shown = serde_json::to_string(&one).unwrap();
        assert!(!shown.contains("hunter2") && !shown.contains(&STANDARD.encode("hunter2")));
    }

    #[test]
    fn what_is_packed_is_what_kubectl_applies_and_comes_back_as_it_was() {
        let text = pack(&keys("hunter2"), "shop");
        let list: Value = serde_json::from_str(text.expose()).unwrap();
        assert_eq!(list["items"][1]["metadata"]["name"], "web");
        assert_eq!(list["items"][1]["data"]["cookie"], STANDARD.encode("hunter2"));
        let back = unpack(&text).unwrap();
        let salt = "s";
        let sorted = |keys: &[Key]| {
            let mut keys = under(salt, keys).keys;
            keys.sort_by(|one, other| (&one.source, &one.key).cmp(&(&other.source, &other.key)));
            keys
        };
        assert_eq!(sorted(&back), sorted(&keys("hunter2")));
        for text in ["", "{}", r#"{"items":[{}]}"#] {
            assert!(unpack(&Secret::new(text)).is_err(), "{text}");
        }
    }
}
