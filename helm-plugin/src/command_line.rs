//! The line of a command whose own flags stand among those of `helm upgrade`.

use clap::{CommandFactory, FromArgMatches};
use cli::{Environment, MixedLineError, Output, OutputFlags};
use helm::FlagError;
use model::ExitCode;

use crate::session::UNCHANGED;

/// Takes the line of a command apart: its own flags, and helm's words with the release in front. `words` begin with the
/// program's name and the command's; `release` takes the release out of the flags, `help` is the command that tells more.
///
/// # Errors
/// The code to end with: a mistake is told already, and without any words the help is.
pub(crate) fn taken_apart<C: CommandFactory + FromArgMatches>(
    words: &[String],
    environment: &Environment,
    release: fn(&mut C) -> Option<String>,
    help: &str,
) -> Result<(C, Vec<String>), ExitCode> {
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != 1)
        .map(|(_, word)| word.clone())
        .collect();
    let (mut own, mut line) = match cli::mixed_line::<C>(&words) {
        Ok(line) => (line.own, line.helm),
        Err(MixedLineError::Told(code)) => return Err(code),
        Err(MixedLineError::Flag(error)) => return Err(usage(environment, &error, help)),
    };
    if let Some(release) = release(&mut own) {
        line.insert(0, release);
    }
    if line.is_empty() {
        drop(C::command().print_help());
        return Err(ExitCode::CouldNotBegin);
    }
    Ok((own, line))
}

/// Tells a mistake in the flags.
pub(crate) fn usage(environment: &Environment, error: &FlagError, help: &str) -> ExitCode {
    let output = Output::new(&OutputFlags::default(), environment);
    cli::fail(&output, error, UNCHANGED, Some(help), ExitCode::CouldNotBegin)
}
