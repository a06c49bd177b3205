//! `kubectl pgbackup status`: one verdict, for people and for scripts.

use std::time::Duration;

use backup::inventory::{freshness, freshness_of_all, newest_good};
use clap::{Args, ValueEnum};
use cli::{Environment, Output};
use model::text::shell_word;
use model::{
    API_VERSION, BackupGrade, BackupStatusReport, ExitCode, Freshness, FreshnessRule, Mechanism, NextStep,
};

use super::list::form;
use super::look::{LookFlags, Looked, look};
use super::target::TargetError;
use crate::session::could_not_begin;

/// What a backup's word is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Grade {
    /// Restored and compared
    #[value(name = "A", alias = "a")]
    A,
    /// Integrity checked
    #[value(name = "B", alias = "b")]
    B,
    /// In the tool's own catalogue
    #[value(name = "C", alias = "c")]
    C,
    /// A controller says so
    #[value(name = "D", alias = "d")]
    D,
}

impl Grade {
    fn grade(self) -> BackupGrade {
        match self {
            Self::A => BackupGrade::A,
            Self::B => BackupGrade::B,
            Self::C => BackupGrade::C,
            Self::D => BackupGrade::D,
        }
    }
}

/// From what on the exit code is 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Stale or failing
    Stale,
    /// Any finding as well
    Warn,
}

/// Flags of `status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusFlags {
    #[command(flatten)]
    look: LookFlags,
    /// How old the newest good backup may be, such as 90m, 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = days)]
    max_age: Duration,
    /// What its word must be worth at least
    #[arg(long, value_enum, value_name = "GRADE", default_value = "D")]
    min_grade: Grade,
    /// What ends with 2
    #[arg(long, value_enum, value_name = "WHAT", default_value = "stale")]
    fail_on: FailOn,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
}

/// A time that may be told in days.
fn days(text: &str) -> Result<Duration, String> {
    const DAY: u64 = 24 * 60 * 60;
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    days.map(|days| Duration::from_secs(u64::from(days) * DAY))
        .or_else(|| helm::parse_duration(text))
        .ok_or_else(|| format!("{text:?} is no time; write 90m, 24h or 7d"))
}

/// Judges.
pub(crate) async fn run(flags: &StatusFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.look.common.output, environment);
    let mut looked = match look(&flags.look, &output, environment).await {
        Ok(looked) => looked,
        Err(code) => return code,
    };
    if let Some(error) = looked.trouble.take() {
        let usage = matches!(
            error,
            TargetError::Nothing
                | TargetError::Named(_)
                | TargetError::UnknownWorkload(..)
                | TargetError::UnknownRelease { .. }
                | TargetError::Several { .. }
        );
        if usage {
            return could_not_begin(&output, &error);
        }
        let state = "Nothing can be said of its backups. Nothing was changed.";
        return cli::fail(&output, &error, state, None, ExitCode::CannotTell);
    }
    let rule = FreshnessRule {
        max_age_seconds: i64::try_from(flags.max_age.as_secs()).unwrap_or(i64::MAX),
        min_grade: flags.min_grade.grade(),
    };
    let report = report(looked, rule, flags);
    let form = form(flags.markdown);
    let written = output.result(&report, |out, style| {
        render::backup_status(out, style, form, &report)
    });
    cli::end_with(&output, written, code(&report, flags.fail_on))
}

fn report(looked: Looked, rule: FreshnessRule, flags: &StatusFlags) -> BackupStatusReport {
    let (verdict, reason) = if looked.one_database {
        freshness(&looked.inventory, &rule)
    } else {
        freshness_of_all(&looked.inventory, &rule)
    };
    let stale = matches!(verdict, Freshness::Stale | Freshness::Failing);
    let next = if stale && looked.one_database {
        vec![mend(&looked, &rule, &flags.look.from)]
    } else {
        Vec::new()
    };
    BackupStatusReport {
        api_version: API_VERSION.into(),
        kind: "BackupStatus".into(),
        target: looked.target,
        verdict,
        reason,
        rule,
        newest: newest_good(&looked.inventory),
        uncertain: looked.inventory.uncertain,
        findings: looked.inventory.findings,
        unread: looked.inventory.unread,
        keys: looked.inventory.keys,
        next,
    }
}

/// What makes it fresh: a restore of ours, where nothing but that is asked for, else another backup.
fn mend(looked: &Looked, rule: &FreshnessRule, stores: &[String]) -> NextStep {
    let checked = FreshnessRule {
        min_grade: BackupGrade::B,
        ..*rule
    };
    let mut ours = looked.inventory.clone();
    ours.backups
        .retain(|backup| backup.mechanism == Mechanism::Pgbackup);
    let (text, act, flag) = if freshness(&ours, &checked).0 == Freshness::Fresh {
        ("prove the newest by a restore", "verify newest", "--from")
    } else {
        ("make one now", "create", "--to")
    };
    let store = match stores {
        [only] => format!(" {flag} {}", shell_word(only)),
        _ => String::new(),
    };
    NextStep {
        text: text.into(),
        command: Some(format!("kubectl pgbackup {act} {}{store}", looked.typed)),
    }
}

fn code(report: &BackupStatusReport, fail_on: FailOn) -> ExitCode {
    match (report.verdict, fail_on) {
        (Freshness::Stale | Freshness::Failing, _) => ExitCode::Blocked,
        (Freshness::Unknown, _) => ExitCode::CannotTell,
        (Freshness::Fresh, FailOn::Warn) if !report.findings.is_empty() => ExitCode::Blocked,
        (Freshness::Fresh, FailOn::Stale | FailOn::Warn) => ExitCode::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::days;
    use std::time::Duration;

    #[test]
    fn an_age_may_be_told_in_days() {
        assert_eq!(days("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(days("24h"), Ok(Duration::from_secs(86_400)));
        assert!(days("soon").is_err() && days("-1d").is_err() && days("d").is_err());
    }
}
