//! `kubectl pgbackup`: makes, proves, lists, fetches and restores backups.

mod act;
pub(crate) mod arguments;
mod artefacts;
mod base;
mod create;
mod failure;
mod files;
mod ground;
mod keys;
mod list;
mod look;
mod prune;
mod rbac;
mod restore;
mod rights;
mod schedule;
mod seal;
mod show;
mod status;
mod store;
mod stored;
pub(crate) mod target;
mod verify;
mod verify_app;
mod via;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::Environment;

/// The whole program but its exit. `words` begin with the program's name.
pub fn main_impl(words: impl Iterator<Item = OsString>) -> ExitCode {
    cli::run(words, |words| {
        arguments::route(words, Environment::of_this_process())
    })
}
