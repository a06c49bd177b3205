//! What to take beside a dump.

use std::time::Duration;

use backup::{ArtefactSource, ArtefactsRequest, Beside, may_take_artefacts};
use clap::Args;
use model::ExitCode;

use super::super::arguments::time;
use super::super::rights::may_mount;
use super::super::stored::Words;
use super::super::target::Target;
use super::profile::of_profile;
use crate::session::{Session, could_not_begin};

/// What to take beside a dump.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ArtefactFlags {
    /// Also take the volumes and buckets that the profile says belong to the database
    #[arg(long)]
    with_artefacts: bool,
    /// Also take this volume, or a folder of it, or record the instant of a bucket; may be repeated
    #[arg(long = "artefact", value_name = "CLAIM[:PATH]|s3://BUCKET/PREFIX")]
    artefacts: Vec<ArtefactSource>,
    /// Class of VolumeSnapshots [default: that of the claim's driver]
    #[arg(long, value_name = "CLASS")]
    snapshot_class: Option<String>,
    /// Keep writers away from the database until the artefacts are taken, this long at most: they wait; the server itself
    /// ends it
    #[arg(long, value_name = "LIMIT", num_args = 0..=1, require_equals = true, default_missing_value = "60s", value_parser = time)]
    quiesce: Option<Duration>,
}

impl ArtefactFlags {
    /// What the flags and the profile mean.
    pub(crate) async fn beside(&self, session: &Session, target: &Target) -> Result<Beside, ExitCode> {
        let output = &session.output;
        let refused = |words: &str| could_not_begin(output, &Words(words.to_owned()));
        let mut sources = self.artefacts.clone();
        if self.with_artefacts {
            let found = of_profile(session, target).await?;
            sources.extend(found.into_iter().filter(|found| !self.artefacts.contains(found)));
            if sources.is_empty() {
                return Err(refused(
                    "the profile names no artefacts of this release: name them with --artefact CLAIM[:PATH], or write \
                     them into the profile under `artefacts`",
                ));
            }
        }
        if let Some(words) = meaningless(&sources, self.snapshot_class.as_deref(), self.quiesce) {
            return Err(refused(words));
        }
        if sources.is_empty() {
            return Ok(Beside::default());
        }
        let volume = |source: &ArtefactSource| matches!(source, ArtefactSource::Volume { .. });
        if sources.iter().any(volume) {
            may_mount(session, &session.namespace).await?;
        }
        let request = ArtefactsRequest {
            cluster: session.cluster.clone(),
            namespace: session.namespace.clone(),
            sources,
            snapshot_class: self.snapshot_class.clone(),
        };
        // A dump may take hours, and would be for nothing.
        may_take_artefacts(&request)
            .await
            .map_err(|error| could_not_begin(output, &error))?;
        Ok(Beside {
            artefacts: Some(request),
            quiesce: self.quiesce,
        })
    }

    /// Whether anything was asked for.
    pub(crate) fn any(&self) -> bool {
        self.with_artefacts
            || !self.artefacts.is_empty()
            || self.quiesce.is_some()
            || self.snapshot_class.is_some()
    }
}

/// Why a flag means nothing for these artefacts.
fn meaningless(
    sources: &[ArtefactSource],
    class: Option<&str>,
    quiesce: Option<Duration>,
) -> Option<&'static str> {
    let whole = |source: &ArtefactSource| matches!(source, ArtefactSource::Volume { path: None, .. });
    if quiesce.is_some() && sources.is_empty() {
        return Some(
            "without artefacts nothing has to be kept still: a dump is of one moment by itself; add --artefact",
        );
    }
    if class.is_some() && !sources.iter().any(whole) {
        return Some(
            "--snapshot-class is of whole volumes, and none is taken: folders are copied, and of buckets nothing is",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_that_means_nothing_is_refused() {
        let of = |words: &[&str]| -> Vec<ArtefactSource> {
            words.iter().map(|word| word.parse().unwrap()).collect()
        };
        let minute = Some(Duration::from_secs(60));
        assert_eq!(meaningless(&of(&[]), None, None), None);
        assert!(
            meaningless(&of(&[]), None, minute)
                .unwrap()
                .contains("--artefact")
        );
        assert_eq!(meaningless(&of(&["s3://b"]), None, minute), None);
        for words in [&[][..], &["s3://b"], &["uploads:sub"]] {
            let told = meaningless(&of(words), Some("fast"), None);
            assert!(told.unwrap().contains("--snapshot-class"), "{words:?}");
        }
        assert_eq!(meaningless(&of(&["s3://b", "uploads"]), Some("fast"), None), None);
    }
}
