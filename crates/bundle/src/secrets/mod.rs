//! Which values must not leave: those of every Secret that the release brings or refers to, and what its values hide.

mod names;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::ApiError;
use futures::stream::{self, StreamExt};
use helm::{Storage, StoredRelease};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use model::{CredentialSource, Seen, UnreadSecret, causes};
use serde_json::Value;

use crate::live::{Live, why};
use crate::redact::KnownValues;
use crate::request::BundleRequest;

/// How many Secrets are read at once.
const AT_ONCE: usize = 8;

/// Words that stand in every Secret of a database beside its password.
const OPEN_WORDS: [&str; 8] = [
    "postgres",
    "postgresql",
    "localhost",
    "5432",
    "disable",
    "prefer",
    "require",
    "verify-full",
];

/// What is known of the release's secrets. Has no `Debug`.
pub(crate) struct Sought {
    pub(crate) known: KnownValues,
    /// Secrets that were read.
    pub(crate) secrets: usize,
    /// Secrets that may hold values which are not known.
    pub(crate) unread: Vec<UnreadSecret>,
}

/// A Secret's namespace and name.
type Place = (String, String);

/// Reads every Secret that the release brings or refers to.
pub(crate) async fn seek(request: &BundleRequest<'_>, live: &Live) -> Sought {
    let mut sought = Sought {
        known: KnownValues::default(),
        secrets: 0,
        unread: Vec::new(),
    };
    let mut places = BTreeSet::new();
    open_names(request, live, &mut sought.known);
    for revision in revisions(request, &mut sought.unread).await {
        of_revision(request, &revision, &mut sought, &mut places);
    }
    if let Some(stored) = &request.observed.stored {
        of_revision(request, stored, &mut sought, &mut places);
    }
    if let Some((renderable, _)) = request.target {
        let rendered = &renderable.rendered;
        of_manifest(request, &rendered.manifest, &mut sought, &mut places);
        for values in [&rendered.values, &rendered.base_values] {
            sought.known.add_fields(values);
            places.extend(named(values, request.namespace));
        }
        for object in &rendered.hook_objects {
            of_object(request, object, &mut sought, &mut places);
        }
    }
    for object in &live.objects {
        of_object(request, object, &mut sought, &mut places);
    }
    for pod in &live.pods {
        if let Ok(object) = serde_json::to_value(&pod.pod) {
            of_object(request, &object, &mut sought, &mut places);
        }
    }
    if !live.unread.is_empty() || live.no_pods.is_some() {
        let words = live.unread.iter().chain(&live.no_pods);
        sought.unread.push(UnreadSecret {
            namespace: request.namespace.to_owned(),
            name: "those that workloads and pods refer to".to_owned(),
            why: words.cloned().collect::<Vec<_>>().join("; "),
        });
    }
    places.extend(of_database(request));
    if let Some(password) = request
        .observed
        .credentials
        .as_ref()
        .and_then(|login| login.password.as_ref())
    {
        sought.known.add("password", password.expose().as_bytes());
    }
    read_all(request, places, &mut sought).await;
    sought.unread.sort();
    sought
}

/// Names that every report shows.
fn open_names(request: &BundleRequest<'_>, live: &Live, known: &mut KnownValues) {
    for word in OPEN_WORDS {
        known.add_public(word);
    }
    known.add_public(request.release);
    known.add_public(request.namespace);
    for workload in &live.workloads {
        known.add_public(&workload.name.name);
        for container in &workload.containers {
            known.add_public(&container.name);
        }
    }
    if let Some(location) = request.observed.observation.location.present() {
        let first = location.host.split('.').next().unwrap_or_default();
        let port = location.port.to_string();
        let names = [
            location.host.as_str(),
            first,
            &location.database,
            &location.user,
            &port,
        ];
        for word in names {
            known.add_public(word);
        }
    }
}

/// The revisions before the running one: their passwords may stand in older lines of logs.
async fn revisions(request: &BundleRequest<'_>, unread: &mut Vec<UnreadSecret>) -> Vec<StoredRelease> {
    let observation = &request.observed.observation;
    let mut lacks = |why: String| {
        unread.push(UnreadSecret {
            namespace: request.namespace.to_owned(),
            name: format!("helm's records of release {}", request.release),
            why,
        });
    };
    if let Seen::Unreadable(why) = &observation.release {
        lacks(why.clone());
        return Vec::new();
    }
    let storage = match Storage::open(request.cluster, request.namespace) {
        Ok(storage) => storage,
        Err(error) => {
            lacks(causes(&error));
            return Vec::new();
        }
    };
    let newest = observation.release.present().map(|release| release.revision);
    let older = observation.history.present().into_iter().flatten();
    let mut found = Vec::new();
    for revision in older.filter(|revision| Some(revision.revision) != newest) {
        match storage.revision(request.release, revision.revision).await {
            Ok(stored) => found.extend(stored),
            Err(error) => lacks(causes(&error)),
        }
    }
    found
}

