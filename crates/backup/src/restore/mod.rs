//! Putting a database back: a new one is filled and checked, then takes the old one's name; the old one is kept.

use thiserror::Error;

use crate::{Backup, Progress, Server};

/// Which restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// Names this restore and the databases it makes: `<database>_restore_<id>` and `<database>_pre_<id>`. The same id
    /// takes up what an earlier, killed attempt left. Lower-case letters, digits and `_`, at most 24.
    pub id: String,
    /// Restore a backup of another database or server of the same name; refused otherwise.
    pub foreign: bool,
}

/// A restore that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The database that was put back.
    pub database: String,
    /// The name under which the one before is kept; `None` where there was none.
    pub kept_as: Option<String>,
    /// What was compared and found equal, in words.
    pub compared: Vec<String>,
    /// Whether an earlier attempt had already done it.
    pub done_before: bool,
}

/// Why a restore was not done. The database in use is as it was unless the variant says otherwise.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RestoreError {}

/// Restores a backup to the name it was taken from and swaps. Can be repeated after a kill at any point.
///
/// # Errors
/// See [`RestoreError`].
pub async fn restore(
    server: &Server,
    backup: &Backup,
    request: &RestoreRequest,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    todo!()
}

/// Swaps the database that a restore with this id had replaced back in; the restored one is kept as
/// `<database>_undone_<id>`.
///
/// # Errors
/// When nothing is kept under that id, or the swap is refused.
pub async fn undo_restore(
    server: &Server,
    id: &str,
    progress: Progress<'_>,
) -> Result<RestoreReport, RestoreError> {
    todo!()
}
