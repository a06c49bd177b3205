//! `kubectl upgrade-check`: judges a release and its target, changes nothing.

mod arguments;
mod bundle;
mod explain;
mod fleet;
mod judge;
mod locks;
mod look;
mod migration_files;
mod notes;
mod path;
mod profile;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::Environment;

/// The whole program but its exit. `words` begin with the program's name.
pub fn main_impl(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let program = words.next().unwrap_or_default();
    let first = words.next();
    // helm is run by this program itself under another first word, so that it ends with us.
    if first.as_ref().and_then(|word| word.to_str()) == Some(helm::supervise::WORD) {
        return helm::supervise::main(words);
    }
    let words = std::iter::once(program).chain(first).chain(words);
    cli::run(words, |words| {
        arguments::route(words, Environment::of_this_process())
    })
}
