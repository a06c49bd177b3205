//! Artefacts of a backup, a line each.

use model::{Artefact, ArtefactKept};

use crate::words::bytes;

/// What is kept of an artefact and from when it is.
pub(crate) fn in_words(artefact: &Artefact) -> String {
    let kept = match &artefact.kept {
        ArtefactKept::Tar {
            file,
            entries,
            archive_bytes,
            changed,
            ..
        } => {
            let changed = if *changed {
                ", some of which changed while they were read"
            } else {
                ""
            };
            format!("{entries} entries{changed}, {}, in {file}", bytes(*archive_bytes))
        }
        ArtefactKept::Snapshot { name, class, .. } => {
            format!("VolumeSnapshot {name} (class {class}), in the cluster and not in the store")
        }
        ArtefactKept::Instant {
            versioning,
            retention,
        } => format!("nothing is copied; versions: {versioning}; retention: {retention}"),
    };
    format!("{}: {kept}; {}", artefact.of.words(), artefact.moment())
}
