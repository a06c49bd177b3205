//! `restore --with-artefacts`: volumes that come back with their database.

use backup::{Backup, PlacedArtefacts, PutBackArtefacts};
use clap::Args;
use cli::Output;
use model::{ArtefactKept, BackupManifest, ExitCode, RestoreReport};

use super::super::act::{ActEnd, act, act_until};
use super::super::failure::failed;
use super::super::rights::may_mount;
use super::super::stored::Words;
use crate::session::Session;

/// What of a backup's artefacts to put back.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WithArtefactsFlag {
    /// Also put back the volumes that the backup holds: unpacked beside their files, which are then moved aside
    #[arg(long, conflicts_with_all = ["what", "clean_in_place"])]
    with_artefacts: bool,
}

impl WithArtefactsFlag {
    /// Whether volumes are to come back.
    pub(crate) fn wanted(&self) -> bool {
        self.with_artefacts
    }

    /// What to know of moments before agreeing to put a backup back.
    pub(crate) fn moments(&self, backup: &Backup) -> Vec<String> {
        moments(&backup.manifest, self.with_artefacts)
    }

    /// Unpacks what was asked for beside what is in use, before the database is touched.
    pub(crate) async fn place(
        &self,
        session: &Session,
        backup: &Backup,
        id: &str,
    ) -> Result<Option<PlacedArtefacts>, ExitCode> {
        let output = &session.output;
        if !self.with_artefacts || backup.manifest.artefacts.is_empty() {
            return Ok(None);
        }
        may_mount(session, &session.namespace).await?;
        let wanted = PutBackArtefacts {
            cluster: &session.cluster,
            namespace: &session.namespace,
            backup,
            id,
        };
        let placed = act(output, "unpack artefacts", async |progress| {
            wanted.place(progress).await
        })
        .await;
        match placed {
            ActEnd::Ended(Ok(placed)) => Ok(Some(placed)),
            ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
            ActEnd::Interrupted => Err(cli::fail(
                output,
                &Words("interrupted".into()),
                "Database and volumes are as they were; what was unpacked lies in .pgbackup-incoming-… of its volume.",
                None,
                ExitCode::PutBack,
            )),
        }
    }
}

/// Moves placed artefacts in where the database was restored, and takes them away where it was not. What is reported then
/// is the whole of it.
pub(crate) async fn settle(
    output: &Output,
    placed: Option<PlacedArtefacts>,
    id: &str,
    restored: Result<RestoreReport, ExitCode>,
) -> Result<RestoreReport, ExitCode> {
    let Some(placed) = placed else {
        return restored;
    };
    let mut report = match restored {
        Ok(report) => report,
        Err(code) => {
            placed.leave().await;
            if let Some(words) = left_out(code, id) {
                // A terminal that went away is no reason to end in another way.
                drop(output.talk(|err, _| writeln!(err, "{words}")));
            }
            return Err(code);
        }
    };
    // Not dropped half-way: two renames are soon done, and an interrupt is told afterwards.
    let swapped = act_until(output, "put artefacts back", async |progress, _| {
        placed.swap(progress).await
    })
    .await;
    match swapped {
        Ok(done) => {
            report.notes.extend(done);
            Ok(report)
        }
        Err(error) => Err(cli::fail(
            output,
            &error,
            "The database is restored; a volume may be between two moves, and nothing of it is lost.",
            Some(&format!("the same command with --again {id} carries on")),
            ExitCode::Stopped,
        )),
    }
}

/// What becomes of artefacts whose restore stopped half-way. One that was put back has none to wait for.
fn left_out(code: ExitCode, id: &str) -> Option<String> {
    (code == ExitCode::Stopped).then(|| {
        format!(
            "no artefact was put back, volumes are as they were: once the database is the restored one, the same command \
             with --again {id} puts them back"
        )
    })
}

/// What to know of moments before a backup is put back.
fn moments(manifest: &BackupManifest, wanted: bool) -> Vec<String> {
    if manifest.artefacts.is_empty() {
        let asked = "the backup holds no artefacts: volumes stay as they are now";
        return wanted.then(|| asked.to_owned()).into_iter().collect();
    }
    let mut warnings = Vec::new();
    for artefact in &manifest.artefacts {
        let words = artefact.of.words();
        match &artefact.kept {
            ArtefactKept::Tar { .. } if !wanted => warnings.push(format!(
                "{words} stays as it is now, and the database will be of {}: --with-artefacts puts back what the backup \
                 holds of it",
                manifest.started_at
            )),
            ArtefactKept::Tar { .. } if !artefact.held => warnings.push(format!(
                "database and {words} are of different moments: its files are {}",
                artefact.moment()
            )),
            ArtefactKept::Tar { .. } => {}
            ArtefactKept::Snapshot { name, .. } => warnings.push(format!(
                "{words} is not put back: make a claim from VolumeSnapshot {name} (its dataSource) and let the workload \
                 use it; it is {}",
                artefact.moment()
            )),
            ArtefactKept::Instant { versioning, .. } => warnings.push(format!(
                "{words} is not put back: it is as it is now; its instant is {}, versions: {versioning}",
                artefact.finished_at
            )),
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_that_stopped_says_how_its_volumes_come_back() {
        let told = left_out(ExitCode::Stopped, "x1").unwrap();
        assert!(told.contains("--again x1"), "{told}");
        assert_eq!(left_out(ExitCode::PutBack, "x1"), None);
    }
}
