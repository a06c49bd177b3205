//! Choosing a profile: the user's own come from files and folders, the built-in ones are embedded whole.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use model::profile::{Match, ProfileError, parse};
use model::{DeclaredDeployer, Profile};
use thiserror::Error;

use super::pack::read_pack;
use crate::image::Image;

static FOLDER: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../profiles");

/// The built-in profile for whatever no other fits.
pub const GENERIC: &str = "generic";

/// Which profile is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WantedProfile {
    /// The one that fits, else `generic`.
    #[default]
    Matching,
    /// One of a folder or a built-in one, by its name.
    Named(String),
    /// One in a file.
    File(PathBuf),
}

/// What the user said about the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChoice {
    /// Which one is meant.
    pub wanted: WantedProfile,
    /// `--profile-dir`: profiles that go before the built-in ones.
    pub folder: Option<PathBuf>,
    /// `--deployer`: in place of what the profile says.
    pub deployer: Option<DeclaredDeployer>,
}

impl ProfileChoice {
    /// What `--profile TEXT` means: a name, or a file where there is a dot or a slash in it.
    pub fn from_argument(text: &str) -> Self {
        let is_name = !text.contains(['/', '\\', '.']);
        Self {
            wanted: if is_name {
                WantedProfile::Named(text.to_owned())
            } else {
                WantedProfile::File(text.into())
            },
            ..Self::default()
        }
    }

    /// The profile in a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            wanted: WantedProfile::File(path.into()),
            ..Self::default()
        }
    }
}

/// A profile with why it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The profile.
    pub profile: Profile,
    /// The file that it was read from; none where it is built in.
    pub file: Option<PathBuf>,
    /// Why, for the user: `its chart is openfga`.
    pub reason: String,
}

/// A profile that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProfile {
    /// The profile.
    pub profile: Profile,
    /// Its text, as it stands.
    pub text: String,
    /// Its file; none where it is built in.
    pub file: Option<PathBuf>,
}

/// Why no profile could be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProfileChoiceError {
    /// There is none of that name.
    #[error("no profile is called {name}; there are {known} (a file's name has a dot or a slash in it)")]
    UnknownName {
        /// What was asked for.
        name: String,
        /// The names that there are.
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
    /// The folder could not be read.
    #[error("failed to read the folder of profiles {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Two files of a folder are profiles of one name.
    #[error("{} and {} are both called {name}", one.display(), other.display())]
    Twice {
        /// The name.
        name: String,
        /// A file.
        one: PathBuf,
        /// The other file.
        other: PathBuf,
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
    Ok(embedded()?.into_iter().map(|known| known.profile).collect())
}

fn embedded() -> Result<Vec<KnownProfile>, ProfileError> {
    // A look at many releases asks for them again and again.
    static PARSED: LazyLock<Result<Vec<KnownProfile>, ProfileError>> = LazyLock::new(parse_embedded);
    PARSED.clone()
}

fn parse_embedded() -> Result<Vec<KnownProfile>, ProfileError> {
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
            let text = file.contents_utf8().unwrap_or_default();
            Ok(KnownProfile {
                profile: parse(&file.path().display().to_string(), text)?,
                text: text.to_owned(),
                file: None,
            })
        })
        .collect()
}

/// Every profile that can be chosen by name, in the order in which they are tried: those of the folder, then the built-in
/// ones that none of these hides by its name.
///
/// # Errors
/// See [`ProfileChoiceError`]. One wrong file of a folder is an error: else another profile would silently be in force.
pub fn known_profiles(folder: Option<&Path>) -> Result<Vec<KnownProfile>, ProfileChoiceError> {
    let mut known = folder.map(read_pack).transpose()?.unwrap_or_default();
    for one in embedded().map_err(ProfileChoiceError::Wrong)? {
        if !known.iter().any(|own| own.profile.name == one.profile.name) {
            known.push(one);
        }
    }
    Ok(known)
}

