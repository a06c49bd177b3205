//! Jobs, above all those that Helm hooks run. Hooks carry no release annotation: they are known by name.

use std::time::Duration;

use crate::{ApiError, Cluster, WaitError};

/// How a Job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// Condition `Complete`.
    Complete,
    /// Condition `Failed`, with its reason and message.
    Failed(String),
}

/// A Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// Its name.
    pub name: String,
    /// Its UID: a hook Job is deleted and made anew under the same name.
    pub uid: String,
    /// `status.active`.
    pub active: i32,
    /// `status.failed`.
    pub failed: i32,
    /// How it ended; `None` while it runs.
    pub end: Option<JobEnd>,
}

impl Cluster {
    /// Those of the named Jobs that exist.
    ///
    /// # Errors
    /// When Jobs cannot be listed.
    pub async fn hook_jobs(&self, _namespace: &str, _names: &[String]) -> Result<Vec<JobFacts>, ApiError> {
        todo!()
    }

    /// Waits until each of the named Jobs has ended or does not exist, and returns those that exist.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when Jobs cannot be watched.
    pub async fn wait_jobs_ended(
        &self,
        _namespace: &str,
        _names: &[String],
        _timeout: Duration,
        _progress: impl FnMut(&[JobFacts]) + Send,
    ) -> Result<Vec<JobFacts>, WaitError> {
        todo!()
    }
}
