//! The last lines of an output, bounded.

use std::collections::VecDeque;

/// How many lines are kept: helm's errors are one to a few lines, warnings come before them.
const MOST_LINES: usize = 40;

/// How much of one line is kept, in characters: a validation error can list a whole object.
const LONGEST_LINE: usize = 2000;

#[derive(Debug, Default, Clone)]
pub(crate) struct Tail(VecDeque<String>);

impl Tail {
    pub(crate) fn push(&mut self, line: &str) {
        if self.0.len() == MOST_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.chars().take(LONGEST_LINE).collect());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
