//! Whether the stored files are what the manifest says.

use model::BackupFile;

use crate::transfer::{is_damage, pass};
use crate::{Backup, StoreError};

/// Reads every file to its end; tells in words which are not what they were. The dump is left to the restore, which reads
/// it before anything is sent, and archives of artefacts to the check that looks into them.
pub(super) async fn damaged(backup: &Backup) -> Result<Vec<String>, StoreError> {
    let mut damaged = Vec::new();
    for file in &backup.manifest.files {
        if !is_read_elsewhere(file)
            && let Some(words) = damage(backup, file).await?
        {
            damaged.push(words);
        }
    }
    Ok(damaged)
}

fn is_read_elsewhere(file: &BackupFile) -> bool {
    ["dump.", "artefact-"]
        .iter()
        .any(|start| file.name.starts_with(start))
}

async fn damage(backup: &Backup, file: &BackupFile) -> Result<Option<String>, StoreError> {
    let uri = backup.file_uri(&file.name);
    let mut stored = backup.stream(&file.name, 0..file.bytes).await?;
    match pass(&mut stored, &mut tokio::io::sink()).await {
        Ok(found) if found.sha256 == file.sha256_stored && found.bytes == file.bytes => Ok(None),
        Ok(found) => Ok(Some(format!(
            "{uri} is damaged: sha256 {} instead of {}",
            found.sha256, file.sha256_stored
        ))),
        Err(error) if is_damage(&error) => Ok(Some(format!("{uri} is damaged: {error}"))),
        Err(error) => Err(StoreError::io_at("read", uri)(error)),
    }
}
