//! The GitHub that is asked: github.com, or the one of an enterprise.

use model::{Secret, Version};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use thiserror::Error;
use url::Url;

use super::Entry;
use super::place::shown;

/// The address of github.com's API. Another one is an enterprise's, such as `https://git.example.com/api/v3`.
const PUBLIC: &str = "https://api.github.com";

/// Where GitHub's API is, and who asks. The token goes there and nowhere else.
#[derive(Debug, Clone)]
pub struct GitHub {
    api: Url,
    /// The token as a request carries it; whoever prints it sees no more than that it is secret.
    authorization: Option<HeaderValue>,
}

/// Why a GitHub cannot be asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GitHubError {
    /// No address.
    #[error("{0:?} is no address of a GitHub API: write https://HOST/api/v3")]
    Address(String),
    /// Credentials in the address.
    #[error("the address of the GitHub API may hold no user, password or question")]
    Credentials,
    /// No header can carry it.
    #[error("the token for GitHub holds signs that no token has")]
    Token,
    /// Anybody on the way could read the token.
    #[error("the token is not sent to {0}: only https is private")]
    InTheClear(String),
}

/// A release as the API writes it.
#[derive(Deserialize)]
pub(crate) struct Release {
    tag_name: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    published_at: Option<String>,
    #[serde(default)]
    prerelease: bool,
    #[serde(default)]
    draft: bool,
}

impl GitHub {
    /// The GitHub at an API's address, github.com without one. Blanks and line ends around the token are none of it.
    ///
    /// # Errors
    /// See [`GitHubError`].
    pub fn new(api: Option<&str>, token: Option<Secret>) -> Result<Self, GitHubError> {
        let text = api.unwrap_or(PUBLIC);
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "https" | "http") && url.host_str().is_some() && !url.cannot_be_a_base()
        });
        let url = url.ok_or_else(|| GitHubError::Address(shown(text)))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(GitHubError::Credentials);
        }
        let host = url.host_str().unwrap_or_default();
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let authorization = token.map_or(Ok(None), |token| bearer(token.expose().trim()))?;
        if authorization.is_some() && url.scheme() != "https" && !is_here {
            return Err(GitHubError::InTheClear(host.to_owned()));
        }
        Ok(Self {
            api: url,
            authorization,
        })
    }

    /// The host of its pages: `api.github.com` answers for those at `github.com`, and so it is in GitHub's cloud for
    /// enterprises. On a server of one's own both have the same host.
    pub fn site(&self) -> &str {
        let host = self.api.host_str().unwrap_or_default();
        host.strip_prefix("api.")
            .filter(|site| *site == "github.com" || site.ends_with(".ghe.com"))
            .unwrap_or(host)
    }

    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The first page of a repository's releases.
    pub(crate) fn releases(&self, repository: &str) -> Option<Url> {
        let base = self.api.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/repos/{repository}/releases?per_page=100")).ok()
    }

    /// Whether an address is on the same server. No other one is asked for a further page.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        url.origin() == self.api.origin()
    }

    /// What names a repository's releases for good.
    pub(crate) fn identity(&self, repository: &str) -> String {
        format!("{} {repository}", self.api.as_str().trim_end_matches('/'))
    }
}

