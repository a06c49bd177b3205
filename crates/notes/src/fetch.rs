//! Asking a server: bounded in time and size, and clear about what went wrong.

use jiff::Timestamp;
use model::Version;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;
use web::Patience;

use crate::source::{Entry, GitHub, Reach, Release, SourceNotes};
use crate::text::changelog;
use crate::way::Span;

/// The most bytes of one answer. A hundred releases with long notes are some megabytes.
const LARGEST: usize = 16 << 20;

/// The most pages of a repository that are read: two thousand releases.
const MOST_PAGES: usize = 20;

/// Asks servers.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    github: GitHub,
}

/// Why a source could not be read.
#[derive(Debug, Error)]
pub(crate) enum FetchError {
    #[error("{host} does not answer")]
    NoAnswer {
        host: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{host} was too slow")]
    Slow { host: String },
    #[error("the answer of {host} broke off")]
    Broken {
        host: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("the answer of {host} is larger than {} MiB", LARGEST >> 20)]
    Large { host: String },
    #[error("{host} knows no {what}, or lets you see none")]
    Unknown { host: String, what: String },
    #[error("{host} refuses {}", if *.with_token { "the token" } else { "who has no token" })]
    Refused { host: String, with_token: bool },
    #[error("{host} takes no more requests until {until}{}", if *.with_token { "" } else { "; with a token in GITHUB_TOKEN it takes more" })]
    Limited {
        host: String,
        until: String,
        with_token: bool,
    },
    #[error("{host} answers with {status}")]
    Status { host: String, status: StatusCode },
    #[error("{host} answers with something else than {wanted}: {reason}")]
    Content {
        host: String,
        wanted: &'static str,
        reason: String,
    },
    #[error("{host} sends on to another server for the next page")]
    Elsewhere { host: String },
}

/// An answer with its headers.
struct Answer {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Fetcher {
    /// Gets ready; nothing is asked yet.
    ///
    /// # Errors
    /// When the machine's certificates cannot be used.
    pub fn new(github: GitHub, patience: Patience) -> Result<Self, reqwest::Error> {
        let client = web::client(patience)?;
        Ok(Self { client, github })
    }

    /// The GitHub that it asks.
    pub fn github(&self) -> &GitHub {
        &self.github
    }

    /// Reads the releases of a repository, page by page, until a page has nothing above the older end of `span` any more.
    pub(crate) async fn releases(
        &self,
        repository: &str,
        span: Option<Span<'_>>,
    ) -> Result<SourceNotes, FetchError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut page = self.github.releases(repository);
        for _ in 0..MOST_PAGES {
            let Some(url) = page else {
                return Ok(SourceNotes {
                    reach: Reach::Whole,
                    entries,
                });
            };
            let (releases, next) = self.page(&url, repository).await?;
            let before = entries.len();
            entries.extend(releases.into_iter().filter_map(Release::entry));
            let below = span.and_then(|span| below(span, &entries, before));
            if let Some(above) = below.filter(|_| next.is_some()) {
                return Ok(SourceNotes {
                    reach: Reach::Above(above),
                    entries,
                });
            }
            page = next;
        }
        Ok(SourceNotes {
            reach: if page.is_none() { Reach::Whole } else { Reach::Cut },
            entries,
        })
    }

    /// One page, and where the next one is.
    async fn page(&self, url: &Url, repository: &str) -> Result<(Vec<Release>, Option<Url>), FetchError> {
        let host = host(url);
        let answer = self.get(url, &format!("repository {repository}"), true).await?;
        let releases = serde_json::from_slice(&answer.body).map_err(|error| FetchError::Content {
            host: host.clone(),
            wanted: "a list of releases",
            reason: error.to_string(),
        })?;
        let next = next_page(&answer.headers);
        match next {
            Some(next) if !self.github.serves(&next) => Err(FetchError::Elsewhere { host }),
            next => Ok((releases, next)),
        }
    }

    /// Reads a change log.
    pub(crate) async fn changelog(&self, url: &Url) -> Result<SourceNotes, FetchError> {
        let host = host(url);
        let answer = self.get(url, "such page", false).await?;
        let text = String::from_utf8_lossy(&answer.body);
        read_changelog(&text).map_err(|reason| FetchError::Content {
            host,
            wanted: "a change log",
            reason,
        })
    }

