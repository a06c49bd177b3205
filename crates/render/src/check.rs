//! The check report as a table: trouble is explained, health is one line a row.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Write};

use model::{
    Category, CheckReport, CheckResult, CheckVerdict, Confidence, ReleaseIdentity, Severity, Verdict,
};

use crate::Style;
use crate::style::Tone;
use crate::words::in_lines;

/// How much of a report is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Detail {
    /// Findings alone.
    Short,
    /// Every row.
    #[default]
    Usual,
    /// Every row with its evidence and how sure it is.
    Wide,
}

/// Writes the trouble alone, with the counts: what a person needs before agreeing to a plan.
///
/// # Errors
/// The writer's own.
pub fn check_trouble(out: &mut dyn Write, style: Style, report: &CheckReport) -> io::Result<()> {
    let report = &in_lines(report)?;
    heading(out, style, report)?;
    let mut reasons = Reasons::default();
    for row in report.checks.iter().filter(|row| row.is_finding()) {
        check(out, style, row, Detail::Usual, &mut reasons)?;
    }
    counts(out, report)?;
    if report.checks.iter().any(CheckResult::blocks) {
        writeln!(out, "{}", style.paint(Tone::Bad, verdict(report.verdict).0))?;
        crate::run::next_steps(out, style, &report.next)?;
    }
    Ok(())
}

/// Writes the report. `fail_on_warn` only changes the exit code that the last line names.
///
/// # Errors
/// The writer's own.
pub fn check_report(
    out: &mut dyn Write,
    style: Style,
    report: &CheckReport,
    detail: Detail,
    fail_on_warn: bool,
) -> io::Result<()> {
    let report = &in_lines(report)?;
    heading(out, style, report)?;
    let mut reasons = Reasons::default();
    for (category, title) in CATEGORIES {
        let rows: Vec<&CheckResult> = report
            .checks
            .iter()
            .filter(|check| check.category == category && (detail != Detail::Short || check.is_finding()))
            .collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", style.paint(Tone::Strong, title))?;
        for row in rows {
            check(out, style, row, detail, &mut reasons)?;
        }
    }
    changes(out, style, report)?;
    summary(out, style, report, fail_on_warn)
}

pub(crate) const CATEGORIES: [(Category, &str); 6] = [
    (Category::Cluster, "cluster"),
    (Category::Helm, "helm"),
    (Category::Path, "path"),
    (Category::Workload, "workloads"),
    (Category::Postgres, "database"),
    (Category::Backup, "backups"),
];

/// Which release in which namespace, from what to what, in plain words.
pub(crate) fn title(report: &CheckReport) -> String {
    let release = &report.release;
    let to = report
        .target
        .as_ref()
        .map(|target| format!(" to {}-{}", target.name, target.version))
        .unwrap_or_default();
    let from = if release.chart.is_empty() {
        "a chart that could not be read"
    } else {
        &release.chart
    };
    format!("{} in {}: {from}{to}", release.name, release.namespace)
}

/// The revision in words; 0 stands for one that could not be read.
pub(crate) fn revision(release: &ReleaseIdentity) -> String {
    match release.revision {
        0 => "unknown".to_owned(),
        known => known.to_string(),
    }
}

fn heading(out: &mut dyn Write, style: Style, report: &CheckReport) -> io::Result<()> {
    let release = &report.release;
    let arrow = style.glyph("→", "->");
    let name = style.paint(Tone::Strong, &release.name).into_owned();
    write!(
        out,
        "{name} in {}  revision {}",
        release.namespace,
        revision(release)
    )?;
    if !release.chart.is_empty() {
        write!(out, "  {}", release.chart)?;
    }
    if let Some(version) = &release.app_version {
        write!(out, " ({version})")?;
    }
    if let Some(target) = &report.target {
        write!(out, " {arrow} {}-{}", target.name, target.version)?;
        if let Some(version) = &target.app_version {
            write!(out, " ({version})")?;
        }
    }
    writeln!(out)
}

/// Why rows could not be judged, each with the first row that it kept from it. One database that cannot be read keeps thirty
/// rows from being judged, and its reason is read once.
#[derive(Default)]
struct Reasons<'a>(HashMap<&'a str, &'a str>);

