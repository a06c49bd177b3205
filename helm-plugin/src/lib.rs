//! The helm plugin: arguments in, exit code out.
//!
//! One binary is the plugin, the supervisor of the helm that it runs, and the post-renderer of that helm's first pass;
//! the first word tells which.

mod agree;
mod arguments;
mod carry_on;
mod command_line;
mod notify;
mod quiesce;
mod recover;
mod rehearse;
mod report;
mod rollback;
mod saved;
mod session;
mod status;
mod terms;
mod unlock;
mod unquiesce;
mod upgrade;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::Environment;

/// The whole program but its exit. `words` begin with the program's name.
pub fn main_impl(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let program = words.next().unwrap_or_default();
    let first = words.next();
    match first.as_ref().and_then(|word| word.to_str()) {
        Some(helm::supervise::WORD) => helm::supervise::main(words),
        Some(helm::post_render::WORD) => helm::post_render::main(words),
        Some(_) | None => {
            let words = std::iter::once(program).chain(first).chain(words);
            cli::run(words, |words| {
                arguments::route(words, Environment::of_this_process())
            })
        }
    }
}
