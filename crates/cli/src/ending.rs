//! How a program ends.

use std::error::Error;

use model::ExitCode;

use crate::Output;

/// Tells a failure on standard error (what happened, how things stand, what to type) and gives the code to end with.
pub fn fail(output: &Output, error: &dyn Error, state: &str, next: Option<&str>, code: ExitCode) -> ExitCode {
    // If standard error cannot be written there is nobody to tell; the code still does.
    drop(output.talk(|err, style| render::failure(err, style, error, state, next)));
    code
}

/// The code of a result that was written, or the failure to write it.
pub fn end_with(output: &Output, written: std::io::Result<()>, code: ExitCode) -> ExitCode {
    match written {
        Ok(()) => code,
        Err(error) => fail(output, &error, "The result could not be written.", None, code),
    }
}
