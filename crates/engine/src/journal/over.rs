//! Waiting for the end of a run that somebody else works on.

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::{Cluster, WaitError};

use super::cluster_store::{head_name, outcome_of_word};
use super::document::is_final;
use crate::labels;

/// Waits until a run has ended for good, at most `limit`. `false` when the time was up before.
///
/// # Errors
/// The run's head cannot be watched.
pub async fn wait_over(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    run: &str,
    limit: Duration,
) -> Result<bool, WaitError> {
    let over = |labels: &BTreeMap<String, String>| {
        let outcome = labels.get(labels::OUTCOME).and_then(|word| outcome_of_word(word));
        outcome.is_some_and(is_final)
    };
    let waited = cluster
        .wait_secret_labels(namespace, &head_name(release, run), limit, over)
        .await;
    match waited {
        Ok(()) => Ok(true),
        Err(WaitError::TimedOut { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
