//! Which resource serves a kind. Asked once per kind and connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use kube::core::GroupVersionKind;
use kube::discovery::{ApiCapabilities, ApiResource, Scope};

use crate::Cluster;

/// What is known so far.
#[derive(Clone, Default)]
pub(crate) struct Kinds(Arc<Mutex<HashMap<GroupVersionKind, (ApiResource, bool)>>>);

impl Cluster {
    /// The resource that serves a kind, and whether its objects live in namespaces.
    pub(crate) async fn resource_of(
        &self,
        kind: &GroupVersionKind,
    ) -> Result<(ApiResource, bool), kube::Error> {
        let known = self
            .kinds
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(kind)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (resource, capabilities): (ApiResource, ApiCapabilities) =
            kube::discovery::pinned_kind(&self.client, kind).await?;
        let found = (resource, matches!(capabilities.scope, Scope::Namespaced));
        self.kinds
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(kind.clone(), found.clone());
        Ok(found)
    }
}
