//! Manifests as objects, read the way helm and kubectl read YAML (YAML 1.1 words and numbers).

use serde_json::Value;
use thiserror::Error;

use crate::yaml;

/// A document of a manifest that cannot be read.
#[derive(Debug, Error)]
#[error("document {document}: {reason}")]
pub struct ManifestError {
    /// Which document, counted from 1.
    pub document: usize,
    /// What is wrong and on which line of the document.
    pub reason: String,
}

/// All objects of a manifest, in order; a `List` gives its items. Empty documents are left out.
///
/// # Errors
/// A document that is no YAML.
pub fn objects(manifest: &str) -> Result<Vec<Value>, ManifestError> {
    let mut objects = Vec::new();
    for (index, document) in yaml::documents(manifest).into_iter().enumerate() {
        let node = yaml::parse(document).map_err(|reason| ManifestError {
            document: index + 1,
            reason,
        })?;
        if let Some(node) = node {
            flatten(node.to_json(), &mut objects);
        }
    }
    Ok(objects)
}

fn flatten(object: Value, objects: &mut Vec<Value>) {
    let is_list = object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match object {
        Value::Object(mut fields) if is_list && fields.get("items").is_some_and(Value::is_array) => {
            if let Some(Value::Array(items)) = fields.remove("items") {
                for item in items {
                    flatten(item, objects);
                }
            }
        }
        Value::Object(_) => objects.push(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_give_their_items_and_comments_give_nothing() {
        let manifest =
            "---\n# Source: a\nkind: A\n---\n# empty\n---\nkind: List\nitems:\n- kind: B\n- kind: C\n";
        let kinds: Vec<_> = objects(manifest)
            .unwrap()
            .iter()
            .map(|object| object["kind"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(kinds, ["A", "B", "C"]);
    }

    #[test]
    fn a_broken_document_is_named_by_its_place() {
        let error = objects("kind: A\n---\nkind: [\n").unwrap_err();
        assert!(error.to_string().starts_with("document 2: "), "{error}");
    }
}
