//! Putting artefacts back: unpacked beside what is there while nobody is disturbed, then moved into its place.

use cluster::Cluster;
use model::{Artefact, ArtefactKept, ArtefactOf, BackupFile};

use super::ArtefactError;
use super::place::{Hand, PURPOSE, Wanted, fixed_in, ids};
use crate::base::{Packed, run, unpack_archive};
use crate::helper_pod::{COMPONENT, VOLUME};
use crate::schedule::MANAGED_BY;
use crate::script::{self, last_words};
use crate::server::Codec;
use crate::transfer::size_in_words;
use crate::{Backup, Progress};

/// Which artefacts go where.
pub struct PutBackArtefacts<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// The namespace of the claims.
    pub namespace: &'a str,
    /// The backup that they are of.
    pub backup: &'a Backup,
    /// The restore's id.
    pub id: &'a str,
}

/// Artefacts that are unpacked beside what is in use.
pub struct PlacedArtefacts {
    cluster: Cluster,
    namespace: String,
    places: Vec<Placed>,
}

struct Placed {
    hand: Hand,
    claim: String,
    volume: String,
    path: String,
    /// The user of the pod, and its group.
    user: (i64, i64),
    /// The restore's id and the artefact's number: several may be of one volume.
    id: String,
}

impl PutBackArtefacts<'_> {
    /// Refuses volumes that are in use or have no room, and unpacks beside what is there. Changes nothing that is in use.
    ///
    /// # Errors
    /// See [`ArtefactError`]; what had been unpacked is taken away.
    pub async fn place(&self, progress: Progress<'_>) -> Result<PlacedArtefacts, ArtefactError> {
        let mut placed = PlacedArtefacts {
            cluster: self.cluster.clone(),
            namespace: self.namespace.to_owned(),
            places: Vec::new(),
        };
        for claim in self.claims() {
            nobody_uses(self.cluster, self.namespace, claim, &[]).await?;
        }
        for (number, artefact) in self.backup.manifest.artefacts.iter().enumerate() {
            match self.one(artefact, number, progress).await {
                Ok(one) => placed.places.extend(one),
                Err(error) => {
                    placed.leave().await;
                    return Err(error);
                }
            }
        }
        Ok(placed)
    }

    fn claims(&self) -> impl Iterator<Item = &str> {
        let artefacts = self.backup.manifest.artefacts.iter();
        artefacts.filter_map(|artefact| match (&artefact.of, &artefact.kept) {
            (ArtefactOf::Volume { claim, .. }, ArtefactKept::Tar { .. }) => Some(claim.as_str()),
            _ => None,
        })
    }

    async fn one(
        &self,
        artefact: &Artefact,
        number: usize,
        progress: Progress<'_>,
    ) -> Result<Option<Placed>, ArtefactError> {
        let (
            ArtefactOf::Volume { claim, path, .. },
            ArtefactKept::Tar {
                file,
                archive_bytes,
                archive_sha256,
                owner,
                ..
            },
        ) = (&artefact.of, &artefact.kept)
        else {
            return Ok(None);
        };
        let wanted = Wanted {
            namespace: self.namespace,
            claim,
            path: path.as_deref(),
            read_only: false,
            owner: Some(owner),
        };
        let hand = Hand::begin(self.cluster, &wanted).await?;
        let place = Placed {
            hand,
            claim: claim.clone(),
            volume: wanted.words(),
            path: path.clone().unwrap_or_else(|| ".".into()),
            user: ids(owner),
            id: format!("{}-{number}", self.id),
        };
        if place.hand.begun.contains(&place.id) {
            progress(
                &format!("{}: carrying on a restore that was broken off", place.volume),
                None,
            );
            return Ok(Some(place));
        }
        let packed = self
            .backup
            .manifest
            .files
            .iter()
            .find(|found| found.name == *file);
        let unpacked = match packed {
            _ if !place.hand.fixed.is_empty() => Err(place.fixed(place.hand.fixed.clone())),
            None => Err(ArtefactError::Step {
                doing: "find the archive of",
                volume: place.volume.clone(),
                words: format!("the backup has no file {file}"),
            }),
            Some(_) if place.hand.free_bytes < *archive_bytes => Err(ArtefactError::NoRoom {
                volume: place.volume.clone(),
                free: place.hand.free_bytes,
                needed: *archive_bytes,
            }),
            Some(packed) => match codec_of(packed, &place.volume) {
                Ok(codec) => {
                    let words = format!(
                        "{}: unpacking {} beside its files",
                        place.volume,
                        size_in_words(*archive_bytes)
                    );
                    progress(&words, None);
                    let archive = Packed {
                        file: packed,
                        codec,
                        archive_bytes: *archive_bytes,
                        archive_sha256,
                    };
                    place.unpack(self.backup, archive, &wanted).await
                }
                Err(error) => Err(error),
            },
        };
        match unpacked {
            Ok(()) => Ok(Some(place)),
            Err(error) => {
                place.leave().await;
                Err(error)
            }
        }
    }
}

