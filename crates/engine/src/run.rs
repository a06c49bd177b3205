//! The loop: one step after the other, each change journaled before and after, and the way back.

mod leave;
mod price;
mod time;

use std::sync::Arc;
use std::time::Duration;

use cluster::Cluster;
use model::{Event, Plan, Reversal, RunPurpose, StepState, UpgradeOutcome};
use tokio_util::sync::CancellationToken;

use self::price::Price;
use crate::journal::tidy;
use crate::{
    Asking, Clock, Events, Faults, Journal, JournalError, Lease, Outcome, RunDocument, RunEnd, RunError,
    RunInfo, Step, StepContext, StepFailure, StepKind,
};

/// How long a step may take to end by itself after the user's interrupt before it is dropped. Steps survive being
/// dropped, but one that ends by itself can say what it was doing.
const INTERRUPT_GRACE: Duration = Duration::from_secs(10);

/// What a run works with. The journal is open and holds the lease already.
pub struct Act {
    /// The cluster.
    pub cluster: Cluster,
    /// The open journal: [`Journal::create`] for a new run, [`Journal::open`] for an old one.
    pub journal: Journal,
    /// The lease under which the journal was opened; given up and removed when the run has ended.
    pub lease: Lease,
    /// The steps, in the plan's order and with its ids.
    pub steps: Vec<Box<dyn Step>>,
    /// Where events go.
    pub events: Events,
    /// Cancelled by the user's interrupt.
    pub cancel: CancellationToken,
    /// Cancelled by the user's second interrupt: waits of the way back are cut short.
    pub hurry: CancellationToken,
    /// The clock by which the run keeps its terms.
    pub clock: Clock,
    /// The person who can be asked meanwhile.
    pub asking: Asking,
    /// Fault points.
    pub faults: Faults,
}

/// What a person agreed to when aborting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortConsent {
    /// Only a way back that loses nothing.
    FreeOnly,
    /// The price of turning back, whatever the plan says it is.
    Price,
}

/// Runs a new run's plan to its end.
///
/// # Errors
/// Nothing was begun: the steps are not the plan's.
pub async fn run(act: Act) -> Result<RunEnd, RunError> {
    Runner::begin(act, false).await?.drive().await
}

/// Carries an unfinished run on in the direction that it had: forward, or back where it was turning back.
///
/// # Errors
/// The run has ended for good, or the steps are not the plan's.
pub async fn resume(act: Act) -> Result<RunEnd, RunError> {
    Runner::begin(act, true).await?.drive().await
}

/// Leaves an unfinished run as it stands, for a person to finish by hand: what it holds up for itself alone is let go,
/// revisions, counts and database stay, and the run is over.
///
/// # Errors
/// The run has ended for good, or the steps are not the plan's.
pub async fn leave(act: Act) -> Result<RunEnd, RunError> {
    let runner = Runner::begin(act, true).await?;
    Ok(runner.leave().await)
}

/// Turns an unfinished run back, whatever its direction was.
///
/// # Errors
/// The run has ended for good, the steps are not the plan's, or turning back has a price that was not agreed to.
pub async fn abort(act: Act, consent: AbortConsent) -> Result<RunEnd, RunError> {
    let runner = Runner::begin(act, true).await?;
    let document = runner.act.journal.document();
    let turns_already = document.turning_back.is_some();
    let agreed = consent == AbortConsent::Price;
    if !turns_already
        && !agreed
        && let Some(price) = runner.price().await
    {
        runner.act.lease.release().await;
        return Err(price.into());
    }
    if !turns_already || (agreed && !document.price_agreed) {
        let reason = "the user aborted the run".to_owned();
        if let Err(error) = runner.act.journal.turn_back(reason, agreed).await {
            return Ok(runner.halt(&error).await);
        }
    }
    runner.drive().await
}

struct Runner {
    act: Act,
    info: RunInfo,
    plan: Arc<Plan>,
    /// Whether it was begun by an earlier process.
    resumed: bool,
}

/// How the loop goes on after a step.
enum Next {
    Go,
    End(RunEnd),
}