/// Settles the profile: the user's word, else the first that names the chart, else the first that names an image that
/// runs, else `generic`.
///
/// # Errors
/// See [`ProfileChoiceError`].
pub fn resolve(
    choice: &ProfileChoice,
    charts: &[&str],
    images: &[&str],
) -> Result<Resolved, ProfileChoiceError> {
    let folder = choice.folder.as_deref();
    let (known, reason) = match &choice.wanted {
        WantedProfile::File(path) => (profile_in(path)?, format!("it was given as {}", path.display())),
        WantedProfile::Named(name) => (named(name, folder)?, "it was asked for by name".into()),
        WantedProfile::Matching => matching(folder, charts, images)?,
    };
    let mut profile = known.profile;
    if let Some(deployer) = &choice.deployer {
        profile.deployer = Some(deployer.clone());
    }
    Ok(Resolved {
        profile,
        file: known.file,
        reason,
    })
}

/// The profile that is meant by a name or a file, with its text.
///
/// # Errors
/// See [`ProfileChoiceError`].
pub fn look_up(choice: &ProfileChoice) -> Result<KnownProfile, ProfileChoiceError> {
    match &choice.wanted {
        WantedProfile::File(path) => profile_in(path),
        WantedProfile::Named(name) => named(name, choice.folder.as_deref()),
        WantedProfile::Matching => named(GENERIC, choice.folder.as_deref()),
    }
}

/// The profile in a file.
pub(super) fn profile_in(path: &Path) -> Result<KnownProfile, ProfileChoiceError> {
    let text = std::fs::read_to_string(path).map_err(|source| ProfileChoiceError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    Ok(KnownProfile {
        profile: parse(&path.display().to_string(), &text).map_err(ProfileChoiceError::Wrong)?,
        text,
        file: Some(path.to_owned()),
    })
}

fn named(name: &str, folder: Option<&Path>) -> Result<KnownProfile, ProfileChoiceError> {
    let profiles = known_profiles(folder)?;
    let known: Vec<String> = profiles.iter().map(|known| known.profile.name.clone()).collect();
    profiles
        .into_iter()
        .find(|known| known.profile.name == name)
        .ok_or_else(|| ProfileChoiceError::UnknownName {
            name: name.to_owned(),
            known: known.join(", "),
        })
}

fn matching(
    folder: Option<&Path>,
    charts: &[&str],
    images: &[&str],
) -> Result<(KnownProfile, String), ProfileChoiceError> {
    let profiles = known_profiles(folder)?;
    let by_chart = profiles.iter().find_map(|known| {
        let chart = fits_chart(&known.profile.matches, charts)?;
        Some((known, format!("its chart is {chart}")))
    });
    let by_image = || {
        profiles.iter().find_map(|known| {
            let image = fits_image(&known.profile.matches, images)?;
            Some((known, format!("it runs {image}")))
        })
    };
    match by_chart.or_else(by_image) {
        Some((known, reason)) => Ok((known.clone(), reason)),
        None => Ok((
            named(GENERIC, folder)?,
            "no profile names its chart or images".into(),
        )),
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
        resolve(&ProfileChoice::default(), charts, images).unwrap()
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
        let error = resolve(&ProfileChoice::from_argument("openfa"), &[], &[]).unwrap_err();
        assert!(error.to_string().contains("generic, gocdnext"), "{error}");
    }

    #[test]
    fn a_file_is_told_from_a_name_by_its_dot_or_slash() {
        let means = |text: &str| ProfileChoice::from_argument(text).wanted;
        assert_eq!(means("openfga"), WantedProfile::Named("openfga".into()));
        for file in ["my.yaml", "/etc/profile"] {
            assert_eq!(means(file), WantedProfile::File(file.into()));
        }
    }

    #[test]
    fn the_deployer_that_somebody_names_goes_before_the_profiles() {
        let deployer = DeclaredDeployer {
            tool: model::DeployerTool::Helmfile,
            source: None,
        };
        let choice = ProfileChoice {
            deployer: Some(deployer.clone()),
            ..ProfileChoice::default()
        };
        assert_eq!(
            resolve(&choice, &[], &[]).unwrap().profile.deployer,
            Some(deployer)
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = resolve(&ProfileChoice::file("/nowhere/x.yaml"), &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "failed to read profile /nowhere/x.yaml");
    }

    #[test]
    fn the_test_applications_profile_is_a_profile() {
        let text = include_str!("../../../../tests/apps/profiles/ledger.yaml");
        let profile = parse("ledger.yaml", text).unwrap();
        assert_eq!(profile.roles.len(), 4);
    }
}
