//! Creating, renaming and swapping databases.

mod act;
mod entry;
mod error;
mod names;
mod pod;
mod properties;
mod quote;
mod way;

pub use act::Admin;
pub use entry::{DatabaseEntry, Swap, TerminatedSession};
pub use error::AdminError;
pub use names::RestoreName;
pub use quote::{quote_identifier, quote_literal};
