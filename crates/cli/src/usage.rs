//! Parsing with our exit codes: a mistake in the arguments ends with 1, help and version with 0.

use clap::{CommandFactory, FromArgMatches};
use model::ExitCode;

/// Parses words (the program's name first), or prints help or the mistake and gives the code to end with.
///
/// # Errors
/// The code.
pub fn parse<T: CommandFactory + FromArgMatches>(words: &[String]) -> Result<T, ExitCode> {
    let parsed = T::command()
        .try_get_matches_from(words)
        .and_then(|matches| T::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // Nobody can be told when neither output takes it.
        drop(error.print());
        if error.use_stderr() {
            ExitCode::CouldNotBegin
        } else {
            ExitCode::Done
        }
    })
}
