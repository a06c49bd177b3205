//! Keys beside a backup: their fingerprints in its manifest, and whether they are the same when it is put back.

use backup::keys::{compare_keys, fingerprints, unequal};
use backup::{Backup, Store};
use model::{ExitCode, causes};

use super::super::arguments::CreateFlags;
use super::super::target::Target;
use super::read::{KeyFlags, keys};
use crate::session::{Session, could_not_begin};

/// The store, noting keys in the manifest, fingerprints only: those that the flags of `create` mean, else those of the
/// profile. What a profile names and cannot be read is told, and keeps nobody from a backup.
pub(crate) async fn noted(
    session: &Session,
    flags: &CreateFlags,
    target: &Target,
    store: Store,
) -> Result<Store, ExitCode> {
    let output = &session.output;
    let release = target.release.as_ref().map(|release| release.name.as_str());
    let read = if flags.keys.any() {
        let read = keys(session, &flags.keys, release).await;
        read.map_err(|error| could_not_begin(output, &error))?
    } else {
        let read = async { keys(session, &KeyFlags::of(&target.profile)?, release).await };
        read.await.unwrap_or_else(|error| {
            let words = causes(&error);
            drop(output.talk(|out, _| writeln!(out, "warning: the backup notes no keys: {words}")));
            Vec::new()
        })
    };
    Ok(if read.is_empty() {
        store
    } else {
        store.noting_keys(fingerprints(&read))
    })
}

/// Warns where the keys of a backup's time are not those of now: rows that were encrypted under them stay unreadable.
pub(crate) async fn warn_of_drift(session: &Session, backup: &Backup) {
    let manifest = &backup.manifest;
    let Some(recorded) = &manifest.keys else {
        return;
    };
    let compared = compare_keys(&session.cluster, &session.namespace, recorded).await;
    for warning in unequal(&compared) {
        // A terminal that went away is no reason not to restore.
        drop(session.output.talk(|out, _| writeln!(out, "warning: {warning}")));
    }
}