impl<'a> Reasons<'a> {
    fn message(&mut self, row: &'a CheckResult) -> Cow<'a, str> {
        let message = row.verdict.message();
        if !matches!(row.verdict, Verdict::Unknown(_)) {
            return Cow::Borrowed(message);
        }
        match self.0.entry(message) {
            Entry::Occupied(first) => Cow::Owned(format!("for the same reason as {}", first.get())),
            Entry::Vacant(place) => {
                place.insert(&row.id);
                Cow::Borrowed(message)
            }
        }
    }
}

fn check<'a>(
    out: &mut dyn Write,
    style: Style,
    row: &'a CheckResult,
    detail: Detail,
    reasons: &mut Reasons<'a>,
) -> io::Result<()> {
    let (word, tone) = label(row);
    let word = format!("{word:<7}");
    writeln!(
        out,
        "  {} {:<26} {}",
        style.paint(tone, &word),
        row.id,
        reasons.message(row)
    )?;
    if let Some(waived) = &row.waived {
        let words = format!(
            "{} answers for it until {}: {}",
            waived.owner, waived.expires, waived.reason
        );
        writeln!(out, "{:>37}{}", "", style.paint(Tone::Faint, &words))?;
    }
    if detail == Detail::Wide && !matches!(row.verdict, Verdict::Skip(_)) {
        let facts = evidence(row).join(", ");
        let by = if facts.is_empty() { "" } else { " by " };
        let words = format!("{}{by}{facts}", confidence(row.confidence));
        writeln!(out, "{:>37}{}", "", style.paint(Tone::Faint, &words))?;
    }
    if !row.is_finding() || row.waived.is_some() {
        return Ok(());
    }
    for remedy in &row.remedy {
        writeln!(out, "{:>37}{}", "fix: ", remedy.text)?;
        if let Some(command) = &remedy.command {
            writeln!(out, "{:>37}{}", "", style.paint(Tone::Strong, command))?;
        }
    }
    Ok(())
}

/// The facts of a row as `name value`.
pub(crate) fn evidence(row: &CheckResult) -> Vec<String> {
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    row.evidence
        .iter()
        .map(|(name, value)| format!("{name} {}", plain(value)))
        .collect()
}

/// How sure a row is, in a word.
pub(crate) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain",
        Confidence::Observed => "observed",
        Confidence::Reported => "reported",
        Confidence::Inferred => "inferred",
    }
}

/// The word of a row: a blocking row that failed or could not be judged says BLOCK or UNKNOWN, a milder one warns.
pub(crate) fn label(row: &CheckResult) -> (&'static str, Tone) {
    if row.waived.is_some() {
        return ("waived", Tone::Care);
    }
    match (&row.verdict, row.severity) {
        (Verdict::Pass(_), _) => ("pass", Tone::Good),
        (Verdict::Skip(_), _) => ("skip", Tone::Faint),
        (Verdict::Warn(_), _) | (Verdict::Fail(_), Severity::Warn) => ("warn", Tone::Care),
        (Verdict::Fail(_), Severity::Block) => ("BLOCK", Tone::Bad),
        (Verdict::Fail(_), Severity::Info) => ("info", Tone::Care),
        (Verdict::Unknown(_), Severity::Block) => ("UNKNOWN", Tone::Bad),
        (Verdict::Unknown(_), Severity::Warn | Severity::Info) => ("unknown", Tone::Care),
    }
}

/// What is different from an earlier report.
fn changes(out: &mut dyn Write, style: Style, report: &CheckReport) -> io::Result<()> {
    let Some(changes) = &report.changes else {
        return Ok(());
    };
    writeln!(out, "\n{}", style.paint(Tone::Strong, "since the baseline"))?;
    let list = |ids: &[String]| {
        if ids.is_empty() {
            "nothing".to_owned()
        } else {
            ids.join(", ")
        }
    };
    writeln!(
        out,
        "  new:  {}\n  gone: {}",
        list(&changes.appeared),
        list(&changes.gone)
    )
}

fn summary(out: &mut dyn Write, style: Style, report: &CheckReport, fail_on_warn: bool) -> io::Result<()> {
    writeln!(out)?;
    counts(out, report)?;
    let (words, tone) = verdict(report.verdict);
    writeln!(
        out,
        "{} (exit code {})",
        style.paint(tone, words),
        report.exit_code(fail_on_warn).code()
    )?;
    crate::run::next_steps(out, style, &report.next)
}

fn counts(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    writeln!(out, "{}", coverage(report))
}

/// The counts in words, and how many rows had something to judge by.
pub(crate) fn coverage(report: &CheckReport) -> String {
    let counts = &report.summary;
    let judged = report.checks.len() - counts.skip;
    let waived = match counts.waived {
        0 => String::new(),
        waived => format!(" ({waived} waived)"),
    };
    format!(
        "{} pass, {} warn, {} fail, {} unknown{waived}, {} skipped; {} of {judged} checks had evidence",
        counts.pass,
        counts.warn,
        counts.fail,
        counts.unknown,
        counts.skip,
        judged - counts.unknown
    )
}

pub(crate) fn verdict(verdict: CheckVerdict) -> (&'static str, Tone) {
    match verdict {
        CheckVerdict::Ready => ("ready", Tone::Good),
        CheckVerdict::Warnings => ("ready, with warnings", Tone::Care),
        CheckVerdict::Blocked => ("not ready", Tone::Bad),
        CheckVerdict::Incomplete => ("cannot tell", Tone::Bad),
    }
}
