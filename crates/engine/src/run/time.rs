//! What a run does when its time is over.

use jiff::Timestamp;
use model::{OnSlow, RunTerms};
use tokio_util::sync::CancellationToken;

use super::{Next, Runner};
use crate::{JournalError, StepKind};

/// Whether the time is over in which a step of this kind may begin, and why.
fn over(terms: &RunTerms, now: Timestamp, kind: StepKind) -> Option<String> {
    let has_come = |time: &str| time.parse::<Timestamp>().is_ok_and(|time| time <= now);
    if let Some(deadline) = terms.deadline.as_ref().filter(|deadline| has_come(deadline)) {
        return Some(format!("the deadline {deadline} has come"));
    }
    let stops = matches!(kind, StepKind::Suspend | StepKind::Quiesce);
    let closed = terms
        .window
        .as_ref()
        .filter(|window| stops && has_come(&window.closes))?;
    Some(format!("the window {closed} has closed"))
}

impl Runner {
    /// Whether a step may begin. Where the time is over the run turns back, if that loses nothing; else what was agreed
    /// beforehand, or a person, says whether it goes on.
    pub(super) async fn in_time(&self, next: usize) -> Result<Next, JournalError> {
        let Some(why) = self.time_is_over(next) else {
            return Ok(Next::Go);
        };
        let reason = format!("{why} before \"{}\"", self.plan.steps[next].title);
        let Some(price) = self.price().await else {
            self.act.journal.turn_back(reason.clone(), false).await?;
            return Ok(Next::End(self.back(reason).await));
        };
        let agreed = match self.plan.on_slow() {
            _ if self.resumed => "a person carries it on",
            OnSlow::Continue => "going on loses nothing and turning back would (--on-slow continue)",
            OnSlow::Abort => return Ok(Next::End(self.stop_for(reason, &price).await)),
            OnSlow::Ask => {
                let question = format!(
                    "{reason}, and turning back has a price: {}. Stop here?",
                    price.text
                );
                match self.act.asking.ask(question).await {
                    Some(true) => return Ok(Next::End(self.stop_for(reason, &price).await)),
                    Some(false) => "a person said so",
                    None => "nobody was there to be asked, and going on loses nothing",
                }
            }
        };
        let words = format!("{why}; it went on: {agreed}");
        self.act.events.notice(words.as_str());
        self.act.journal.overtime(words).await?;
        Ok(Next::Go)
    }

    /// Why nothing may begin any more, unless it was decided already to go on.
    pub(super) fn time_is_over(&self, step: usize) -> Option<String> {
        let terms = self.plan.terms.as_ref()?;
        if self.act.journal.document().overtime.is_some() {
            return None;
        }
        over(terms, self.act.clock.now(), StepKind::of(&self.plan.steps[step]))
    }

    /// Cancels a step that is at work when the deadline comes, where turning back loses nothing. Ends only then.
    pub(super) async fn deadline(&self, cancel: &CancellationToken) {
        let terms = self.plan.terms.as_ref();
        let deadline = terms.and_then(|terms| terms.deadline.as_ref()?.parse::<Timestamp>().ok());
        let decided = self.act.journal.document().overtime.is_some();
        let Some(deadline) = deadline.filter(|_| !decided) else {
            return std::future::pending().await;
        };
        self.act.clock.until(deadline).await;
        match self.price().await {
            None => cancel.cancel(),
            Some(price) => {
                let words = format!(
                    "the deadline {deadline} has come; what is at work comes to its end: {}",
                    price.text
                );
                self.act.events.notice(words);
                std::future::pending().await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::WindowSpan;

    use super::*;

    #[test]
    fn the_deadline_is_for_every_step_and_the_window_for_those_that_stop_writers() {
        let terms = RunTerms {
            window: Some(WindowSpan {
                words: "22:00-04:00 UTC".into(),
                opens: "2026-01-31T22:00:00Z".into(),
                closes: "2026-02-01T04:00:00Z".into(),
            }),
            deadline: Some("2026-02-01T06:00:00Z".into()),
            ..RunTerms::default()
        };
        let at = |time: &str, kind| over(&terms, time.parse().unwrap(), kind);
        assert_eq!(at("2026-02-01T03:59:59Z", StepKind::Quiesce), None);
        assert!(
            at("2026-02-01T04:00:00Z", StepKind::Quiesce)
                .unwrap()
                .contains("window")
        );
        assert!(at("2026-02-01T04:00:00Z", StepKind::Suspend).is_some());
        assert_eq!(at("2026-02-01T05:59:59Z", StepKind::HelmPass), None);
        assert!(
            at("2026-02-01T06:00:00Z", StepKind::HelmPass)
                .unwrap()
                .contains("deadline")
        );
        assert_eq!(
            over(&RunTerms::default(), Timestamp::MAX, StepKind::Quiesce),
            None
        );
    }
}
