//! Error chains as one line.

use std::error::Error;

/// The whole chain of an error, joined by `: `, leaving out a cause whose text the line before already holds.
///
/// `kube::Error` for one prints its source inside its own text and returns it as source too.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        next = cause.source();
    }
    text
}
