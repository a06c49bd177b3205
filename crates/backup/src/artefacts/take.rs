//! Taking everything that was asked for, and saying from when it is.

use jiff::{SpanRound, Timestamp, Unit};
use model::{Artefact, ArtefactKept, ArtefactOf, BackupFile};
use postgres_room::Hold;

use super::place::{Hand, Wanted, there};
use super::source::file_name;
use super::{ArtefactError, ArtefactSource, ArtefactsRequest, bucket, snapshot, tar};
use crate::store::Draft;
use crate::transfer::size_in_words;
use crate::{BackupId, Progress};

/// What was taken.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// For the manifest.
    pub(crate) artefacts: Vec<Artefact>,
    /// The files among them that are in the backup.
    pub(crate) files: Vec<BackupFile>,
}

/// Refuses what could not be taken, as far as that can be told before a dump is made. Changes nothing.
///
/// # Errors
/// See [`ArtefactError`].
pub async fn may_take(request: &ArtefactsRequest) -> Result<(), ArtefactError> {
    let mut named = Vec::new();
    for source in &request.sources {
        let of = of(request, source);
        if named.contains(&of) {
            return Err(ArtefactError::Twice(of.words()));
        }
        named.push(of);
        let ArtefactSource::Volume { claim, path } = source else {
            continue;
        };
        there(&request.cluster, &request.namespace, claim).await?;
        if path.is_none() && request.snapshot_class.is_some() {
            snapshot::class_of(request, claim).await.map(drop)?;
        }
    }
    Ok(())
}

/// Takes every artefact, beside the dump whose moment is given. A hold is kept until all are taken, and released then.
pub(crate) async fn take(
    request: &ArtefactsRequest,
    draft: &Draft,
    id: &BackupId,
    moment: Timestamp,
    hold: Option<Hold>,
    progress: Progress<'_>,
) -> Result<Taken, ArtefactError> {
    let mut taken = Taken::default();
    for source in &request.sources {
        let of = of(request, source);
        let started = Timestamp::now();
        let (kept, file, finished) = one(request, source, &of, draft, id, progress).await?;
        taken.files.extend(file);
        taken.artefacts.push(Artefact {
            of,
            kept,
            started_at: started.to_string(),
            finished_at: finished.to_string(),
            gap_seconds: seconds(moment, finished),
            held: false,
        });
    }
    if let Some(hold) = hold {
        let held = hold.end().await;
        if !held {
            progress(
                "the database took writes again before all artefacts were taken: the gap is told",
                None,
            );
        }
        for artefact in &mut taken.artefacts {
            artefact.held = held;
        }
    }
    for artefact in &taken.artefacts {
        progress(&format!("{}: {}", artefact.of.words(), artefact.moment()), None);
    }
    Ok(taken)
}

async fn one(
    request: &ArtefactsRequest,
    source: &ArtefactSource,
    of: &ArtefactOf,
    draft: &Draft,
    id: &BackupId,
    progress: Progress<'_>,
) -> Result<(ArtefactKept, Option<BackupFile>, Timestamp), ArtefactError> {
    let ArtefactSource::Volume { claim, path } = source else {
        let kept = bucket::kept(source).await?;
        return Ok((kept, None, Timestamp::now()));
    };
    if path.is_none() {
        match snapshot::class_of(request, claim).await? {
            Ok(class) => {
                progress(&format!("{}: VolumeSnapshot of class {class}", of.words()), None);
                let (kept, time) = snapshot::take(request, claim, &class, id).await?;
                return Ok((kept, None, time));
            }
            Err(why) => progress(
                &format!("{}: a copy of its files, because {why}", of.words()),
                None,
            ),
        }
    }
    let wanted = Wanted {
        namespace: &request.namespace,
        claim,
        path: path.as_deref(),
        read_only: true,
        owner: None,
    };
    let hand = Hand::begin(&request.cluster, &wanted).await?;
    let name = file_name(of).unwrap_or_default();
    let copied = tar::copy(&hand, &of.words(), path.as_deref(), &name, draft, progress).await;
    hand.runner.close().await;
    let archive = copied?;
    progress(
        &format!(
            "proven: {} of {} entries in {}{}",
            size_in_words(archive.file.bytes),
            archive.entries,
            archive.file.name,
            if archive.changed {
                "; files changed while they were read"
            } else {
                ""
            }
        ),
        None,
    );
    let kept = ArtefactKept::Tar {
        file: archive.file.name.clone(),
        entries: archive.entries,
        archive_bytes: archive.bytes,
        archive_sha256: archive.sha256,
        owner: hand.owner,
        changed: archive.changed,
    };
    Ok((kept, Some(archive.file), Timestamp::now()))
}

fn of(request: &ArtefactsRequest, source: &ArtefactSource) -> ArtefactOf {
    match source {
        ArtefactSource::Volume { claim, path } => ArtefactOf::Volume {
            namespace: request.namespace.clone(),
            claim: claim.clone(),
            path: path.clone(),
        },
        ArtefactSource::Bucket(url) => ArtefactOf::Bucket { url: url.clone() },
    }
}

/// What lies between two times, in seconds with three places.
fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    let span = to
        .since(from)
        .and_then(|span| span.round(SpanRound::new().smallest(Unit::Millisecond)));
    span.and_then(|span| span.total(Unit::Second)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_in_seconds() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let gap = seconds(at("2025-01-31T23:59:59.2504Z"), at("2025-02-01T00:01:00Z"));
        assert!((gap - 60.75).abs() < 0.001, "{gap}");
    }
}
