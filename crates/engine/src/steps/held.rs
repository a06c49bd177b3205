//! The one field by which something is held: read, set, given back.

use std::time::Duration;

use cluster::{ApiError, Cluster, WaitError};
use model::SuspendTarget;

/// What holds: a DaemonSet's node selector and KEDA's annotation take a text.
const HELD: &str = "true";
/// How long KEDA is given to say that it has paused: it looks at once when an annotation changes.
const KEDA_ANSWERS: Duration = Duration::from_secs(60);

/// The target with the value of now.
pub(super) async fn read(cluster: &Cluster, target: &SuspendTarget) -> Result<SuspendTarget, ApiError> {
    let (namespace, name) = (target.namespace().to_owned(), target.name().to_owned());
    Ok(match target {
        SuspendTarget::CronJob { .. } => SuspendTarget::CronJob {
            original: cluster.suspend(&namespace, &name).await?,
            namespace,
            name,
        },
        SuspendTarget::DaemonSet { .. } => SuspendTarget::DaemonSet {
            original: cluster.parked(&namespace, &name).await?,
            namespace,
            name,
        },
        SuspendTarget::ScaledObject { .. } => SuspendTarget::ScaledObject {
            original: cluster.keda_paused(&namespace, &name).await?,
            namespace,
            name,
        },
    })
}

/// Holds it.
pub(super) async fn hold(cluster: &Cluster, target: &SuspendTarget) -> Result<(), ApiError> {
    match target {
        SuspendTarget::CronJob { namespace, name, .. } => {
            cluster.set_suspend(namespace, name, Some(true)).await
        }
        SuspendTarget::DaemonSet { namespace, name, .. } => {
            cluster.set_parked(namespace, name, Some(HELD)).await
        }
        SuspendTarget::ScaledObject { namespace, name, .. } => {
            cluster.set_keda_paused(namespace, name, Some(HELD)).await
        }
    }
}

/// Waits until its controller heeds the hold, where the field alone does not say so: a CronJob is held by the field, the
/// pods of a DaemonSet are waited for by the drain.
pub(super) async fn heeded(cluster: &Cluster, target: &SuspendTarget) -> Result<(), WaitError> {
    match target {
        SuspendTarget::CronJob { .. } | SuspendTarget::DaemonSet { .. } => Ok(()),
        SuspendTarget::ScaledObject { namespace, name, .. } => {
            cluster.wait_keda_paused(namespace, name, KEDA_ANSWERS).await
        }
    }
}

/// Writes the value that it carries back.
pub(super) async fn give_back(cluster: &Cluster, original: &SuspendTarget) -> Result<(), ApiError> {
    match original {
        SuspendTarget::CronJob {
            namespace,
            name,
            original,
        } => cluster.set_suspend(namespace, name, *original).await,
        SuspendTarget::DaemonSet {
            namespace,
            name,
            original,
        } => cluster.set_parked(namespace, name, original.as_deref()).await,
        SuspendTarget::ScaledObject {
            namespace,
            name,
            original,
        } => {
            cluster
                .set_keda_paused(namespace, name, original.as_deref())
                .await
        }
    }
}
