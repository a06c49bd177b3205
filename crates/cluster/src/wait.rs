//! Waits that watch the API server under the caller's timeout.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use model::{PodFacts, Workload, WorkloadName};
use thiserror::Error;

use crate::Cluster;

/// Labels that must all match. An empty selector matches nothing: waiting for every pod of a namespace is never meant.
pub type Selector = BTreeMap<String, String>;

/// Why a wait ended without what it waited for.
#[derive(Debug, Error)]
pub enum WaitError {
    /// The time was up.
    #[error("{what} did not happen within {} s: {state}", limit.as_secs())]
    TimedOut {
        /// What was waited for.
        what: String,
        /// The timeout in force.
        limit: Duration,
        /// How things stood at last.
        state: String,
    },
    /// It will not happen by waiting: the roll-out's own deadline has passed, the object is gone.
    #[error("{what} will not happen: {reason}")]
    Stalled {
        /// What was waited for.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The API server refused the watch or could not be reached until the time was up.
    #[error("failed to watch {what}")]
    Watch {
        /// What was watched.
        what: String,
        /// Why.
        #[source]
        source: Box<kube::runtime::watcher::Error>,
    },
}

impl Cluster {
    /// Waits until no pod matches any of the selectors. A terminating pod is still there: its processes may run to the
    /// end of its grace period. Pods that have ended by themselves (`Succeeded`, `Failed`) do not count.
    /// `progress` is told of every change with the pods that remain.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when pods cannot be watched.
    pub async fn wait_pods_gone(
        &self,
        _namespace: &str,
        _selectors: &[Selector],
        _timeout: Duration,
        _progress: impl FnMut(&[PodFacts]) + Send,
    ) -> Result<(), WaitError> {
        todo!()
    }

    /// Waits until a workload runs its newest template with every pod ready and no old one left.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when its `progressDeadlineSeconds` have passed or it is paused or
    /// does not exist; or when it cannot be watched.
    pub async fn wait_rolled_out(
        &self,
        _workload: &WorkloadName,
        _timeout: Duration,
        _progress: impl FnMut(&Workload) + Send,
    ) -> Result<(), WaitError> {
        todo!()
    }

    /// Waits until a pod that the selector matches satisfies `wanted`, and returns it. `wanted` sees every state of every
    /// such pod, so it can also serve to follow what happens.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when pods cannot be watched.
    pub async fn wait_pod(
        &self,
        _namespace: &str,
        _selector: &Selector,
        _timeout: Duration,
        _wanted: impl FnMut(&Pod) -> bool + Send,
    ) -> Result<Pod, WaitError> {
        todo!()
    }

    /// Waits until a condition of one pod (`Ready`, `ContainersReady`, …) is `True`.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when the pod is gone or has ended; or when it cannot be watched.
    pub async fn wait_pod_condition(
        &self,
        _namespace: &str,
        _pod: &str,
        _condition: &str,
        _timeout: Duration,
    ) -> Result<PodFacts, WaitError> {
        todo!()
    }
}
