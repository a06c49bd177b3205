//! Showing a run while it happens, and a person's wish to end it.

use std::io;
use std::time::Duration;

use engine::EventReceiver;
use render::{Live, LiveOutput};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;
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

/// How long after an interrupt that told how to stop at once the next one does so.
const SURE: Duration = Duration::from_secs(5);

/// What a person's interrupts mean for what is going on.
pub struct Interrupts {
    /// Cancelled by the first: what is going on ends in order.
    pub cancel: CancellationToken,
    /// Cancelled by the second: waits on the way there are cut short.
    pub hurry: CancellationToken,
    listening: AbortHandle,
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// What an interrupt means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Press {
    /// End in order.
    Cancel,
    /// Cut waits short; the next one soon after ends the process.
    Hurry,
    /// End the process as if it were killed.
    Stop,
}

/// The meaning of the next interrupt; `announced` is how long ago it was told how to stop at once.
fn press(cancelled: bool, announced: Option<Duration>) -> Press {
    match (cancelled, announced) {
        (false, _) => Press::Cancel,
        (true, Some(ago)) if ago <= SURE => Press::Stop,
        (true, Some(_) | None) => Press::Hurry,
    }
}

/// Listens to interrupts for as long as what is returned lives: the first ends what is going on in order, each later one
/// cuts a wait short and tells how to stop at once, and one soon after that ends the process as if it were killed; the
/// journal then tells where the run was. `tell` puts words before the user.
pub fn interrupts(tell: impl Fn(&str) + Send + 'static) -> Interrupts {
    let (cancel, hurry) = (CancellationToken::new(), CancellationToken::new());
    let tokens = (cancel.clone(), hurry.clone());
    let listening = tokio::spawn(async move {
        let mut announced: Option<Instant> = None;
        loop {
            interrupted().await;
            match press(tokens.0.is_cancelled(), announced.map(|at| at.elapsed())) {
                Press::Cancel => {
                    tokens.0.cancel();
                    tell("interrupted: ending in order; press again to cut waits short");
                }
                Press::Hurry => {
                    tokens.1.cancel();
                    announced = Some(Instant::now());
                    tell(&format!(
                        "press again within {} s to stop at once: what it started is ended, and a run can be resumed",
                        SURE.as_secs()
                    ));
                }
                Press::Stop => std::process::abort(),
            }
        }
    });
    Interrupts {
        cancel,
        hurry,
        listening: listening.abort_handle(),
    }
}

/// Waits for a wish to end: an interrupt, and where there are such signals a terminate or a hangup.
#[cfg(unix)]
pub async fn interrupted() {
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

/// Waits for a wish to end: an interrupt.
#[cfg(not(unix))]
pub async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_interrupt_right_after_the_warning_stops_at_once() {
        assert_eq!(press(false, None), Press::Cancel);
        assert_eq!(press(true, None), Press::Hurry);
        assert_eq!(press(true, Some(Duration::from_secs(4))), Press::Stop);
        assert_eq!(press(true, Some(Duration::from_secs(6))), Press::Hurry);
    }
}
