//! The hidden subcommand between this program and helm.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// The subcommand's word.
pub const WORD: &str = "__supervise";

/// How long helm may take to end after SIGTERM: it marks the revision failed by two or three API requests.
pub const STOP_GRACE: Duration = Duration::from_secs(15);

/// Runs the command in `args` (the words after [`WORD`]) in its own process group and ends with its exit code. When
/// standard input closes, which it does when the parent ends however it ends, the group is told to end and then killed.
pub fn main(_args: impl Iterator<Item = OsString>) -> ExitCode {
    todo!()
}
