//! Replica counts through `/scale`, which leaves no field owner behind: writing 0 there takes `spec.replicas` from
//! every owner, and going back up records none, so that the next `helm upgrade` finds no conflict.

use model::WorkloadName;
use thiserror::Error;

use crate::{ApiError, Cluster};

/// A workload's count as `/scale` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.replicas`; pods that are still terminating do not count.
    pub observed: i32,
    /// The version this was read at, a precondition for [`Cluster::set_scale`].
    pub resource_version: String,
}

/// Why a count could not be read or set.
#[derive(Debug, Error)]
pub enum ScaleError {
    /// The kind has no replica count.
    #[error("{0} has no replica count")]
    NotScalable(WorkloadName),
    /// Somebody else changed the workload since it was read.
    #[error("{workload} was changed by somebody else meanwhile")]
    Changed {
        /// The workload.
        workload: WorkloadName,
        /// The API server's answer.
        #[source]
        source: ApiError,
    },
    /// The API server refused or could not be reached.
    #[error("replica count of {workload}")]
    Api {
        /// The workload.
        workload: WorkloadName,
        /// Why.
        #[source]
        source: ApiError,
    },
}

impl Cluster {
    /// Reads a Deployment's or StatefulSet's count.
    ///
    /// # Errors
    /// For other kinds, a missing workload or right.
    pub async fn scale(&self, _workload: &WorkloadName) -> Result<Scale, ScaleError> {
        todo!()
    }

    /// Sets a Deployment's or StatefulSet's count, only if it is still at the version given (if one is).
    ///
    /// # Errors
    /// [`ScaleError::Changed`] when the version is stale; for other kinds, a missing workload or right.
    pub async fn set_scale(
        &self,
        _workload: &WorkloadName,
        _replicas: i32,
        _expected_resource_version: Option<&str>,
    ) -> Result<Scale, ScaleError> {
        todo!()
    }
}
