//! Which path is in force: the user's word, the profile's, or a built-in one that fits.

use std::path::Path;
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use model::path::{PathFacts, PathFile, PathFileError, UpgradePath, parse_path};
use model::{Observation, Profile, SavedObservation};
use thiserror::Error;

use super::fetch::{PathAddressError, read_path, split_pin};
use crate::profiles::{fits_chart, fits_image};

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../profiles/paths");

/// A path with where it was had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChosenPath {
    pub(crate) path: UpgradePath,
    /// For the user: `path coder, built in`.
    pub(crate) origin: String,
}

/// Why no path could be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PathChoiceError {
    /// It cannot be read.
    #[error(transparent)]
    Address(#[from] PathAddressError),
    /// A built-in one is wrong; a test keeps that from being released.
    #[error(transparent)]
    BuiltIn(PathFileError),
    /// The profile names one that is not built in.
    #[error("profile {profile} names path {name}, which is not built in; built in are {known}")]
    UnknownName {
        /// The profile.
        profile: String,
        /// What it names.
        name: String,
        /// What there is.
        known: String,
    },
}

/// All built-in paths in order of name.
///
/// # Errors
/// When an embedded text is no path; a test keeps that from being released.
pub fn built_in_paths() -> Result<Vec<PathFile>, PathFileError> {
    // A look at many releases asks for them again and again.
    static PARSED: LazyLock<Result<Vec<PathFile>, PathFileError>> = LazyLock::new(parse_built_in);
    PARSED.clone()
}

fn parse_built_in() -> Result<Vec<PathFile>, PathFileError> {
    let mut files: Vec<_> = FOLDER.files().collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .map(|file| {
            parse_path(
                &file.path().display().to_string(),
                file.contents_utf8().unwrap_or_default(),
            )
        })
        .collect()
}

/// Settles the path of a profile that was read from a file, or is built in: `--path-file`, else what the profile says, else the first built-in that names the chart, else the
/// first that names an image that runs. None where nobody knows the application.
pub(crate) async fn choose(
    given: Option<&str>,
    file: Option<&Path>,
    profile: &Profile,
    charts: &[&str],
    images: &[&str],
) -> Result<Option<ChosenPath>, PathChoiceError> {
    if let Some(text) = given {
        let file = read_path(text).await?;
        return Ok(Some(ChosenPath {
            origin: read_from(&file, text),
            path: file.path,
        }));
    }
    if let Some(path) = &profile.path {
        return Ok(Some(ChosenPath {
            path: path.clone(),
            origin: format!("the path of profile {}", profile.name),
        }));
    }
    if let Some(named) = &profile.path_file {
        return named_by_profile(named, file, profile).await.map(Some);
    }
    let paths = built_in_paths().map_err(PathChoiceError::BuiltIn)?;
    let by_chart = paths
        .iter()
        .find(|file| fits_chart(&file.matches, charts).is_some());
    let fitting = by_chart.or_else(|| {
        paths
            .iter()
            .find(|file| fits_image(&file.matches, images).is_some())
    });
    Ok(fitting.map(built_in))
}

/// Puts the path of a profile into it that stands in a file of its own, or is built in, for a release that was looked at
/// earlier.
///
/// # Errors
/// See [`PathChoiceError`].
pub async fn settle_path(
    profile: &mut Profile,
    file: Option<&Path>,
    seen: &Observation,
) -> Result<(), PathChoiceError> {
    let charts: Vec<&str> = seen
        .release
        .present()
        .map(|release| release.chart.name.as_str())
        .into_iter()
        .collect();
    let images: Vec<&str> = seen
        .workloads
        .present()
        .into_iter()
        .flatten()
        .flat_map(|workload| &workload.containers)
        .map(|container| container.image.as_str())
        .collect();
    let chosen = choose(None, file, profile, &charts, &images).await?;
    profile.path = chosen.map(|chosen| chosen.path);
    Ok(())
}

/// Puts another path into a look that was kept. What the database answered belongs to the path of that time and goes:
/// what the other one asks is told as not asked.
///
/// # Errors
/// See [`PathChoiceError`].
pub async fn replace_path(saved: &mut SavedObservation, place: &str) -> Result<(), PathChoiceError> {
    let file = read_path(place).await?;
    saved.observation.path = Some(PathFacts {
        origin: read_from(&file, place),
        answers: Vec::new(),
    });
    saved.profile.path = Some(file.path);
    Ok(())
}

