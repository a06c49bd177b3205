//! How many tests ran, read from what the test programs say.

use std::ops::Add;

/// Tests by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ended well.
    pub(crate) passed: u32,
    /// Failed.
    pub(crate) failed: u32,
    /// Did not run.
    pub(crate) ignored: u32,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

impl Counts {
    /// Reads a test program's closing line, `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("test result: ")?;
        let number = |word: &str| {
            let before = rest.split(word).next()?;
            before.split_whitespace().next_back()?.parse().ok()
        };
        Some(Self {
            passed: number(" passed;")?,
            failed: number(" failed;")?,
            ignored: number(" ignored;")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_program_is_counted() {
        let line = "test result: FAILED. 12 passed; 2 failed; 3 ignored; 0 measured; 1 filtered out; finished in 0.02s";
        let counts = Counts {
            passed: 12,
            failed: 2,
            ignored: 3,
        };
        assert_eq!(Counts::from_line(line), Some(counts));
        assert_eq!(Counts::from_line("test it ... ok"), None);
    }
}
