//! The hidden subcommand that helm runs as its post-renderer.

use std::ffi::OsString;
use std::process::ExitCode;

/// The subcommand's word.
pub const WORD: &str = "__post-render";

/// Reads a manifest from standard input, runs the user's own post-renderer first, and writes the edited manifest to
/// standard output. `args` are the words after [`WORD`].
pub fn main(_args: impl Iterator<Item = OsString>) -> ExitCode {
    todo!()
}
