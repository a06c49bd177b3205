//! Taking our own entry out of an object's managed fields: the next `helm upgrade` would meet us as an owner of the field.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::{Api, Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::Asked;
use crate::{ApiError, FIELD_MANAGER};

/// How often it is tried anew when somebody else writes the object meanwhile. Controllers write once per change; three
/// losses in a row mean a fight.
const TRIES: usize = 3;

/// Takes our entries out, under a `resourceVersion` test. `what` names the object for errors. An object that is gone has
/// none. Idempotent.
pub(crate) async fn disown<K>(api: &Api<K>, name: &str, what: impl Fn() -> String) -> Result<(), ApiError>
where
    K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let action = || format!("take our entry out of the managed fields of {}", what());
    for tries_left in (0..TRIES).rev() {
        let now = match api.get_metadata_opt(name).await.asked(action)? {
            Some(now) => now,
            None => return Ok(()),
        };
        let Some(clean_up) = without_our_entry(&now.metadata) else {
            return Ok(());
        };
        let clean_up = serde_json::from_value(clean_up)
            .map_err(kube::Error::SerdeError)
            .asked(action)?;
        let cleaned = api
            .patch(name, &PatchParams::default(), &Patch::<()>::Json(clean_up))
            .await
            .asked(action);
        match cleaned {
            Ok(_) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            // A failed test of a JSON patch is 422, a lost race inside the API server 409.
            Err(error) if tries_left > 0 && matches!(error.code(), Some(409 | 422)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The patch that takes our entries out of an object's managed fields; `None` when there are none.
fn without_our_entry(metadata: &ObjectMeta) -> Option<Value> {
    let entries = metadata.managed_fields.as_deref()?;
    let mut operations = vec![json!({
        "op": "test", "path": "/metadata/resourceVersion", "value": metadata.resource_version,
    })];
    // From the back, so that earlier indices stay true.
    operations.extend(
        entries
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, entry)| is_ours(entry))
            .map(|(index, _)| json!({ "op": "remove", "path": format!("/metadata/managedFields/{index}") })),
    );
    (operations.len() > 1).then_some(Value::Array(operations))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
}
