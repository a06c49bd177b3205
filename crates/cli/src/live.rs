//! Showing a run while it happens, and a person's wish to end it.

use std::io;

use engine::EventReceiver;
use render::{Live, LiveOutput};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Output;

/// Shows events until the last sender is gone.
pub fn show_events(output: Output, mut events: EventReceiver) -> JoinHandle<()> {
    let place = if output.watched {
        LiveOutput::Terminal
    } else {
        LiveOutput::Lines(Box::new(io::stderr()))
    };
    let mut live = Live::new(output.talk, place);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            // A terminal that went away ends the view, never the run.
            if live.show(&event).is_err() {
                break;
            }
        }
        live.end();
        while events.next().await.is_some() {}
    })
}

/// A token that the first interrupt cancels. A second one ends the process as if it were killed; the journal then tells
/// where the run was.
pub fn interrupts() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        interrupted().await;
        cancelled.cancel();
        interrupted().await;
        std::process::abort();
    });
    token
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    let waits = signals.iter_mut().map(|signal| Box::pin(signal.recv()));
    futures::future::select_all(waits).await;
}

#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
