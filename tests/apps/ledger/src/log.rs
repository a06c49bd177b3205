//! The log: lines on standard error with the time in front, the shape that Go's standard logger (and so goose) writes.

use std::fmt::Arguments;

use jiff::Zoned;

/// Writes one line.
#[expect(clippy::print_stderr, reason = "the log of a container is its standard error")]
pub(crate) fn line(message: Arguments<'_>) {
    eprintln!("{} {message}", Zoned::now().strftime("%Y/%m/%d %H:%M:%S"));
}
