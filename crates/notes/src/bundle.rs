//! Notes in one file, to be read where no source can be reached.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use model::{API_VERSION, NotesState, VersionOf};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::gather::Answered;
use crate::keep::{read_at_most, too_large, write_whole};
use crate::source::SourceNotes;
use crate::text::line;

/// The kind of the file.
const KIND: &str = "NotesBundle";

/// The largest file, in bytes.
const LARGEST: u64 = 256 << 20;

/// What sources told, to take along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    api_version: String,
    kind: String,
    sources: Vec<Packed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Packed {
    source: String,
    of: Option<VersionOf>,
    tags: Option<String>,
    /// When it was asked.
    at: Timestamp,
    notes: SourceNotes,
}

/// Why a file of notes cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// No source told anything.
    #[error("no notes to save: no source could be read")]
    Empty,
    /// The file.
    #[error("failed to {doing} {}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It holds something else, or was written by another version.
    #[error("{} is no file of notes of this version: {reason}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl Bundle {
    /// Packs what sources told; those that told nothing are left out.
    ///
    /// # Errors
    /// Where none told anything.
    pub fn of(answers: &[Answered], now: Timestamp) -> Result<Self, BundleError> {
        let sources: Vec<Packed> = answers
            .iter()
            .filter_map(|answered| {
                Some(Packed {
                    source: answered.source.clone(),
                    of: answered.of,
                    tags: answered.tags.clone(),
                    at: answered.at.unwrap_or(now),
                    notes: answered.notes.clone()?,
                })
            })
            .collect();
        if sources.is_empty() {
            return Err(BundleError::Empty);
        }
        Ok(Self {
            api_version: API_VERSION.into(),
            kind: KIND.into(),
            sources,
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, path: &Path) -> Result<(), BundleError> {
        serde_json::to_vec_pretty(self)
            .map_err(io::Error::other)
            .and_then(|bytes| {
                // What is saved can be read again.
                if bytes.len() as u64 > LARGEST {
                    return Err(too_large(LARGEST));
                }
                write_whole(path, &bytes)
            })
            .map_err(|source| BundleError::File {
                doing: "write",
                path: path.to_owned(),
                source,
            })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn load(path: &Path) -> Result<Self, BundleError> {
        let bytes = read_at_most(path, LARGEST).map_err(|source| BundleError::File {
            doing: "read",
            path: path.to_owned(),
            source,
        })?;
        let wrong = |reason: String| BundleError::Wrong {
            path: path.to_owned(),
            // Whoever gave the file may have written anything into it.
            reason: line(&reason),
        };
        let bundle: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if bundle.api_version != API_VERSION || bundle.kind != KIND {
            return Err(wrong(format!(
                "it says {} {}, and not {API_VERSION} {KIND}",
                bundle.api_version, bundle.kind
            )));
        }
        Ok(bundle)
    }

    /// What its sources told.
    pub fn answers(self) -> Vec<Answered> {
        self.sources
            .into_iter()
            .map(|packed| {
                let entries = packed.notes.entries.into_iter().map(|entry| entry.harmless());
                Answered {
                    source: line(&packed.source),
                    of: packed.of,
                    tags: packed.tags,
                    state: NotesState::Saved,
                    at: Some(packed.at),
                    notes: Some(SourceNotes {
                        entries: entries.collect(),
                        reach: packed.notes.reach,
                    }),
                    reason: None,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Entry, Reach};

    fn answered() -> Answered {
        Answered {
            source: "GitHub releases of shop/web".into(),
            of: Some(VersionOf::App),
            tags: Some("app-".into()),
            state: NotesState::Read,
            at: None,
            notes: Some(SourceNotes {
                reach: Reach::Whole,
                entries: vec![Entry {
                    version: "app-1.0.0".into(),
                    title: None,
                    date: None,
                    prerelease: false,
                    url: None,
                    text: "- a".into(),
                }],
            }),
            reason: None,
        }
    }

    #[test]
    fn notes_are_taken_along_with_their_age() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.json");
        let now = Timestamp::from_second(1_777_629_600).unwrap();
        Bundle::of(&[answered()], now).unwrap().save(&path).unwrap();
        let expected = Answered {
            state: NotesState::Saved,
            at: Some(now),
            ..answered()
        };
        assert_eq!(Bundle::load(&path).unwrap().answers(), [expected]);
    }

    #[test]
    fn what_a_file_says_steers_no_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.json");
        let evil = Answered {
            source: "releases\u{1b}[2J\nand more".into(),
            ..answered()
        };
        Bundle::of(&[evil], Timestamp::UNIX_EPOCH)
            .unwrap()
            .save(&path)
            .unwrap();
        assert_eq!(
            Bundle::load(&path).unwrap().answers()[0].source,
            "releases[2J and more"
        );
        for text in [
            "{\"apiVersion\":\"x\\u001b[2J\",\"kind\":\"y\\u001b[2J\",\"sources\":[]}",
            "{\"\\u001b[2J\":1}",
        ] {
            std::fs::write(&path, text).unwrap();
            let told = Bundle::load(&path).unwrap_err().to_string();
            assert!(!told.contains('\u{1b}') && told.contains("[2J"), "{told:?}");
        }
    }

    #[test]
    fn nothing_is_no_bundle_and_something_else_is_none_either() {
        let silent = Answered::unreadable("x".into(), None, "gone".into());
        assert!(matches!(
            Bundle::of(&[silent], Timestamp::UNIX_EPOCH),
            Err(BundleError::Empty)
        ));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.json");
        for text in [
            "{",
            "{\"apiVersion\":\"x\",\"kind\":\"NotesBundle\",\"sources\":[]}",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(
                matches!(Bundle::load(&path), Err(BundleError::Wrong { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            Bundle::load(&folder.path().join("none")),
            Err(BundleError::File { .. })
        ));
    }
}
