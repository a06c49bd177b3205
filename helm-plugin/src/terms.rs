//! The flags about time and load.

use clap::{Args, ValueEnum};
use model::{LoadLimit, OnSlow};
use upgrade::terms::TermsWords;

/// When an upgrade may begin, until when, and under how much load.
#[derive(Debug, Clone, Args)]
pub(crate) struct TermsFlags {
    /// Stop writers only in this window of every day; its end is the deadline: 22:00-04:00, 22:00-04:00+02:00
    #[arg(long, value_name = "FROM-TO")]
    window: Option<String>,
    /// Time zone of --window, --not-before and --deadline: Europe/Berlin, UTC, +02:00; without it this machine's
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Check and agree now, wait, check again and begin then: 22:00, 2026-01-31T22:00, 2026-01-31T22:00:00Z
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// Begin nothing new after this, and turn back where that loses nothing: a time, or how long from the begin on (90m)
    #[arg(long, value_name = "TIME|DURATION")]
    deadline: Option<String>,
    /// When the migration takes longer than usual, or the deadline comes after the point of no return
    #[arg(long, value_enum, default_value_t = OnSlowFlag::Continue, value_name = "WHAT")]
    on_slow: OnSlowFlag,
    /// Stop writers only while at most so many sessions are at work in the database
    #[arg(long, value_name = "N")]
    max_active: Option<u64>,
    /// Stop writers only while there are at most so many transactions a second
    #[arg(long, value_name = "N")]
    max_tps: Option<u64>,
}

/// What to do when it is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnSlowFlag {
    /// Say so and go on
    Continue,
    /// Ask; go on where nobody is there
    Ask,
    /// Turn back; stop and wait for a person where that has a price
    Abort,
}

impl TermsFlags {
    /// The words about time.
    pub(crate) fn words(&self) -> TermsWords {
        TermsWords {
            window: self.window.clone(),
            time_zone: self.time_zone.clone(),
            not_before: self.not_before.clone(),
            deadline: self.deadline.clone(),
            on_slow: match self.on_slow {
                OnSlowFlag::Continue => OnSlow::Continue,
                OnSlowFlag::Ask => OnSlow::Ask,
                OnSlowFlag::Abort => OnSlow::Abort,
            },
        }
    }

    /// The flags as they are typed, for a plan that is made anew by them.
    pub(crate) fn typed(&self) -> Vec<String> {
        let Self {
            window,
            time_zone,
            not_before,
            deadline,
            on_slow,
            max_active,
            max_tps,
        } = self;
        let count = |count: &Option<u64>| count.map(|count| count.to_string());
        let on_slow = on_slow
            .to_possible_value()
            .filter(|_| *on_slow != OnSlowFlag::Continue);
        [
            ("--window", window.clone()),
            ("--time-zone", time_zone.clone()),
            ("--not-before", not_before.clone()),
            ("--deadline", deadline.clone()),
            ("--on-slow", on_slow.map(|word| word.get_name().to_owned())),
            ("--max-active", count(max_active)),
            ("--max-tps", count(max_tps)),
        ]
        .into_iter()
        // As one word: a time zone may begin with a dash.
        .filter_map(|(flag, value)| Some(format!("{flag}={}", value?)))
        .collect()
    }

    /// The load under which writers may be stopped.
    pub(crate) fn load(&self) -> LoadLimit {
        LoadLimit {
            max_active: self.max_active,
            max_tps: self.max_tps,
            quiet: Vec::new(),
        }
    }
}
