//! What a decision is made from.

use std::fmt;

use jiff::Timestamp;

use crate::BackupId;

/// Backups that are counted together: those of one database at one place, made the same way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Series {
    /// First 8 characters of the kube-system UID, or `direct`.
    pub cluster: String,
    /// Namespace of the database.
    pub namespace: String,
    /// The server's workload name or system identifier.
    pub server: String,
    /// The database's name.
    pub database: String,
    /// How they are made: `custom` for dumps, and the words of other ways.
    pub format: String,
}

/// What is known of a backup beyond its being complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its newest restore test found no difference.
    Proven,
    /// Its newest restore test found differences.
    Different,
    /// No restore test was made.
    Untested,
}

/// What holds a backup whatever the policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// Somebody said so.
    Said {
        /// Why.
        reason: String,
    },
    /// Files lie in its folder that are not of it, and nobody says what they are.
    Strangers(Vec<String>),
    /// A Helm release can still be turned back to the revision that it was made for, and it is the newest one made then.
    Revision {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// It was made for a release's revision, it is the newest one made then, and whether that revision can still be
    /// turned back to is not known.
    UnknownRevision {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
        /// Why it is not known.
        why: String,
    },
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said { reason } if reason.is_empty() => f.write_str("pinned"),
            Self::Said { reason } => write!(f, "pinned: {reason}"),
            Self::Strangers(names) => write!(
                f,
                "its folder holds files that are not of it: {}",
                names.join(", ")
            ),
            Self::Revision { release, revision } => {
                write!(
                    f,
                    "release {release} can still be turned back to revision {revision}"
                )
            }
            Self::UnknownRevision {
                release,
                revision,
                why,
            } => write!(
                f,
                "whether release {release} can still be turned back to revision {revision} is not known: {why}"
            ),
        }
    }
}

/// A complete backup, as far as a decision needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its id.
    pub id: BackupId,
    /// What it is counted with.
    pub series: Series,
    /// The moment of the data in it.
    pub at: Timestamp,
    /// What is known of it.
    pub standing: Standing,
    /// What holds it.
    pub pin: Option<Pin>,
    /// The backup without which it cannot be restored.
    pub parent: Option<BackupId>,
}
