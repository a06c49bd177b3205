//! Waits until the application says that it is idle and the load is low enough.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use model::{LoadLimit, PlannedStep, Seen, WaitIdle};
use postgres_room::{AskedAs, Database, Load, Said, load, question};

use super::wait::{Look, Question, interruptible, look_until_well};
use crate::{Outcome, Step, StepContext, StepFailure};

/// How long transactions are counted for a look at the load.
const SAMPLE: Duration = Duration::from_secs(3);

pub(super) struct WaitIdleStep {
    pub(super) planned: PlannedStep,
    pub(super) spec: WaitIdle,
}

#[async_trait]
impl Step for WaitIdleStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let limit = Duration::from_secs(self.spec.timeout_seconds);
        let database = &self.spec.database;
        let idle = Idle {
            spec: &self.spec,
            seen: Mutex::default(),
        };
        let waiting = look_until_well(context, database, "the application was not idle", limit, &idle);
        interruptible(context, waiting).await?;
        let seen = idle.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(match seen.is_empty() {
            true => Outcome::quiet(),
            false => Outcome::told(seen.join(", ")),
        })
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

/// The look, and what the last one saw.
struct Idle<'a> {
    spec: &'a WaitIdle,
    seen: Mutex<Vec<String>>,
}

#[async_trait]
impl Question for Idle<'_> {
    async fn ask(&self, database: &Database) -> Result<Look, StepFailure> {
        for (what, query) in &self.spec.queries {
            if !database.returns_no_row(query).await? {
                return Ok(Look::NotYet(format!("still busy: {what}")));
            }
        }
        let mut seen = Vec::new();
        for (what, sql) in &self.spec.load.quiet {
            let answer = question(database, sql, AskedAs::Reader).await?;
            let words = answer.words;
            match answer.said {
                Said::Yes => seen.push(format!("{what}: {words}")),
                Said::No => return Ok(Look::NotYet(format!("not yet so: {what}: {words}"))),
                Said::Neither | Said::Refused(_) | Said::NoQuestion => {
                    return Err(StepFailure::new(format!(
                        "whether {what} cannot be told: {words}"
                    )));
                }
            }
        }
        let LoadLimit {
            max_active, max_tps, ..
        } = self.spec.load;
        if max_active.is_some() || max_tps.is_some() {
            match load(database, SAMPLE).await {
                Seen::Present(load) => match judge(load, max_active, max_tps) {
                    Ok(words) => seen.push(words),
                    Err(words) => return Ok(Look::NotYet(words)),
                },
                Seen::Absent => return Err(StepFailure::new("the database tells nothing of its load")),
                Seen::Unreadable(why) => {
                    return Err(StepFailure::new(format!("the load cannot be seen: {why}")));
                }
            }
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(Look::Well)
    }
}

/// Judges the load against its limits; both ways in words with the figures.
fn judge(load: Load, max_active: Option<u64>, max_tps: Option<u64>) -> Result<String, String> {
    let Load { active, tps } = load;
    let figures = format!("{active} sessions at work, {tps:.1} transactions a second");
    let too_many = max_tps.is_some_and(|most| tps > most as f64);
    if !too_many && max_active.is_none_or(|most| active <= most) {
        return Ok(figures);
    }
    let limits = LoadLimit {
        max_active,
        max_tps,
        quiet: Vec::new(),
    };
    Err(format!("the load is too high: {figures}, where {limits} may be"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_judged_by_whichever_limit_is_set() {
        let load = Load { active: 4, tps: 20.5 };
        assert!(judge(load, Some(4), None).is_ok());
        assert!(judge(load, None, Some(21)).is_ok());
        assert!(judge(load, Some(4), Some(20)).is_err());
        assert_eq!(
            judge(load, Some(3), Some(21)).unwrap_err(),
            "the load is too high: 4 sessions at work, 20.5 transactions a second, where at most 3 sessions at work, at \
             most 21 transactions a second may be"
        );
    }
}
