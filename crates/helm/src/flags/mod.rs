//! The flags of `helm upgrade` on both Helm lines and what becomes of each.

mod duration;
mod error;
mod line;
mod split;
mod table;
mod written;

pub use duration::parse_duration;
pub use error::FlagError;
pub use line::{Reuse, UpgradeLine, UserPostRenderer};
pub use split::{OwnFlag, Split, split};
pub use table::{Arity, HelmFlag, Lines, Treatment, table};
pub use written::WrittenLine;

#[cfg(test)]
mod tests;
