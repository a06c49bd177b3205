//! Asking a person while a run goes on.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// How long an answer is waited for: who has left the terminal must not keep a release half-way.
const PATIENCE: Duration = Duration::from_secs(300);

/// The way to a person, or to nobody. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    sender: Option<mpsc::UnboundedSender<Asked>>,
}

/// A question that waits for its answer.
#[derive(Debug)]
pub struct Asked {
    /// What is asked; to be answered with yes or no.
    pub question: String,
    reply: oneshot::Sender<bool>,
}

/// The other end of [`Asking::channel`].
#[derive(Debug)]
pub struct Questions(mpsc::UnboundedReceiver<Asked>);

impl Asking {
    /// Nobody is there.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// A person who answers at the other end.
    pub fn channel() -> (Self, Questions) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let asking = Self { sender: Some(sender) };
        (asking, Questions(receiver))
    }

    /// Asks and waits for the answer, at most five minutes; `None` where nobody is there, or nobody is any more.
    pub async fn ask(&self, question: impl Into<String>) -> Option<bool> {
        let (reply, answer) = oneshot::channel();
        let question = question.into();
        self.sender.as_ref()?.send(Asked { question, reply }).ok()?;
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
    }
}

impl Questions {
    /// The next question; `None` when nobody can ask any more.
    pub async fn next(&mut self) -> Option<Asked> {
        self.0.recv().await
    }
}

impl Asked {
    /// Waits until nobody waits for the answer any more.
    pub async fn given_up(&mut self) {
        self.reply.closed().await;
    }

    /// Answers. Dropping it instead says that nobody is there.
    pub fn answer(self, yes: bool) {
        // Who asked may have gone on without an answer.
        let _ = self.reply.send(yes);
    }
}
