//! Takes a program's own flags out of a line that mixes them with those of helm.

use super::{Arity, FlagError};
use crate::HelmMajor;

/// A flag of the program itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFlag {
    /// Its long name without dashes.
    pub name: String,
    /// Its short form.
    pub short: Option<char>,
    /// What follows it.
    pub arity: Arity,
}

/// A line taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// The program's own flags with their values, in order: for its own parser.
    pub own: Vec<String>,
    /// helm's flags and the words that are no flags, in order: for [`crate::UpgradeLine::parse`].
    pub helm: Vec<String>,
}

/// Takes the flags of `own` out of `args`. A flag in both tables is the program's. Flags in neither stay with helm's,
/// whose parser names them. Everything after `--` stays with helm's.
///
/// # Errors
/// An own flag without its value.
pub fn split(_args: &[String], _own: &[OwnFlag], _major: HelmMajor) -> Result<Split, FlagError> {
    todo!()
}
