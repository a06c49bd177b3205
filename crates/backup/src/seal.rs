//! Encryption in the pipe, in the age format: to public recipients on the way into a store, with an identity on the way
//! out. What was sealed opens with `age -d`, too; nothing here is a format of our own.

mod identities;
mod opening;
mod recipients;
mod sealing;
#[cfg(test)]
mod tests;

pub use identities::{Identities, IdentityError};
pub use opening::OpenError;
pub use recipients::{RecipientError, Recipients};

pub(crate) use opening::open;
pub(crate) use sealing::Sealing;

/// What a manifest says behind the codec of a sealed file.
pub(crate) const SEALED: &str = "+age";

/// The end of the name of a sealed file.
pub(crate) const SUFFIX: &str = ".age";
