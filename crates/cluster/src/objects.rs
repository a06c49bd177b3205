//! Objects of kinds that may not be installed, as plain JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::api::{Api, ApiResource, DynamicObject, ListParams, PostParams};
use kube::core::{GroupVersionKind, Request, Status};
use serde_json::Value;

use crate::error::Asked;
use crate::wait::{Judgement, watch_until};
use crate::{ApiError, Cluster, FIELD_MANAGER, WaitError};

/// Objects in one answer; the API server says where the next answer goes on.
const PAGE: u32 = 500;

/// A kind of object that may or may not be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKind {
    /// The API group.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The versions whose shape we know, the one we like best first.
    pub versions: &'static [&'static str],
}

/// Where to look for objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListScope {
    /// In one namespace; cluster-wide kinds are listed as such.
    Namespace(String),
    /// In all of them.
    All,
}

/// One version of one kind that the API server has.
#[derive(Debug, Clone)]
struct Resource {
    plural: String,
    namespaced: bool,
    /// Whether the server that would answer for it did not answer when it was last asked.
    stale: bool,
}

/// The kinds that the API server has, known from one request.
#[derive(Debug, Clone, Default)]
pub struct ServedKinds(BTreeMap<(String, String, String), Resource>);

/// A list of objects as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Listed {
    /// The kind is not installed.
    Absent,
    /// The objects.
    Objects(Vec<Value>),
    /// The kind is installed, and the server behind it is away.
    Away,
}

impl ServedKinds {
    /// The version and resource for a kind.
    fn resource(&self, kind: &ObjectKind) -> Option<(&'static str, &Resource)> {
        kind.versions.iter().find_map(|version| {
            let key = (kind.group.to_owned(), (*version).to_owned(), kind.kind.to_owned());
            Some((*version, self.0.get(&key)?))
        })
    }

    /// Whether a kind is there in a version, as manifests write it (`apps/v1`). Kinds of the core group, which have never
    /// been taken away, are not among those that were asked for.
    pub fn has(&self, api_version: &str, kind: &str) -> bool {
        api_version.split_once('/').is_none_or(|(group, version)| {
            let key = (group.to_owned(), version.to_owned(), kind.to_owned());
            self.0.contains_key(&key)
        })
    }

    /// The resource's name with its group, such as `backups.velero.io`, where the kind is installed.
    pub fn name_of(&self, kind: &ObjectKind) -> Option<String> {
        let (_, resource) = self.resource(kind)?;
        Some(format!("{}.{}", resource.plural, kind.group))
    }

    /// The versions in which a resource is served, by its name with its group (`certificates.cert-manager.io`). None where
    /// it is not installed, or where the server behind it is away.
    pub fn versions_of(&self, name: &str) -> Vec<String> {
        let Some((plural, group)) = name.split_once('.') else {
            return Vec::new();
        };
        self.0
            .iter()
            .filter(|((of, _, _), resource)| of == group && resource.plural == plural && !resource.stale)
            .map(|((_, version, _), _)| version.clone())
            .collect()
    }

    /// The path of a kind's objects.
    fn path(&self, kind: &ObjectKind, scope: &ListScope) -> Option<String> {
        let (version, resource) = self.resource(kind)?;
        let group = kind.group;
        Some(match scope {
            ListScope::Namespace(namespace) if resource.namespaced => {
                format!(
                    "/apis/{group}/{version}/namespaces/{namespace}/{}",
                    resource.plural
                )
            }
            ListScope::Namespace(_) | ListScope::All => {
                format!("/apis/{group}/{version}/{}", resource.plural)
            }
        })
    }
}

impl Cluster {
    /// Which kinds the API server has, in one request (aggregated discovery, Kubernetes 1.30 and later).
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn served_kinds(&self) -> Result<ServedKinds, ApiError> {
        let groups = self
            .client
            .list_api_groups_aggregated()
            .await
            .asked(|| "read which kinds of objects there are".to_owned())?;
        let mut served = BTreeMap::new();
        for group in groups.items {
            let name = group
                .metadata
                .and_then(|metadata| metadata.name)
                .unwrap_or_default();
            for version in group.versions {
                let number = version.version.unwrap_or_default();
                let stale = version.freshness.as_deref() == Some("Stale");
                for resource in version.resources {
                    let kind = resource.response_kind.and_then(|kind| kind.kind);
                    let (Some(kind), Some(plural)) = (kind, resource.resource) else {
                        continue;
                    };
                    let namespaced = resource.scope.as_deref() == Some("Namespaced");
                    served.insert(
                        (name.clone(), number.clone(), kind),
                        Resource {
                            plural,
                            namespaced,
                            stale,
                        },
                    );
                }
            }
        }
        Ok(ServedKinds(served))
    }

