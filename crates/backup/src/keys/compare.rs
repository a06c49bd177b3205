//! Whether the keys of now are those of before.

use std::collections::BTreeMap;

use cluster::Cluster;
use model::{ComparedKey, KeyFingerprints, KeyState};

use super::bundle::under;
use super::{CollectError, Key, KeySource, collect};

/// What is there now of one source.
type Found = Result<Vec<Key>, CollectError>;

/// Compares recorded fingerprints with the keys in the cluster. Only Secrets are looked up.
pub async fn compare_keys(
    cluster: &Cluster,
    namespace: &str,
    recorded: &KeyFingerprints,
) -> Vec<ComparedKey> {
    let mut found: BTreeMap<&str, Found> = BTreeMap::new();
    for key in &recorded.keys {
        let Some(name) = key.source.strip_prefix("secret/") else {
            continue;
        };
        if !found.contains_key(key.source.as_str()) {
            let source = KeySource::Secret {
                name: name.to_owned(),
                key: None,
            };
            found.insert(&key.source, collect(cluster, namespace, &[source]).await);
        }
    }
    judge(recorded, &found)
}

fn judge(recorded: &KeyFingerprints, found: &BTreeMap<&str, Found>) -> Vec<ComparedKey> {
    let compared = recorded.keys.iter().map(|key| {
        let (state, why) = match found.get(key.source.as_str()) {
            None => (KeyState::Unknown, Some("only Secrets are compared".to_owned())),
            Some(Err(CollectError::Absent { .. })) => (KeyState::Gone, None),
            Some(Err(error)) => (KeyState::Unknown, Some(model::causes(error))),
            Some(Ok(keys)) => {
                let now = under(&recorded.salt, keys).keys;
                let state = match now.iter().find(|now| now.key == key.key) {
                    None => KeyState::Gone,
                    Some(now) if now.fingerprint == key.fingerprint => KeyState::Same,
                    Some(_) => KeyState::Changed,
                };
                (state, None)
            }
        };
        ComparedKey {
            source: key.source.clone(),
            key: key.key.clone(),
            state,
            why,
        }
    });
    compared.collect()
}

/// What a person should know of keys that are not the same, in sentences.
pub fn unequal(compared: &[ComparedKey]) -> Vec<String> {
    let sentence = |key: &ComparedKey| {
        let ComparedKey {
            source,
            key,
            state,
            why,
        } = key;
        let name = format!("key {key} of {source}");
        match state {
            KeyState::Same => None,
            KeyState::Changed => Some(format!(
                "{name} has changed since: what was encrypted under the old one cannot be read with the one in the cluster"
            )),
            KeyState::Gone => Some(format!("{name} is not in the cluster any more")),
            KeyState::Unknown => {
                let why = why.as_deref().unwrap_or("nobody knows why");
                Some(format!("whether {name} is still the same is not known: {why}"))
            }
        }
    };
    compared.iter().filter_map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::fingerprints;

    #[test]
    fn a_rotated_key_is_told_from_one_that_is_gone_and_from_one_that_nobody_looked_up() {
        let key = |source: &str, name: &str, value: &str| Key::new(source, name, value.as_bytes());
        let recorded = fingerprints(&[
            key("secret/web", "same", "1"),
            key("secret/web", "rotated", "1"),
            key("secret/web", "gone", "1"),
            key("secret/old", "x", "1"),
            key("values", "auth.key", "1"),
        ]);
        let absent = CollectError::Absent {
            source_words: "secret/old".into(),
            namespace: "shop".into(),
        };
        let found = BTreeMap::from([
            (
                "secret/web",
                Ok(vec![
                    key("secret/web", "same", "1"),
                    key("secret/web", "rotated", "2"),
                ]),
            ),
            ("secret/old", Err(absent)),
        ]);
        let compared = judge(&recorded, &found);
        let states: Vec<KeyState> = compared.iter().map(|key| key.state).collect();
        use KeyState::{Changed, Gone, Same, Unknown};
        assert_eq!(states, [Same, Changed, Gone, Gone, Unknown]);
        assert_eq!(unequal(&compared).len(), 4);
    }
}
