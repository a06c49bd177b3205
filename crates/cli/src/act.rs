//! An act that somebody watches and may interrupt.

use std::error::Error;
use std::time::Instant;

use backup::Progress;
use engine::Events;
use model::{Event, StepState};
use tokio_util::sync::CancellationToken;

use crate::Output;
use crate::live::{interrupts, show_events};

/// The one step of the act, for the view.
const STEP: &str = "act";

/// How an act ended.
pub enum ActEnd<T, E> {
    /// It came to its end, good or bad.
    Ended(Result<T, E>),
    /// Somebody interrupted it; it was dropped where it stood.
    Interrupted,
}

/// Does something under a title, shows its progress on standard error, and drops it when interrupted. An act that
/// cleans up after itself looks at the token it is given and is not dropped.
pub async fn act<T, E: Error>(
    output: &Output,
    title: &str,
    work: impl AsyncFnOnce(Progress<'_>) -> Result<T, E>,
) -> ActEnd<T, E> {
    watched(output, title, async move |progress, cancel| {
        tokio::select! {
            ended = work(progress) => ActEnd::Ended(ended),
            () = cancel.cancelled() => ActEnd::Interrupted,
        }
    })
    .await
}

/// Like [`act`] for work that ends by itself soon after the token is cancelled.
pub async fn act_until<T, E: Error>(
    output: &Output,
    title: &str,
    work: impl AsyncFnOnce(Progress<'_>, CancellationToken) -> Result<T, E>,
) -> Result<T, E> {
    let end = watched(output, title, async move |progress, cancel| {
        ActEnd::Ended(work(progress, cancel).await)
    })
    .await;
    match end {
        ActEnd::Ended(result) => result,
        ActEnd::Interrupted => unreachable!("work that is never dropped always ends"),
    }
}

async fn watched<T, E: Error>(
    output: &Output,
    title: &str,
    work: impl AsyncFnOnce(Progress<'_>, CancellationToken) -> ActEnd<T, E>,
) -> ActEnd<T, E> {
    let (events, receiver) = Events::channel();
    let view = show_events(*output, receiver);
    let begun = Instant::now();
    let step = |state, detail, seconds| Event::Step {
        id: STEP.into(),
        title: title.to_owned(),
        state,
        detail,
        seconds,
    };
    events.send(step(StepState::Running, None, None));
    let progress = |message: &str, share| events.progress(STEP, message, share);
    let teller = events.clone();
    let interrupts = interrupts(move |words| teller.notice(words));
    let end = work(&progress, interrupts.cancel.clone()).await;
    drop(interrupts);
    let (state, detail) = match &end {
        ActEnd::Ended(Ok(_)) => (StepState::Done, None),
        // The error itself is told in full by whoever asked for the act.
        ActEnd::Ended(Err(_)) => (StepState::Failed, None),
        ActEnd::Interrupted => (StepState::Failed, Some("interrupted".to_owned())),
    };
    events.send(step(state, detail, Some(begun.elapsed().as_secs_f64())));
    drop(events);
    // The view ends with its last event; a view that broke is no reason to fail.
    drop(view.await);
    end
}
