//! A release that is stuck in `pending-*`, because the helm that worked on it was killed: what is known about it, whether
//! anything still works, and the one edit that lets Helm go on.

mod judge;
mod look;

use std::time::Duration;

use cluster::Cluster;
use helm::{Storage, StorageError, StoredRelease};
use model::{API_VERSION, NextStep, ReleaseIdentity, UnlockReport};
use thiserror::Error;

pub use judge::{Judgement, judge};
pub(crate) use look::{age, rendered};

/// Which release.
#[derive(Clone)]
pub struct UnlockRequest {
    /// The cluster.
    pub cluster: Cluster,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// How long a revision must have been pending before it is taken for stuck.
    pub older_than: Duration,
}

/// Why nothing could be told.
#[derive(Debug, Error)]
pub enum UnlockError {
    /// Nothing could be read, and so nothing was written.
    #[error("failed to read helm's records")]
    Read(#[from] StorageError),
    /// The edit.
    #[error("failed to write the status of the newest revision")]
    Write(#[source] StorageError),
    /// The edit was made; whether it is seen could not be asked.
    #[error("the status was written, but could not be read back")]
    ReadBack(#[source] Box<UnlockError>),
    /// There is no such release.
    #[error("there is no release {release} in namespace {namespace}")]
    NoRelease {
        /// The release.
        release: String,
        /// The namespace.
        namespace: String,
    },
    /// The edit was made, and is not seen.
    #[error("revision {revision} still says {status:?} after the edit")]
    NotSeen {
        /// The revision.
        revision: u32,
        /// What it says.
        status: model::ReleaseStatus,
    },
}

/// Looks at the newest revision and judges. Changes nothing.
///
/// # Errors
/// When there is no such release or its record cannot be read.
pub async fn look(request: &UnlockRequest) -> Result<UnlockReport, UnlockError> {
    let newest = newest(request).await?;
    let mut report = report(&newest);
    if newest.release.status.is_pending() {
        let evidence = look::evidence(request, &newest).await?;
        let judged = judge(&evidence, request.older_than);
        report.refused = judged.refused;
        report.unknown = judged.unknown;
        report.next = next(request, &evidence);
        report.evidence = Some(evidence);
    }
    Ok(report)
}

/// Marks the pending revision of a look failed, and reads it back.
///
/// # Errors
/// When somebody has written the record since, or the edit is not seen afterwards.
pub async fn unlock(request: &UnlockRequest, mut report: UnlockReport) -> Result<UnlockReport, UnlockError> {
    let storage = Storage::open(&request.cluster, &request.namespace)?;
    let revision = report.release.revision;
    let why = "marked failed by helm safe-upgrade unlock: the helm that worked on it is gone";
    storage
        .mark_failed(&request.release, revision, why)
        .await
        .map_err(UnlockError::Write)?;
    seen(request, &mut report, model::ReleaseStatus::Failed).await?;
    report.next.push(NextStep {
        text: "take the edit back".into(),
        command: Some(format!(
            "helm safe-upgrade unlock {} --undo -n {}",
            request.release, request.namespace
        )),
    });
    Ok(report)
}

/// Lets the newest revision say again what it said before it was unlocked.
///
/// # Errors
/// When it was not unlocked by this program, or was written since.
pub async fn undo(request: &UnlockRequest) -> Result<UnlockReport, UnlockError> {
    let mut report = report(&newest(request).await?);
    let storage = Storage::open(&request.cluster, &request.namespace)?;
    let status = storage
        .unmark_failed(&request.release, report.release.revision)
        .await
        .map_err(UnlockError::Write)?;
    seen(request, &mut report, status).await?;
    Ok(report)
}

async fn seen(
    request: &UnlockRequest,
    report: &mut UnlockReport,
    wanted: model::ReleaseStatus,
) -> Result<(), UnlockError> {
    let now = newest(request)
        .await
        .map_err(|error| UnlockError::ReadBack(Box::new(error)))?
        .release;
    report.status = now.status;
    report.changed = true;
    if now.status == wanted && now.revision == report.release.revision {
        return Ok(());
    }
    Err(UnlockError::NotSeen {
        revision: now.revision,
        status: now.status,
    })
}

async fn newest(request: &UnlockRequest) -> Result<StoredRelease, UnlockError> {
    let storage = Storage::open(&request.cluster, &request.namespace)?;
    storage
        .latest(&request.release)
        .await?
        .ok_or_else(|| UnlockError::NoRelease {
            release: request.release.clone(),
            namespace: request.namespace.clone(),
        })
}

fn report(newest: &StoredRelease) -> UnlockReport {
    UnlockReport {
        api_version: API_VERSION.into(),
        kind: "UnlockReport".into(),
        release: ReleaseIdentity::from(&newest.release),
        status: newest.release.status,
        evidence: None,
        refused: Vec::new(),
        unknown: Vec::new(),
        changed: false,
        next: Vec::new(),
    }
}

/// What to type once the release is unlocked, or instead of unlocking it.
fn next(request: &UnlockRequest, evidence: &model::PendingEvidence) -> Vec<NextStep> {
    let UnlockRequest {
        release, namespace, ..
    } = request;
    let step = |text: &str, command: String| NextStep {
        text: text.into(),
        command: Some(command),
    };
    if evidence.unfinished_run.present().is_some() {
        return vec![
            step(
                "carry the run on",
                format!("helm safe-upgrade resume {release} -n {namespace}"),
            ),
            step(
                "or take it back",
                format!("helm safe-upgrade abort {release} -n {namespace}"),
            ),
        ];
    }
    vec![step(
        "judge the release before the next upgrade, its schema too: hooks or pods of the stuck one may have migrated",
        format!("kubectl upgrade-check {release} -n {namespace}"),
    )]
}
