//! Agreement to a plan, and a run with somebody watching.

use cli::{Consent, Output, interrupts, show_events};
use engine::{Events, Faults};
use upgrade::flow::RunOptions;

use crate::upgrade::Refusal;

/// Asks a person, unless `yes` was given beforehand.
pub(crate) fn agree(yes: bool) -> Result<(), Refusal> {
    match cli::ask("Do it?", yes).map_err(Refusal::Ask)? {
        Consent::Yes => Ok(()),
        Consent::No => Err(Refusal::Words("not agreed to".into())),
        Consent::NobodyThere => {
            let words = "nobody is there to agree to the plan; add --yes to agree beforehand";
            Err(Refusal::Words(words.into()))
        }
    }
}

/// Runs something whose events are shown while it runs and which a person may interrupt.
pub(crate) async fn watched<F: Future>(
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
