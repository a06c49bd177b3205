//! Artefacts of the same backup in the application's volumes, before it starts.

use std::sync::Arc;

use model::{ArtefactKept, ArtefactOf};
use thiserror::Error;

use super::pod::AppServer;
use super::server::{ARTEFACTS, GATE};
use super::shape::CONTENT;
use crate::base::{Packed, Tools, run, unpack_archive};
use crate::script::APP_FOLDER;
use crate::server::Codec;
use crate::{Backup, Progress, RunError, Runner, UnpackError};

/// Why a volume is not filled.
#[derive(Debug, Error)]
pub(super) enum FillVolumeError {
    #[error("failed to fill the volume that stands for claim {claim}")]
    Unpack {
        claim: String,
        #[source]
        source: UnpackError,
    },
    #[error("failed to look for programs in the application's pod")]
    Tools(#[source] UnpackError),
    #[error("failed to run a command in the application's pod")]
    Run(#[from] RunError),
    #[error("the backup has no file {0}")]
    NoFile(String),
}

/// Unpacks every archive where the application will find it; tells in words what was.
pub(super) async fn fill_volumes(
    pod: &AppServer,
    backup: &Backup,
    progress: Progress<'_>,
) -> Result<Vec<String>, FillVolumeError> {
    let mut told = Vec::new();
    if pod.volumes.filled.is_empty() {
        return Ok(told);
    }
    let runner: Arc<dyn Runner> = Arc::new(pod.commands_in(GATE));
    let tools = Tools::look(&runner).await.map_err(FillVolumeError::Tools)?;
    for (number, filled) in pod.volumes.filled.iter().enumerate() {
        let claim = &filled.claim;
        let failed = |source| FillVolumeError::Unpack {
            claim: claim.clone(),
            source,
        };
        for place in &filled.artefacts {
            let Some(artefact) = backup.manifest.artefacts.get(*place) else {
                continue;
            };
            let (
                ArtefactOf::Volume { path, .. },
                ArtefactKept::Tar {
                    file,
                    archive_bytes,
                    archive_sha256,
                    ..
                },
            ) = (&artefact.of, &artefact.kept)
            else {
                continue;
            };
            let words = artefact.of.words();
            progress(&format!("{words}: unpacking it for the application"), None);
            let packed = backup.manifest.files.iter().find(|found| found.name == *file);
            let packed = packed.ok_or_else(|| FillVolumeError::NoFile(file.clone()))?;
            let archive = Packed {
                file: packed,
                codec: Codec::from_word(&packed.codec).unwrap_or(Codec::None),
                archive_bytes: *archive_bytes,
                archive_sha256,
            };
            let (above, folder) = folders(number, path.as_deref());
            run(&runner, APP_FOLDER, &[above.as_str()]).await?;
            unpack_archive(&runner, &tools, backup, archive, &folder)
                .await
                .map_err(failed)?;
            told.push(words);
        }
    }
    Ok(told)
}

/// The folder that an archive is unpacked into, and the one above.
fn folders(number: usize, path: Option<&str>) -> (String, String) {
    let volume = format!("{ARTEFACTS}/{number}");
    let all = format!("{volume}/{CONTENT}");
    match path {
        None => (volume, all),
        Some(path) => match path.rsplit_once('/') {
            Some((above, _)) => (format!("{all}/{above}"), format!("{all}/{path}")),
            None => (all.clone(), format!("{all}/{path}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_claim_is_a_folder_of_the_volume() {
        let of = |path| {
            let (above, folder) = folders(1, path);
            format!("{above} {folder}")
        };
        assert_eq!(of(None), "/artefacts/1 /artefacts/1/content");
        assert_eq!(of(Some("a")), "/artefacts/1/content /artefacts/1/content/a");
        assert_eq!(of(Some("a/b")), "/artefacts/1/content/a /artefacts/1/content/a/b");
    }
}
