//! The new version's migration, tried on a restored copy of the database.

use serde::{Deserialize, Serialize};

use crate::{API_VERSION, ChartIdentity, ExitCode, NextStep, ReleaseIdentity, Verification};

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RehearsalOutcome {
    /// The schema is where the target brings it.
    Migrated,
    /// The new version is well, and had nothing to migrate.
    NothingToDo,
    /// The migration failed.
    Failed,
    /// It was not tried, because it could not be kept from everything else.
    Refused,
    /// What was seen does not tell.
    Unknown,
}

impl RehearsalOutcome {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Migrated => "migrated",
            Self::NothingToDo => "nothing to migrate",
            Self::Failed => "the migration failed",
            Self::Refused => "not tried",
            Self::Unknown => "cannot tell",
        }
    }

    /// Whether the time that it took says what the real migration will take.
    pub fn measures(self) -> bool {
        match self {
            Self::Migrated | Self::NothingToDo => true,
            Self::Failed | Self::Refused | Self::Unknown => false,
        }
    }
}

/// A migration that was tried on a restored copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsal {
    /// Who migrates: `job/shop-migrate`, `deployment/shop-web`.
    pub migrator: String,
    /// Its container.
    pub container: String,
    /// Its image.
    pub image: String,
    /// What came of it.
    pub outcome: RehearsalOutcome,
    /// The schema's version before, by the migration tool's own table.
    pub schema_before: Option<String>,
    /// The same afterwards.
    pub schema_after: Option<String>,
    /// The version that the target brings, where the profile says it.
    pub schema_expected: Option<String>,
    /// Seconds from the migrator's start to its end: its Job has ended, its pod is ready, or the schema has arrived.
    pub seconds: Option<f64>,
    /// Size of the database before, in bytes.
    pub bytes_before: Option<u64>,
    /// Size afterwards.
    pub bytes_after: Option<u64>,
    /// The largest size that was seen meanwhile: a rewrite keeps old and new side by side.
    pub bytes_most: Option<u64>,
    /// Write-ahead log that was written, in bytes.
    pub wal_bytes: Option<u64>,
    /// Statements that were seen at work, the longest first; literals removed.
    pub statements: Vec<RehearsedStatement>,
    /// Locks on tables, the longest held first.
    pub locks: Vec<RehearsedLock>,
    /// What is wrong, in words.
    pub findings: Vec<String>,
    /// What is not known, in words.
    pub unknown: Vec<String>,
    /// The migrator's last lines, without secrets.
    pub log: Vec<String>,
    /// How it was kept from everything else, and what was not as it will be, in words.
    pub isolation: Vec<String>,
}

/// A statement that was seen at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedStatement {
    /// Its beginning, literals removed.
    pub statement: String,
    /// The longest that it was seen to have worked, in seconds.
    pub seconds: f64,
}

/// A lock on a table that was seen to be held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedLock {
    /// The table, with its schema.
    pub table: String,
    /// The mode: `AccessExclusiveLock` keeps readers away.
    pub mode: String,
    /// How long it was seen to be held, in seconds.
    pub seconds: f64,
}

/// What a rehearsal measured, as it is kept for later plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedMigration {
    /// Whole seconds, rounded up.
    pub seconds: u64,
    /// Size of the copy, in bytes.
    pub bytes: u64,
    /// When (RFC 3339, UTC).
    pub at: String,
    /// The chart's version that ran.
    pub from: String,
    /// The chart's version that was tried.
    pub to: String,
    /// The backup that it was tried on.
    pub backup: String,
}

impl RehearsedMigration {
    /// Whether it was this very upgrade.
    pub fn is_of(&self, from: &str, to: &str) -> bool {
        self.from == from && self.to == to
    }

    /// What it would take for a database of another size: never less than was measured, because a small database has its
    /// fixed costs; more in the proportion in which the database has grown.
    pub fn seconds_for(&self, bytes: Option<u64>) -> u64 {
        let Some(now) = bytes.filter(|now| self.bytes > 0 && *now > self.bytes) else {
            return self.seconds;
        };
        let grown = u128::from(self.seconds) * u128::from(now) / u128::from(self.bytes);
        u64::try_from(grown).unwrap_or(u64::MAX)
    }

    /// The day, without the time of day.
    pub fn day(&self) -> &str {
        self.at.split('T').next().unwrap_or(&self.at)
    }
}

