//! The artefacts that a profile names.

use backup::ArtefactSource;
use cluster::ApiError;
use model::{ExitCode, Profile, profile::ArtefactPlace};
use thiserror::Error;

use super::super::stored::Words;
use super::super::target::Target;
use crate::session::{Session, could_not_begin};

/// The label by which charts name the release that an object belongs to.
const RELEASE_LABEL: &str = "app.kubernetes.io/instance";

/// Claims could not be listed.
#[derive(Debug, Error)]
#[error("failed to find the claims that the profile names")]
struct Unlisted(#[source] ApiError);

/// The artefacts of the profile, found in the cluster.
pub(super) async fn of_profile(session: &Session, target: &Target) -> Result<Vec<ArtefactSource>, ExitCode> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
