//! The end of a stream that may be long.

use std::collections::VecDeque;

/// How much of stderr is kept: enough for what a failing tool says last, little enough for an error message.
pub(super) const STDERR_TAIL_BYTES: usize = 64 * 1024;

/// Keeps the last bytes of what is pushed.
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            limit,
        }
    }

    pub(super) fn push(&mut self, new: &[u8]) {
        let kept = &new[new.len().saturating_sub(self.limit)..];
        let excess = (self.bytes.len() + kept.len()).saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.bytes.extend(kept);
    }

    /// The bytes kept as text; what is no UTF-8 (a character cut at the front, say) is replaced.
    pub(super) fn into_text(mut self) -> String {
        String::from_utf8_lossy(self.bytes.make_contiguous()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Tail;

    #[test]
    fn keeps_what_was_pushed_last() {
        let mut tail = Tail::new(5);
        tail.push(b"abc");
        tail.push(b"def");
        assert_eq!(tail.into_text(), "bcdef");
    }

    #[test]
    fn keeps_the_end_of_a_push_longer_than_the_limit() {
        let mut tail = Tail::new(3);
        tail.push(b"x");
        tail.push(b"abcdef");
        assert_eq!(tail.into_text(), "def");
    }
}
