//! Artefacts: volumes and buckets that belong to the same moment as a database.

use serde::{Deserialize, Serialize};

/// What of an artefact a backup keeps, and from when it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artefact {
    /// Whose content it is.
    pub of: ArtefactOf,
    /// What is kept of it.
    pub kept: ArtefactKept,
    /// When its content began to be taken (RFC 3339, UTC).
    pub started_at: String,
    /// When all of it had been taken (RFC 3339, UTC).
    pub finished_at: String,
    /// The most that lies between the moment of the dump and any part of it, in seconds.
    pub gap_seconds: f64,
    /// Whether the database took no writes from the moment of the dump until all of it had been taken.
    pub held: bool,
}

/// Whose content an artefact is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ArtefactOf {
    /// A PersistentVolumeClaim or a folder in it.
    Volume {
        /// Its namespace.
        namespace: String,
        /// The claim.
        claim: String,
        /// The folder in it; `None` for all of it.
        path: Option<String>,
    },
    /// A bucket or a part of it.
    Bucket {
        /// Its address, without credentials.
        url: String,
    },
}

/// What is kept of an artefact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "as")]
pub enum ArtefactKept {
    /// A tar archive in the backup.
    #[serde(rename_all = "camelCase")]
    Tar {
        /// The file in the backup, under its name before it was encrypted.
        file: String,
        /// Entries of the archive: files, folders, links.
        entries: u64,
        /// Size of the archive unpacked, in bytes.
        archive_bytes: u64,
        /// sha256 of the archive unpacked, lower-case hex.
        archive_sha256: String,
        /// `uid:gid` of whoever read it, who can unpack it with the same owner.
        owner: String,
        /// Whether files changed or went away while they were read.
        changed: bool,
    },
    /// A VolumeSnapshot in the cluster: it is not in the backup's store and goes with its namespace where its policy says so.
    #[serde(rename_all = "camelCase")]
    Snapshot {
        /// The VolumeSnapshot.
        name: String,
        /// Its VolumeSnapshotClass.
        class: String,
        /// Its VolumeSnapshotContent.
        content: Option<String>,
        /// The least size of a claim made of it, as Kubernetes writes quantities.
        restore_size: Option<String>,
    },
    /// Nothing but the time: a bucket can be put back to it only as far as it keeps versions.
    Instant {
        /// Whether old versions are kept: `enabled`, `suspended`, `never enabled`, or `unknown` and why.
        versioning: String,
        /// How long objects cannot be deleted: `compliance 30 days`, `none`, or `unknown` and why.
        retention: String,
    },
}

impl ArtefactOf {
    /// In words: `volume shop/uploads`, `volume shop/data:files`, `bucket s3://b/p`.
    pub fn words(&self) -> String {
        match self {
            Self::Volume {
                namespace,
                claim,
                path,
            } => {
                let path = path.as_ref().map(|path| format!(":{path}"));
                format!("volume {namespace}/{claim}{}", path.unwrap_or_default())
            }
            Self::Bucket { url } => format!("bucket {url}"),
        }
    }
}

impl Artefact {
    /// How its moment and that of the dump lie to each other, in words.
    pub fn moment(&self) -> String {
        if self.held {
            "of the dump's moment: the database took no writes meanwhile".to_owned()
        } else {
            format!(
                "up to {:.0} s after the dump's moment",
                self.gap_seconds.max(0.0).ceil()
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_never_told_smaller_than_it_is() {
        let artefact = |gap_seconds, held| Artefact {
            of: ArtefactOf::Bucket { url: "s3://b".into() },
            kept: ArtefactKept::Instant {
                versioning: "unknown".into(),
                retention: "unknown".into(),
            },
            started_at: String::new(),
            finished_at: String::new(),
            gap_seconds,
            held,
        };
        assert_eq!(artefact(2.1, false).moment(), "up to 3 s after the dump's moment");
        assert!(artefact(2.1, true).moment().contains("took no writes"));
    }
}
