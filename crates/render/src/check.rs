//! The check report as a table: trouble is explained, health is one line a row.

use std::io::{self, Write};

use model::{Category, CheckReport, CheckResult, CheckVerdict, Severity, Verdict};

use crate::Style;
use crate::style::Tone;

/// Writes the trouble alone, with the counts: what a person needs before agreeing to a plan.
///
/// # Errors
/// The writer's own.
pub fn check_trouble(out: &mut dyn Write, style: Style, report: &CheckReport) -> io::Result<()> {
    heading(out, style, report)?;
    for row in report
        .checks
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Pass(_) | Verdict::Skip(_)))
    {
        check(out, style, row)?;
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
    fail_on_warn: bool,
) -> io::Result<()> {
    heading(out, style, report)?;
    for (category, title) in CATEGORIES {
        let rows: Vec<&CheckResult> = report
            .checks
            .iter()
            .filter(|check| check.category == category)
            .collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", style.paint(Tone::Strong, title))?;
        for row in rows {
            check(out, style, row)?;
        }
    }
    summary(out, style, report, fail_on_warn)
}

const CATEGORIES: [(Category, &str); 6] = [
    (Category::Cluster, "cluster"),
    (Category::Helm, "helm"),
    (Category::Path, "path"),
    (Category::Workload, "workloads"),
    (Category::Postgres, "database"),
    (Category::Backup, "backups"),
];

fn heading(out: &mut dyn Write, style: Style, report: &CheckReport) -> io::Result<()> {
    let release = &report.release;
    let arrow = style.glyph("→", "->");
    let name = style.paint(Tone::Strong, &release.name).into_owned();
    write!(
        out,
        "{name} in {}  revision {}  {}",
        release.namespace, release.revision, release.chart
    )?;
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

fn check(out: &mut dyn Write, style: Style, row: &CheckResult) -> io::Result<()> {
    let (word, tone) = label(row);
    let word = format!("{word:<7}");
    writeln!(
        out,
        "  {} {:<26} {}",
        style.paint(tone, &word),
        row.id,
        row.verdict.message()
    )?;
    if matches!(row.verdict, Verdict::Pass(_) | Verdict::Skip(_)) {
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

/// The word of a row: a blocking row that failed or could not be judged says BLOCK or UNKNOWN, a milder one warns.
fn label(row: &CheckResult) -> (&'static str, Tone) {
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
    let counts = &report.summary;
    let judged = report.checks.len() - counts.skip;
    writeln!(
        out,
        "{} pass, {} warn, {} fail, {} unknown, {} skipped; {} of {judged} checks had evidence",
        counts.pass,
        counts.warn,
        counts.fail,
        counts.unknown,
        counts.skip,
        judged - counts.unknown
    )
}

fn verdict(verdict: CheckVerdict) -> (&'static str, Tone) {
    match verdict {
        CheckVerdict::Ready => ("ready", Tone::Good),
        CheckVerdict::Warnings => ("ready, with warnings", Tone::Care),
        CheckVerdict::Blocked => ("not ready", Tone::Bad),
        CheckVerdict::Incomplete => ("cannot tell", Tone::Bad),
    }
}
