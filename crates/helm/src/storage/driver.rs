//! Where Helm keeps its records.

use super::StorageError;

/// The kinds of object that hold records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// Secrets, Helm's default.
    Secret,
    /// ConfigMaps.
    ConfigMap,
}

impl Driver {
    /// Reads `HELM_DRIVER`'s value as Helm does.
    ///
    /// # Errors
    /// A driver whose records are not in the cluster (`sql`, `memory`) or an unknown word.
    pub fn parse(word: &str) -> Result<Self, StorageError> {
        match word {
            "" | "secret" | "secrets" => Ok(Self::Secret),
            "configmap" | "configmaps" => Ok(Self::ConfigMap),
            other => Err(StorageError::Driver {
                driver: other.to_owned(),
            }),
        }
    }
}
