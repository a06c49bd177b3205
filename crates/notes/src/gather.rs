//! Asking every source at once. What cannot be had is told with its reason and ends nothing.

use futures::future::join_all;
use jiff::Timestamp;
use model::{NotesState, VersionOf};
use url::Url;

use crate::cache::{Cache, Kept};
use crate::fetch::{Fetcher, read_changelog};
use crate::keep::read_at_most;
use crate::source::{GitHub, Place, Source, SourceNotes};
use crate::way::{Span, Way};

/// For how long a kept answer is as good as a new one, in seconds. Releases are not made by the minute, and GitHub gives
/// sixty answers an hour to who has no token.
const FRESH_SECONDS: i64 = 3600;

/// The largest change log in a file, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Whether servers are asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ask {
    /// Where nothing fresh is kept.
    #[default]
    Usual,
    /// Whatever is kept.
    Refresh,
    /// Never.
    Offline,
}

/// Whom to ask, and how.
pub struct GatherRequest<'a> {
    /// The sources.
    pub sources: &'a [Source],
    /// The way whose versions are of interest.
    pub way: &'a Way,
    /// The GitHub that is meant.
    pub github: &'a GitHub,
    /// Who asks servers; without it, none is asked.
    pub fetcher: Option<&'a Fetcher>,
    /// Where answers are kept.
    pub cache: Option<&'a Cache>,
    /// Whether servers are asked.
    pub ask: Ask,
    /// The time.
    pub now: Timestamp,
}

/// What came of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its name, for people.
    pub source: String,
    /// Whose versions it tells about, where that is said.
    pub of: Option<VersionOf>,
    /// What stands before the version in the tags that count, where that is said.
    pub tags: Option<String>,
    /// How its notes were had.
    pub state: NotesState,
    /// When it was asked, where that was not now.
    pub at: Option<Timestamp>,
    /// What it told.
    pub notes: Option<SourceNotes>,
    /// Why it told nothing, or nothing new.
    pub reason: Option<String>,
}

impl Answered {
    /// A source that was read now.
    pub(crate) fn now(source: String, of: Option<VersionOf>, notes: SourceNotes) -> Self {
        Self {
            source,
            of,
            tags: None,
            state: NotesState::Read,
            at: None,
            notes: Some(notes),
            reason: None,
        }
    }

    /// A source that could not be read.
    pub(crate) fn unreadable(source: String, of: Option<VersionOf>, reason: String) -> Self {
        Self {
            source,
            of,
            tags: None,
            state: NotesState::Unreadable,
            at: None,
            notes: None,
            reason: Some(reason),
        }
    }
}

/// Asks every source, all at once.
pub async fn gather(request: &GatherRequest<'_>) -> Vec<Answered> {
    join_all(request.sources.iter().map(|source| answer(request, source))).await
}

async fn answer(request: &GatherRequest<'_>, source: &Source) -> Answered {
    let told = match &source.place {
        Place::File(path) => file(path).map(|notes| (notes, NotesState::Read, None, None)),
        Place::GitHub(repository) => served(request, source, Served::Repository(repository)).await,
        Place::Address(url) => served(request, source, Served::Page(url)).await,
    };
    let mut answered = from(source, told);
    answered.tags.clone_from(&source.tags);
    answered
}

/// What a server is asked for.
#[derive(Clone, Copy)]
enum Served<'a> {
    /// The releases of a repository on the GitHub that is meant.
    Repository(&'a str),
    /// A change log.
    Page(&'a Url),
}

/// What was told, how it was had, when, and why not now.
type Told = (SourceNotes, NotesState, Option<Timestamp>, Option<String>);

fn from(source: &Source, told: Result<Told, String>) -> Answered {
    let name = source.place.to_string();
    match told {
        Ok((notes, state, at, reason)) => Answered {
            source: name,
            of: source.of,
            tags: None,
            state,
            at,
            notes: Some(notes),
            reason,
        },
        Err(reason) => Answered::unreadable(name, source.of, reason),
    }
}

async fn served(request: &GatherRequest<'_>, source: &Source, wanted: Served<'_>) -> Result<Told, String> {
    let GatherRequest {
        sources: _,
        way,
        github,
        fetcher,
        cache,
        ask,
        now,
    } = request;
    let span = way.span(source.of, source.tags.as_deref());
    let identity = identity(github, wanted);
    let kept = cache.and_then(|cache| cache.read(&identity));
    let from_kept = |kept: Kept, why: Option<String>| (kept.notes, NotesState::Cached, Some(kept.at), why);
    let fetcher = fetcher.filter(|_| *ask != Ask::Offline);
    let Some(fetcher) = fetcher else {
        return kept
            .map(|kept| from_kept(kept, None))
            .ok_or_else(|| "no server is asked, and nothing was kept of it".to_owned());
    };
    let is_good = |kept: &Kept| {
        let age = now.as_second() - kept.at.as_second();
        *ask == Ask::Usual && (0..FRESH_SECONDS).contains(&age) && kept.notes.reaches(span)
    };
    if let Some(kept) = kept.as_ref().filter(|kept| is_good(kept)) {
        return Ok(from_kept(kept.clone(), None));
    }
    match fetch(fetcher, wanted, span).await {
        Ok(notes) => {
            // A cache that cannot be written costs a request the next time, and nothing else.
            drop(cache.map(|cache| cache.write(&identity, *now, &notes)));
            Ok((notes, NotesState::Read, None, None))
        }
        Err(reason) => match kept {
            Some(kept) => Ok(from_kept(kept, Some(reason))),
            None => Err(reason),
        },
    }
}

async fn fetch(fetcher: &Fetcher, wanted: Served<'_>, span: Option<Span<'_>>) -> Result<SourceNotes, String> {
    let told = match wanted {
        Served::Repository(repository) => fetcher.releases(repository, span).await,
        Served::Page(url) => fetcher.changelog(url).await,
    };
    told.map_err(|error| model::causes(&error))
}

/// What names an answer in the cache.
fn identity(github: &GitHub, wanted: Served<'_>) -> String {
    match wanted {
        Served::Repository(repository) => github.identity(repository),
        Served::Page(url) => url.to_string(),
    }
}

fn file(path: &std::path::Path) -> Result<SourceNotes, String> {
    let bytes = read_at_most(path, LARGEST_FILE).map_err(|error| format!("it cannot be read: {error}"))?;
    read_changelog(&String::from_utf8_lossy(&bytes))
}