fn of_revision(
    request: &BundleRequest<'_>,
    stored: &StoredRelease,
    sought: &mut Sought,
    places: &mut BTreeSet<Place>,
) {
    of_manifest(request, &stored.manifest, sought, places);
    for values in [&stored.values, &stored.chart_values] {
        sought.known.add_fields(values);
        places.extend(named(values, request.namespace));
    }
}

fn of_manifest(
    request: &BundleRequest<'_>,
    manifest: &str,
    sought: &mut Sought,
    places: &mut BTreeSet<Place>,
) {
    match helm::manifest::objects(manifest) {
        Ok(objects) => {
            for object in &objects {
                of_object(request, object, sought, places);
            }
        }
        Err(error) => sought.unread.push(UnreadSecret {
            namespace: request.namespace.to_owned(),
            name: "those of a manifest".to_owned(),
            why: causes(&error),
        }),
    }
}

fn of_object(request: &BundleRequest<'_>, object: &Value, sought: &mut Sought, places: &mut BTreeSet<Place>) {
    let namespace = object["metadata"]["namespace"]
        .as_str()
        .unwrap_or(request.namespace);
    if is_secret(object) {
        for (key, value) in data(object) {
            sought.known.add(&key, &value);
        }
        if let Some(name) = object["metadata"]["name"].as_str() {
            places.insert((namespace.to_owned(), name.to_owned()));
        }
    } else {
        sought.known.add_fields(object);
        places.extend(named(object, namespace));
    }
}

fn named(structure: &Value, namespace: &str) -> Vec<Place> {
    names::referred(structure)
        .into_iter()
        .map(|name| (namespace.to_owned(), name))
        .collect()
}

/// The Secret that the database's credentials are read from.
fn of_database(request: &BundleRequest<'_>) -> Option<Place> {
    match &request.observed.observation.location.present()?.origin.source {
        CredentialSource::Secret { namespace, name, .. }
        | CredentialSource::Login { namespace, name, .. } => Some((namespace.clone(), name.clone())),
        CredentialSource::Environment { .. } | CredentialSource::Pod { .. } | CredentialSource::Given => None,
    }
}

async fn read_all(request: &BundleRequest<'_>, places: BTreeSet<Place>, sought: &mut Sought) {
    let read: Vec<(Place, _)> = stream::iter(places)
        .map(|place| async move {
            let found = read(request, &place).await;
            (place, found)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    for ((namespace, name), found) in read {
        match found {
            Ok(Some(values)) => {
                sought.secrets += 1;
                for (key, value) in values {
                    sought.known.add(&key, &value);
                }
            }
            Ok(None) => {}
            Err(error) => sought.unread.push(UnreadSecret {
                why: why(&error, "get secrets", &namespace),
                namespace,
                name,
            }),
        }
    }
}

async fn read(
    request: &BundleRequest<'_>,
    (namespace, name): &Place,
) -> Result<Option<BTreeMap<String, Vec<u8>>>, ApiError> {
    let secrets: Api<Secret> = Api::namespaced(request.cluster.client.clone(), namespace);
    let found = secrets
        .get_opt(name)
        .await
        .map_err(|error| ApiError::new(format!("read secret {name} in namespace {namespace}"), error))?;
    let values = |secret: Secret| secret.data.unwrap_or_default().into_iter();
    Ok(found.map(|secret| values(secret).map(|(key, value)| (key, value.0)).collect()))
}

pub(crate) fn is_secret(object: &Value) -> bool {
    object["kind"] == "Secret" && object["apiVersion"] == "v1"
}

/// The data of a Secret in a manifest. What is no base64 is taken as it is.
fn data(object: &Value) -> Vec<(String, Vec<u8>)> {
    let fields = |name: &str| object[name].as_object().into_iter().flatten();
    let plain = fields("stringData")
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.as_bytes().to_vec())));
    let encoded = fields("data").filter_map(|(key, value)| {
        let text = value.as_str()?;
        let bytes = STANDARD
            .decode(text.trim())
            .unwrap_or_else(|_| text.as_bytes().to_vec());
        Some((key.clone(), bytes))
    });
    plain.chain(encoded).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_of_a_manifest_tells_its_values_in_either_field() {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "aHVzaA==", "c": "no base64!"},
            "stringData": {"b": "hush"}});
        assert!(is_secret(&object));
        let found = data(&object);
        for pair in [("a", "hush"), ("b", "hush"), ("c", "no base64!")] {
            let pair = (pair.0.to_owned(), pair.1.as_bytes().to_vec());
            assert!(found.contains(&pair), "{pair:?}");
        }
    }
}
