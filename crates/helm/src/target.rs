//! What the checks want to know of a rendered target.

use model::{ObjectName, RenderedHook, RenderedWorkload};
use serde_json::Value;

use crate::{HelmError, Rendered, manifest};

/// The parts of [`model::Target`] that the manifest says. Has no `Debug`: the objects hold rendered Secrets.
#[derive(Clone)]
pub struct TargetParts {
    /// Workloads of the manifest, hooks aside.
    pub workloads: Vec<RenderedWorkload>,
    /// Hooks.
    pub hooks: Vec<RenderedHook>,
    /// Every object of the manifest, for the dry run of each.
    pub objects: Vec<(ObjectName, Value)>,
}

/// Takes a rendered target apart. `namespace` is the release's, for objects that name none.
///
/// # Errors
/// A manifest that is no YAML.
pub fn target_parts(rendered: &Rendered, namespace: &str) -> Result<TargetParts, HelmError> {
    let objects = manifest::objects(&rendered.manifest).map_err(HelmError::Manifest)?;
    Ok(TargetParts {
        workloads: objects
            .iter()
            .filter_map(|object| cluster::workload_from_manifest(object, namespace))
            .collect(),
        hooks: rendered.hooks.clone(),
        objects: objects
            .into_iter()
            .map(|object| (object_name(&object), object))
            .collect(),
    })
}

/// The objects of a manifest, by their names.
///
/// # Errors
/// A manifest that is no YAML.
pub fn object_names(manifest: &str) -> Result<Vec<ObjectName>, HelmError> {
    let objects = manifest::objects(manifest).map_err(HelmError::Manifest)?;
    Ok(objects.iter().map(object_name).collect())
}

/// An object's name as its manifest says it; the namespace stays empty where the manifest names none.
fn object_name(object: &Value) -> ObjectName {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ObjectName {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
        namespace: text(&object["metadata"]["namespace"]),
        name: text(&object["metadata"]["name"]),
    }
}
