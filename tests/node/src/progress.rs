//! Progress of long work on standard error: named stages with the time that each has taken.
//!
//! On a terminal the running stage is one line that is drawn anew; elsewhere (a log file, CI) each stage has a line when
//! it begins, one now and then while it runs, and one when it ends.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a terminal's line is drawn anew: often enough that the seconds are seen to move.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(500);
/// How often a log gets a sign of life: rare enough that a build of ten minutes stays readable.
const LINES_INTERVAL: Duration = Duration::from_secs(30);
/// Characters of a stage's note that are shown.
const NOTE_WIDTH: usize = 60;

/// Where progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One line that is drawn anew.
    Terminal,
    /// Plain lines, for files and CI logs.
    Lines,
    /// Nothing at all.
    Silent,
}

/// Shows named stages one after another.
#[derive(Debug, Clone)]
pub struct Progress {
    mode: Mode,
}

impl Progress {
    /// Progress on standard error, drawn when that is a terminal and in plain lines otherwise.
    #[must_use]
    pub fn stderr() -> Self {
        Self {
            mode: if stderr().is_terminal() {
                Mode::Terminal
            } else {
                Mode::Lines
            },
        }
    }

    /// Progress in the given mode.
    #[must_use]
    pub fn with_mode(mode: Mode) -> Self {
        Self { mode }
    }

    /// Shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { mode: Mode::Silent }
    }

    /// Begins a stage. End it with [`Stage::done`]; one that is only dropped is shown as stopped.
    #[must_use]
    pub fn stage(&self, title: impl Into<String>) -> Stage {
        Stage::begin(self.mode, title.into())
    }

    /// Runs `work` as one stage, shown as done when it succeeds and as stopped when it does not.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn run<T, E>(
        &self,
        title: impl Into<String>,
        work: impl FnOnce(&Stage) -> Result<T, E>,
    ) -> Result<T, E> {
        let stage = self.stage(title);
        let result = work(&stage)?;
        stage.done();
        Ok(result)
    }

    /// Says one line outside of any stage.
    pub fn say(&self, line: impl AsRef<str>) {
        match self.mode {
            Mode::Terminal | Mode::Lines => write_line(line.as_ref()),
            Mode::Silent => {}
        }
    }
}

#[derive(Debug, Default)]
struct Detail {
    percent: Option<u8>,
    note: String,
}

/// One running stage.
#[derive(Debug)]
pub struct Stage {
    mode: Mode,
    title: String,
    begun: Instant,
    detail: Arc<Mutex<Detail>>,
    ticker: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
    finished: bool,
}

impl Stage {
    fn begin(mode: Mode, title: String) -> Self {
        let begun = Instant::now();
        let detail = Arc::new(Mutex::new(Detail::default()));
        let ticker = match mode {
            Mode::Silent => None,
            Mode::Terminal | Mode::Lines => {
                if mode == Mode::Lines {
                    write_line(&format!("{title} …"));
                }
                Some(start_ticker(mode, title.clone(), begun, Arc::clone(&detail)))
            }
        };
        Self {
            mode,
            title,
            begun,
            detail,
            ticker,
            finished: false,
        }
    }

    /// Says how much of the stage is done, 0 to 100.
    pub fn percent(&self, percent: u8) {
        self.detail().percent = Some(percent.min(100));
    }

    /// Says what the stage is doing at the moment, in a few words.
    pub fn note(&self, note: &str) {
        self.detail().note = note.chars().take(NOTE_WIDTH).collect();
    }

    /// Ends the stage and says how long it took.
    pub fn done(mut self) {
        self.end("");
    }

    fn detail(&self) -> MutexGuard<'_, Detail> {
        // A poisoned detail is only text for a person; it is as good as any other.
        self.detail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&mut self, how: &str) {
        if self.finished {
            return;
        }
        self.finished = true;
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            // The ticker only prints; when it panicked there is nothing to save.
            let _ = thread.join();
        }
        let line = format!("{}: {}{}", self.title, how, elapsed(self.begun.elapsed()));
        match self.mode {
            Mode::Terminal => write_raw(&format!("\r\x1b[K{line}\n")),
            Mode::Lines => write_line(&line),
            Mode::Silent => {}
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end("stopped after ");
    }
}

fn start_ticker(
    mode: Mode,
    title: String,
    begun: Instant,
    detail: Arc<Mutex<Detail>>,
) -> (mpsc::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = mpsc::channel();
    let interval = if mode == Mode::Terminal {
        TERMINAL_INTERVAL
    } else {
        LINES_INTERVAL
    };
    let thread = thread::spawn(move || {
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(interval) {
            let line = {
                let detail = detail.lock().unwrap_or_else(PoisonError::into_inner);
                running_line(&title, begun.elapsed(), detail.percent, &detail.note)
            };
            match mode {
                // A line that is too wide is cut by the terminal: one that wraps would be left behind at every tick.
                Mode::Terminal => write_raw(&format!("\r\x1b[K\x1b[?7l{line}\x1b[?7h")),
                Mode::Lines => write_line(&line),
                Mode::Silent => {}
            }
        }
    });
    (stop, thread)
}

fn running_line(title: &str, spent: Duration, percent: Option<u8>, note: &str) -> String {
    let mut line = format!("{title} … {}", elapsed(spent));
    if let Some(percent) = percent {
        line.push_str(&format!(", {percent} %"));
    }
    if !note.is_empty() {
        line.push_str(&format!(" ({note})"));
    }
    line
}

/// A duration for people: tenths of a second below a minute, minutes and seconds above.
fn elapsed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f32())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

fn write_line(line: &str) {
    write_raw(&format!("{line}\n"));
}

fn write_raw(text: &str) {
    // Whoever closed standard error does not want to see progress; the work goes on.
    let _ = stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_stage_shows_time_percent_and_note_as_far_as_they_are_known() {
        let spent = Duration::from_secs(75);
        assert_eq!(running_line("build", spent, None, ""), "build … 1 min 15 s");
        assert_eq!(
            running_line("build", spent, Some(40), "k8s.io/api"),
            "build … 1 min 15 s, 40 % (k8s.io/api)"
        );
    }

    #[test]
    fn short_times_have_tenths_and_long_ones_do_not() {
        assert_eq!(elapsed(Duration::from_millis(3_420)), "3.4 s");
        assert_eq!(elapsed(Duration::from_secs(601)), "10 min 01 s");
    }
}
