//! What must be in the cluster before the application can run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::VersionRange;

/// What must be in the cluster before the application can run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requires {
    /// Kinds of objects that the API server must serve.
    #[serde(default)]
    pub crds: Vec<RequiredCrd>,
    /// Operators that must run.
    #[serde(default)]
    pub operators: Vec<RequiredOperator>,
    /// Services behind admission webhooks that must have somebody to answer.
    #[serde(default)]
    pub webhooks: Vec<RequiredWebhook>,
}

/// A kind of objects that the API server must serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredCrd {
    /// The name of its definition: `certificates.cert-manager.io`.
    pub name: String,
    /// A version that must be served, such as `v1`; any where not said.
    #[serde(default)]
    pub version: Option<String>,
}

/// An operator: a Deployment found by its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredOperator {
    /// Its name, for messages.
    pub name: String,
    /// Its namespace; it is looked for in all of them where not said, which takes the right to list Deployments there.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Labels of its Deployment.
    pub labels: BTreeMap<String, String>,
    /// The image repository that is the operator, compared without registry and tag; the only container's where not said.
    #[serde(default)]
    pub image: Option<String>,
    /// The versions that will do, by the image's tag.
    #[serde(default)]
    pub version: Option<VersionRange>,
}

/// A Service behind an admission webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RequiredWebhook {
    /// The Service's name.
    pub service: String,
    /// Its namespace; the release's where not said.
    #[serde(default)]
    pub namespace: Option<String>,
}

impl Requires {
    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        let Self {
            crds,
            operators,
            webhooks,
        } = self;
        crds.is_empty() && operators.is_empty() && webhooks.is_empty()
    }

    /// What the shape alone does not tell.
    ///
    /// # Errors
    /// In words, what cannot be looked for.
    pub fn check(&self) -> Result<(), String> {
        if let Some(crd) = self.crds.iter().find(|crd| !crd.name.contains('.')) {
            return Err(format!(
                "`requires.crds` names {}, which is no definition's name such as certificates.cert-manager.io",
                crd.name
            ));
        }
        if let Some(operator) = self.operators.iter().find(|operator| operator.labels.is_empty()) {
            return Err(format!(
                "operator {} of `requires.operators` has no labels, so any Deployment would be it",
                operator.name
            ));
        }
        Ok(())
    }
}
