//! Faults on request: the tests' way to make a run die or fail at an exact place.
//!
//! The hidden option's text is a list, separated by commas, of
//!
//! - `kill:before:<n>`: the process kills itself with SIGKILL right before its n-th journal write (counted from 1);
//! - `kill:after:<n>`: the same right after that write;
//! - `error:<step-id>`: the step's apply does its work and is then taken as failed;
//! - `undo-error:<step-id>`: the step's undo fails without doing anything.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why a fault text cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown fault {0:?}: expected kill:before:N, kill:after:N, error:STEP or undo-error:STEP")]
pub struct FaultTextError(String);

/// The faults of one process. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    before: BTreeSet<usize>,
    after: BTreeSet<usize>,
    errors: BTreeSet<String>,
    undo_errors: BTreeSet<String>,
    simulated: bool,
    writes: Arc<AtomicUsize>,
}

/// A death that only the test suffers: the run returns instead of being killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SimulatedDeath;

impl FromStr for Faults {
    type Err = FaultTextError;

    fn from_str(text: &str) -> Result<Self, FaultTextError> {
        let mut faults = Self::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let unknown = || FaultTextError(item.to_owned());
            let (kind, value) = item.split_once(':').ok_or_else(unknown)?;
            if value.is_empty() {
                return Err(unknown());
            }
            match kind {
                "kill" => {
                    let (when, number) = value.split_once(':').ok_or_else(unknown)?;
                    let number: usize = number.parse().ok().filter(|n| *n > 0).ok_or_else(unknown)?;
                    match when {
                        "before" => faults.before.insert(number),
                        "after" => faults.after.insert(number),
                        _ => return Err(unknown()),
                    };
                }
                "error" => drop(faults.errors.insert(value.to_owned())),
                "undo-error" => drop(faults.undo_errors.insert(value.to_owned())),
                _ => return Err(unknown()),
            }
        }
        Ok(faults)
    }
}

impl Faults {
    /// No faults: what every run of a user has.
    pub fn none() -> Self {
        Self::default()
    }

    /// Turns kills into an error that ends the run at once, so that a test can play a death without a process.
    pub fn simulated(mut self) -> Self {
        self.simulated = true;
        self
    }

    /// How many journal writes this process has begun.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    pub(crate) fn before_write(&self) -> Result<(), SimulatedDeath> {
        let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        self.die_if(self.before.contains(&number))
    }

    pub(crate) fn after_write(&self) -> Result<(), SimulatedDeath> {
        self.die_if(self.after.contains(&self.writes()))
    }

    pub(crate) fn fails_after_apply(&self, step: &str) -> bool {
        self.errors.contains(step)
    }

    pub(crate) fn fails_instead_of_undo(&self, step: &str) -> bool {
        self.undo_errors.contains(step)
    }

    fn die_if(&self, now: bool) -> Result<(), SimulatedDeath> {
        match (now, self.simulated) {
            (false, _) => Ok(()),
            (true, true) => Err(SimulatedDeath),
            (true, false) => die(),
        }
    }
}

/// Ends this process as `kill -9` would: no destructor, no handler, nothing flushed.
fn die() -> ! {
    #[cfg(unix)]
    {
        use nix::sys::signal::{Signal, kill};
        // If the kernel refuses, the abort below ends the process all the same.
        let _refused = kill(nix::unistd::Pid::this(), Signal::SIGKILL);
    }
    std::process::abort()
}