/// Where a path was read, for the user; of a digest its beginning is enough to compare.
fn read_from(file: &PathFile, place: &str) -> String {
    const SHOWN: usize = 12;
    match split_pin(place) {
        (place, Some(digest)) => {
            let digest: String = digest.chars().take(SHOWN).collect();
            format!("path {} from {place} (sha256 {digest}…)", file.name)
        }
        (place, None) => format!("path {} from {place}", file.name),
    }
}

fn built_in(file: &PathFile) -> ChosenPath {
    ChosenPath {
        path: file.path.clone(),
        origin: format!("path {}, built in", file.name),
    }
}

/// A bare word is a built-in one; a file stands beside the profile's own.
async fn named_by_profile(
    named: &str,
    file: Option<&Path>,
    profile: &Profile,
) -> Result<ChosenPath, PathChoiceError> {
    if !named.contains(['/', '\\', '.']) {
        let paths = built_in_paths().map_err(PathChoiceError::BuiltIn)?;
        let found = paths.iter().find(|file| file.name == named);
        return found.map(built_in).ok_or_else(|| PathChoiceError::UnknownName {
            profile: profile.name.clone(),
            name: named.to_owned(),
            known: paths
                .iter()
                .map(|file| file.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        });
    }
    let place = match file.and_then(Path::parent) {
        Some(folder) if !named.contains("://") => folder.join(named).display().to_string(),
        Some(_) | None => named.to_owned(),
    };
    let read = read_path(&place).await?;
    Ok(ChosenPath {
        origin: format!(
            "{}, which profile {} names",
            read_from(&read, &place),
            profile.name
        ),
        path: read.path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(rest: &str) -> Profile {
        let text = format!("apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: own\n{rest}");
        model::profile::parse("own.yaml", &text).unwrap()
    }

    async fn chosen(
        given: Option<&str>,
        profile: &Profile,
        charts: &[&str],
        images: &[&str],
    ) -> Option<String> {
        choose(given, None, profile, charts, images)
            .await
            .unwrap()
            .map(|chosen| chosen.origin)
    }

    #[test]
    fn every_built_in_is_a_path_and_tells_its_sources() {
        let names: Vec<String> = built_in_paths()
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(names, ["coder", "gocdnext", "nodepad", "openfga", "opschain"]);
    }

    #[tokio::test]
    async fn the_users_word_goes_before_the_profiles_and_that_before_what_fits() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: mine\npath: {}\n";
        std::fs::write(file.path(), text).unwrap();
        let place = file.path().display().to_string();
        let own = profile("path: {}\n");
        assert_eq!(
            chosen(Some(&place), &own, &["coder"], &[]).await,
            Some(format!("path mine from {place}"))
        );
        assert_eq!(
            chosen(None, &own, &["coder"], &[]).await.as_deref(),
            Some("the path of profile own")
        );
        let named = profile("pathFile: openfga\n");
        assert_eq!(
            chosen(None, &named, &["coder"], &[]).await.as_deref(),
            Some("path openfga, built in")
        );
    }

    #[test]
    fn of_a_digest_the_beginning_is_shown() {
        let file = built_in_paths().unwrap().remove(0);
        assert_eq!(
            read_from(&file, "https://vendor.example/coder.yaml@sha256:0123456789abcdef"),
            "path coder from https://vendor.example/coder.yaml (sha256 0123456789ab…)"
        );
        assert_eq!(
            read_from(&file, "paths@sha256:old/coder.yaml@sha256:0123456789abcdef"),
            "path coder from paths@sha256:old/coder.yaml (sha256 0123456789ab…)"
        );
    }

    #[tokio::test]
    async fn a_built_in_fits_by_chart_or_image_and_nothing_fits_a_stranger() {
        let none = profile("");
        let coder = Some("path coder, built in");
        assert_eq!(chosen(None, &none, &["coder"], &[]).await.as_deref(), coder);
        let image = ["ghcr.io/coder/coder:v2.30.0"];
        assert_eq!(chosen(None, &none, &["platform"], &image).await.as_deref(), coder);
        assert_eq!(
            chosen(None, &none, &["shop"], &["example.org/shop:1"]).await,
            None
        );
    }

    #[tokio::test]
    async fn a_profiles_file_stands_beside_it_and_an_unknown_name_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: mine\npath: {}\n";
        std::fs::write(folder.path().join("way.yaml"), text).unwrap();
        let own = folder.path().join("own.yaml");
        let named = profile("pathFile: way.yaml\n");
        let found = choose(None, Some(&own), &named, &[], &[]).await.unwrap().unwrap();
        assert!(found.origin.starts_with("path mine from"), "{}", found.origin);

        let named = profile("pathFile: koder\n");
        let told = choose(None, Some(&own), &named, &[], &[])
            .await
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("koder") && told.contains("coder, gocdnext"),
            "{told}"
        );
    }
}
