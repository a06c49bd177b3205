//! A folder of profiles.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::path::PathFile;
use model::read_strict;
use serde_json::Value;

use super::choice::{KnownProfile, ProfileChoiceError, profile_in};

/// The profiles in a folder, in order of their files' names: every `.yaml` and `.yml` that does not say that it is a path.
///
/// # Errors
/// When the folder or a file cannot be read, a file is no profile, or two are called the same.
pub(super) fn read_pack(folder: &Path) -> Result<Vec<KnownProfile>, ProfileChoiceError> {
    let unreadable = |source| ProfileChoiceError::Folder {
        path: folder.to_owned(),
        source,
    };
    let mut known: Vec<KnownProfile> = Vec::new();
    for file in yaml_files(folder).map_err(unreadable)? {
        // What cannot be read is for the reader of profiles to tell.
        if fs::read_to_string(&file).is_ok_and(|text| is_path(&text)) {
            continue;
        }
        let one = profile_in(&file)?;
        if let Some(twin) = known.iter().find(|known| known.profile.name == one.profile.name) {
            return Err(ProfileChoiceError::Twice {
                name: one.profile.name,
                one: twin.file.clone().unwrap_or_default(),
                other: file,
            });
        }
        known.push(one);
    }
    Ok(known)
}

/// The YAML files in a folder, in order of name. Folders in it are not looked into.
pub(super) fn yaml_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a text says that it is a path.
pub(super) fn is_path(text: &str) -> bool {
    read_strict::<Value>(text).is_ok_and(|value| value["kind"] == PathFile::KIND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profiles::{ProfileChoice, known_profiles, resolve};

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, rest) in files {
            let text = format!("apiVersion: safe-upgrade.dev/v1alpha1\n{rest}\n");
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn choice(folder: &tempfile::TempDir, name: Option<&str>) -> ProfileChoice {
        ProfileChoice {
            folder: Some(folder.path().to_owned()),
            ..name.map(ProfileChoice::from_argument).unwrap_or_default()
        }
    }

    #[test]
    fn the_profiles_of_a_folder_go_before_the_built_in_ones() {
        let folder = folder(&[
            (
                "shop.yaml",
                "kind: Profile\nname: shop\nmatch: { charts: [shop] }",
            ),
            (
                "fga.yml",
                "kind: Profile\nname: openfga\ndescription: ours\nmatch: { charts: [openfga] }",
            ),
            ("way.yaml", "kind: Path\nname: shop\npath: {}"),
            ("notes.txt", "nothing"),
        ]);
        let names: Vec<String> = known_profiles(Some(folder.path()))
            .unwrap()
            .into_iter()
            .map(|known| known.profile.name)
            .collect();
        let own = names.iter().filter(|name| *name == "openfga").count();
        assert_eq!(
            (&names[..2], own),
            (&["openfga".to_owned(), "shop".to_owned()][..], 1)
        );
        assert!(names.contains(&"generic".to_owned()), "{names:?}");
        let found = resolve(&choice(&folder, None), &["openfga"], &[]).unwrap();
        assert_eq!(found.profile.description, "ours");
        assert_eq!(found.file, Some(folder.path().join("fga.yml")));
        assert_eq!(
            resolve(&choice(&folder, Some("shop")), &[], &[])
                .unwrap()
                .profile
                .name,
            "shop"
        );
        let built_in = resolve(&choice(&folder, Some("generic")), &[], &[]).unwrap();
        assert_eq!(built_in.file, None);
        let told = resolve(&choice(&folder, Some("shp")), &[], &[])
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("there are openfga, shop, ") && told.contains(" generic, "),
            "{told}"
        );
    }

    #[test]
    fn a_wrong_file_is_an_error_and_not_left_out() {
        let wrong = folder(&[("shop.yaml", "kind: Profile\nname: shop\nrols: []")]);
        let told = resolve(&choice(&wrong, None), &["shop"], &[])
            .unwrap_err()
            .to_string();
        assert!(told.contains("shop.yaml") && told.contains("`roles`"), "{told}");
        let twice = folder(&[
            ("a.yaml", "kind: Profile\nname: shop"),
            ("b.yaml", "kind: Profile\nname: shop"),
        ]);
        let told = resolve(&choice(&twice, None), &[], &[]).unwrap_err().to_string();
        assert!(
            told.contains("a.yaml") && told.contains("b.yaml") && told.contains("shop"),
            "{told}"
        );
        let nowhere = ProfileChoice {
            folder: Some("/nowhere/profiles".into()),
            ..ProfileChoice::default()
        };
        let told = resolve(&nowhere, &[], &[]).unwrap_err().to_string();
        assert!(told.contains("/nowhere/profiles"), "{told}");
    }
}
