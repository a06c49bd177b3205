//! Telling somebody who does not watch: a webhook and a command, at the moments of a run that a person wants to be called
//! for. What cannot be told changes nothing for the run; it is said, and stands in the report.

mod message;

use std::time::Duration;

use engine::Events;
use model::{Notification, Plan, Secret, UpgradeReport};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use web::Patience;

use self::message::Teller;
use crate::shell;

/// How long a webhook or a command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long what is not told yet may take when a run has ended: a person waits for its report.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Why nobody can be told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// What was given is no address. It is not shown: it may be a secret all the same.
    #[error("the address for notifications is none: it has to begin with https:// or http://")]
    Address,
    /// An empty command.
    #[error("the command for notifications is empty")]
    Command,
}

/// Who is told. The webhook's address lets everybody who knows it write, so it is a secret.
#[derive(Debug, Clone, Default)]
pub struct Notify {
    webhook: Option<Secret>,
    command: Option<String>,
}

impl Notify {
    /// A webhook, a command, both or nobody.
    ///
    /// # Errors
    /// When one of them cannot be what it should.
    pub fn new(webhook: Option<Secret>, command: Option<String>) -> Result<Self, NotifyError> {
        if webhook.as_ref().is_some_and(|url| !web::is_address(url.expose())) {
            return Err(NotifyError::Address);
        }
        if command.as_ref().is_some_and(|command| command.trim().is_empty()) {
            return Err(NotifyError::Command);
        }
        Ok(Self { webhook, command })
    }

    fn is_nobody(&self) -> bool {
        self.webhook.is_none() && self.command.is_none()
    }

    /// Tells; gives what could not be told, and why.
    async fn tell(&self, message: &Notification) -> Vec<String> {
        let body = match serde_json::to_string(message) {
            Ok(body) => body,
            Err(error) => return vec![format!("a notification could not be written: {error}")],
        };
        let webhook = async {
            let url = self.webhook.as_ref()?;
            let patience = Patience {
                answer: PATIENCE,
                ..Patience::default()
            };
            web::post_json(url.expose(), body.clone(), patience).await.err()
        };
        let command = async {
            shell::run(self.command.as_ref()?, &[], &body, PATIENCE)
                .await
                .err()
        };
        let (webhook, command) = tokio::join!(webhook, command);
        let at = message::word(message.at);
        let webhook = webhook.map(|error| format!("the webhook was not told of \"{at}\": {error}"));
        let command = command.map(|why| format!("the command for notifications failed at \"{at}\": {why}"));
        webhook.into_iter().chain(command).collect()
    }
}

/// The telling of one run.
pub(crate) struct Notifying(Option<Running>);

struct Running {
    teller: Teller,
    messages: mpsc::UnboundedSender<Notification>,
    relaying: JoinHandle<()>,
    telling: JoinHandle<Vec<String>>,
}

/// Hands a run's events on to `to` and tells its moments, beside it: who answers slowly must not hold up the run.
pub(crate) fn notified(notify: &Notify, plan: &Plan, run: &str, to: Events) -> (Events, Notifying) {
    if notify.is_nobody() {
        return (to, Notifying(None));
    }
    let (events, mut receiver) = Events::channel();
    let (messages, mut waiting) = mpsc::unbounded_channel();
    let teller = Teller::new(plan, run);
    let (its_teller, its_messages, heard) = (teller.clone(), messages.clone(), to.clone());
    let relaying = tokio::spawn(async move {
        while let Some(event) = receiver.next().await {
            if let Some(message) = its_teller.moment(&event) {
                // Nobody tells any more: the report says so.
                drop(its_messages.send(message));
            }
            heard.send(event);
        }
    });
    let notify = notify.clone();
    let telling = tokio::spawn(async move {
        let mut untold = Vec::new();
        while let Some(message) = waiting.recv().await {
            for words in notify.tell(&message).await {
                to.notice(words.as_str());
                untold.push(words);
            }
        }
        untold
    });
    let running = Running {
        teller,
        messages,
        relaying,
        telling,
    };
    (events, Notifying(Some(running)))
}

impl Notifying {
    /// Tells how the run ended and waits until all is told, for a while. What was not is in the report that comes back. All
    /// senders of the run's events must be gone.
    pub(crate) async fn end(self, mut report: UpgradeReport) -> UpgradeReport {
        let Some(Running {
            teller,
            messages,
            relaying,
            telling,
        }) = self.0
        else {
            return report;
        };
        // A task that broke has told what it could.
        drop(tokio::time::timeout(LAST_WORDS, relaying).await);
        drop(messages.send(teller.end(&report)));
        drop(messages);
        let abort = telling.abort_handle();
        let untold = match tokio::time::timeout(LAST_WORDS, telling).await {
            Ok(Ok(untold)) => untold,
            Ok(Err(_)) => vec!["telling of the run broke off".to_owned()],
            Err(_) => {
                abort.abort();
                vec!["not everybody was told of the run in time".to_owned()]
            }
        };
        report.warnings.extend(untold);
        report
    }
}
