//! A file at the other end.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::feed::Feed;
use crate::script::{self, Trailer, last_words, nonce};
use crate::{RunEnd, RunError, Runner};

use super::checksum::Sums;
use super::{FileError, FileProof, named};

/// A file in a pod, as `POD:PATH` or `POD/CONTAINER:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFile {
    /// The pod.
    pub pod: String,
    /// The container, where said.
    pub container: Option<String>,
    /// The path in it.
    pub path: String,
}

/// A text that names no file of a pod.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} names no file of a pod: write POD:PATH or POD/CONTAINER:PATH")]
pub struct PodFileError(String);

impl FromStr for PodFile {
    type Err = PodFileError;

    fn from_str(text: &str) -> Result<Self, PodFileError> {
        let wrong = || PodFileError(text.to_owned());
        let (place, path) = text.split_once(':').ok_or_else(wrong)?;
        let (pod, container) = match place.split_once('/') {
            Some((pod, container)) => (pod, Some(container.to_owned())),
            None => (place, None),
        };
        let empty = container
            .as_ref()
            .is_some_and(|name| name.is_empty() || name.contains('/'));
        if pod.is_empty() || path.is_empty() || empty || path.contains('\0') {
            return Err(wrong());
        }
        Ok(Self {
            pod: pod.to_owned(),
            container,
            path: path.to_owned(),
        })
    }
}

impl fmt::Display for PodFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Some(container) => write!(f, "{}/{container}:{}", self.pod, self.path),
            None => write!(f, "{}:{}", self.pod, self.path),
        }
    }
}

/// A path that no program takes for an option.
pub(super) fn safe(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("./{path}")
    }
}

/// A regular file that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) bytes: u64,
    pub(super) mode: Option<u32>,
}

/// Runs a script that only says something at its end.
pub(super) async fn told(
    runner: &dyn Runner,
    script: &str,
    arguments: &[&str],
) -> Result<(Trailer, String), FileError> {
    let nonce = nonce();
    let mut all = vec![nonce.clone()];
    all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    let mut said = tokio::io::sink();
    let end = runner
        .run(script, &all, Box::new(Feed::new(None)), &mut said)
        .await;
    trailer(runner, end, &nonce)
}

/// What a script said at its end.
pub(super) fn trailer(
    runner: &dyn Runner,
    end: Result<RunEnd, RunError>,
    nonce: &str,
) -> Result<(Trailer, String), FileError> {
    let end = end.map_err(|error| run_error(runner, error))?;
    let words = last_words(&end.stderr_tail);
    match Trailer::find(&end.stderr_tail, nonce) {
        Some(trailer) => Ok((trailer, words)),
        None => Err(FileError::NoWord {
            place: runner.place(),
            words: if words.is_empty() {
                format!("its command ended with {}", end.exit_code)
            } else {
                words
            },
        }),
    }
}

pub(super) fn run_error(runner: &dyn Runner, error: RunError) -> FileError {
    let no_shell = match &error {
        RunError::Exec { source, .. } => {
            matches!(&**source, cluster::ExecError::NotRun { message, .. } if message.contains("\"sh\""))
        }
        RunError::Local(_) => false,
    };
    if no_shell {
        FileError::NoShell {
            place: runner.place(),
            source: error,
        }
    } else {
        FileError::Run(error)
    }
}

/// What is at a path.
pub(super) async fn look(runner: &dyn Runner, path: &str) -> Result<Found, FileError> {
    let (trailer, words) = told(runner, script::FILE_LOOK, &[&safe(path)]).await?;
    let file = || named(runner, path);
    let no_file = |what| FileError::NoFile { file: file(), what };
    match trailer.text("kind") {
        "file" => {}
        "absent" => return Err(FileError::Absent(file())),
        "folder" => return Err(no_file("a folder")),
        "special" => return Err(no_file("a device, pipe or socket")),
        "dangling" => return Err(no_file("a link to nothing")),
        "unreadable" => return Err(FileError::Unreadable(file())),
        _ => {
            return Err(FileError::NoWord {
                place: runner.place(),
                words,
            });
        }
    }
    let bytes = trailer.bytes("bytes").ok_or_else(|| FileError::NoWord {
        place: runner.place(),
        words,
    })?;
    Ok(Found {
        bytes,
        mode: u32::from_str_radix(trailer.text("mode"), 8)
            .ok()
            .map(|mode| mode & 0o777),
    })
}

/// Compares the first bytes of a file with sums of this end. Says what the agreement is worth, and the file's size now.
pub(super) async fn compare(
    runner: &dyn Runner,
    path: &str,
    here: &Sums,
) -> Result<(FileProof, Option<u64>), FileError> {
    let size = here.bytes.to_string();
    let (trailer, words) = told(runner, script::FILE_HASH, &[&safe(path), &size]).await?;
    let file = named(runner, path);
    if trailer.status("read") != 0 {
        return Err(FileError::Remote {
            doing: "read",
            file,
            words,
        });
    }
    let arrived = trailer.bytes("bytes").unwrap_or_default();
    if arrived != here.bytes {
        return Err(FileError::Short {
            file,
            sent: here.bytes,
            arrived,
        });
    }
    let now = trailer.bytes("now");
    let differs = |proof: FileProof, here: String| FileError::Differs {
        file,
        proof: proof.word(),
        there: trailer.text(proof.word()).to_owned(),
        here,
    };
    let cksum = here.cksum.to_string();
    match (trailer.text("sha256"), trailer.text("cksum")) {
        ("", "") => Ok((FileProof::Bytes, now)),
        ("", sum) if sum == cksum => Ok((FileProof::Cksum, now)),
        ("", _) => Err(differs(FileProof::Cksum, cksum)),
        (sum, _) if sum == here.sha256 => Ok((FileProof::Sha256, now)),
        _ => Err(differs(FileProof::Sha256, here.sha256.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_pod_is_named_by_its_first_colon() {
        let file: PodFile = "db-0/postgres:/a b:c\n$(x)".parse().unwrap();
        assert_eq!(
            (file.pod.as_str(), file.container.as_deref()),
            ("db-0", Some("postgres"))
        );
        assert_eq!(file.path, "/a b:c\n$(x)");
        let file: PodFile = "db-0:-rf".parse().unwrap();
        assert_eq!((file.container, safe(&file.path)), (None, "./-rf".to_owned()));
    }

    #[test]
    fn what_names_no_file_of_a_pod_is_refused() {
        for text in [
            "",
            "db-0",
            ":/x",
            "db-0:",
            "db-0/:/x",
            "db-0/a/b:/x",
            "db-0:/a\0b",
        ] {
            assert!(text.parse::<PodFile>().is_err(), "{text:?}");
        }
    }
}
