//! A Helm release and its revisions, as Helm's own storage tells them.

use serde::{Deserialize, Serialize};

/// How Helm applied a release: Helm 4 installs server-side, Helm 3 knows only the client side and stores nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApplyMethod {
    /// Three-way merge computed by the client (`csa`, or nothing stored).
    ClientSide,
    /// Server-side apply under the field manager `helm` (`ssa`).
    ServerSide,
}

/// The states of a revision, spelled as Helm spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseStatus {
    /// Helm itself does not know.
    Unknown,
    /// The revision in force.
    Deployed,
    /// Removed, history kept.
    Uninstalled,
    /// Replaced by a later revision.
    Superseded,
    /// The act that made this revision failed.
    Failed,
    /// Being removed.
    Uninstalling,
    /// An install is running or was killed.
    PendingInstall,
    /// An upgrade is running or was killed.
    PendingUpgrade,
    /// A rollback is running or was killed.
    PendingRollback,
}

impl ReleaseStatus {
    /// Helm's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether Helm refuses another operation while the newest revision is in this state.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }
}

/// Which chart, in which version, for which version of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartIdentity {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The application version the chart claims to carry.
    pub app_version: Option<String>,
}

/// The newest revision of a release, without its manifest and values: those may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The release's name.
    pub name: String,
    /// The namespace the release lives in.
    pub namespace: String,
    /// The newest revision's number.
    pub revision: u32,
    /// The newest revision's state.
    pub status: ReleaseStatus,
    /// The chart of the newest revision.
    pub chart: ChartIdentity,
    /// How the newest revision was applied.
    pub apply_method: ApplyMethod,
    /// When the newest revision was last written, as Helm recorded it (RFC 3339).
    pub updated: Option<String>,
    /// Helm's own description of the last act.
    pub description: String,
    /// The encoded size of the newest revision's record in bytes; a Secret holds 1 MiB at most.
    pub stored_bytes: usize,
}

/// One line of a release's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionSummary {
    /// The revision's number.
    pub revision: u32,
    /// The revision's state by its label; the data may differ after a hand edit.
    pub status: ReleaseStatus,
    /// When the record was last modified, seconds since the epoch.
    pub modified_at: Option<i64>,
}
