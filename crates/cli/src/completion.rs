//! Completion scripts.

use std::io::{self, Write};

use clap::Command;
use clap_complete::Shell;

use crate::output::polite;

/// Writes the completion script of a program, by the name of its file, to standard output. A reader that has gone away
/// is no failure.
///
/// # Errors
/// Standard output cannot be written for another reason.
pub fn print_completion(shell: Shell, mut command: Command, program: &str) -> io::Result<()> {
    // Made in memory: the generator panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, program, &mut script);
    let mut out = io::stdout().lock();
    polite(out.write_all(&script).and_then(|()| out.flush()))
}
