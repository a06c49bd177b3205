//! Where a run's events go: the only output of the engine and of every step.

use std::sync::{Arc, Mutex, PoisonError};

use model::Event;
use tokio::sync::mpsc;

/// The sending end. Cheap to clone; a listener that went away is no error, because a run must not end for its audience.
#[derive(Debug, Clone)]
pub struct Events {
    sink: Sink,
}

#[derive(Debug, Clone)]
enum Sink {
    Channel(mpsc::UnboundedSender<Event>),
    Memory(Arc<Mutex<Vec<Event>>>),
    Nowhere,
}

/// The receiving end of [`Events::channel`]; ends when the last sender is gone.
#[derive(Debug)]
pub struct EventReceiver {
    receiver: mpsc::UnboundedReceiver<Event>,
}

impl EventReceiver {
    /// The next event, or `None` when no sender is left.
    pub async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}

impl Events {
    /// Events for a renderer.
    pub fn channel() -> (Self, EventReceiver) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let events = Self {
            sink: Sink::Channel(sender),
        };
        (events, EventReceiver { receiver })
    }

    /// Events that are kept in memory, for tests: read them with [`Events::collected`].
    pub fn in_memory() -> Self {
        Self {
            sink: Sink::Memory(Arc::default()),
        }
    }

    /// Events that nobody hears.
    pub fn nowhere() -> Self {
        Self { sink: Sink::Nowhere }
    }

    /// Puts an event out.
    pub fn send(&self, event: Event) {
        match &self.sink {
            // The renderer may be gone (closed terminal); the journal still tells everything.
            Sink::Channel(sender) => drop(sender.send(event)),
            Sink::Memory(events) => events.lock().unwrap_or_else(PoisonError::into_inner).push(event),
            Sink::Nowhere => {}
        }
    }

    /// Puts out what a step is doing or waiting for.
    pub fn progress(&self, step: &str, message: impl Into<String>, share: Option<f64>) {
        self.send(Event::Progress {
            id: step.to_owned(),
            message: message.into(),
            share,
        });
    }

    /// Puts out something that the user should know.
    pub fn notice(&self, message: impl Into<String>) {
        self.send(Event::Notice {
            message: message.into(),
        });
    }

    /// What was sent so far through [`Events::in_memory`]; empty for the others.
    pub fn collected(&self) -> Vec<Event> {
        match &self.sink {
            Sink::Memory(events) => events.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            Sink::Channel(_) | Sink::Nowhere => Vec::new(),
        }
    }
}
