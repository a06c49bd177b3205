//! Where a source is, as a person or a profile writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use model::VersionOf;
use model::profile::NotesSource;
use thiserror::Error;
use url::Url;

/// Where notes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The releases of a repository, `owner/repository`, on the GitHub that is asked.
    GitHub(String),
    /// A change log at an address.
    Address(Url),
    /// A change log in a file.
    File(PathBuf),
}

/// A source that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub place: Place,
    /// Whose versions it tells about, where that is said.
    pub of: Option<VersionOf>,
    /// What stands before the version in the tags that count, where that is said.
    pub tags: Option<String>,
}

/// Why a text names no source.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceError {
    /// Neither a repository nor an address nor a file.
    #[error("{0:?} is no source of notes: write OWNER/REPOSITORY, the address of a change log, or its file")]
    Unknown(String),
    /// Credentials would end up in reports and process lists.
    #[error("the address of a change log may hold no user or password")]
    Credentials,
    /// No repository has that name.
    #[error("{0:?} is no repository: write OWNER/REPOSITORY")]
    Repository(String),
}

impl Place {
    /// Reads `owner/repository`, `https://github.com/owner/repository`, another address, or a path. What exists as a file is
    /// a file. `host` is the GitHub's own, besides github.com.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn parse(text: &str, host: &str) -> Result<Self, PlaceError> {
        if let Some(repository) = repository_at(text, host) {
            return Ok(Self::GitHub(repository));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = Url::parse(text).map_err(|_| PlaceError::Unknown(text.to_owned()))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(PlaceError::Credentials);
            }
            return Ok(Self::Address(url));
        }
        let path = Path::new(text);
        if path.exists() || path.is_absolute() || text.starts_with('.') {
            return Ok(Self::File(path.to_owned()));
        }
        if is_repository(text) {
            return Ok(Self::GitHub(text.to_owned()));
        }
        match path.extension() {
            Some(_) => Ok(Self::File(path.to_owned())),
            None => Err(PlaceError::Unknown(text.to_owned())),
        }
    }
}

impl Source {
    /// A source about which nothing more is known.
    pub fn at(place: Place) -> Self {
        Self {
            place,
            of: None,
            tags: None,
        }
    }

    /// A source of a profile.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn of_profile(source: &NotesSource, host: &str) -> Result<Self, PlaceError> {
        let NotesSource {
            github,
            changelog,
            of,
            tags,
        } = source;
        let place = match (github, changelog) {
            (Some(repository), _) if is_repository(repository) => Place::GitHub(repository.clone()),
            (Some(repository), _) => return Err(PlaceError::Repository(repository.clone())),
            (None, changelog) => Place::parse(changelog.as_deref().unwrap_or_default(), host)?,
        };
        Ok(Self {
            place,
            of: *of,
            tags: tags.clone(),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GitHub(repository) => write!(f, "GitHub releases of {repository}"),
            // What stands behind the question mark may be a key.
            Self::Address(url) => f.write_str(url.as_str().split(['?', '#']).next().unwrap_or_default()),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Whether a text is `owner/repository` as GitHub writes it.
fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

/// The repository that the page of a GitHub is about. A page deeper in it that is a file of its own is none.
pub(super) fn repository_at(address: &str, host: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let here = url.host_str()?;
    if here != "github.com" && here != "www.github.com" && here != host {
        return None;
    }
    let mut parts = url.path_segments()?;
    let (owner, name) = (parts.next()?, parts.next()?);
    if matches!(parts.next(), Some("raw" | "blob")) {
        return None;
    }
    let repository = format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name));
    is_repository(&repository).then_some(repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_people_write_it() {
        let place = |text: &str| Place::parse(text, "git.corp.example").unwrap();
        for text in [
            "shop/web",
            "https://github.com/shop/web",
            "https://github.com/shop/web.git",
            "https://github.com/shop/web/tree/main/chart",
            "https://git.corp.example/shop/web",
        ] {
            assert_eq!(place(text), Place::GitHub("shop/web".into()), "{text}");
        }
        assert!(matches!(
            place("https://x.example/CHANGELOG.md"),
            Place::Address(_)
        ));
        assert!(matches!(
            place("https://github.com/shop/web/raw/main/CHANGELOG.md"),
            Place::Address(_)
        ));
        for text in ["./CHANGELOG.md", "/srv/notes.md", "CHANGELOG.md"] {
            assert_eq!(place(text), Place::File(text.into()));
        }
    }

    #[test]
    fn what_is_no_source_or_holds_a_password_is_refused() {
        assert!(matches!(Place::parse("notes", ""), Err(PlaceError::Unknown(_))));
        assert_eq!(
            Place::parse("https://ann:hunter2@x.example/a.md", ""),
            Err(PlaceError::Credentials)
        );
        let source = NotesSource {
            github: Some("../web".into()),
            ..NotesSource::default()
        };
        assert!(matches!(
            Source::of_profile(&source, ""),
            Err(PlaceError::Repository(_))
        ));
    }

    #[test]
    fn what_follows_a_question_mark_is_never_shown() {
        let place = Place::parse("https://x.example/a.md?token=hunter2", "").unwrap();
        assert_eq!(place.to_string(), "https://x.example/a.md");
    }
}
