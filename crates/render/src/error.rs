//! A failure as the user meets it: what happened, with its causes; how things stand; what to type next.

use std::error::Error;
use std::io::{self, Write};

use crate::Style;
use crate::style::Tone;

/// Writes an error with its chain, leaving out what the line before already says, then the state and the next command.
///
/// # Errors
/// The writer's own.
pub fn failure(
    out: &mut dyn Write,
    style: Style,
    error: &dyn Error,
    state: &str,
    next: Option<&str>,
) -> io::Result<()> {
    writeln!(
        out,
        "{} {}",
        style.paint(Tone::Bad, "error:"),
        model::causes(error)
    )?;
    writeln!(out, "{state}")?;
    if let Some(next) = next {
        writeln!(out, "next: {next}")?;
    }
    Ok(())
}
