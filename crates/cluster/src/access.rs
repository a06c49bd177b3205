//! What we may do.

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use model::{AccessDecision, AccessRequest};

use crate::error::Asked;
use crate::{ApiError, Cluster};

/// Reviews on their way at one time: quick over a long line, unnoticed by the API server.
const REVIEWS_AT_ONCE: usize = 8;

impl Cluster {
    /// Asks for every right (SelfSubjectAccessReview, some at a time); answers in the order asked. Exec and port-forward
    /// over WebSocket need both `get` and, since Kubernetes 1.35, `create`: ask for both.
    ///
    /// # Errors
    /// When a review cannot be made; a refused right is an answer, not an error.
    pub async fn can_i(&self, requests: &[AccessRequest]) -> Result<Vec<AccessDecision>, ApiError> {
        stream::iter(requests.to_vec())
            .map(|request| self.review(request))
            .buffered(REVIEWS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn review(&self, request: AccessRequest) -> Result<AccessDecision, ApiError> {
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(ResourceAttributes {
                    verb: Some(request.verb.clone()),
                    group: Some(request.group.clone()),
                    resource: Some(request.resource.clone()),
                    subresource: request.subresource.clone(),
                    name: request.name.clone(),
                    namespace: Some(request.namespace.clone()),
                    ..ResourceAttributes::default()
                }),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let answer = Api::<SelfSubjectAccessReview>::all(self.client.clone())
            .create(&PostParams::default(), &review)
            .await
            .asked(|| format!("ask whether we may {request}"))?;
        let status = answer.status.unwrap_or_default();
        Ok(AccessDecision {
            request,
            allowed: status.allowed,
            reason: status.reason.filter(|reason| !reason.is_empty()),
        })
    }
}
