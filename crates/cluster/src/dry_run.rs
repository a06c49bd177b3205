//! What the API server would say to an object.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, Status};
use kube::error::DiscoveryError;
use model::{DryRunOutcome, FieldConflict};
use serde_json::Value;

use crate::{Cluster, RequestError};

impl Cluster {
    /// Applies one object server-side as a dry run: nothing changes, but admission, schema, immutable fields, quotas and
    /// field owners are all consulted. `default_namespace` is for namespaced objects that name none. `force` leaves
    /// conflicts out of the question (for releases applied client-side, where `helm` would conflict with itself).
    ///
    /// Never fails: what could not be asked is [`DryRunOutcome::Unknown`].
    pub async fn dry_run_apply(
        &self,
        object: &Value,
        default_namespace: &str,
        field_manager: &str,
        force: bool,
    ) -> DryRunOutcome {
        let Some((kind, name)) = identity(object) else {
            return DryRunOutcome::Unknown {
                reason: "the object has no apiVersion, kind or name".to_owned(),
            };
        };
        let (resource, is_namespaced) = match self.resource_of(&kind).await {
            Ok(found) => found,
            Err(error) => return of_unknown_kind(error, &kind),
        };
        let client = self.client.clone();
        let api: Api<DynamicObject> = if is_namespaced {
            let namespace = object["metadata"]["namespace"]
                .as_str()
                .filter(|namespace| !namespace.is_empty());
            Api::namespaced_with(client, namespace.unwrap_or(default_namespace), &resource)
        } else {
            Api::all_with(client, &resource)
        };
        let params = PatchParams {
            dry_run: true,
            force,
            field_manager: Some(field_manager.to_owned()),
            ..PatchParams::default()
        };
        match api.patch(name, &params, &Patch::Apply(object)).await {
            Ok(_) => DryRunOutcome::Accepted,
            Err(kube::Error::Api(status)) => judged(&status),
            Err(error) => DryRunOutcome::Unknown {
                reason: model::causes(&RequestError::from(error)),
            },
        }
    }
}

fn identity(object: &Value) -> Option<(GroupVersionKind, &str)> {
    let version = object.get("apiVersion")?.as_str()?;
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = object.get("kind")?.as_str()?;
    let name = object.get("metadata")?.get("name")?.as_str()?;
    Some((GroupVersionKind::gvk(group, version, kind), name))
}

/// A cluster that does not know a kind refuses it; one that could not be asked leaves it open.
fn of_unknown_kind(error: kube::Error, kind: &GroupVersionKind) -> DryRunOutcome {
    let is_missing = match &error {
        kube::Error::Api(status) => status.code == 404,
        kube::Error::Discovery(DiscoveryError::MissingKind(_) | DiscoveryError::MissingApiGroup(_)) => true,
        _ => false,
    };
    if is_missing {
        let version = kind.api_version();
        DryRunOutcome::Refused {
            reason: format!("the cluster has no kind {} in {version}", kind.kind),
        }
    } else {
        DryRunOutcome::Unknown {
            reason: model::causes(&RequestError::from(error)),
        }
    }
}

/// What a refusal means. The API server answers 403 both for a missing right and for quota, policy and webhooks: only
/// the first leaves open what it would have said.
fn judged(status: &Status) -> DryRunOutcome {
    let conflicts: Vec<FieldConflict> = status
        .details
        .iter()
        .flat_map(|details| &details.causes)
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            manager: manager(&cause.message),
            field: cause.field.clone(),
        })
        .collect();
    if status.code == 409 && !conflicts.is_empty() {
        return DryRunOutcome::Conflicts { fields: conflicts };
    }
    let reason = if status.message.is_empty() {
        format!("the API server answered {} {}", status.code, status.reason)
    } else {
        status.message.clone()
    };
    let lacks_right = status.code == 401
        || status.code == 403 && status.message.contains(" cannot ") && status.message.contains("User ");
    let cannot_dry_run = status.message.contains("does not support dry run");
    if lacks_right || cannot_dry_run || status.code == 429 || status.code >= 500 {
        DryRunOutcome::Unknown { reason }
    } else {
        DryRunOutcome::Refused { reason }
    }
}

/// The manager in `conflict with "kubectl" with subresource "scale" using apps/v1`, as `kubectl (scale)`.
fn manager(message: &str) -> String {
    let mut quoted = message.split('"').skip(1).step_by(2);
    match (quoted.next(), quoted.next()) {
        (Some(manager), Some(subresource)) if message.contains("with subresource") => {
            format!("{manager} ({subresource})")
        }
        (Some(manager), _) => manager.to_owned(),
        (None, _) => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::judged;
    use model::{DryRunOutcome, FieldConflict};
    use serde_json::{Value, json};

    fn outcome(status: Value) -> DryRunOutcome {
        judged(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn every_conflicting_field_is_told_with_its_manager() {
        let status = json!({"code": 409, "reason": "Conflict", "message": "Apply failed with 2 conflicts",
            "details": {"causes": [
                {"reason": "FieldManagerConflict", "message": "conflict with \"safe-upgrade\" using apps/v1",
                 "field": ".spec.replicas"},
                {"reason": "FieldManagerConflict",
                 "message": "conflict with \"kubectl\" with subresource \"scale\" using apps/v1", "field": ".spec.x"}]}});
        let conflict = |manager: &str, field: &str| FieldConflict {
            manager: manager.to_owned(),
            field: field.to_owned(),
        };
        assert_eq!(
            outcome(status),
            DryRunOutcome::Conflicts {
                fields: vec![
                    conflict("safe-upgrade", ".spec.replicas"),
                    conflict("kubectl (scale)", ".spec.x")
                ]
            }
        );
    }

    #[test]
    fn a_missing_right_leaves_the_answer_open_and_a_quota_does_not() {
        let right = json!({"code": 403, "reason": "Forbidden", "message":
            "deployments.apps \"web\" is forbidden: User \"dev\" cannot patch resource \"deployments\" in API group \"apps\""});
        assert!(matches!(outcome(right), DryRunOutcome::Unknown { .. }));
        let quota = json!({"code": 403, "reason": "Forbidden", "message": "pods \"web\" is forbidden: exceeded quota: small"});
        assert!(matches!(outcome(quota), DryRunOutcome::Refused { .. }));
    }

    #[test]
    fn a_webhook_without_dry_run_leaves_the_answer_open() {
        let status =
            json!({"code": 400, "message": "admission webhook \"x.example.com\" does not support dry run"});
        assert!(matches!(outcome(status), DryRunOutcome::Unknown { .. }));
    }

    #[test]
    fn an_immutable_field_is_a_refusal() {
        let status =
            json!({"code": 422, "reason": "Invalid", "message": "spec.selector: field is immutable"});
        assert!(matches!(outcome(status), DryRunOutcome::Refused { .. }));
    }
}
