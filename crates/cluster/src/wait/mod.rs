//! Waits that watch the API server under the caller's timeout.

mod error;
mod pods;
mod rolled_out;
mod secret;
mod selector;
mod watch;

pub use error::WaitError;
pub use selector::Selector;
pub(crate) use selector::matches;
pub use watch::Judgement;
pub(crate) use watch::watch_until;