/// Refuses a claim that pods use, but for those with all of these labels.
async fn nobody_uses(
    cluster: &Cluster,
    namespace: &str,
    claim: &str,
    but: &[(&str, &str)],
) -> Result<(), ArtefactError> {
    let users = cluster.pods_of_claim(namespace, claim, but).await;
    let pods = users.map_err(|source| ArtefactError::Api {
        what: format!("claim {claim}"),
        source,
    })?;
    if pods.is_empty() {
        return Ok(());
    }
    Err(ArtefactError::InUse {
        claim: claim.to_owned(),
        pods,
    })
}

/// How an archive is packed.
fn codec_of(file: &BackupFile, volume: &str) -> Result<Codec, ArtefactError> {
    Codec::from_word(&file.codec).ok_or_else(|| ArtefactError::Codec {
        file: file.name.clone(),
        volume: volume.to_owned(),
        codec: file.codec.clone(),
    })
}

impl Placed {
    /// Unpacks beside what is in use, and refuses what could not be moved from there.
    async fn unpack(
        &self,
        backup: &Backup,
        archive: Packed<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<(), ArtefactError> {
        let incoming = format!(".pgbackup-incoming-{}", self.id);
        let folder = format!("{VOLUME}/{incoming}");
        let Hand { runner, tools, .. } = &self.hand;
        unpack_archive(runner, tools, backup, archive, &folder)
            .await
            .map_err(|source| ArtefactError::Unpack {
                volume: self.volume.clone(),
                source,
            })?;
        let fixed = fixed_in(runner, wanted, &incoming).await?;
        if fixed.is_empty() {
            Ok(())
        } else {
            Err(self.fixed(fixed))
        }
    }

    fn fixed(&self, folders: Vec<String>) -> ArtefactError {
        ArtefactError::Fixed {
            volume: self.volume.clone(),
            user: format!("{}:{}", self.user.0, self.user.1),
            folders,
        }
    }

    async fn leave(self) {
        // What cannot be taken away is no part of what is in use.
        let _ = run(&self.hand.runner, script::ARTEFACT_FORGET, &[VOLUME, &self.id]).await;
        self.hand.runner.close().await;
    }
}

impl PlacedArtefacts {
    /// Takes away what was unpacked: the restore did not come about.
    pub async fn leave(self) {
        for place in self.places {
            place.leave().await;
        }
    }

    /// Moves what is in use aside, never removing it, and the artefacts into its place. Says where what was in use is.
    ///
    /// # Errors
    /// See [`ArtefactError`]; the same restore carries on where this one stopped.
    pub async fn swap(self, progress: Progress<'_>) -> Result<Vec<String>, ArtefactError> {
        let mut done = Vec::new();
        // Somebody may have begun to use a volume while the database was restored.
        let mut failed = self.still_unused().await.err();
        for place in self.places {
            if failed.is_none() {
                progress(
                    &format!("{}: moving its files aside and the artefact's in", place.volume),
                    None,
                );
                match place.swap().await {
                    Ok(aside) => done.push(format!(
                        "{} is back; what was in it is in {aside} there",
                        place.volume
                    )),
                    Err(error) => failed = Some(error),
                }
            }
            place.hand.runner.close().await;
        }
        failed.map_or(Ok(done), Err)
    }

    async fn still_unused(&self) -> Result<(), ArtefactError> {
        // Our own pods mount them by now.
        let ours = [MANAGED_BY, (COMPONENT, PURPOSE)];
        for place in &self.places {
            nobody_uses(&self.cluster, &self.namespace, &place.claim, &ours).await?;
        }
        Ok(())
    }
}

impl Placed {
    async fn swap(&self) -> Result<String, ArtefactError> {
        let ran = run(
            &self.hand.runner,
            script::ARTEFACT_SWAP,
            &[VOLUME, &self.id, &self.path],
        )
        .await;
        let (said, end) = ran.map_err(|source| ArtefactError::Stream {
            volume: self.volume.clone(),
            source,
        })?;
        let aside = said.lines().find_map(|line| line.strip_prefix("aside "));
        match aside {
            Some(aside) if end.exit_code == 0 => Ok(aside.to_owned()),
            _ => Err(ArtefactError::Step {
                doing: "move the artefact into its place in",
                volume: self.volume.clone(),
                words: last_words(&end.stderr_tail),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_in_an_unknown_way_is_not_taken_for_plain() {
        let file = |codec: &str| BackupFile {
            name: "artefact-u.tar".into(),
            codec: codec.into(),
            bytes: 1,
            sha256_stream: String::new(),
            sha256_stored: String::new(),
        };
        assert_eq!(codec_of(&file("none"), "volume n/u").unwrap(), Codec::None);
        assert_eq!(codec_of(&file("zstd"), "volume n/u").unwrap(), Codec::Zstd);
        let told = codec_of(&file("lz9"), "volume n/u").unwrap_err().to_string();
        assert!(told.contains("lz9") && told.contains("volume n/u"), "{told}");
    }
}
