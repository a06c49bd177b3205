//! Why a volume did not do what was asked.

use thiserror::Error;

use crate::{JobError, RunError};

/// Why a volume did not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VolumeFault {
    /// Nobody said which cluster.
    #[error("it is reached through its cluster, and no cluster was named here")]
    NoCluster,
    /// There is no such claim.
    #[error(
        "there is no claim {claim} in namespace {namespace}; a claim of another namespace is written \
         pvc://NAMESPACE/CLAIM/, with a slash at its end"
    )]
    NoClaim {
        /// The claim.
        claim: String,
        /// Where it was looked for.
        namespace: String,
    },
    /// The cluster cannot be asked.
    #[error("failed to look at the claim")]
    Api(#[source] cluster::ApiError),
    /// No pod mounts it.
    #[error(
        "no pod of ours could mount it (image {image}; another one that has a shell, sha256sum and dd is named with \
         ?image=IMAGE behind the store's address)"
    )]
    Pod {
        /// The image.
        image: String,
        /// Why not.
        #[source]
        source: Box<JobError>,
    },
    /// A command's end is not known.
    #[error("the command there broke off")]
    Run(#[from] RunError),
    /// The command there ended badly.
    #[error("{0}")]
    Refused(String),
    /// The command there did not say what it did.
    #[error("the command there ended without its word: {0}")]
    NoWord(String),
    /// Other bytes lie there than were sent.
    #[error("{sent} bytes were sent and {arrived} arrived whose hash is another")]
    Differs {
        /// Bytes sent.
        sent: u64,
        /// Bytes there.
        arrived: String,
    },
}