/// How a step's own work ended.
enum Worked {
    Ended(Result<Outcome, StepFailure>),
    LeaseLost,
}

impl Runner {
    async fn begin(act: Act, resumed: bool) -> Result<Self, RunError> {
        let document = act.journal.document();
        if let Some(outcome) = document.outcome.filter(|_| document.is_final()) {
            // An earlier process may have died between the outcome and tidying up.
            tidy_up(&act, &document).await;
            act.lease.release().await;
            return Err(RunError::Finished {
                run: document.run,
                outcome,
            });
        }
        let expected: Vec<&str> = document.steps.iter().map(|step| step.id.as_str()).collect();
        let got: Vec<&str> = act.steps.iter().map(|step| step.planned().id.as_str()).collect();
        if expected != got {
            act.lease.release().await;
            return Err(RunError::WrongSteps {
                expected: expected.join(", "),
                got: got.join(", "),
            });
        }
        act.events.send(Event::RunStarted {
            run: document.run.clone(),
            steps: document
                .plan
                .steps
                .iter()
                .map(|step| (step.id.clone(), step.title.clone()))
                .collect(),
            resumed,
        });
        Ok(Self {
            info: RunInfo {
                id: document.run,
                release: document.release,
                namespace: document.namespace,
            },
            plan: Arc::new(document.plan),
            act,
            resumed,
        })
    }

    async fn drive(self) -> Result<RunEnd, RunError> {
        let turning_back = self.act.journal.document().turning_back;
        Ok(match turning_back {
            Some(reason) => self.back(reason).await,
            None => self.forward().await,
        })
    }

    async fn forward(&self) -> RunEnd {
        for index in 0..self.plan.steps.len() {
            if self.state(index) == StepState::Done {
                continue;
            }
            match self.step_forward(index).await {
                Ok(Next::Go) => {}
                Ok(Next::End(end)) => return end,
                Err(error) => return self.halt(&error).await,
            }
        }
        match self.plan.purpose() {
            RunPurpose::Change => self.changed().await,
            RunPurpose::Quiesce => self.finish(UpgradeOutcome::Quiesced, None).await,
        }
    }

    async fn changed(&self) -> RunEnd {
        let document = self.act.journal.document();
        let failures: Vec<String> = self
            .plan
            .steps
            .iter()
            .zip(&document.steps)
            .filter(|(step, record)| StepKind::of(step) == StepKind::PostCheck && record.warning)
            .map(|(_, record)| record.detail.clone().unwrap_or_else(|| record.id.clone()))
            .collect();
        if failures.is_empty() {
            self.finish(UpgradeOutcome::Upgraded, None).await
        } else {
            self.finish(UpgradeOutcome::UpgradedWithFailures, Some(failures.join("; ")))
                .await
        }
    }

    async fn step_forward(&self, index: usize) -> Result<Next, JournalError> {
        let journal = &self.act.journal;
        let step = &self.act.steps[index];
        if self.act.cancel.is_cancelled() {
            return self.interrupted(index).await.map(Next::End);
        }
        if let Next::End(end) = self.in_time(index).await? {
            return Ok(Next::End(end));
        }
        journal.set_state(index, StepState::Running, None, false).await?;
        self.tell(index);
        let cancel = self.act.cancel.child_token();
        let context = self.context(index, cancel.clone(), self.act.hurry.clone());
        let mut result = match self.work(&cancel, step.apply(&context)).await {
            Worked::Ended(result) => result,
            Worked::LeaseLost => return Err(self.lease_error()),
        };
        // A step whose record could not be journaled may end in any way; the journal's own word counts.
        if let Some(error) = journal.broken() {
            return Err(error);
        }
        if self.act.faults.fails_after_apply(&step.planned().id) {
            result = Err(StepFailure::new("failed on request of a fault point"));
        }
        match result {
            Ok(outcome) => {
                journal
                    .set_state(index, StepState::Done, outcome.detail, outcome.warning)
                    .await?;
                self.tell(index);
                Ok(Next::Go)
            }
            Err(failure) => {
                let cut = self.cut_off(index, &cancel);
                self.failed(index, &failure, &cut).await.map(Next::End)
            }
        }
    }

