//! `--with-artefacts`: volumes and buckets of the same moment, when a backup is made and when it is put back.

use std::time::Duration;

use backup::{
    ArtefactError, ArtefactSource, ArtefactsRequest, Backup, Beside, PlacedArtefacts, PutBackArtefacts,
};
use clap::Args;
use cli::Output;
use cluster::ApiError;
use model::{ArtefactKept, ExitCode, Profile, profile::ArtefactPlace};
use thiserror::Error;

use super::act::{ActEnd, act, act_until};
use super::arguments::time;
use super::failure::{Ends, failed};
use super::rights::may_mount;
use super::stored::Words;
use super::target::Target;
use crate::session::{Session, could_not_begin};

/// The label by which charts name the release that an object belongs to.
const RELEASE_LABEL: &str = "app.kubernetes.io/instance";

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

/// What of a backup's artefacts to put back.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WithArtefactsFlag {
    /// Also put back the volumes that the backup holds: unpacked beside their files, which are then moved aside
    #[arg(long, conflicts_with_all = ["what", "clean_in_place"])]
    with_artefacts: bool,
}

/// Claims could not be listed.
#[derive(Debug, Error)]
#[error("failed to find the claims that the profile names")]
struct Unlisted(#[source] ApiError);

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
        Ok(Beside {
            artefacts: Some(ArtefactsRequest {
                cluster: session.cluster.clone(),
                namespace: session.namespace.clone(),
                sources,
                snapshot_class: self.snapshot_class.clone(),
            }),
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

/// The artefacts of the profile, found in the cluster.
async fn of_profile(session: &Session, target: &Target) -> Result<Vec<ArtefactSource>, ExitCode> {
    let output = &session.output;
    let release = target.release.as_ref().map(|release| release.name.as_str());
    let mut found = Vec::new();
    for place in &target.profile.artefacts {
        let names = match named(&target.profile, place)
            .map_err(|words| could_not_begin(output, &Words(words)))?
        {
            Named::Claim(claim) => vec![claim],
            Named::Bucket(url) => {
                found.push(ArtefactSource::Bucket(url));
                continue;
            }
            Named::Labels(labels) => {
                let listed = session
                    .cluster
                    .labelled("v1", "PersistentVolumeClaim", Some(&session.namespace), &labels)
                    .await;
                let listed = listed.map_err(|error| could_not_begin(output, &Unlisted(error)))?;
                labelled(&listed, &labels, release).map_err(|words| could_not_begin(output, &Words(words)))?
            }
        };
        let volumes = volumes(&target.profile, place, &names);
        found.extend(volumes.map_err(|words| could_not_begin(output, &Words(words)))?);
    }
    Ok(found)
}

/// The names of the claims that are the release's, or nobody's by name, among those with the labels. A profile names them
/// because the database is of no use without: none at all is no answer.
fn labelled(
    listed: &[serde_json::Value],
    labels: &str,
    release: Option<&str>,
) -> Result<Vec<String>, String> {
    let of_release = |claim: &&serde_json::Value| {
        let label = claim["metadata"]["labels"][RELEASE_LABEL].as_str();
        label.is_none() || release.is_none() || label == release
    };
    let names: Vec<String> = listed
        .iter()
        .filter(of_release)
        .filter_map(|claim| claim["metadata"]["name"].as_str().map(str::to_owned))
        .collect();
    if names.is_empty() {
        let whose = release.map_or_else(String::new, |release| format!(" of release {release}"));
        return Err(format!(
            "the profile names claims by the labels {labels}, and no claim{whose} has them"
        ));
    }
    Ok(names)
}

/// The claims, or the folder in each of them, by the rules of `--artefact`.
fn volumes(
    profile: &Profile,
    place: &ArtefactPlace,
    claims: &[String],
) -> Result<Vec<ArtefactSource>, String> {
    let volume = |claim: &String| {
        let text = match &place.path {
            Some(path) => format!("{claim}:{path}"),
            None => claim.clone(),
        };
        let source = text.parse::<ArtefactSource>();
        source.map_err(|error| format!("profile {}: {error}", profile.name))
    };
    claims.iter().map(volume).collect()
}

/// How a profile names an artefact.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Claim(String),
    Labels(String),
    Bucket(String),
}

fn named(profile: &Profile, place: &ArtefactPlace) -> Result<Named, String> {
    match (&place.claim, place.labels.is_empty(), &place.bucket) {
        (Some(claim), true, None) => Ok(Named::Claim(claim.clone())),
        (None, true, Some(bucket)) => Ok(Named::Bucket(bucket.clone())),
        (None, false, None) => {
            let labels: Vec<String> = place
                .labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            Ok(Named::Labels(labels.join(",")))
        }
        _ => Err(format!(
            "profile {}: each of `artefacts` has exactly one of `claim`, `labels` and `bucket`",
            profile.name
        )),
    }
}

impl WithArtefactsFlag {
    /// Unpacks what was asked for beside what is in use, before the database is touched; warns of moments that differ.
    pub(crate) async fn place(
        &self,
        session: &Session,
        backup: &Backup,
        id: &str,
    ) -> Result<Option<PlacedArtefacts>, ExitCode> {
        let output = &session.output;
        for warning in warnings(backup, self.with_artefacts) {
            // A terminal that went away is no reason not to restore.
            drop(output.talk(|out, _| writeln!(out, "warning: {warning}")));
        }
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

/// Moves placed artefacts in where the database was restored, and takes them away where it was not; gives the code to end
/// with.
pub(crate) async fn settle(
    output: &Output,
    placed: Option<PlacedArtefacts>,
    restored: Result<ExitCode, ExitCode>,
) -> Result<ExitCode, ExitCode> {
    let Some(placed) = placed else {
        return restored;
    };
    if restored != Ok(ExitCode::Done) {
        placed.leave().await;
        return restored;
    }
    // Not dropped half-way: two renames are soon done, and an interrupt is told afterwards.
    let swapped = act_until(output, "put artefacts back", async |progress, _| {
        placed.swap(progress).await
    })
    .await;
    match swapped {
        Ok(done) => {
            for words in done {
                // Whoever cannot be told finds them there all the same.
                drop(output.talk(|out, _| writeln!(out, "{words}")));
            }
            restored
        }
        Err(error) => Err(cli::fail(
            output,
            &error,
            "The database is restored; a volume may be between two moves, and nothing of it is lost.",
            Some("the same command with --again and the restore's id carries on"),
            ExitCode::Stopped,
        )),
    }
}

/// What to know of moments before a backup is put back.
fn warnings(backup: &Backup, wanted: bool) -> Vec<String> {
    let manifest = &backup.manifest;
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

impl Ends for ArtefactError {
    fn code(&self) -> ExitCode {
        match self {
            Self::InUse { .. } | Self::NoRoom { .. } | Self::Closed { .. } | Self::Fixed { .. } => {
                ExitCode::Blocked
            }
            Self::NoClaim { .. } | Self::NoFolder { .. } | Self::NoClass { .. } | Self::Twice(_) => {
                ExitCode::CouldNotBegin
            }
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "Database and volumes are as they were."
    }
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

    #[test]
    fn labels_that_no_claim_of_the_release_has_are_refused() {
        let claim = |name: &str, labels: serde_json::Value| serde_json::json!({"metadata": {"name": name, "labels": labels}});
        let listed = [
            claim("mine", serde_json::json!({RELEASE_LABEL: "shop"})),
            claim("other", serde_json::json!({RELEASE_LABEL: "blog"})),
        ];
        assert_eq!(
            labelled(&listed, "a=b", Some("shop")),
            Ok(vec!["mine".to_owned()])
        );
        assert_eq!(labelled(&listed, "a=b", None).unwrap().len(), 2);
        let told = labelled(&listed, "a=b", Some("wiki")).unwrap_err();
        assert!(told.contains("a=b") && told.contains("wiki"), "{told}");
        assert!(labelled(&[], "a=b", None).unwrap_err().contains("a=b"));
    }

    #[test]
    fn a_folder_of_a_profile_is_one_as_on_the_command_line() {
        let text = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: x\n";
        let profile = model::profile::parse("x", text).unwrap();
        let of = |path: Option<&str>| {
            let place = ArtefactPlace {
                path: path.map(str::to_owned),
                ..ArtefactPlace::default()
            };
            volumes(&profile, &place, &["uploads".to_owned()])
        };
        let volume = |path: Option<&str>| ArtefactSource::Volume {
            claim: "uploads".into(),
            path: path.map(str::to_owned),
        };
        assert_eq!(of(None), Ok(vec![volume(None)]));
        assert_eq!(of(Some("/files/")), Ok(vec![volume(Some("files"))]));
        for path in ["", "..", "a/../..", "-rf", "a\nb"] {
            let told = of(Some(path)).unwrap_err();
            assert!(told.starts_with("profile x: "), "{path:?}: {told}");
        }
    }

    #[test]
    fn a_profile_names_an_artefact_in_exactly_one_way() {
        let text = |artefact: &str| {
            format!(
                "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: x\nartefacts:\n  - {artefact}\n"
            )
        };
        let of = |artefact: &str| {
            let profile = model::profile::parse("x", &text(artefact)).unwrap();
            named(&profile, &profile.artefacts[0])
        };
        assert_eq!(of("claim: uploads"), Ok(Named::Claim("uploads".into())));
        assert_eq!(of("labels: { b: c, a: b }"), Ok(Named::Labels("a=b,b=c".into())));
        assert_eq!(of("bucket: s3://b"), Ok(Named::Bucket("s3://b".into())));
        assert!(of("path: x").unwrap_err().contains("exactly one"));
        assert!(of("{ claim: a, bucket: s3://b }").is_err());
    }
}