    /// All objects of a kind.
    ///
    /// # Errors
    /// When they cannot be listed; [`ApiError::is_forbidden`] tells a missing right.
    pub async fn list_objects(
        &self,
        served: &ServedKinds,
        kind: &ObjectKind,
        scope: &ListScope,
    ) -> Result<Listed, ApiError> {
        let (Some(path), Some((_, resource))) = (served.path(kind, scope), served.resource(kind)) else {
            return Ok(Listed::Absent);
        };
        if resource.stale {
            return Ok(Listed::Away);
        }
        let asked = || match scope {
            ListScope::Namespace(namespace) if resource.namespaced => {
                format!("list {}.{} in namespace {namespace}", resource.plural, kind.group)
            }
            ListScope::Namespace(_) | ListScope::All => {
                format!("list {}.{} in the whole cluster", resource.plural, kind.group)
            }
        };
        let mut params = ListParams::default().limit(PAGE);
        let mut objects = Vec::new();
        loop {
            let request = Request::new(path.clone())
                .list(&params)
                .map_err(kube::Error::BuildRequest);
            let request = request.asked(asked)?;
            let mut page: Value = self.client.request(request).await.asked(asked)?;
            if let Some(items) = page.get_mut("items").and_then(Value::as_array_mut) {
                objects.append(items);
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params = params.continue_token(token),
                Some(_) | None => return Ok(Listed::Objects(objects)),
            }
        }
    }
}

impl Cluster {
    /// Reads one object; `None` where it, or its kind, does not exist.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read_object(
        &self,
        served: &ServedKinds,
        kind: &ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, ApiError> {
        let Some(api) = self.objects_api(served, kind, namespace) else {
            return Ok(None);
        };
        let asked = || format!("read {} {name} in namespace {namespace}", kind.kind);
        let found = api.get_opt(name).await.asked(asked)?;
        found.map(|object| as_value(&object)).transpose().asked(asked)
    }

    /// Makes an object.
    ///
    /// # Errors
    /// When it is refused, or its kind is not installed (as "not found").
    pub async fn make_object(
        &self,
        served: &ServedKinds,
        kind: &ObjectKind,
        namespace: &str,
        object: Value,
    ) -> Result<(), ApiError> {
        let asked = || format!("make a {} in namespace {namespace}", kind.kind);
        let Some(api) = self.objects_api(served, kind, namespace) else {
            let status =
                Status::failure(&format!("kind {} is not installed", kind.kind), "NotFound").with_code(404);
            return Err(kube::Error::Api(status.boxed())).asked(asked);
        };
        let object: DynamicObject = serde_json::from_value(object)
            .map_err(kube::Error::SerdeError)
            .asked(asked)?;
        let params = PostParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PostParams::default()
        };
        api.create(&params, &object).await.asked(asked).map(|_| ())
    }

    /// Watches one object until `judge` says what it has come to; a text of `judge` is how things stand meanwhile.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], [`WaitError::Stalled`] when the object goes away, or when it cannot be watched.
    pub async fn wait_object<T>(
        &self,
        served: &ServedKinds,
        kind: &ObjectKind,
        (namespace, name): (&str, &str),
        limit: Duration,
        mut judge: impl FnMut(&Value) -> Result<T, String> + Send,
    ) -> Result<T, WaitError> {
        let what = format!("the end of {} {name}", kind.kind);
        let Some(api) = self.objects_api(served, kind, namespace) else {
            let reason = format!("kind {} is not installed", kind.kind);
            return Err(WaitError::Stalled { what, reason });
        };
        let config = kube::runtime::watcher::Config::default().fields(&format!("metadata.name={name}"));
        watch_until(api, config, what, limit, |objects| match objects.get(name) {
            None => Judgement::Stalled("it is gone".to_owned()),
            Some(object) => match as_value(object) {
                Ok(value) => match judge(&value) {
                    Ok(done) => Judgement::Done(done),
                    Err(state) => Judgement::Wait(state),
                },
                Err(error) => Judgement::Stalled(error.to_string()),
            },
        })
        .await
    }

    fn objects_api(
        &self,
        served: &ServedKinds,
        kind: &ObjectKind,
        namespace: &str,
    ) -> Option<Api<DynamicObject>> {
        let (version, resource) = served.resource(kind)?;
        let kind = GroupVersionKind::gvk(kind.group, version, kind.kind);
        let resource = ApiResource::from_gvk_with_plural(&kind, &resource.plural);
        Some(Api::namespaced_with(self.client.clone(), namespace, &resource))
    }
}

fn as_value(object: &DynamicObject) -> Result<Value, kube::Error> {
    serde_json::to_value(object).map_err(kube::Error::SerdeError)
}
