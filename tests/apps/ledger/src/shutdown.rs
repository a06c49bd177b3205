//! SIGTERM and SIGINT, heard from the first moment: a program that is a container's first process ignores what it
//! does not handle.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::log;

/// Becomes true once, when the program is to end.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Starts to listen; a SIGTERM is heeded `ignore_for` after it came.
    pub(crate) fn listen(ignore_for: Duration) -> io::Result<Self> {
        let (sender, receiver) = watch::channel(false);
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => log::line(format_args!("ledger: SIGTERM")),
                _ = interrupt.recv() => log::line(format_args!("ledger: SIGINT")),
            }
            if !ignore_for.is_zero() {
                log::line(format_args!("ledger: ignoring it for {} s", ignore_for.as_secs()));
                tokio::time::sleep(ignore_for).await;
            }
            // No receiver: the program is ending anyway.
            let _ = sender.send(true);
        });
        Ok(Self(receiver))
    }

    /// Waits until the program is to end.
    pub(crate) async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requested| *requested).await.is_err() {
            // The listener is gone without a request, so none can come any more.
            std::future::pending::<()>().await;
        }
    }
}
