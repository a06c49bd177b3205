//! The one place where the time of day is read. Durations are measured with `tokio::time`, which tests can hold.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// How often the time of day is looked at while a moment is waited for: a machine that slept meanwhile, or whose clock was
/// set, must not miss it by more.
const LOOK: Duration = Duration::from_secs(20);

/// The time of day, in UTC, to the millisecond: enough for a person and for a journal.
pub(crate) fn now() -> Timestamp {
    to_millisecond(Timestamp::now())
}

fn to_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// The clock by which a run keeps its terms.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    Machine,
    Steered {
        begun: Timestamp,
        since: Instant,
    },
}

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self::default()
    }

    /// A clock that says `time` now and goes on with `tokio::time`, which tests can hold and push forward.
    pub fn steered(time: Timestamp) -> Self {
        Self(Source::Steered {
            begun: time,
            since: Instant::now(),
        })
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => now(),
            Source::Steered { begun, since } => {
                let time = begun.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX);
                to_millisecond(time)
            }
        }
    }

    /// Waits until a moment; a moment that has gone by is not waited for.
    pub async fn until(&self, moment: Timestamp) {
        loop {
            let left = Duration::try_from(moment.duration_since(self.now())).unwrap_or(Duration::ZERO);
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

/// Seconds between two times as the journal holds them; `None` if one cannot be read.
pub(crate) fn seconds_between(start: &str, end: &str) -> Option<f64> {
    let start: Timestamp = start.parse().ok()?;
    let end: Timestamp = end.parse().ok()?;
    Some(end.duration_since(start).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_steered_clock_goes_with_the_time_of_tests() {
        let begin: Timestamp = "2026-01-31T22:00:00Z".parse().unwrap();
        let clock = Clock::steered(begin);
        assert_eq!(clock.now(), begin);
        clock.until("2026-02-01T04:00:00Z".parse().unwrap()).await;
        assert!(clock.now() >= "2026-02-01T04:00:00Z".parse().unwrap());
        let before = clock.now();
        clock.until(begin).await;
        assert_eq!(clock.now(), before, "what has gone by is not waited for");
    }
}
