//! The files of the target's migrations, as `--migrations` names them.

use std::fs;
use std::path::{Path, PathBuf};

use model::{HeavyStatement, MigrationFiles, MigrationWork};
use postgres_room::heavy_work;
use thiserror::Error;

/// No project nests its migrations deeper. What is deeper is not looked at.
const DEEPEST: usize = 8;

/// The most bytes of a file that are read; a migration that brings more is mostly data.
const LARGEST: u64 = 4 << 20;

/// Why the files cannot be listed.
#[derive(Debug, Error)]
#[error("failed to read the migrations in {}", path.display())]
pub(crate) struct MigrationFilesError {
    path: PathBuf,
    source: std::io::Error,
}

/// Lists and reads the files in a folder, or lists the lines of a file that lists paths.
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
    let work = path.is_dir().then(|| work(&files)).transpose().map_err(failed)?;
    Ok(MigrationFiles {
        source: path.display().to_string(),
        files,
        work,
    })
}

/// What the files do to whole tables, as far as they are SQL.
fn work(files: &[String]) -> std::io::Result<MigrationWork> {
    let mut work = MigrationWork::default();
    for file in files {
        if !file.ends_with(".sql") || fs::metadata(file)?.len() > LARGEST {
            work.unread.push(file.clone());
            continue;
        }
        // What is no text in a comment or a value does not matter.
        let found = heavy_work(&String::from_utf8_lossy(&fs::read(file)?));
        if found.has_code {
            work.unread.push(file.clone());
        }
        work.heavy
            .extend(found.tables.into_iter().map(|(table, work)| HeavyStatement {
                file: file.clone(),
                table,
                work,
            }));
    }
    Ok(work)
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
    use model::TableWork;

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
    fn what_the_files_of_a_folder_do_to_tables_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("1.sql"), "alter table entries alter amount type bigint").unwrap();
        fs::write(path("2.sql"), "do $$ begin end $$; update entries set note = ''").unwrap();
        fs::write(path("3.py"), "alter table entries alter amount type bigint").unwrap();
        let heavy = |name: &str, work| HeavyStatement {
            file: path(name),
            table: "entries".into(),
            work,
        };
        assert_eq!(
            migration_files(folder.path()).unwrap().work,
            Some(MigrationWork {
                heavy: vec![
                    heavy("1.sql", TableWork::Rewrites),
                    heavy("2.sql", TableWork::ChangesEveryRow)
                ],
                unread: vec![path("2.sql"), path("3.py")],
            })
        );
        let list = tempfile::NamedTempFile::new().unwrap();
        fs::write(list.path(), path("1.sql")).unwrap();
        assert_eq!(migration_files(list.path()).unwrap().work, None);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let error = migration_files(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
