//! Where backups go when nobody says otherwise.

use std::path::{Path, PathBuf};

use crate::Environment;

/// `$XDG_DATA_HOME/safe-upgrade/backups`, else `~/.local/share/safe-upgrade/backups`; `None` without a home.
pub fn default_store(environment: &Environment) -> Option<PathBuf> {
    let data = environment
        .get("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        let home = environment
            .get("HOME")
            .or_else(|| environment.get("USERPROFILE"))?;
        Some(Path::new(home).join(".local").join("share"))
    };
    Some(data.or_else(home)?.join("safe-upgrade").join("backups"))
}

/// The store as it is written into plans: a folder becomes absolute, since a run may be carried on from another one.
///
/// # Errors
/// No store was named and there is no home to put one in, or the working directory is gone.
pub fn store_place(named: Option<&str>, environment: &Environment) -> Result<String, String> {
    let text = match named {
        Some(text) if text.contains("://") => return Ok(text.to_owned()),
        Some(text) => PathBuf::from(text),
        None => {
            default_store(environment).ok_or("there is no home folder to keep backups in: name a folder")?
        }
    };
    let absolute = std::path::absolute(&text).map_err(|error| format!("{}: {error}", text.display()))?;
    Ok(absolute.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_go_below_the_data_folder_and_a_named_folder_becomes_absolute() {
        let home = Environment::of(&[("HOME", "/home/ann")]);
        assert_eq!(
            store_place(None, &home).as_deref(),
            Ok("/home/ann/.local/share/safe-upgrade/backups")
        );
        assert!(store_place(Some("here"), &home).unwrap().starts_with('/'));
        assert!(store_place(None, &Environment::default()).is_err());
    }
}
