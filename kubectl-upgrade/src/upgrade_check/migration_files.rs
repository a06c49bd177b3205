//! The files of the target's migrations, as `--migrations` names them.

use std::fs;
use std::path::{Path, PathBuf};

use model::MigrationFiles;
use thiserror::Error;

/// No project nests its migrations deeper. What is deeper is not looked at.
const DEEPEST: usize = 8;

/// Why the files cannot be listed.
#[derive(Debug, Error)]
#[error("failed to read the migrations in {}", path.display())]
pub(crate) struct MigrationFilesError {
    path: PathBuf,
    source: std::io::Error,
}

/// Lists the paths in a folder, or the lines of a file that lists paths.
pub(crate) fn migration_files(path: &Path) -> Result<MigrationFiles, MigrationFilesError> {
    let failed = |source| MigrationFilesError {
        path: path.to_owned(),
        source,
    };
    let mut files = if path.is_dir() {
        let mut files = Vec::new();
        walk(path, DEEPEST, &mut files).map_err(failed)?;
        files
    } else {
        let text = fs::read_to_string(path).map_err(failed)?;
        text.lines().map(|line| line.trim().to_owned()).collect()
    };
    files.retain(|file| !file.is_empty());
    files.sort();
    Ok(MigrationFiles {
        source: path.display().to_string(),
        files,
    })
}

/// Links are not followed: they may lead anywhere, and round.
fn walk(folder: &Path, deeper: usize, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            files.push(entry.path().display().to_string());
        } else if kind.is_dir() && deeper > 0 {
            walk(&entry.path(), deeper - 1, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_list_name_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("20260101_users")).unwrap();
        let one = folder.path().join("20260101_users/up.sql");
        let other = folder.path().join("a.sql");
        fs::write(&one, "").unwrap();
        fs::write(&other, "").unwrap();
        let paths = vec![one.display().to_string(), other.display().to_string()];
        assert_eq!(migration_files(folder.path()).unwrap().files, paths);
        let list = tempfile::NamedTempFile::new().unwrap();
        fs::write(list.path(), format!("{}\n\n  {}\n", paths[1], paths[0])).unwrap();
        assert_eq!(migration_files(list.path()).unwrap().files, paths);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = migration_files(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
