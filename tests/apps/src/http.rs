//! JSON over HTTP, as a client of the application sees it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use ureq::Agent;

/// No request of a test takes this long; this only keeps a hung server from hanging the test.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// From the moment that a pod is ready until each node sends a Service's requests to it. There is no event for the
/// latter; it takes a second at most.
const ROUTED_WITHIN: Duration = Duration::from_secs(20);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A client that opens a connection for each request, so that each one finds its way to a pod anew, and that gives
/// error statuses as answers.
pub(crate) fn agent(within: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(within))
        .http_status_as_error(false)
        .max_idle_connections(0)
        .proxy(None)
        .build()
        .new_agent()
}

/// A server and what it is asked.
pub(crate) struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// A client of the server at `IP:PORT`.
    pub(crate) fn new(address: &str) -> Self {
        Self {
            agent: agent(REQUEST_WITHIN),
            base: format!("http://{address}"),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let response = once_routed(|| self.agent.get(&url).call()).with_context(|| format!("GET {url}"))?;
        read("GET", &url, response)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let response =
            once_routed(|| self.agent.post(&url).send_json(body)).with_context(|| format!("POST {url}"))?;
        read("POST", &url, response)
    }

    /// Waits until a path answers with success.
    pub(crate) fn wait_for(&self, path: &str) -> Result<()> {
        let url = format!("{}{path}", self.base);
        let deadline = Instant::now() + ROUTED_WITHIN;
        loop {
            let last = match self.agent.get(&url).call() {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => response.status().to_string(),
                Err(error) => error.to_string(),
            };
            if Instant::now() > deadline {
                bail!(
                    "{url} did not answer within {} s: {last}",
                    ROUTED_WITHIN.as_secs()
                );
            }
            pause();
        }
    }
}

/// Sends a request again while the connection is refused: for a moment after a pod is ready the node still refuses what
/// is for its Service. Nobody has seen a request whose connection was refused, so none is acted on twice.
fn once_routed<T>(request: impl Fn() -> Result<T, ureq::Error>) -> Result<T, ureq::Error> {
    let deadline = Instant::now() + ROUTED_WITHIN;
    loop {
        match request() {
            Err(ureq::Error::Io(error))
                if error.kind() == ErrorKind::ConnectionRefused && Instant::now() < deadline =>
            {
                pause();
            }
            ended => return ended,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no event tells that a Service's rules have reached the node"
)]
fn pause() {
    std::thread::sleep(ASK_AGAIN_AFTER);
}

fn read(method: &str, url: &str, mut response: ureq::http::Response<ureq::Body>) -> Result<Value> {
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .with_context(|| format!("read the answer of {method} {url}"))?;
    if !status.is_success() {
        bail!("{method} {url} was answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("parse the answer of {method} {url}: {text}"))
}
