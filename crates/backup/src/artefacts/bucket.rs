//! A bucket: its instant, and what it says of keeping old versions.

use model::ArtefactKept;

use super::{ArtefactError, ArtefactSource};
use crate::Store;

/// Records what the bucket says of itself; nothing of it is copied.
pub(super) async fn kept(source: &ArtefactSource) -> Result<ArtefactKept, ArtefactError> {
    let store = Store::open(&source.to_string())?;
    let (versioning, retention) = store.keeping().await;
    Ok(ArtefactKept::Instant {
        versioning,
        retention,
    })
}