    async fn get(&self, url: &Url, what: &str, is_github: bool) -> Result<Answer, FetchError> {
        let host = host(url);
        let authorization = self.github.authorization().filter(|_| is_github);
        let mut request = self.client.get(url.clone());
        if is_github {
            request = request
                .header(ACCEPT, "application/vnd.github+json")
                .header("X-GitHub-Api-Version", "2022-11-28");
        }
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let failed = |error: reqwest::Error, broken: bool| {
            let (host, source) = (host.clone(), error.without_url());
            if source.is_timeout() {
                FetchError::Slow { host }
            } else if broken {
                FetchError::Broken { host, source }
            } else {
                FetchError::NoAnswer { host, source }
            }
        };
        let mut response = request.send().await.map_err(|error| failed(error, false))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            return Err(refusal(status, &headers, host, what, authorization.is_some()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, true))? {
            if body.len() + chunk.len() > LARGEST {
                return Err(FetchError::Large { host });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { headers, body })
    }
}

/// Whether what counts of the entries from `begin` on lies below a span: then the tag of its older end, with the prefix that
/// counts. Among tags of other things, a few old ones say nothing of what comes later: they may be backports. They say it
/// once the older end itself was met on an earlier page, and nothing newer came after it.
fn below(span: Span<'_>, entries: &[Entry], begin: usize) -> Option<String> {
    let page = entries.get(begin..)?;
    let versions: Vec<Version> = page
        .iter()
        .filter_map(Entry::parsed)
        .filter(|version| span.counts(version.prefix(), entries))
        .collect();
    let prefix = versions.first()?.prefix();
    let all_lie_below = versions
        .iter()
        .all(|version| version <= span.low && version.prefix() == prefix);
    let is_met = entries[..begin]
        .iter()
        .filter_map(Entry::parsed)
        .any(|version| version == *span.low && version.prefix() == prefix);
    (all_lie_below && (is_met || versions.len() == page.len())).then(|| format!("{prefix}{}", span.low))
}

/// Reads a text that should be a change log.
pub(crate) fn read_changelog(text: &str) -> Result<SourceNotes, String> {
    let begin = text
        .trim_start()
        .get(..15)
        .unwrap_or_default()
        .to_ascii_lowercase();
    if begin.starts_with("<!doctype") || begin.starts_with("<html") {
        return Err("it is a web page; name the address of the text itself".into());
    }
    let entries: Vec<Entry> = changelog(text).into_iter().map(Entry::harmless).collect();
    if entries.is_empty() {
        return Err("no heading in it is that of a version".into());
    }
    Ok(SourceNotes {
        reach: Reach::Whole,
        entries,
    })
}

fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    host: String,
    what: &str,
    with_token: bool,
) -> FetchError {
    if let Some(until) = limited_until(status, headers) {
        return FetchError::Limited {
            host,
            until,
            with_token,
        };
    }
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => FetchError::Unknown {
            host,
            what: what.to_owned(),
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => FetchError::Refused { host, with_token },
        status => FetchError::Status { host, status },
    }
}

/// When requests are taken again, where that is why this one was not.
fn limited_until(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    if !matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let wait = headers
        .contains_key(RETRY_AFTER)
        .then(|| number("retry-after"))
        .flatten();
    let reset = number("x-ratelimit-reset").filter(|_| number("x-ratelimit-remaining") == Some(0));
    let until = match (wait, reset) {
        (Some(wait), _) => Timestamp::now().as_second().checked_add(wait),
        (None, reset) => reset,
    };
    match until.and_then(|second| Timestamp::from_second(second).ok()) {
        Some(time) => Some(time.strftime("%H:%M UTC on %Y-%m-%d").to_string()),
        None if status == StatusCode::TOO_MANY_REQUESTS => Some("some time has passed".into()),
        None => None,
    }
}

/// The `next` of a `Link` header.
fn next_page(headers: &HeaderMap) -> Option<Url> {
    let links = headers.get(LINK)?.to_str().ok()?;
    links.split(',').find_map(|link| {
        let (address, relation) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = relation
            .split(';')
            .any(|part| matches!(part.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then(|| Url::parse(address).ok()).flatten()
    })
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    reqwest::header::HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_end_of_a_limit_is_told_as_a_time() {
        let used_up = headers(&[
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1777629600"),
        ]);
        assert_eq!(
            limited_until(StatusCode::FORBIDDEN, &used_up).as_deref(),
            Some("10:00 UTC on 2026-05-01")
        );
        let left = headers(&[
            ("x-ratelimit-remaining", "7"),
            ("x-ratelimit-reset", "1777629600"),
        ]);
        assert_eq!(limited_until(StatusCode::FORBIDDEN, &left), None);
        assert_eq!(limited_until(StatusCode::NOT_FOUND, &used_up), None);
        assert!(limited_until(StatusCode::FORBIDDEN, &headers(&[("retry-after", "60")])).is_some());
        assert!(limited_until(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()).is_some());
    }

    #[test]
    fn the_next_page_is_found_among_others() {
        let link = "<https://x.example/r?page=1>; rel=\"prev\", <https://x.example/r?page=3>; rel=\"next\"";
        assert_eq!(
            next_page(&headers(&[("link", link)]))
                .map(String::from)
                .as_deref(),
            Some("https://x.example/r?page=3")
        );
        assert_eq!(
            next_page(&headers(&[("link", "<https://x.example/r>; rel=\"last\"")])),
            None
        );
    }

    #[test]
    fn a_web_page_is_no_change_log() {
        assert!(
            read_changelog("\n<!DOCTYPE html><html>")
                .unwrap_err()
                .contains("web page")
        );
        assert!(read_changelog("Nothing here").unwrap_err().contains("no heading"));
        assert_eq!(read_changelog("## 1.0.0\n- a").unwrap().entries.len(), 1);
    }
}
