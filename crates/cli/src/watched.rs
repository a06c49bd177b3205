//! A run with somebody watching, who may be asked.

use std::io::{self, IsTerminal};

use engine::{Asking, Clock, Events, Faults, Questions};
use tokio::sync::mpsc;
use upgrade::flow::RunOptions;
use upgrade::notify::Notify;

use crate::Output;
use crate::consent::is_yes;
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
    let (asking, questions) = Asking::channel();
    let answering = tokio::spawn(answer(questions, events.clone()));
    let ended = run(RunOptions {
        events,
        cancel: interrupts.cancel.clone(),
        hurry: interrupts.hurry.clone(),
        faults: faults.unwrap_or_default(),
        clock: Clock::machine(),
        asking,
        notify: Notify::default(),
    })
    .await;
    drop(interrupts);
    // Who is still being asked need not answer any more.
    answering.abort();
    drop(answering.await);
    // The view ends with its last event; a view that broke is no reason to fail.
    drop(view.await);
    ended
}

/// Puts questions to the person at the terminal. Where nobody is there they are dropped, which says so.
async fn answer(mut questions: Questions, tell: Events) {
    let mut lines: Option<mpsc::UnboundedReceiver<String>> = None;
    while let Some(mut asked) = questions.next().await {
        if !io::stdin().is_terminal() {
            continue;
        }
        let lines = lines.get_or_insert_with(typed_lines);
        // What was typed before the question is no answer to it.
        while lines.try_recv().is_ok() {}
        tell.notice(format!("{} [y/N]", asked.question));
        let answer = tokio::select! {
            answer = lines.recv() => answer,
            () = asked.given_up() => None,
        };
        if let Some(answer) = answer {
            asked.answer(is_yes(&answer));
        }
    }
}

/// Lines as they are typed. A thread of its own reads them: nothing waits for it when the process ends.
fn typed_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
