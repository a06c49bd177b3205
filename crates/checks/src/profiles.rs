//! Choosing a profile: the built-in ones are embedded whole, a user's own comes from a file.

use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use model::Profile;
use model::profile::{Match, ProfileError, parse};
use thiserror::Error;

use crate::image::Image;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../profiles");

/// The built-in profile for whatever no other fits.
pub const GENERIC: &str = "generic";

/// What the user said about the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ProfileChoice {
    /// Nothing: the one that fits, else `generic`.
    #[default]
    Matching,
    /// `--profile NAME`: a built-in one.
    Named(String),
    /// `--profile FILE`.
    File(PathBuf),
}

impl ProfileChoice {
    /// What `--profile TEXT` means: a built-in of that name, else a file.
    pub fn from_argument(text: &str) -> Self {
        let is_name = !text.contains(['/', '\\', '.']);
        if is_name {
            Self::Named(text.to_owned())
        } else {
            Self::File(text.into())
        }
    }
}

/// A profile with why it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The profile.
    pub profile: Profile,
    /// Why, for the user: `its chart is openfga`.
    pub reason: String,
}

/// Why no profile could be had.
#[derive(Debug, Error)]
pub enum ProfileChoiceError {
    /// There is no built-in of that name.
    #[error("no profile is called {name}; built in are {known} (a file's name has a dot or a slash in it)")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// The file could not be read.
    #[error("failed to read profile {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is no profile.
    #[error(transparent)]
    Wrong(ProfileError),
}

/// All built-in profiles in order of name.
///
/// # Errors
/// When an embedded text is no profile; a test keeps that from being released.
pub fn built_in() -> Result<Vec<Profile>, ProfileError> {
    let mut files: Vec<_> = FOLDER
        .files()
        .filter(|file| {
            file.path()
                .extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .map(|file| {
            parse(
                &file.path().display().to_string(),
                file.contents_utf8().unwrap_or_default(),
            )
        })
        .collect()
}

/// Settles the profile: the user's word, else the first built-in that names the chart, else the first that names an
/// image that runs, else `generic`.
///
/// # Errors
/// See [`ProfileChoiceError`].
pub fn resolve(
    choice: &ProfileChoice,
    charts: &[&str],
    images: &[&str],
) -> Result<Resolved, ProfileChoiceError> {
    match choice {
        ProfileChoice::File(path) => Ok(Resolved {
            profile: from_file(path)?,
            reason: format!("it was given as {}", path.display()),
        }),
        ProfileChoice::Named(name) => Ok(Resolved {
            profile: named(name)?,
            reason: "it was asked for by name".into(),
        }),
        ProfileChoice::Matching => matching(charts, images),
    }
}

fn from_file(path: &Path) -> Result<Profile, ProfileChoiceError> {
    let text = std::fs::read_to_string(path).map_err(|source| ProfileChoiceError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    parse(&path.display().to_string(), &text).map_err(ProfileChoiceError::Wrong)
}

fn named(name: &str) -> Result<Profile, ProfileChoiceError> {
    let profiles = built_in().map_err(ProfileChoiceError::Wrong)?;
    let known: Vec<String> = profiles.iter().map(|profile| profile.name.clone()).collect();
    profiles
        .into_iter()
        .find(|profile| profile.name == name)
        .ok_or_else(|| ProfileChoiceError::UnknownName {
            name: name.to_owned(),
            known: known.join(", "),
        })
}

fn matching(charts: &[&str], images: &[&str]) -> Result<Resolved, ProfileChoiceError> {
    let profiles = built_in().map_err(ProfileChoiceError::Wrong)?;
    let by_chart = profiles.iter().find_map(|profile| {
        let chart = fits_chart(&profile.matches, charts)?;
        Some((profile, format!("its chart is {chart}")))
    });
    let by_image = || {
        profiles.iter().find_map(|profile| {
            let image = fits_image(&profile.matches, images)?;
            Some((profile, format!("it runs {image}")))
        })
    };
    match by_chart.or_else(by_image) {
        Some((profile, reason)) => Ok(Resolved {
            profile: profile.clone(),
            reason,
        }),
        None => Ok(Resolved {
            profile: named(GENERIC)?,
            reason: "no profile names its chart or images".into(),
        }),
    }
}

/// The chart by which it fits.
pub(crate) fn fits_chart<'a>(matches: &Match, charts: &[&'a str]) -> Option<&'a str> {
    charts
        .iter()
        .find(|chart| matches.charts.iter().any(|name| name == *chart))
        .copied()
}

/// The image by which it fits.
pub(crate) fn fits_image<'a>(matches: &Match, images: &[&'a str]) -> Option<&'a str> {
    let fits = |image: &&&str| {
        let image = Image::parse(image);
        matches.images.iter().any(|wanted| image.is_repository(wanted))
    };
    images.iter().find(fits).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(charts: &[&str], images: &[&str]) -> Resolved {
        resolve(&ProfileChoice::Matching, charts, images).unwrap()
    }

    #[test]
    fn every_built_in_is_a_profile_under_its_own_name() {
        let names: Vec<String> = built_in()
            .unwrap()
            .into_iter()
            .map(|profile| profile.name)
            .collect();
        let known = [
            "authentik",
            "coder",
            "generic",
            "gocdnext",
            "harbor",
            "nodepad",
            "openfga",
            "opschain",
        ];
        assert_eq!(names, known);
    }

    #[test]
    fn the_chart_decides_before_the_image_does() {
        assert_eq!(chosen(&["openfga"], &[]).profile.name, "openfga");
        let by_image = chosen(&["platform"], &["registry.example/openfga/openfga:v1.8.4"]);
        assert_eq!(by_image.profile.name, "openfga");
        assert_eq!(by_image.reason, "it runs registry.example/openfga/openfga:v1.8.4");
    }

    #[test]
    fn an_unknown_application_gets_the_generic_profile_and_is_told_so() {
        let resolved = chosen(&["shop"], &["example.org/shop:1"]);
        assert_eq!(resolved.profile.name, GENERIC);
        assert_eq!(resolved.reason, "no profile names its chart or images");
    }

    #[test]
    fn a_name_that_is_not_built_in_is_refused_with_those_that_are() {
        let error = resolve(&ProfileChoice::Named("openfa".into()), &[], &[]).unwrap_err();
        assert!(error.to_string().contains("generic, gocdnext"), "{error}");
    }

    #[test]
    fn a_file_is_told_from_a_name_by_its_dot_or_slash() {
        assert_eq!(
            ProfileChoice::from_argument("openfga"),
            ProfileChoice::Named("openfga".into())
        );
        assert_eq!(
            ProfileChoice::from_argument("my.yaml"),
            ProfileChoice::File("my.yaml".into())
        );
        assert_eq!(
            ProfileChoice::from_argument("/etc/profile"),
            ProfileChoice::File("/etc/profile".into())
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = resolve(&ProfileChoice::File("/nowhere/x.yaml".into()), &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "failed to read profile /nowhere/x.yaml");
    }

    #[test]
    fn the_test_applications_profile_is_a_profile() {
        let text = include_str!("../../../tests/apps/profiles/ledger.yaml");
        let profile = parse("ledger.yaml", text).unwrap();
        assert_eq!(profile.roles.len(), 4);
    }
}
