//! Stores of backups as the user sees them.

use serde::{Deserialize, Serialize};

/// The stores that have names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreListReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `StoreList`.
    pub kind: String,
    /// The file that names them.
    pub file: String,
    /// By name.
    pub items: Vec<StoreSummary>,
}

/// A store with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreSummary {
    /// Its name.
    pub name: String,
    /// The path or URL that opens it; holds no secret.
    pub url: String,
}

/// What a store can do, as tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreTestReport {
    /// [`crate::API_VERSION`].
    pub api_version: String,
    /// `StoreTest`.
    pub kind: String,
    /// The path or URL.
    pub url: String,
    /// Whether all that a backup needs works.
    pub works: bool,
    /// What was tried.
    pub acts: Vec<StoreActResult>,
}

/// One act of a store's test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreActResult {
    /// `write`, `read`, `createOnly`, `list`, `multipart`, `delete`.
    pub act: String,
    /// Whether it works; absent where it could not be tried.
    pub works: Option<bool>,
    /// Why not.
    pub message: Option<String>,
}
