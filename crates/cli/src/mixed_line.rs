//! A line on which a program's own flags stand among those of `helm upgrade`.

use clap::{CommandFactory, FromArgMatches};
use helm::FlagError;
use model::ExitCode;

use crate::{own_flags, parse};

/// A line taken apart.
pub struct MixedLine<T> {
    /// The program's own flags.
    pub own: T,
    /// helm's flags and the words that are no flags.
    pub helm: Vec<String>,
}

/// Why a line could not be taken apart.
pub enum MixedLineError {
    /// It was told already; the program ends with this code.
    Told(ExitCode),
    /// An own flag without its value.
    Flag(FlagError),
}

/// Takes a line apart; `words` begin with the program's name.
///
/// # Errors
/// A mistake in the program's own flags.
pub fn mixed_line<T: CommandFactory + FromArgMatches>(
    words: &[String],
) -> Result<MixedLine<T>, MixedLineError> {
    let split = helm::split(words.get(1..).unwrap_or_default(), &own_flags(&T::command()))
        .map_err(MixedLineError::Flag)?;
    let own: Vec<String> = words.first().cloned().into_iter().chain(split.own).collect();
    Ok(MixedLine {
        own: parse(&own).map_err(MixedLineError::Told)?,
        helm: split.helm,
    })
}
