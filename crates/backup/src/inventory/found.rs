//! Building what is found.

use jiff::Timestamp;
use model::{BackupFinding, BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::value::Object;

/// What one mechanism makes of its objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finds {
    /// The backups, in no order.
    pub(super) backups: Vec<FoundBackup>,
    /// What is wrong.
    pub(super) findings: Vec<BackupFinding>,
}

impl Finds {
    /// Adds a finding about an object.
    pub(super) fn note(
        &mut self,
        mechanism: Mechanism,
        (kind, object): (&str, &Value),
        of: &BackupSubject,
        (id, level): (&str, FindingLevel),
        message: impl Into<String>,
    ) {
        self.findings.push(BackupFinding {
            id: id.to_owned(),
            level,
            mechanism,
            namespace: object.namespace().to_owned(),
            object: format!("{kind}/{}", object.name()),
            of: of.clone(),
            message: message.into(),
        });
    }

    /// Takes over what another look found.
    pub(super) fn extend(&mut self, other: Self) {
        self.backups.extend(other.backups);
        self.findings.extend(other.findings);
    }
}

/// A backup that stands as an object in the cluster: not known how, until it is said.
pub(super) fn found(mechanism: Mechanism, kind: &str, object: &Value, of: BackupSubject) -> FoundBackup {
    FoundBackup {
        id: format!("{kind}/{}", object.name()),
        mechanism,
        namespace: object.namespace().to_owned(),
        database: of.database().map(str::to_owned),
        of,
        state: BackupState::Unknown,
        why: String::new(),
        grade: None,
        started_at: None,
        finished_at: None,
        age_seconds: None,
        bytes: None,
        at_risk_bytes: None,
        end_lsn: None,
        timeline: None,
        server_major: None,
        system_identifier: None,
        uri: None,
        notes: Vec::new(),
    }
}

/// What is said of a backup, step by step.
pub(super) trait Say: Sized {
    /// It ended well at this moment; `None` is no moment and makes it unknown, since its age cannot be judged.
    fn good(self, at: Option<Timestamp>, grade: BackupGrade, why: impl Into<String>) -> Self;
    /// It stands so, because.
    fn stands(self, state: BackupState, why: impl Into<String>) -> Self;
    /// It began at this moment.
    fn began(self, at: Option<Timestamp>) -> Self;
    /// Something to know before it is trusted.
    fn noted(self, note: impl Into<String>) -> Self;
}

impl Say for FoundBackup {
    fn good(mut self, at: Option<Timestamp>, grade: BackupGrade, why: impl Into<String>) -> Self {
        match at {
            Some(at) => {
                self.state = BackupState::Good;
                self.grade = Some(grade);
                self.finished_at = Some(at.to_string());
                self.why = why.into();
            }
            None => {
                self.state = BackupState::Unknown;
                self.why = format!("{}, but nothing says when", why.into());
            }
        }
        self
    }

    fn stands(mut self, state: BackupState, why: impl Into<String>) -> Self {
        self.state = state;
        self.grade = None;
        self.finished_at = None;
        self.why = why.into();
        self
    }

    fn began(mut self, at: Option<Timestamp>) -> Self {
        self.started_at = at.map(|at| at.to_string());
        self
    }

    fn noted(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Seconds since a backup ended well.
pub(super) fn age(backup: &FoundBackup, now: Timestamp) -> Option<i64> {
    let finished: Timestamp = backup.finished_at.as_ref()?.parse().ok()?;
    // Clocks differ a little; a backup of the future is a new one.
    Some((now.as_second() - finished.as_second()).max(0))
}

/// Running for longer than this is stuck. A base backup of some terabytes takes hours; what has run for a working day
/// hangs, or whoever would have written its end has died.
pub(super) const STUCK_AFTER_SECONDS: i64 = 8 * 60 * 60;

/// A backup that says that it is at work: running, or stuck where it has been so for too long.
pub(super) fn at_work(
    backup: FoundBackup,
    since: Option<Timestamp>,
    now: Timestamp,
    phase: &str,
) -> FoundBackup {
    let backup = backup.began(since);
    match since {
        Some(since) if now.as_second() - since.as_second() > STUCK_AFTER_SECONDS => backup.stands(
            BackupState::Stuck,
            format!(
                "says {phase} since {since}; nothing takes longer than {} h, and no mechanism ends it by itself",
                STUCK_AFTER_SECONDS / 3600
            ),
        ),
        Some(_) => backup.stands(BackupState::Running, format!("says {phase}")),
        None => backup.stands(BackupState::Unknown, format!("says {phase}, but not since when")),
    }
}
