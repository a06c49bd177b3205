//! Asking a person.

use std::io::{self, BufRead, IsTerminal, Write};

use render::Style;

/// What a person said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Yes, typed or by `--yes`.
    Yes,
    /// No.
    No,
    /// Nobody is there to be asked.
    NobodyThere,
}

/// Asks on the terminal unless `yes` was given. Anything but `y` and `yes` is no.
///
/// # Errors
/// The terminal cannot be read or written.
pub fn ask(question: &str, yes: bool) -> io::Result<Consent> {
    if yes {
        return Ok(Consent::Yes);
    }
    if !io::stdin().is_terminal() {
        return Ok(Consent::NobodyThere);
    }
    let mut err = io::stderr().lock();
    // What is asked about may be called anything.
    write!(err, "{} [y/N] ", Style::plain().guarded(question))?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(if is_yes(&answer) {
        Consent::Yes
    } else {
        Consent::No
    })
}

/// Whether a typed line says yes.
pub(crate) fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}
