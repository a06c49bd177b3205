//! Who holds up whom in a database: seen in one look, judged by pure functions.

mod ending;
mod judge;
mod observe;
#[cfg(test)]
mod tests;
mod tree;

pub use ending::{Ending, may_end};
pub use judge::{find_party, judge_locks};
pub use observe::{LockFacts, observe_locks};