    /// What cut a step off in its work, as the beginning of a sentence.
    fn cut_off(&self, index: usize, cancel: &CancellationToken) -> String {
        match (self.act.cancel.is_cancelled(), cancel.is_cancelled()) {
            (true, _) => "interrupted by the user: ".to_owned(),
            (false, true) => self
                .time_is_over(index)
                .map_or_else(String::new, |why| format!("{why}: ")),
            (false, false) => String::new(),
        }
    }

    async fn failed(&self, index: usize, failure: &StepFailure, cut: &str) -> Result<RunEnd, JournalError> {
        let title = &self.plan.steps[index].title;
        let reason = format!("{cut}\"{title}\" failed: {}", failure.text());
        let price = self.price().await;
        let turning_back = price.is_none().then(|| reason.clone());
        self.act
            .journal
            .set_failed(index, failure.text(), turning_back)
            .await?;
        self.tell(index);
        Ok(match price {
            None => self.back(reason).await,
            Some(price) => self.stop_for(reason, &price).await,
        })
    }

    /// The user's interrupt between two steps.
    async fn interrupted(&self, next: usize) -> Result<RunEnd, JournalError> {
        let reason = format!(
            "interrupted by the user before \"{}\"",
            self.plan.steps[next].title
        );
        Ok(match self.price().await {
            None => {
                self.act.journal.turn_back(reason.clone(), false).await?;
                self.back(reason).await
            }
            Some(price) => self.stop_for(reason, &price).await,
        })
    }

    async fn stop_for(&self, reason: String, price: &Price) -> RunEnd {
        let reason = format!("{reason}; not turned back by itself: {}", price.text);
        self.finish(UpgradeOutcome::Stopped, Some(reason)).await
    }

    async fn back(&self, reason: String) -> RunEnd {
        self.act.events.send(Event::TurningBack {
            reason: reason.clone(),
        });
        // The interrupt that turned the run around has been heard; the next one means the waits of the way back.
        let hurry = match self.act.cancel.is_cancelled() {
            true => &self.act.hurry,
            false => &self.act.cancel,
        };
        for index in (0..self.plan.steps.len()).rev() {
            if matches!(self.state(index), StepState::Pending | StepState::Restored) {
                continue;
            }
            match self.step_back(index, hurry).await {
                Ok(Next::Go) => {}
                Ok(Next::End(end)) => return end,
                Err(error) => return self.halt(&error).await,
            }
        }
        self.finish(UpgradeOutcome::Restored, Some(reason)).await
    }

    async fn step_back(&self, index: usize, hurry: &CancellationToken) -> Result<Next, JournalError> {
        let journal = &self.act.journal;
        let step = &self.act.steps[index];
        let planned = &self.plan.steps[index];
        if planned.reversal == Reversal::NotNeeded {
            journal.set_restored_without_acting(index).await?;
            self.tell(index);
            return Ok(Next::Go);
        }
        journal
            .set_state(index, StepState::Restoring, None, false)
            .await?;
        self.tell(index);
        // Nothing interrupts the way back but death: a half that is put back helps nobody.
        let context = self.context(index, CancellationToken::new(), hurry.clone());
        let undo = async {
            if self.act.faults.fails_instead_of_undo(&planned.id) {
                Err(StepFailure::new("failed on request of a fault point"))
            } else {
                step.undo(&context).await
            }
        };
        let result = tokio::select! {
            biased;
            () = self.act.lease.lost().cancelled_owned() => return Err(self.lease_error()),
            result = undo => result,
        };
        if let Some(error) = journal.broken() {
            return Err(error);
        }
        match result {
            Ok(outcome) => {
                journal
                    .set_state(index, StepState::Restored, outcome.detail, outcome.warning)
                    .await?;
                self.tell(index);
                Ok(Next::Go)
            }
            Err(failure) => {
                journal
                    .set_state(index, StepState::Stuck, Some(failure.text()), true)
                    .await?;
                self.tell(index);
                // The undo of the steps before relies on this one, so the way back ends here.
                let reason = format!("\"{}\" could not be put back: {}", planned.title, failure.text());
                Ok(Next::End(
                    self.finish(UpgradeOutcome::Stopped, Some(reason)).await,
                ))
            }
        }
    }

