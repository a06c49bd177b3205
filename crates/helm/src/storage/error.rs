//! What can go wrong with Helm's records.

use thiserror::Error;

/// A failure with Helm's records.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A driver that only Helm itself can read.
    #[error(
        "HELM_DRIVER={driver} is not supported: release records are read from Secrets or ConfigMaps only"
    )]
    Driver {
        /// The driver named.
        driver: String,
    },
    /// The API server did not answer as hoped.
    #[error("failed to {action}")]
    Api {
        /// What was asked.
        action: String,
        /// The answer.
        #[source]
        source: cluster::RequestError,
    },
    /// A record that cannot be decoded.
    #[error("record {record}: {reason}")]
    Record {
        /// The object's name.
        record: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No such revision.
    #[error("release {release} has no revision {revision} in namespace {namespace}")]
    NoRevision {
        /// The release.
        release: String,
        /// The namespace.
        namespace: String,
        /// The revision.
        revision: u32,
    },
    /// A revision that nobody of ours has marked, or that somebody has written since.
    #[error(
        "revision {revision} of release {release} was not marked failed by this program, or was written since"
    )]
    NotMarked {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
    /// An act that only makes sense for a pending revision.
    #[error("revision {revision} of release {release} is not pending any more")]
    NotPending {
        /// The release.
        release: String,
        /// The revision.
        revision: u32,
    },
}

impl StorageError {
    /// Whether the API server refused for a missing right.
    pub fn is_forbidden(&self) -> bool {
        match self {
            Self::Api { source, .. } => source.status().is_some_and(|status| status.code == 403),
            Self::Driver { .. }
            | Self::Record { .. }
            | Self::NoRevision { .. }
            | Self::NotMarked { .. }
            | Self::NotPending { .. } => false,
        }
    }

    /// Whether a write that ended like this certainly wrote nothing: it was never sent, or the API server refused it.
    pub fn wrote_nothing(&self) -> bool {
        match self {
            Self::Api { source, .. } => source.status().is_some_and(|status| status.code < 500),
            Self::Driver { .. }
            | Self::Record { .. }
            | Self::NoRevision { .. }
            | Self::NotMarked { .. }
            | Self::NotPending { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::{Status, response::StatusSummary};

    use super::*;

    fn answered(code: u16) -> StorageError {
        StorageError::Api {
            action: "write".into(),
            source: kube::Error::Api(Box::new(Status {
                status: Some(StatusSummary::Failure),
                code,
                ..Status::default()
            }))
            .into(),
        }
    }

    #[test]
    fn only_a_refusal_is_certain_to_have_written_nothing() {
        assert!(answered(403).wrote_nothing() && answered(409).wrote_nothing());
        assert!(
            !answered(504).wrote_nothing(),
            "the server may have written before it gave up"
        );
        let lost = StorageError::Api {
            action: "write".into(),
            source: kube::Error::LinesCodecMaxLineLengthExceeded.into(),
        };
        assert!(!lost.wrote_nothing(), "nobody answered");
    }
}
