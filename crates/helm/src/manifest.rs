//! Manifests as objects, read the way helm and kubectl read YAML (YAML 1.1 words and numbers).

use serde_json::Value;
use thiserror::Error;

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
pub fn objects(_manifest: &str) -> Result<Vec<Value>, ManifestError> {
    todo!()
}
