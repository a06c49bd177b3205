//! Whether a pod is kept from the machines that a rehearsed migration must not meet: tried from the pod itself, before any
//! container of the application starts. Many networks ignore policies.

use std::sync::Arc;

use super::pod::AppServer;
use super::server::SERVER;
use crate::base::run;
use crate::script::APP_APART;
use crate::{RunError, Runner};

/// How often it is tried before a network counts as one that ignores policies: ten seconds where both answer at once.
pub(super) const PATIENTLY: &str = "6";

/// How often it is tried again just before the start.
pub(super) const ONCE: &str = "1";

/// What both machines said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Apart {
    live: Answer,
    api: Answer,
}

/// Whether a machine answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing came back.
    Silent,
    /// Something did.
    Answers,
    /// It could not be tried.
    Unknown,
}

impl Apart {
    /// Tries from the pod.
    pub(super) async fn look(pod: &AppServer, times: &str) -> Result<Self, RunError> {
        let live = pod.request.live.address.as_ref();
        let port = live.map(|(_, port)| port.to_string()).unwrap_or_default();
        let host = live.map_or("", |(host, _)| host.as_str());
        let runner: Arc<dyn Runner> = Arc::new(pod.commands_in(SERVER));
        let (said, _) = run(&runner, APP_APART, &[times, host, &port]).await?;
        Ok(Self::read(&said))
    }

    fn read(said: &str) -> Self {
        let of = |name: &str| {
            let found = said.lines().find_map(|line| line.strip_prefix(name));
            match found.map(str::trim) {
                Some("silent") => Answer::Silent,
                Some("answers") => Answer::Answers,
                Some(_) | None => Answer::Unknown,
            }
        };
        Self {
            live: of("live "),
            api: of("api "),
        }
    }

    /// Why the application must not start; `None` where both kept silent.
    pub(super) fn refused(&self) -> Option<String> {
        let of = |who: &str, answer: Answer| match answer {
            Answer::Silent => None,
            Answer::Answers => Some(format!("{who} answers")),
            Answer::Unknown => Some(format!("whether {who} answers could not be tried")),
        };
        let told = [
            of("the database in use", self.live),
            of("the API server", self.api),
        ];
        let told: Vec<String> = told.into_iter().flatten().collect();
        (!told.is_empty()).then(|| {
            format!(
                "from its pod {}, although a NetworkPolicy lets nothing out: the network of this cluster does not enforce \
                 NetworkPolicy, or not for this pod",
                told.join(" and ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silence_of_both_is_silence() {
        assert_eq!(Apart::read("live silent\napi silent\n").refused(), None);
        for (said, told) in [
            ("live answers\napi silent\n", "the database in use answers"),
            ("live silent\napi answers\n", "the API server answers"),
            (
                "live unknown\napi silent\n",
                "database in use answers could not be tried",
            ),
            ("live silent\n", "API server answers could not be tried"),
            ("", "could not be tried and whether the API server"),
        ] {
            let refused = Apart::read(said).refused().unwrap();
            assert!(refused.contains(told), "{said:?}: {refused}");
        }
    }

    /// The script itself, on this machine: a closed port keeps silent, and whoever speaks another protocol has answered.
    #[test]
    fn whoever_speaks_another_protocol_has_answered() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().port().to_string();
        let closed = {
            let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap().port().to_string()
        };
        // As a TLS server ends what is no greeting; how often it is spoken to does not matter.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 8]);
                let _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 10]);
            }
        });
        let said = |live: &str, api: &str| {
            let made = std::process::Command::new("sh")
                .args(["-c", APP_APART, "safe-upgrade", ONCE, "127.0.0.1", live])
                .env("KUBERNETES_SERVICE_HOST", "127.0.0.1")
                .env("KUBERNETES_SERVICE_PORT", api)
                .output()
                .unwrap();
            Apart::read(&String::from_utf8(made.stdout).unwrap())
        };
        assert_eq!(said(&closed, &closed).refused(), None);
        let api = said(&closed, &open).refused().unwrap();
        assert!(
            api.contains("the API server answers") && !api.contains("database"),
            "{api}"
        );
        let live = said(&open, &closed).refused().unwrap();
        assert!(live.contains("the database in use answers"), "{live}");
    }
}
