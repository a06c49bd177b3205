//! Waiting for what has no watch: a process to be gone, a socket to answer.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long to rest between two looks: short against a start of seconds, long against the cost of a look.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until `condition` holds.
///
/// # Errors
/// What `condition` returns, or that `what` did not come true within `limit`.
pub(crate) fn until(what: &str, limit: Duration, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !condition()? {
        if begun.elapsed() >= limit {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        rest();
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "neither a foreign process's end nor a socket can be watched portably"
)]
fn rest() {
    thread::sleep(PAUSE);
}
