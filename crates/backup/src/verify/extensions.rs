//! Whether a throw-away server has what the database's extensions need.

use model::BackupManifest;

use super::VerifyError;
use crate::Server;
use crate::ask::ask;
use crate::compare::session;

/// Asks before anything is restored: an extension that this server lacks says nothing about the backup.
pub(super) async fn are_there(server: &Server, manifest: &BackupManifest) -> Result<(), VerifyError> {
    let database = session(&server.connector, "postgres").await?;
    let available = "select name::text from pg_catalog.pg_available_extensions";
    let rows = ask(&database, "read which extensions there are", available, &[]).await?;
    let available: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let missing: Vec<String> = manifest
        .extensions
        .iter()
        .filter(|(name, _)| !available.contains(name))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(VerifyError::Extensions(missing))
    }
}
