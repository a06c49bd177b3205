//! Gathering, in the order of what matters most: where the archive is full, logs are what is left out.

use futures::StreamExt;
use jiff::Timestamp;
use model::SearchedValues;
use thiserror::Error;

use crate::contents::{diff, events, journal, locks, logs, report, versions, workloads};
use crate::live::Live;
use crate::mouth::{Bundle, Mouth};
use crate::redact::Redactor;
use crate::request::BundleRequest;
use crate::secrets::seek;

/// Why there is no archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The values of the release's Secrets are more than can be looked for.
    #[error("failed to prepare the search for the release's secrets")]
    Search(#[source] aho_corasick::BuildError),
    /// The index could not be written.
    #[error("failed to write the index of the archive")]
    Index(#[source] std::io::Error),
    /// The index could not be made safe, and must not leave.
    #[error("failed to hide every secret in the index of the archive: nothing was written")]
    UnsafeIndex,
}

/// Gathers everything, without its secrets. Nothing is written anywhere.
///
/// What cannot be read is told in its place and ends nothing.
///
/// # Errors
/// See [`BundleError`].
pub async fn gather(request: &BundleRequest<'_>) -> Result<Bundle, BundleError> {
    let taken_at = Timestamp::now();
    let progress = |words: &str| (request.progress)(words);
    progress("workloads, pods and the secrets to hide");
    let live = Live::look(request).await;
    let sought = seek(request, &live).await;
    let redactor = Redactor::new(&sought.known, !sought.unread.is_empty()).map_err(BundleError::Search)?;
    let searched = SearchedValues {
        secrets: sought.secrets,
        values: redactor.values(),
        too_short: redactor.too_short(),
        unread: sought.unread,
    };
    let mut mouth = Mouth::new(redactor, request.bounds.total_bytes);
    mouth.take_all(report::parts(request));
    progress("runs, events and locks");
    let (runs, events, locks) = tokio::join!(
        journal::parts(request),
        events::part(request, &live),
        Box::pin(locks::parts(request)),
    );
    mouth.take_all(runs);
    mouth.take(versions::part(request, &live));
    mouth.take_all(workloads::parts(request, &live));
    mouth.take(events);
    mouth.take(diff::part(request));
    mouth.take_all(locks);
    let wanted = logs::wanted(request, &live);
    progress(&format!("{} logs", wanted.len()));
    mouth.take_all(logs::without_log(request, &live));
    let mut read = futures::stream::iter(&wanted)
        .map(|log| logs::part(request, log))
        .buffered(logs::AT_ONCE);
    while let Some(part) = read.next().await {
        mouth.take(part);
    }
    mouth.close(
        request.release,
        request.namespace,
        taken_at,
        request.version,
        searched,
    )
}
