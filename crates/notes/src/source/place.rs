//! Where a source is, as a person or a profile writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use model::VersionOf;
use model::profile::NotesSource;
use thiserror::Error;
use url::Url;

/// Where the pages of the GitHub are that everybody can reach.
const PUBLIC_SITE: &str = "github.com";

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
    /// A page of a GitHub that is not the one to ask.
    #[error(
        "github.com is not the GitHub that is asked: write OWNER/REPOSITORY of {site}, or leave --github-api and GITHUB_API_URL away"
    )]
    OtherGitHub {
        /// The host of the one that is asked.
        site: String,
    },
    /// No repository has that name.
    #[error("{0:?} is no repository: write OWNER/REPOSITORY")]
    Repository(String),
}

impl Place {
    /// Reads `owner/repository`, `https://github.com/owner/repository`, another address, or a path. What exists as a file is
    /// a file. `site` is where the pages of the GitHub are that is asked.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn parse(text: &str, site: &str) -> Result<Self, PlaceError> {
        if let Some(repository) = repository_at(text, site) {
            return Ok(Self::GitHub(repository));
        }
        if repository_at(text, PUBLIC_SITE).is_some() {
            return Err(PlaceError::OtherGitHub {
                site: site.to_owned(),
            });
        }
        if text.contains("://") {
            let url = Url::parse(text)
                .ok()
                .filter(|url| matches!(url.scheme(), "https" | "http"))
                .ok_or_else(|| PlaceError::Unknown(shown(text)))?;
            if !url.username().is_empty() || url.password().is_some() {
                return Err(PlaceError::Credentials);
            }
            return Ok(Self::Address(url));
        }
        let path = Path::new(text);
        if path.is_file() || path.is_absolute() || text.starts_with('.') {
            return Ok(Self::File(path.to_owned()));
        }
        if is_repository(text) {
            return Ok(Self::GitHub(text.to_owned()));
        }
        match path.extension() {
            Some(_) => Ok(Self::File(path.to_owned())),
            None => Err(PlaceError::Unknown(shown(text))),
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
    pub fn of_profile(source: &NotesSource, site: &str) -> Result<Self, PlaceError> {
        let NotesSource {
            github,
            changelog,
            of,
            tags,
        } = source;
        let place = match (github, changelog) {
            (Some(repository), _) if is_repository(repository) => Place::GitHub(repository.clone()),
            (Some(repository), _) => return Err(PlaceError::Repository(shown(repository))),
            (None, changelog) => Place::parse(changelog.as_deref().unwrap_or_default(), site)?,
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

/// An address as it may be shown: neither what stands before its `@` nor what is behind its question mark, since either may
/// be a secret.
pub(super) fn shown(text: &str) -> String {
    let (begin, rest) = match text.rsplit_once('@') {
        Some((before, rest)) => match before.split_once("://") {
            Some((scheme, _)) => (format!("{scheme}://***@"), rest),
            None => ("***@".to_owned(), rest),
        },
        None => (String::new(), text),
    };
    format!("{begin}{}", rest.split(['?', '#']).next().unwrap_or_default())
}

/// The repository that a page of the GitHub at `site` is about. A page deeper in it that is a file of its own is none. The
/// same name on another GitHub is another repository.
pub(super) fn repository_at(address: &str, site: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let here = url.host_str()?;
    if here.strip_prefix("www.").unwrap_or(here) != site {
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
        let place = |text: &str| Place::parse(text, "github.com").unwrap();
        for text in [
            "shop/web",
            "https://github.com/shop/web",
            "https://www.github.com/shop/web",
            "https://github.com/shop/web.git",
            "https://github.com/shop/web/tree/main/chart",
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
        for text in [
            "https://ann:hunter2@x.example:port/a.md",
            "ftp://ann:hunter2@x.example/a.md",
            "ftp://x.example/a.md?token=hunter2",
            "ann:hun?ter2@x",
        ] {
            let told = Place::parse(text, "").unwrap_err();
            assert!(matches!(told, PlaceError::Unknown(_)), "{told}");
            let told = told.to_string();
            assert!(!told.contains("hun") && told.contains("x"), "{told}");
        }
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
    fn the_same_name_on_another_github_is_another_repository() {
        let site = "git.corp.example";
        assert_eq!(
            Place::parse("https://git.corp.example/shop/web", site),
            Ok(Place::GitHub("shop/web".into()))
        );
        let refused = Place::parse("https://github.com/shop/web", site).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("OWNER/REPOSITORY of git.corp.example"),
            "{refused}"
        );
        assert!(matches!(
            Place::parse("https://git.corp.example/shop/web", "github.com"),
            Ok(Place::Address(_))
        ));
    }

    #[test]
    fn a_folder_is_no_change_log() {
        // The folder of this crate's sources: tests run beside it.
        assert!(Path::new("src/source").is_dir());
        assert_eq!(
            Place::parse("src/source", "github.com"),
            Ok(Place::GitHub("src/source".into()))
        );
    }

    #[test]
    fn what_follows_a_question_mark_is_never_shown() {
        let place = Place::parse("https://x.example/a.md?token=hunter2", "").unwrap();
        assert_eq!(place.to_string(), "https://x.example/a.md");
    }
}
