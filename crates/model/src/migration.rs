//! What a migration tool recorded in the database.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A migration tool, recognised by the columns of its table, never by the table's name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationTool {
    /// pressly/goose: `(id, version_id, is_applied, tstamp)`.
    Goose,
    /// golang-migrate: `(version bigint, dirty bool)`.
    GolangMigrate,
    /// Django: `(app, name, applied)`.
    Django,
    /// Rails Active Record: `(version varchar)`.
    Rails,
}

impl fmt::Display for MigrationTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Goose => "goose",
            Self::GolangMigrate => "golang-migrate",
            Self::Django => "Django",
            Self::Rails => "Rails",
        })
    }
}

/// The state that a migration tool left in its table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationState {
    /// The tool.
    pub tool: MigrationTool,
    /// Schema-qualified name of its table.
    pub table: String,
    /// The version in force, as the tool names it. For Django the newest applied `app.name`.
    pub version: Option<String>,
    /// How many migrations the table lists as applied.
    pub applied: i64,
    /// Whether the tool says that a migration broke off half-way.
    pub dirty: bool,
    /// A fingerprint over all applied entries: equal before and after means that no migration ran.
    pub fingerprint: String,
}
