//! Which namespaces there are.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};

use crate::error::Asked;
use crate::{ApiError, Cluster};

/// Namespaces in one answer.
const PAGE: u32 = 500;

impl Cluster {
    /// The names of all namespaces, in order.
    ///
    /// # Errors
    /// When they cannot be listed; [`ApiError::is_forbidden`] tells a missing right.
    pub async fn namespaces(&self) -> Result<Vec<String>, ApiError> {
        let api = Api::<Namespace>::all(self.client.clone());
        let mut params = ListParams::default().limit(PAGE);
        let mut names = Vec::new();
        loop {
            let page = api
                .list_metadata(&params)
                .await
                .asked(|| "list the namespaces".to_owned())?;
            names.extend(page.items.into_iter().filter_map(|found| found.metadata.name));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => break,
            }
        }
        names.sort();
        Ok(names)
    }
}