fn bearer(token: &str) -> Result<Option<HeaderValue>, GitHubError> {
    if token.is_empty() {
        return Ok(None);
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(GitHubError::Token);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| GitHubError::Token)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Release {
    /// What it tells; a draft tells nothing yet.
    pub(crate) fn entry(self) -> Option<Entry> {
        let Self {
            tag_name,
            name,
            body,
            html_url,
            published_at,
            prerelease,
            draft,
        } = self;
        if draft {
            return None;
        }
        // Many releases are called like their tag.
        let is_version = |name: &String| {
            Version::parse(name)
                .zip(Version::parse(&tag_name))
                .is_some_and(|(name, tag)| name == tag)
        };
        let title = name.filter(|name| *name != tag_name && !is_version(name));
        Some(
            Entry {
                title,
                version: tag_name,
                date: published_at.and_then(|time| time.get(..10).map(str::to_owned)),
                prerelease,
                url: html_url,
                text: body.unwrap_or_default(),
            }
            .harmless(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(json: serde_json::Value) -> Option<Entry> {
        serde_json::from_value::<Release>(json).unwrap().entry()
    }

    #[test]
    fn a_release_is_told_by_its_tag_and_a_draft_is_not() {
        let told = release(serde_json::json!({
            "tag_name": "app-v1.2.0", "name": "1.2.0", "body": "text\u{1b}[2J", "draft": false, "prerelease": true,
            "published_at": "2026-05-01T10:00:00Z", "html_url": "https://x.example/1"
        }))
        .unwrap();
        assert_eq!((told.version.as_str(), told.title), ("app-v1.2.0", None));
        assert_eq!(told.date.as_deref(), Some("2026-05-01"));
        assert_eq!(told.text, "text[2J");
        assert!(told.prerelease);
        assert_eq!(
            release(serde_json::json!({"tag_name": "v2", "draft": true})),
            None
        );
        let named = release(serde_json::json!({"tag_name": "v2.0", "name": "The big one"})).unwrap();
        assert_eq!(named.title.as_deref(), Some("The big one"));
    }

    #[test]
    fn a_token_is_not_sent_in_the_clear() {
        let token = || Some(Secret::new("hunter2"));
        assert!(GitHub::new(Some("https://git.example/api/v3"), token()).is_ok());
        assert!(GitHub::new(Some("http://127.0.0.1:8080"), token()).is_ok());
        assert!(GitHub::new(Some("http://git.example"), None).is_ok());
        let refused = GitHub::new(Some("http://git.example"), token()).unwrap_err();
        assert!(matches!(refused, GitHubError::InTheClear(_)), "{refused}");
        for wrong in [
            "git.example",
            "ftp://git.example",
            "https://ann:hunter2@git.example",
            "ftp://ann:hunter2@git.example",
            "ann:hunter2@git.example",
            "https://ann:hunter2@git.example:port",
            "ftp://git.example?token=hunter2",
        ] {
            let told = GitHub::new(Some(wrong), None).unwrap_err().to_string();
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_token_is_read_without_what_stands_around_it_and_is_never_left_out_in_silence() {
        let sent = |token: &str| {
            GitHub::new(None, Some(Secret::new(token))).map(|github| {
                github
                    .authorization()
                    .map(|value| value.to_str().unwrap().to_owned())
            })
        };
        assert_eq!(sent(" hunter2\r\n").unwrap().as_deref(), Some("Bearer hunter2"));
        assert_eq!(sent(" \n").unwrap(), None);
        for wrong in ["hunter2\nX: y", "hunter2\u{e9}", "two words"] {
            assert!(matches!(sent(wrong), Err(GitHubError::Token)), "{wrong:?}");
        }
        let github = GitHub::new(None, Some(Secret::new("hunter2"))).unwrap();
        assert!(!format!("{github:?}").contains("hunter2"));
    }

    #[test]
    fn the_pages_of_a_github_are_where_its_people_read_them() {
        for (api, site) in [
            (None, "github.com"),
            (Some("https://git.corp.example/api/v3"), "git.corp.example"),
            (Some("https://api.corp.example/api/v3"), "api.corp.example"),
            (Some("https://api.shop.ghe.com"), "shop.ghe.com"),
        ] {
            assert_eq!(GitHub::new(api, None).unwrap().site(), site, "{api:?}");
        }
    }

    #[test]
    fn only_the_same_server_is_asked_for_the_next_page() {
        let github = GitHub::new(Some("https://git.example/api/v3/"), None).unwrap();
        let first = github.releases("shop/web").unwrap();
        assert_eq!(
            first.as_str(),
            "https://git.example/api/v3/repos/shop/web/releases?per_page=100"
        );
        assert!(github.serves(&first));
        assert!(!github.serves(&Url::parse("https://elsewhere.example/api/v3/repos").unwrap()));
        assert!(!github.serves(&Url::parse("http://git.example/api/v3/repos").unwrap()));
    }
}
