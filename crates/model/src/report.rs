//! What the user is told at the end. These structs are the stable machine output; a changed field is a changelog entry.

use serde::{Deserialize, Serialize};

use crate::{
    API_VERSION, Artefact, BackupFinding, BackupProof, BackupRelease, BackupSummary, ChartIdentity,
    CheckResult, ExitCode, FoundBackup, Release, RunPurpose, Severity, StepState, Unread, Verdict,
};

/// Which release, at which revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseIdentity {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Newest revision; 0 where there is none.
    pub revision: u32,
    /// Chart name and version, as `name-version`.
    pub chart: String,
    /// Application version.
    pub app_version: Option<String>,
}

impl From<&Release> for ReleaseIdentity {
    fn from(release: &Release) -> Self {
        Self {
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            revision: release.revision,
            chart: format!("{}-{}", release.chart.name, release.chart.version),
            app_version: release.chart.app_version.clone(),
        }
    }
}

/// The verdict over all checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// Nothing stands in the way.
    Ready,
    /// Nothing stands in the way; there is something to know.
    Warnings,
    /// A blocking check failed.
    Blocked,
    /// A blocking check could not be judged.
    Incomplete,
}

/// How many checks came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckSummary {
    /// Passed.
    pub pass: usize,
    /// Warned, or failed without blocking.
    pub warn: usize,
    /// Failed.
    pub fail: usize,
    /// Did not apply.
    pub skip: usize,
    /// Could not be judged.
    pub unknown: usize,
    /// Findings among these that somebody answers for.
    #[serde(default)]
    pub waived: usize,
}

/// What is different from an earlier report: ids of checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckChanges {
    /// Findings that were not there, or came out otherwise.
    pub appeared: Vec<String>,
    /// Findings that are gone.
    pub gone: Vec<String>,
}

/// The judgement on one release and target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `CheckReport`.
    pub kind: String,
    /// What was judged.
    pub release: ReleaseIdentity,
    /// What it would become.
    pub target: Option<ChartIdentity>,
    /// The whole verdict.
    pub verdict: CheckVerdict,
    /// The counts.
    pub summary: CheckSummary,
    /// Every row.
    pub checks: Vec<CheckResult>,
    /// What is different from the report named with `--baseline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<CheckChanges>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

impl CheckReport {
    /// Sums up results. A failure outweighs an unknown, an unknown outweighs a warning.
    pub fn new(release: ReleaseIdentity, target: Option<ChartIdentity>, checks: Vec<CheckResult>) -> Self {
        let mut summary = CheckSummary::default();
        let (mut failed, mut untold, mut warned) = (false, false, false);
        for check in &checks {
            let answered_for = check.waived.is_some();
            summary.waived += usize::from(answered_for);
            let blocking = check.severity == Severity::Block && !answered_for;
            let warning = check.severity == Severity::Warn && !answered_for;
            match &check.verdict {
                Verdict::Pass(_) => summary.pass += 1,
                Verdict::Skip(_) => summary.skip += 1,
                Verdict::Warn(_) => {
                    summary.warn += 1;
                    warned |= !answered_for;
                }
                Verdict::Fail(_) => {
                    summary.fail += 1;
                    failed |= blocking;
                    warned |= warning;
                }
                Verdict::Unknown(_) => {
                    summary.unknown += 1;
                    untold |= blocking;
                    warned |= warning;
                }
            }
        }
        let verdict = if failed {
            CheckVerdict::Blocked
        } else if untold {
            CheckVerdict::Incomplete
        } else if warned {
            CheckVerdict::Warnings
        } else {
            CheckVerdict::Ready
        };
        Self {
            api_version: API_VERSION.into(),
            kind: "CheckReport".into(),
            release,
            target,
            verdict,
            summary,
            checks,
            changes: None,
            next: Vec::new(),
        }
    }

    /// Compares with an earlier report of the same release.
    pub fn compare(&mut self, baseline: &Self) {
        let finding = |report: &Self, id: &str| {
            let row = report.checks.iter().find(|row| row.id == id)?;
            (row.is_finding() && row.waived.is_none()).then(|| row.verdict.clone())
        };
        let mut changes = CheckChanges::default();
        for row in &self.checks {
            match (finding(baseline, &row.id), finding(self, &row.id)) {
                (before, Some(now)) if before.as_ref().map(Verdict::word) != Some(now.word()) => {
                    changes.appeared.push(row.id.clone());
                }
                (Some(_), None) => changes.gone.push(row.id.clone()),
                (_, _) => {}
            }
        }
        self.changes = Some(changes);
    }

    /// How the program ends with this report; `fail_on_warn` is the user's `--fail-on warn`. With a report to compare
    /// with only warnings that it does not know count.
    pub fn exit_code(&self, fail_on_warn: bool) -> ExitCode {
        match self.verdict {
            CheckVerdict::Ready => ExitCode::Done,
            CheckVerdict::Warnings if fail_on_warn && self.has_news() => ExitCode::Blocked,
            CheckVerdict::Warnings => ExitCode::Done,
            CheckVerdict::Blocked => ExitCode::Blocked,
            CheckVerdict::Incomplete => ExitCode::CannotTell,
        }
    }

    fn has_news(&self) -> bool {
        self.changes
            .as_ref()
            .is_none_or(|changes| !changes.appeared.is_empty())
    }
}

/// A command the user can type next, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextStep {
    /// What it does.
    pub text: String,
    /// The command.
    pub command: Option<String>,
}

