//! Objects of ours: applied by the server, listed by a label, removed.

use kube::ResourceExt;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::Value;

use crate::error::Asked;
use crate::{ApiError, Cluster, FIELD_MANAGER};

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// `v1`, `batch/v1`, …
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace; `None` where it lives in none.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ObjectName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.to_ascii_lowercase(), self.name)?;
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

impl Cluster {
    /// Server-side apply under our field manager. What another manager owns is a conflict, which is an error.
    ///
    /// # Errors
    /// When the object has no name or kind, or the API server refuses it.
    pub async fn apply(&self, object: &Value) -> Result<ObjectName, ApiError> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = ObjectName {
            api_version: text(&object["apiVersion"]).unwrap_or_default(),
            kind: text(&object["kind"]).unwrap_or_default(),
            namespace: text(&object["metadata"]["namespace"]),
            name: text(&object["metadata"]["name"]).unwrap_or_default(),
        };
        let api = self.api_of(&name).await?;
        api.patch(
            &name.name,
            &PatchParams::apply(FIELD_MANAGER),
            &Patch::Apply(object),
        )
        .await
        .asked(|| format!("apply {name}"))?;
        Ok(name)
    }

    /// The objects of a kind that carry all these labels (`a=b,c=d`).
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn labelled(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        labels: &str,
    ) -> Result<Vec<Value>, ApiError> {
        let of_kind = ObjectName {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: String::new(),
        };
        let listed = self
            .api_of(&of_kind)
            .await?
            .list(&ListParams::default().labels(labels))
            .await
            .asked(|| format!("list objects of kind {kind}"))?;
        Ok(listed
            .items
            .into_iter()
            .filter_map(|object| {
                let name = object.name_any();
                let mut value = serde_json::to_value(object).ok()?;
                value["metadata"]["name"] = name.into();
                Some(value)
            })
            .collect())
    }

    /// Removes an object and what belongs to it; one that is not there is no error. Says whether it was there.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn remove(&self, name: &ObjectName) -> Result<bool, ApiError> {
        let api = self.api_of(name).await?;
        match api.delete(&name.name, &DeleteParams::background()).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(error) => Err(ApiError::new(format!("remove {name}"), error)),
        }
    }

    async fn api_of(&self, name: &ObjectName) -> Result<Api<DynamicObject>, ApiError> {
        let (group, version) = name
            .api_version
            .split_once('/')
            .unwrap_or(("", name.api_version.as_str()));
        let kind = GroupVersionKind::gvk(group, version, &name.kind);
        let (resource, _) = self
            .resource_of(&kind)
            .await
            .asked(|| format!("find what serves kind {}", name.kind))?;
        let client = self.client.clone();
        Ok(match &name.namespace {
            Some(namespace) => Api::namespaced_with(client, namespace, &resource),
            None => Api::all_with(client, &resource),
        })
    }
}
