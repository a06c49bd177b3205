//! The journal's document: one JSON text in the head Secret.

use model::{Plan, StepReport, StepState, UpgradeOutcome};
use serde::{Deserialize, Serialize};

use super::JournalError;
use crate::transition::{is_reachable, next_state};
use crate::{StepKind, clock};

const KIND: &str = "Run";

/// Longest text kept of a step's detail, in characters: enough for an error with its causes.
const DETAIL_CHARACTERS: usize = 4_000;

/// What the journal says of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The step's id.
    pub id: String,
    /// Its state.
    pub state: StepState,
    /// When it was first begun (RFC 3339).
    pub started_at: Option<String>,
    /// When it last ended, forward or back (RFC 3339).
    pub ended_at: Option<String>,
    /// What came out, or what went wrong.
    pub detail: Option<String>,
    /// Whether it ended with something that a person should look at.
    pub warning: bool,
    /// What the step wrote down before it acted.
    pub record: Option<serde_json::Value>,
}

/// A part of the run that lies in Secrets of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartEntry {
    /// Its name, such as `chart`.
    pub name: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// sha256 of the whole, lower-case hex.
    pub sha256: String,
    /// How many Secrets hold it.
    pub pieces: usize,
}

/// A run as the journal holds it. No secret is ever in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDocument {
    /// [`model::API_VERSION`].
    pub api_version: String,
    /// `Run`.
    pub kind: String,
    /// The run's id.
    pub run: String,
    /// The release.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// When the run was begun (RFC 3339).
    pub created_at: String,
    /// Who works on it, or who did last.
    pub holder: String,
    /// What it does.
    pub plan: Plan,
    /// What the program needs to continue that is not in the plan.
    pub inputs: serde_json::Value,
    /// What lies in Secrets of its own.
    pub parts: Vec<PartEntry>,
    /// The steps of the plan, in its order.
    pub steps: Vec<StepRecord>,
    /// Why the run turns back, once it does.
    pub turning_back: Option<String>,
    /// Whether a person agreed to the price of turning back.
    #[serde(default)]
    pub price_agreed: bool,
    /// Why it went on when its time was over, once that was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overtime: Option<String>,
    /// How it ended; `Stopped` and `Quiesced` are not for good.
    pub outcome: Option<UpgradeOutcome>,
    /// Why it did not end as wished.
    pub reason: Option<String>,
}

impl RunDocument {
    /// Reads a journal back. What a run cannot have written is refused, so that nobody acts on it.
    ///
    /// # Errors
    /// [`JournalError::Malformed`].
    pub fn parse(run: &str, text: &[u8]) -> Result<Self, JournalError> {
        let malformed = |why: String| JournalError::Malformed {
            run: run.to_owned(),
            why,
        };
        let document: Self = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        document.validate().map_err(malformed)?;
        if document.run != run {
            return Err(malformed(format!("it says that it is of run {}", document.run)));
        }
        Ok(document)
    }

    /// The document of a run that has not begun.
    pub(crate) fn of_new_run(run: &str, holder: &str, plan: Plan, inputs: serde_json::Value) -> Self {
        let steps = plan
            .steps
            .iter()
            .map(|step| StepRecord {
                id: step.id.clone(),
                state: StepState::Pending,
                started_at: None,
                ended_at: None,
                detail: None,
                warning: false,
                record: None,
            })
            .collect();
        Self {
            api_version: model::API_VERSION.to_owned(),
            kind: KIND.to_owned(),
            run: run.to_owned(),
            release: plan.from.name.clone(),
            namespace: plan.from.namespace.clone(),
            created_at: clock::now().to_string(),
            holder: holder.to_owned(),
            plan,
            inputs,
            parts: Vec::new(),
            steps,
            turning_back: None,
            price_agreed: false,
            overtime: None,
            outcome: None,
            reason: None,
        }
    }

    /// Whether the run has ended for good; one that stopped half-way has not.
    pub fn is_final(&self) -> bool {
        self.outcome.is_some_and(is_final)
    }

