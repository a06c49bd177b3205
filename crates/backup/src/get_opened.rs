//! Fetching an encrypted backup to disk and opening it on the way, because somebody asked for the plain files.

use std::path::{Path, PathBuf};

use crate::store::{MANIFEST, make_private_folder};
use crate::transfer::{pass, size_in_words};
use crate::{Backup, GetError, Progress, Store};

/// A folder with plain files that goes again unless it is complete: half of a database is of no use and no less secret.
struct Arriving(PathBuf);

impl Drop for Arriving {
    fn drop(&mut self) {
        // Gone by rename when complete.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes an opened backup's plain files into `<destination>/<id>/`, where they are a backup that was never encrypted. Read
/// from beginning to end, since only the last chunk proves that nothing was cut off; what failed or was dropped leaves
/// nothing.
///
/// # Errors
/// See [`GetError`].
pub async fn get_opened(
    backup: &Backup,
    destination: &Path,
    progress: Progress<'_>,
) -> Result<Backup, GetError> {
    let target = destination.join(backup.id.as_str());
    if target.exists() {
        return Err(GetError::Taken(target.display().to_string()));
    }
    let arriving = Arriving(destination.join(format!("{}.opened-{:08x}", backup.id, rand::random::<u32>())));
    let made = tokio::fs::create_dir_all(destination).await;
    made.and_then(|()| make_private_folder(&arriving.0))
        .map_err(write_error(&arriving.0))?;
    for file in &backup.manifest.files {
        let to = arriving.0.join(&file.name);
        progress(
            &format!("opening {} ({})", file.name, size_in_words(file.bytes)),
            None,
        );
        let mut incoming = backup.stream(&file.name, 0..file.bytes).await?;
        let mut sink = tokio::fs::File::create_new(&to).await.map_err(write_error(&to))?;
        let copied = pass(&mut incoming, &mut sink).await;
        let found = copied.map_err(write_error(&to))?;
        sink.sync_all().await.map_err(write_error(&to))?;
        if found.sha256 != file.sha256_stored {
            return Err(GetError::Damaged {
                file: backup.file_uri(&file.name),
                expected: file.sha256_stored.clone(),
                found: found.sha256,
            });
        }
    }
    let manifest = backup.read_small(MANIFEST).await?;
    let to = arriving.0.join(MANIFEST);
    tokio::fs::write(&to, manifest).await.map_err(write_error(&to))?;
    tokio::fs::rename(&arriving.0, &target)
        .await
        .map_err(write_error(&target))?;
    let store = Store::open(&destination.display().to_string())?;
    store
        .directly(&backup.id)
        .await?
        .ok_or_else(|| GetError::Damaged {
            file: target.display().to_string(),
            expected: backup.id.to_string(),
            found: "no complete backup".into(),
        })
}

fn write_error(path: &Path) -> impl FnOnce(std::io::Error) -> GetError + use<> {
    let path = path.display().to_string();
    move |source| GetError::Write { path, source }
}
