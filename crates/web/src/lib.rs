//! How the programs ask a web server: bounded in time, and never from a private connection on to an open one.
//!
//! Proxies are those of the environment (`HTTPS_PROXY`, `NO_PROXY`), authorities those of the machine.

mod post;

use std::time::Duration;

pub use post::{PostError, is_address, post_json};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Url};

/// The most servers that a request is handed on to.
const MOST_REDIRECTS: usize = 5;

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// While nothing is heard.
    pub silence: Duration,
    /// For one whole answer.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            silence: Duration::from_secs(10),
            answer: Duration::from_secs(60),
        }
    }
}

/// Gets ready to ask; nothing is asked yet.
///
/// # Errors
/// When the machine's certificates cannot be used.
pub fn client(patience: Patience) -> Result<Client, reqwest::Error> {
    redirected(patience, Policy::custom(redirect))
}

fn redirected(patience: Patience, policy: Policy) -> Result<Client, reqwest::Error> {
    // The client asks for the process's provider of cryptography. An error means that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("safe-upgrade/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        .connect_timeout(patience.connect)
        .read_timeout(patience.silence)
        .timeout(patience.answer)
        .build()
}

fn redirect(attempt: Attempt<'_>) -> Action {
    match refused(attempt.previous(), attempt.url()) {
        Some(why) => attempt.error(why),
        None => attempt.follow(),
    }
}

/// Why a request is not handed on: never from a private connection to an open one, and not round and round.
fn refused(previous: &[Url], next: &Url) -> Option<&'static str> {
    let was_private = previous.iter().any(|url| url.scheme() == "https");
    if previous.len() > MOST_REDIRECTS {
        Some("it is sent on too often")
    } else if was_private && next.scheme() != "https" {
        Some("it is sent on to an address that is not private")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_connection_is_not_left_for_an_open_one() {
        let url = |text: &str| Url::parse(text).unwrap();
        let (private, open) = (url("https://a.example/x"), url("http://b.example/x"));
        assert_eq!(refused(std::slice::from_ref(&private), &private), None);
        assert_eq!(refused(std::slice::from_ref(&open), &private), None);
        assert_eq!(refused(std::slice::from_ref(&open), &open), None);
        assert!(refused(std::slice::from_ref(&private), &open).is_some());
        assert!(refused(&[private.clone(), open.clone()], &open).is_some());
    }

    #[test]
    fn a_request_is_not_sent_round_and_round() {
        let url = Url::parse("https://a.example/x").unwrap();
        let sent_on = |times: usize| refused(&vec![url.clone(); times], &url);
        assert_eq!(sent_on(MOST_REDIRECTS), None);
        assert!(sent_on(MOST_REDIRECTS + 1).is_some());
    }
}
