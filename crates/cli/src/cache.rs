//! Where things are kept that can be had again.

use std::path::{Path, PathBuf};

use crate::Environment;

/// `$XDG_CACHE_HOME/safe-upgrade/PART`, else `~/.cache/safe-upgrade/PART`; `None` without a home.
pub fn cache_folder(environment: &Environment, part: &str) -> Option<PathBuf> {
    let cache = environment
        .get("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || {
        let home = environment
            .get("HOME")
            .or_else(|| environment.get("USERPROFILE"))?;
        Some(Path::new(home).join(".cache"))
    };
    Some(cache.or_else(home)?.join("safe-upgrade").join(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_users_own() {
        let found = |said: &[(&str, &str)]| cache_folder(&Environment::of(said), "notes");
        assert_eq!(
            found(&[("HOME", "/home/ann")]),
            Some("/home/ann/.cache/safe-upgrade/notes".into())
        );
        assert_eq!(
            found(&[("HOME", "/home/ann"), ("XDG_CACHE_HOME", "/var/tmp/ann")]),
            Some("/var/tmp/ann/safe-upgrade/notes".into())
        );
        assert_eq!(found(&[("XDG_CACHE_HOME", "not/absolute")]), None);
    }
}
