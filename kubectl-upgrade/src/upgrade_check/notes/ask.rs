//! Whom to ask for notes, and with which token.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use cli::{Environment, cache_folder};
use jiff::Timestamp;
use model::{ChartDocuments, NotesDirection, Profile, Secret};
use notes::{
    Answered, Ask, Bundle, BundleError, Cache, Fetcher, GatherRequest, GitHub, GitHubError, Patience, Place,
    PlaceError, Source, Way, chart_repositories, chart_sources, gather,
};
use thiserror::Error;

use super::arguments::ReadingFlags;

/// The longest token, in bytes: a server takes no longer header.
const LONGEST_TOKEN: u64 = 8 << 10;

/// Why nobody can be asked.
#[derive(Debug, Error)]
pub(super) enum AskError {
    #[error(transparent)]
    GitHub(#[from] GitHubError),
    #[error("failed to read the token in {}", path.display())]
    Token {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds no token", .0.display())]
    NoToken(PathBuf),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error("failed to get ready for asking servers")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The charts of both ends, where they are known.
pub(super) struct Charts<'a> {
    pub(super) running: Option<&'a ChartDocuments>,
    pub(super) target: Option<&'a ChartDocuments>,
}

impl Charts<'_> {
    /// What the newer chart itself tells: an older one knows nothing of what came later.
    fn answers(&self, way: &Way) -> Vec<Answered> {
        let (chart, whose) = match way.direction() {
            NotesDirection::Upgrade => (self.target, "the target's chart"),
            NotesDirection::Rollback => (self.running, "the running chart"),
            NotesDirection::Same => (None, ""),
        };
        chart.map(|chart| chart_sources(chart, whose)).unwrap_or_default()
    }

    /// Repositories that either chart names.
    fn repositories(&self, site: &str) -> Vec<Source> {
        let mut found: Vec<Source> = Vec::new();
        for source in self
            .target
            .iter()
            .chain(&self.running)
            .flat_map(|chart| chart_repositories(chart, site))
        {
            if !found.contains(&source) {
                found.push(source);
            }
        }
        found
    }
}

/// The GitHub that the flags and the environment mean.
pub(super) fn github(flags: &ReadingFlags, environment: &Environment) -> Result<GitHub, AskError> {
    let api = flags
        .github_api
        .as_deref()
        .or_else(|| environment.get("GITHUB_API_URL"));
    let token = match &flags.github_token_file {
        Some(path) => Some(token_in(path)?),
        None => environment.get("GITHUB_TOKEN").map(Secret::new),
    };
    Ok(GitHub::new(api, token)?)
}

fn token_in(path: &Path) -> Result<Secret, AskError> {
    let text = short(path).map_err(|source| AskError::Token {
        path: path.to_owned(),
        source,
    })?;
    if text.trim().is_empty() {
        return Err(AskError::NoToken(path.to_owned()));
    }
    Ok(Secret::new(text))
}

/// The text of a file that is no longer than a token can be.
fn short(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(LONGEST_TOKEN + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_TOKEN {
        return Err(io::Error::other(format!(
            "it is longer than {LONGEST_TOKEN} bytes"
        )));
    }
    Ok(text)
}

/// The sources that count: the user's, else the profile's, else those that the charts name.
pub(super) fn sources(
    from: &[String],
    profile: &Profile,
    charts: &Charts<'_>,
    github: &GitHub,
) -> Result<Vec<Source>, AskError> {
    let site = github.site();
    if !from.is_empty() {
        let named = from.iter().map(|text| Place::parse(text, site).map(Source::at));
        return Ok(named.collect::<Result<_, _>>()?);
    }
    if !profile.notes.sources.is_empty() {
        let of_profile = profile
            .notes
            .sources
            .iter()
            .map(|source| Source::of_profile(source, site));
        return Ok(of_profile.collect::<Result<_, _>>()?);
    }
    Ok(charts.repositories(site))
}

/// What to ask about.
pub(super) struct Asking<'a> {
    pub(super) github: &'a GitHub,
    pub(super) sources: &'a [Source],
    pub(super) charts: &'a Charts<'a>,
    pub(super) way: &'a Way,
    /// Where answers are kept.
    pub(super) cache: Option<Cache>,
    pub(super) now: Timestamp,
}

impl Asking<'_> {
    /// Asks everybody, or reads the file that stands for them; what the chart itself tells comes last.
    pub(super) async fn answers(&self, flags: &ReadingFlags) -> Result<Vec<Answered>, AskError> {
        if let Some(path) = &flags.notes {
            return Ok(self.with_chart(Bundle::load(path)?.answers()));
        }
        if flags.offline {
            return Ok(self.at_hand().await);
        }
        let fetcher = Fetcher::new(self.github.clone(), Patience::default())
            .map_err(|error| AskError::Client(Box::new(error)))?;
        let ask = if flags.refresh { Ask::Refresh } else { Ask::Usual };
        Ok(self.gathered(Some(&fetcher), ask).await)
    }

    /// What is at hand without asking any server.
    pub(super) async fn at_hand(&self) -> Vec<Answered> {
        self.gathered(None, Ask::Offline).await
    }

    async fn gathered(&self, fetcher: Option<&Fetcher>, ask: Ask) -> Vec<Answered> {
        let answers = gather(&GatherRequest {
            sources: self.sources,
            way: self.way,
            github: self.github,
            fetcher,
            cache: self.cache.as_ref(),
            ask,
            now: self.now,
        })
        .await;
        self.with_chart(answers)
    }

    /// What the chart that is at hand tells takes the place of what a file tells of it.
    fn with_chart(&self, mut answers: Vec<Answered>) -> Vec<Answered> {
        let of_chart = self.charts.answers(self.way);
        answers.retain(|answered| !of_chart.iter().any(|told| told.source == answered.source));
        answers.extend(of_chart);
        answers
    }
}

/// Where this user's answers are kept.
pub(super) fn cache(environment: &Environment) -> Option<Cache> {
    cache_folder(environment, "notes").map(|folder| Cache::new(&folder))
}
