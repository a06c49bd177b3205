//! The closing words: each stage, how it ended and how long it took, and the counts of tests.

use std::time::Duration;

use super::counts::Counts;

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All went well.
    Passed(Counts),
    /// Something failed; it was told when it happened. The tests that ran are counted.
    Failed(Counts),
    /// An earlier stage failed.
    Skipped,
    /// The command line named other stages.
    NotAsked,
}

/// A stage in the summary.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) title: &'static str,
    pub(crate) end: End,
    pub(crate) spent: Duration,
}

/// The table and the closing line.
pub(crate) fn summary(lines: &[Line], spent: Duration) -> String {
    let mut text = String::from("\n");
    let mut all = Counts::default();
    let (mut failed, mut left_out) = (0, 0);
    for line in lines {
        let how = match line.end {
            End::Passed(counts) => {
                all = all + counts;
                let tests = match (counts.passed, counts.ignored) {
                    (0, 0) => String::new(),
                    (passed, 0) => format!(", {passed} tests"),
                    (passed, ignored) => format!(", {passed} tests, {ignored} ignored"),
                };
                format!("passed in {}{tests}", duration(line.spent))
            }
            End::Failed(counts) => {
                all = all + counts;
                failed += 1;
                format!("FAILED after {}", duration(line.spent))
            }
            End::Skipped => {
                left_out += 1;
                "skipped, since a stage before it failed".to_owned()
            }
            End::NotAsked => {
                left_out += 1;
                "left out, not asked for".to_owned()
            }
        };
        text.push_str(&format!("{:<40} {how}\n", line.title));
    }
    text.push_str(&format!(
        "\n{}: {} tests passed, {} failed, {} ignored; {failed} stages failed, {left_out} did not run; {}",
        if failed == 0 { "passed" } else { "FAILED" },
        all.passed,
        all.failed,
        all.ignored,
        duration(spent),
    ));
    text
}

fn duration(spent: Duration) -> String {
    let seconds = spent.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_behind_a_failed_one_is_told_as_skipped() {
        let line = |title, end| Line {
            title,
            end,
            spent: Duration::from_secs(61),
        };
        let counts = Counts {
            passed: 7,
            failed: 0,
            ignored: 1,
        };
        let text = summary(
            &[
                line("one", End::Passed(counts)),
                line("two", End::Failed(Counts { failed: 2, ..counts })),
                line("three", End::Skipped),
            ],
            Duration::from_secs(125),
        );
        for part in [
            "passed in 1 min 01 s, 7 tests, 1 ignored",
            "FAILED after 1 min 01 s",
            "skipped, since a stage before it failed",
            "\nFAILED: 14 tests passed, 2 failed, 2 ignored; 1 stages failed, 1 did not run; 2 min 05 s",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn stages_that_nobody_asked_for_are_no_failure() {
        let lines = [Line {
            title: "one",
            end: End::NotAsked,
            spent: Duration::ZERO,
        }];
        assert!(summary(&lines, Duration::ZERO).contains("\npassed: 0 tests passed"));
    }
}
