//! Which pods Services lead to.

use k8s_openapi::api::core::v1::Service;

use crate::wait::Selector;
use crate::{ApiError, Cluster};

impl Cluster {
    /// The selectors of a namespace's Services; those without one are left out.
    ///
    /// # Errors
    /// When Services cannot be listed.
    pub async fn service_selectors(&self, namespace: &str) -> Result<Vec<Selector>, ApiError> {
        let services = self.listed::<Service>(namespace).await?;
        let selectors = services.into_iter().filter_map(|service| service.spec?.selector);
        Ok(selectors.filter(|selector| !selector.is_empty()).collect())
    }
}