    /// A step's own work, until it ends, the lease is lost, or the patience after an interrupt or the deadline is over.
    async fn work(
        &self,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<Outcome, StepFailure>>,
    ) -> Worked {
        let overdue = async {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.deadline(cancel) => {}
            }
            tokio::time::sleep(INTERRUPT_GRACE).await;
        };
        tokio::select! {
            biased;
            () = self.act.lease.lost().cancelled_owned() => Worked::LeaseLost,
            result = work => Worked::Ended(result),
            () = overdue => Worked::Ended(Err(StepFailure::new("it was cut off in its work"))),
        }
    }

    fn lease_error(&self) -> JournalError {
        let to = self
            .act
            .lease
            .check()
            .err()
            .unwrap_or_else(|| "an unknown holder".into());
        JournalError::LeaseLost { to }
    }

    fn context(&self, index: usize, cancel: CancellationToken, hurry: CancellationToken) -> StepContext {
        StepContext {
            cluster: self.act.cluster.clone(),
            run: self.info.clone(),
            plan: Arc::clone(&self.plan),
            step: self.plan.steps[index].id.clone(),
            journal: self.act.journal.clone(),
            events: self.act.events.clone(),
            cancel,
            hurry,
            clock: self.act.clock.clone(),
            asking: self.act.asking.clone(),
        }
    }

    fn state(&self, index: usize) -> StepState {
        self.act.journal.document().steps[index].state
    }

    /// Tells a step's state as the journal has it.
    fn tell(&self, index: usize) {
        let record = &self.act.journal.document().steps[index];
        self.act.events.send(Event::Step {
            id: record.id.clone(),
            title: self.plan.steps[index].title.clone(),
            state: record.state,
            detail: record.detail.clone(),
            seconds: record.seconds(),
        });
    }

    /// Journals the outcome, tidies up and gives the lease away.
    async fn finish(&self, outcome: UpgradeOutcome, reason: Option<String>) -> RunEnd {
        if let Err(error) = self.act.journal.finish(outcome, reason.clone()).await {
            return self.halt(&error).await;
        }
        let document = self.act.journal.document();
        if document.is_final() {
            tidy_up(&self.act, &document).await;
        }
        self.act.lease.release().await;
        RunEnd {
            outcome,
            reason,
            downtime_seconds: document.downtime_seconds(),
            steps: document.step_reports(),
            journaled: true,
        }
    }

    /// The end of a run whose journal can no longer be written: nothing more is done, not even turning back.
    async fn halt(&self, error: &JournalError) -> RunEnd {
        match error {
            // A dead process gives no lease away, nor does one that has lost it.
            JournalError::SimulatedDeath | JournalError::LeaseLost { .. } => {}
            JournalError::Store { .. }
            | JournalError::NotFound { .. }
            | JournalError::Unfinished { .. }
            | JournalError::Changed { .. }
            | JournalError::Malformed { .. }
            | JournalError::Transition(_)
            | JournalError::TooLarge { .. }
            | JournalError::DamagedPart { .. } => self.act.lease.release().await,
        }
        let document = self.act.journal.document();
        RunEnd {
            outcome: UpgradeOutcome::Stopped,
            reason: Some(format!(
                "{}; nothing more was done, and the journal does not say so",
                model::causes(error)
            )),
            downtime_seconds: document.downtime_seconds(),
            steps: document.step_reports(),
            journaled: false,
        }
    }
}

/// Removes what a finished run needs no more. Failing leaves some Secrets, which the next run removes.
async fn tidy_up(act: &Act, document: &RunDocument) {
    if let Err(error) = tidy(act.journal.store(), &document.release).await {
        act.events.notice(format!(
            "the parts of finished runs could not be removed now and will be by the next run: {}",
            model::causes(&error)
        ));
    }
}
