//! Requests to a Service at a steady pace, to tell afterwards which version answered when.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::http;

/// Between two requests.
const PACE: Duration = Duration::from_millis(50);
/// A request that takes longer has failed: what a user would call an outage.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Where ledger says which version answers.
const VERSION_HEADER: &str = "x-ledger-version";

/// What one request met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A success, by the version that its header names (empty where the application has no such header).
    Version(String),
    /// Another status than success.
    Status(u16),
    /// No answer: refused, reset or too slow.
    Failed(String),
}

/// All answers in order.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// When each request was sent, and what it met.
    pub all: Vec<(Instant, Answer)>,
}

impl Answers {
    /// Successes by version.
    #[must_use]
    pub fn versions(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (_, answer) in &self.all {
            if let Answer::Version(version) = answer {
                *counts.entry(version.clone()).or_insert(0) += 1;
            }
        }
        counts
    }

    /// When a version answered for the first time.
    #[must_use]
    pub fn first(&self, version: &str) -> Option<Instant> {
        let wanted = Answer::Version(version.to_owned());
        self.all
            .iter()
            .find(|(_, answer)| *answer == wanted)
            .map(|(at, _)| *at)
    }

    /// Requests that met no success.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.all
            .iter()
            .filter(|(_, answer)| !matches!(answer, Answer::Version(_)))
            .count()
    }
}

/// A running probe.
#[derive(Debug)]
pub struct Probe {
    stop: Sender<()>,
    thread: JoinHandle<Answers>,
}

impl Probe {
    /// Begins to ask `http://ADDRESS PATH` twenty times a second.
    #[must_use]
    pub fn start(address: &str, path: &str) -> Self {
        let url = format!("http://{address}{path}");
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            let agent = http::agent(ANSWER_WITHIN);
            let mut answers = Answers::default();
            loop {
                let sent = Instant::now();
                answers.all.push((sent, ask(&agent, &url)));
                match stopped.recv_timeout(PACE.saturating_sub(sent.elapsed())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return answers,
                }
            }
        });
        Self { stop, thread }
    }

    /// Ends the probe.
    ///
    /// # Errors
    /// When the probe itself broke.
    pub fn stop(self) -> Result<Answers> {
        drop(self.stop);
        self.thread
            .join()
            .map_err(|_| anyhow!("the probe's thread panicked"))
    }
}

fn ask(agent: &ureq::Agent, url: &str) -> Answer {
    match agent.get(url).call() {
        Ok(response) if response.status().is_success() => {
            let version = response
                .headers()
                .get(VERSION_HEADER)
                .and_then(|value| value.to_str().ok());
            Answer::Version(version.unwrap_or_default().to_owned())
        }
        Ok(response) => Answer::Status(response.status().as_u16()),
        Err(error) => Answer::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_version_and_failures_apart() {
        let now = Instant::now();
        let later = now + PACE;
        let version = |name: &str| Answer::Version(name.to_owned());
        let answers = Answers {
            all: vec![
                (now, version("1.0.0")),
                (now, Answer::Status(503)),
                (later, version("1.1.0")),
                (later, version("1.1.0")),
                (later, Answer::Failed("refused".to_owned())),
            ],
        };
        assert_eq!(
            answers.versions(),
            BTreeMap::from([("1.0.0".to_owned(), 1), ("1.1.0".to_owned(), 2)])
        );
        assert_eq!(answers.first("1.1.0"), Some(later));
        assert_eq!(answers.first("2.0.0"), None);
        assert_eq!(answers.failures(), 2);
    }
}
