//! Why an artefact was not taken, or not put back.

use cluster::{ApiError, WaitError};
use thiserror::Error;

use crate::base::UnpackError;
use crate::transfer::size_in_words;
use crate::{JobError, RunError, StoreError};

/// Why an artefact was not taken, or not put back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// There is no such claim.
    #[error("there is no claim {claim} in namespace {namespace}")]
    NoClaim {
        /// The claim.
        claim: String,
        /// Its namespace.
        namespace: String,
    },
    /// There is no such folder.
    #[error("{volume} has no folder {path}")]
    NoFolder {
        /// The volume, in words.
        volume: String,
        /// The folder.
        path: String,
    },
    /// Named twice.
    #[error("{0} was named twice")]
    Twice(String),
    /// The cluster cannot be asked.
    #[error("failed to look at {what}")]
    Api {
        /// What.
        what: String,
        /// Why not.
        #[source]
        source: ApiError,
    },
    /// Pods use the volume.
    #[error("claim {claim} is in use by {}: stop them first, their files are moved aside", pods.join(", "))]
    InUse {
        /// The claim.
        claim: String,
        /// The pods.
        pods: Vec<String>,
    },
    /// No pod of ours mounts it.
    #[error("failed to start a pod with image {image} that mounts {volume}")]
    Pod {
        /// The image.
        image: String,
        /// The volume, in words.
        volume: String,
        /// Why not.
        #[source]
        source: Box<JobError>,
    },
    /// Only root may read it, and nothing of ours runs as root.
    #[error(
        "files of {volume} belong to user {owner} and may not be read by others, and helper pods never run as root: \
         use a VolumeSnapshot, or copy a folder that others may read with CLAIM:FOLDER"
    )]
    Closed {
        /// The volume, in words.
        volume: String,
        /// Whose they are.
        owner: String,
    },
    /// Folders whose rights keep them where they are.
    #[error(
        "user {user} may not move {} of {volume}, because it may not write to them: give them to that user, or let it write",
        folders.join(", ")
    )]
    Fixed {
        /// The volume, in words.
        volume: String,
        /// Who would move them, as `uid:gid`.
        user: String,
        /// The folders.
        folders: Vec<String>,
    },
    /// A backup of another time.
    #[error("{file} of {volume} is packed with {codec:?}, which this program does not know")]
    Codec {
        /// The file.
        file: String,
        /// The volume, in words.
        volume: String,
        /// How it is packed.
        codec: String,
    },
    /// A command's end is not known.
    #[error("the copy of {volume} did not arrive whole")]
    Stream {
        /// The volume, in words.
        volume: String,
        /// Why.
        #[source]
        source: RunError,
    },
    /// A program failed.
    #[error("{program} ended with status {status} at {volume}: {words}")]
    Program {
        /// Which.
        program: &'static str,
        /// How it ended; -1 where that was never known.
        status: i32,
        /// The volume, in words.
        volume: String,
        /// Its last words.
        words: String,
    },
    /// The place did not say what it had sent.
    #[error("the copy of {volume} ended without its proof: {words}")]
    NoProof {
        /// The volume, in words.
        volume: String,
        /// The last words.
        words: String,
    },
    /// Both ends do not agree.
    #[error("the copy of {volume} changed on its way: {difference}")]
    Changed {
        /// The volume, in words.
        volume: String,
        /// What differs.
        difference: String,
    },
    /// The store.
    #[error("failed to keep or read the artefact")]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("failed to write {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It could not be unpacked.
    #[error("failed to unpack beside the files of {volume}, which are as they were")]
    Unpack {
        /// The volume, in words.
        volume: String,
        /// Why.
        #[source]
        source: UnpackError,
    },
    /// No room.
    #[error("{volume} has {} free and the artefact takes {}", size_in_words(*.free), size_in_words(*.needed))]
    NoRoom {
        /// The volume, in words.
        volume: String,
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// A step failed.
    #[error("failed to {doing} {volume}: {words}")]
    Step {
        /// What was tried.
        doing: &'static str,
        /// The volume, in words.
        volume: String,
        /// The last words.
        words: String,
    },
    /// The class that was asked for does not go with the claim.
    #[error("no VolumeSnapshot of class {class} can be made of claim {claim}: {why}")]
    NoClass {
        /// The class.
        class: String,
        /// The claim.
        claim: String,
        /// Why not.
        why: String,
    },
    /// The driver did not make the snapshot.
    #[error("VolumeSnapshot {name} did not come about")]
    Snapshot {
        /// The snapshot.
        name: String,
        /// Why.
        #[source]
        source: WaitError,
    },
    /// The driver said why it did not make it.
    #[error("VolumeSnapshot {name} failed: {words}")]
    SnapshotFailed {
        /// The snapshot.
        name: String,
        /// The driver's words.
        words: String,
    },
}
