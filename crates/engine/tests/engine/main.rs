//! The engine against stores in memory and a small world, with every way to die, fail and lose the lease.

#![expect(clippy::unwrap_used, reason = "what cannot be had ends the test")]

mod common;
mod failures;
mod killed_anywhere;
mod lease;
mod prices;
mod storing;
mod terms;