/// The result of `helm safe-upgrade rehearse`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsalReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `RehearsalReport`.
    pub kind: String,
    /// The release as it runs.
    pub release: ReleaseIdentity,
    /// What was tried.
    pub target: ChartIdentity,
    /// What came of it; none where the backup itself is not as it must be.
    pub rehearsal: Option<Rehearsal>,
    /// The restore test that came before it.
    pub verification: Verification,
    /// What is kept for later plans; none where nothing was measured.
    pub remembered: Option<RehearsedMigration>,
    /// What to type next.
    pub next: Vec<NextStep>,
}

impl RehearsalReport {
    /// Takes the rehearsal out of the restore test that it was a part of.
    pub fn new(release: ReleaseIdentity, target: ChartIdentity, mut verification: Verification) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: "RehearsalReport".into(),
            release,
            target,
            rehearsal: verification.rehearsal.take(),
            verification,
            remembered: None,
            next: Vec::new(),
        }
    }

    /// The code that the program ends with: a finding before what could not be judged.
    pub fn exit_code(&self) -> ExitCode {
        let outcome = self.rehearsal.as_ref().map(|rehearsal| rehearsal.outcome);
        let unknown = self.rehearsal.iter().flat_map(|rehearsal| &rehearsal.unknown);
        let unjudged = unknown.chain(&self.verification.unjudged).next().is_some();
        match outcome {
            _ if !self.verification.differences.is_empty() => ExitCode::Blocked,
            Some(RehearsalOutcome::Failed | RehearsalOutcome::Refused) => ExitCode::Blocked,
            Some(RehearsalOutcome::Unknown) | None => ExitCode::CannotTell,
            Some(RehearsalOutcome::Migrated | RehearsalOutcome::NothingToDo) if unjudged => {
                ExitCode::CannotTell
            }
            Some(RehearsalOutcome::Migrated | RehearsalOutcome::NothingToDo) => ExitCode::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_grows_with_the_database_and_never_shrinks() {
        let rehearsed = RehearsedMigration {
            seconds: 40,
            bytes: 1_000,
            at: "2026-11-29T21:50:54Z".into(),
            from: "1.0.0".into(),
            to: "2.0.0".into(),
            backup: "b".into(),
        };
        for (bytes, expected) in [(None, 40), (Some(500), 40), (Some(1_000), 40), (Some(1_500), 60)] {
            assert_eq!(rehearsed.seconds_for(bytes), expected, "{bytes:?}");
        }
        let of_nothing = RehearsedMigration {
            bytes: 0,
            ..rehearsed.clone()
        };
        assert_eq!(of_nothing.seconds_for(Some(1_500)), 40);
        assert!(rehearsed.is_of("1.0.0", "2.0.0") && !rehearsed.is_of("1.0.0", "2.0.1"));
        assert_eq!(rehearsed.day(), "2026-11-29");
    }

    #[test]
    fn a_finding_wins_over_what_is_not_known() {
        let report = |outcome: Option<&str>, differences: &[&str], unjudged: &[&str]| {
            let rehearsal = outcome.map(|outcome| {
                serde_json::json!({
                    "migrator": "job/m", "container": "m", "image": "i", "outcome": outcome, "statements": [],
                    "locks": [], "findings": [], "unknown": [], "log": [], "isolation": [],
                })
            });
            let verification = serde_json::json!({
                "apiVersion": "", "kind": "", "id": "", "verifiedAt": "", "compared": [], "restoreSeconds": 1.0,
                "differences": differences, "unjudged": unjudged, "rehearsal": rehearsal,
            });
            let release = ReleaseIdentity {
                name: "shop".into(),
                namespace: "shop".into(),
                revision: 1,
                chart: "shop-1".into(),
                app_version: None,
            };
            let chart = ChartIdentity {
                name: "shop".into(),
                version: "2".into(),
                app_version: None,
            };
            let verification = serde_json::from_value(verification).unwrap();
            RehearsalReport::new(release, chart, verification).exit_code()
        };
        for (outcome, differences, unjudged, code) in [
            (Some("migrated"), &[][..], &[][..], ExitCode::Done),
            (Some("nothing-to-do"), &[], &[], ExitCode::Done),
            (Some("migrated"), &[], &["x"], ExitCode::CannotTell),
            (Some("unknown"), &[], &[], ExitCode::CannotTell),
            (Some("failed"), &[], &["x"], ExitCode::Blocked),
            (Some("refused"), &[], &[], ExitCode::Blocked),
            (None, &[], &[], ExitCode::CannotTell),
            (None, &["x"], &[], ExitCode::Blocked),
        ] {
            assert_eq!(report(outcome, differences, unjudged), code, "{outcome:?}");
        }
    }
}