/// A backup that was made and proven.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `BackupReport`.
    pub kind: String,
    /// The backup.
    pub backup: BackupSummary,
    /// When it began (RFC 3339, UTC).
    pub started_at: String,
    /// sha256 of the stored dump.
    pub sha256: String,
    /// `custom`, `directory` or `plain`.
    pub format: String,
    /// Which way it was made: `exec`, `job`, `port-forward`, `direct`; empty where that is not known.
    pub route: String,
    /// What of the database it does not carry, in words.
    pub left_out: Vec<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// What was proven.
    pub proof: BackupProof,
    /// Volumes and buckets that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artefacts: Vec<Artefact>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// What became of a backup of every database of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupSetReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `BackupSet`.
    pub kind: String,
    /// The backups that were made and proven, each of one database.
    pub items: Vec<BackupReport>,
    /// The databases of which there is no backup.
    pub failed: Vec<BackupFailure>,
    /// The databases that were left out, and not asked for.
    pub skipped: Vec<String>,
}

/// A database of which there is no backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupFailure {
    /// The database.
    pub database: String,
    /// Why.
    pub reason: String,
}

/// The backups found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupListReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `BackupList`.
    pub kind: String,
    /// Newest first.
    pub items: Vec<FoundBackup>,
    /// Backups that may be of the database in question; nothing says whether they are.
    pub uncertain: Vec<FoundBackup>,
    /// What is wrong.
    pub findings: Vec<BackupFinding>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// What a restore would do, for the person who has to agree.
#[derive(Debug, Clone, PartialEq)]
pub struct RestorePreview {
    /// The database that is swapped.
    pub database: String,
    /// Who acts where: `postgres in pod db-0`.
    pub server: String,
    /// The backup it is filled from; `None` where an earlier restore is taken back.
    pub backup: Option<BackupSummary>,
    /// The dump that it is filled from, with what it is, where that is no backup of ours.
    pub file: Option<String>,
    /// The release that the backup was made for, where known.
    pub made_for: Option<BackupRelease>,
    /// To whom what is restored will belong; `None` where an earlier restore is taken back.
    pub ownership: Option<String>,
    /// What the running image will find, by the migration tool's table; `None` as there.
    pub schema: Option<String>,
    /// What else is to be known before agreeing.
    pub notes: Vec<String>,
    /// The name under which the database in use will be kept.
    pub keep_as: String,
    /// How many sessions would be ended, where they can be counted.
    pub sessions: Option<usize>,
    /// The `application_name`s of these sessions, each once.
    pub users: Vec<String>,
}

/// A restore that was done, or taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `RestoreReport`.
    pub kind: String,
    /// The restore's id, by which it can be taken back.
    pub id: String,
    /// Whether it was taken back.
    pub undone: bool,
    /// The backup; `None` where a dump of somebody else's was restored, or an earlier restore was taken back.
    pub backup: Option<String>,
    /// The dump that it was filled from, where that is no backup of ours.
    #[serde(default)]
    pub file: Option<String>,
    /// The run that kept the release's writers at rest meanwhile, where there was one.
    #[serde(default)]
    pub run: Option<String>,
    /// Seconds from the first writer stopped to all counts back, where any was.
    #[serde(default)]
    pub downtime_seconds: Option<f64>,
    /// The database.
    pub database: String,
    /// The name under which the database that was in use before is kept.
    pub kept_as: String,
    /// What was compared and found equal, in words.
    pub compared: Vec<String>,
    /// What the restored database holds: rows and tables.
    #[serde(default)]
    pub content: Option<String>,
    /// To whom what was restored belongs.
    #[serde(default)]
    pub ownership: Option<String>,
    /// What else a person should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Whether an earlier attempt had already done it.
    pub done_before: bool,
    /// What to type next.
    pub next: Vec<NextStep>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeOutcome {
    /// The new version runs.
    Upgraded,
    /// The new version runs, but a post-check failed.
    UpgradedWithFailures,
    /// Everything was put back.
    Restored,
    /// It waits for a person.
    Stopped,
    /// A person wanted it left as it stood, to finish by hand.
    Left,
    /// The release is stopped and stands still, until it is brought back.
    Quiesced,
}

impl UpgradeOutcome {
    /// How the program ends with it.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Upgraded | Self::Quiesced => ExitCode::Done,
            Self::UpgradedWithFailures => ExitCode::PostCheckFailed,
            Self::Restored => ExitCode::PutBack,
            Self::Stopped | Self::Left => ExitCode::Stopped,
        }
    }
}

/// One step in the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its last state.
    pub state: StepState,
    /// When it began (RFC 3339), if it did.
    pub started_at: Option<String>,
    /// Seconds from the begin of the run's first step to its own.
    #[serde(default)]
    pub after_seconds: Option<f64>,
    /// Seconds from begin to end.
    pub seconds: Option<f64>,
    /// What came out.
    pub detail: Option<String>,
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `UpgradeReport`.
    pub kind: String,
    /// What the run is for.
    #[serde(default)]
    pub purpose: RunPurpose,
    /// The run's id.
    pub run: String,
    /// How it ended.
    pub outcome: UpgradeOutcome,
    /// Why it did not end as wished, in one sentence.
    pub reason: Option<String>,
    /// What ran before.
    pub from: ReleaseIdentity,
    /// What was to run.
    pub to: ChartIdentity,
    /// Seconds from the first writer stopped to all counts back; `None` where nothing was stopped.
    pub downtime_seconds: Option<f64>,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// What else a person should know: that it went on past its deadline, that a notification did not arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What to type next.
    pub next: Vec<NextStep>,
}