    /// The record of a step.
    pub fn step(&self, id: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Index of the last step that was begun and is not put back.
    pub fn last_started(&self) -> Option<usize> {
        self.steps.iter().rposition(|step| match step.state {
            StepState::Pending | StepState::Restored => false,
            StepState::Running
            | StepState::Done
            | StepState::Failed
            | StepState::Restoring
            | StepState::Stuck => true,
        })
    }

    /// Every step for the report.
    pub fn step_reports(&self) -> Vec<StepReport> {
        let begin = self.steps.iter().find_map(|step| step.started_at.as_deref());
        let after = |record: &StepRecord| clock::seconds_between(begin?, record.started_at.as_deref()?);
        self.plan
            .steps
            .iter()
            .zip(&self.steps)
            .map(|(planned, record)| StepReport {
                id: record.id.clone(),
                title: planned.title.clone(),
                state: record.state,
                started_at: record.started_at.clone(),
                after_seconds: after(record),
                seconds: record.seconds(),
                detail: record.detail.clone(),
            })
            .collect()
    }

    /// Seconds from the first writer stopped to all counts back: to the end of the roll-out, or of the quiesce step's
    /// undo. `None` where nothing was stopped or it is still down.
    pub fn downtime_seconds(&self) -> Option<f64> {
        let steps = || self.plan.steps.iter().map(StepKind::of).zip(&self.steps);
        let stopped = steps()
            .find(|(kind, record)| *kind == StepKind::Quiesce && record.record.is_some())?
            .1;
        let back = match stopped.state {
            StepState::Restored => stopped.ended_at.as_deref(),
            StepState::Done => steps()
                .filter(|(kind, record)| {
                    matches!(kind, StepKind::Resume | StepKind::RollOut) && record.state == StepState::Done
                })
                .filter_map(|(_, record)| record.ended_at.as_deref())
                .max(),
            StepState::Pending
            | StepState::Running
            | StepState::Failed
            | StepState::Restoring
            | StepState::Stuck => None,
        };
        clock::seconds_between(stopped.started_at.as_deref()?, back?)
    }

    /// A run that goes on has no outcome any more.
    pub(crate) fn take_up(&mut self) {
        self.outcome = None;
        self.reason = None;
    }

    /// Moves a step on.
    pub(crate) fn set_state(
        &mut self,
        index: usize,
        to: StepState,
        detail: Option<&str>,
        warning: bool,
    ) -> Result<(), JournalError> {
        let now = clock::now().to_string();
        self.take_up();
        let step = &mut self.steps[index];
        step.state = next_state(&step.id, step.state, to).map_err(JournalError::Transition)?;
        match to {
            StepState::Pending => {}
            StepState::Running => {
                step.started_at.get_or_insert(now);
                step.ended_at = None;
            }
            StepState::Restoring => step.ended_at = None,
            StepState::Done | StepState::Failed | StepState::Restored | StepState::Stuck => {
                step.ended_at = Some(now);
                step.warning = warning;
            }
        }
        if let Some(detail) = detail {
            step.detail = Some(bounded(detail));
        }
        Ok(())
    }

    /// The text for the store, if it fits.
    pub(crate) fn to_text(&self, limit: usize) -> Result<Vec<u8>, JournalError> {
        let malformed = |why: String| JournalError::Malformed {
            run: self.run.clone(),
            why,
        };
        self.validate().map_err(malformed)?;
        let text = serde_json::to_vec(self).map_err(|error| malformed(error.to_string()))?;
        if text.len() > limit {
            return Err(JournalError::TooLarge {
                bytes: text.len(),
                limit,
            });
        }
        Ok(text)
    }

    fn validate(&self) -> Result<(), String> {
        if self.api_version != model::API_VERSION || self.kind != KIND {
            return Err(format!(
                "it is {} of {}, not {KIND} of {}",
                self.kind,
                self.api_version,
                model::API_VERSION
            ));
        }
        let planned = self.plan.steps.iter().map(|step| &step.id);
        if !planned.eq(self.steps.iter().map(|step| &step.id)) {
            return Err("its steps are not those of its plan".into());
        }
        let states: Vec<StepState> = self.steps.iter().map(|step| step.state).collect();
        if !is_reachable(&states) {
            return Err(format!("no run can have brought its steps to {states:?}"));
        }
        let goes_back = |state: &StepState| match state {
            StepState::Restoring | StepState::Restored | StepState::Stuck => true,
            StepState::Pending | StepState::Running | StepState::Done | StepState::Failed => false,
        };
        if self.turning_back.is_none() && states.iter().any(goes_back) {
            return Err("steps are put back, but the run does not turn back".into());
        }
        if states
            .iter()
            .zip(&self.steps)
            .any(|(state, step)| *state != StepState::Pending && step.started_at.is_none())
        {
            return Err("a step has begun at no time".into());
        }
        Ok(())
    }
}

impl StepRecord {
    /// Seconds from begin to end, once it has ended.
    pub fn seconds(&self) -> Option<f64> {
        clock::seconds_between(self.started_at.as_deref()?, self.ended_at.as_deref()?)
    }
}

/// Whether an outcome is for good.
pub(crate) fn is_final(outcome: UpgradeOutcome) -> bool {
    match outcome {
        UpgradeOutcome::Upgraded
        | UpgradeOutcome::UpgradedWithFailures
        | UpgradeOutcome::Restored
        | UpgradeOutcome::Left => true,
        UpgradeOutcome::Stopped | UpgradeOutcome::Quiesced => false,
    }
}

/// A text cut to what the journal keeps, without control characters, which JSON would blow up to six bytes each.
pub(crate) fn bounded(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c })
        .take(DETAIL_CHARACTERS)
        .collect();
    if text.chars().nth(DETAIL_CHARACTERS).is_some() {
        clean + "…"
    } else {
        clean
    }
}
