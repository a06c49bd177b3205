//! A run with somebody watching.

use engine::{Events, Faults};
use upgrade::flow::RunOptions;

use crate::Output;
use crate::live::{interrupts, show_events};

/// Runs something whose events are shown while it runs and which a person may interrupt.
pub async fn watched<F: Future>(
    output: &Output,
    faults: Option<Faults>,
    run: impl FnOnce(RunOptions) -> F,
) -> F::Output {
    let (events, receiver) = Events::channel();
    let view = show_events(*output, receiver);
    let teller = events.clone();
    let interrupts = interrupts(move |words| teller.notice(words));
    let ended = run(RunOptions {
        events,
        cancel: interrupts.cancel.clone(),
        hurry: interrupts.hurry.clone(),
        faults: faults.unwrap_or_default(),
    })
    .await;
    drop(interrupts);
    // The view ends with its last event; a view that broke is no reason to fail.
    drop(view.await);
    ended
}
