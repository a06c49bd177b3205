//! Runs: how one ended, and which there were.

use std::io::{self, Write};

use model::{NextStep, RunPurpose, StepReport, StepState, UpgradeOutcome, UpgradeReport};

use crate::Style;
use crate::style::Tone;
use crate::words::seconds;

/// Writes the report of a run.
///
/// # Errors
/// The writer's own.
pub fn upgrade_report(out: &mut dyn Write, style: Style, report: &UpgradeReport) -> io::Result<()> {
    writeln!(
        out,
        "{} in {}: {}  run {}",
        style.paint(Tone::Strong, &report.from.name),
        report.from.namespace,
        way(report, style.glyph("→", "->")),
        report.run
    )?;
    for step in &report.steps {
        self::step(out, style, step)?;
    }
    upgrade_outcome(out, style, report)
}

/// Writes how a run ended, for whoever has just watched its steps.
///
/// # Errors
/// The writer's own.
pub fn upgrade_outcome(out: &mut dyn Write, style: Style, report: &UpgradeReport) -> io::Result<()> {
    let (sentence, tone) = outcome_words(report);
    writeln!(out, "{}", style.paint(tone, sentence))?;
    if let Some(reason) = &report.reason {
        writeln!(out, "because: {reason}")?;
    }
    if let Some(downtime) = report.downtime_seconds {
        writeln!(out, "downtime {}", seconds(downtime))?;
    }
    for warning in &report.warnings {
        writeln!(out, "{} {warning}", style.paint(Tone::Care, "note:"))?;
    }
    next_steps(out, style, &report.next)
}

/// From where to where a run leads: `shop-1.0.0 → shop-1.1.0`.
pub(crate) fn way(report: &UpgradeReport, arrow: &str) -> String {
    let UpgradeReport { from, to, .. } = report;
    match report.purpose {
        RunPurpose::Change => format!("{} {arrow} {}-{}", from.chart, to.name, to.version),
        RunPurpose::Quiesce => format!("{} {arrow} stopped", from.chart),
    }
}

/// How a run ended, in a sentence.
pub(crate) fn outcome_words(report: &UpgradeReport) -> (&'static str, Tone) {
    match report.outcome {
        UpgradeOutcome::Quiesced => ("stopped, and proven idle; it stays so", Tone::Good),
        UpgradeOutcome::Restored if report.purpose == RunPurpose::Quiesce => {
            ("everything runs as it did before", Tone::Good)
        }
        UpgradeOutcome::Upgraded => ("upgraded, and proven", Tone::Good),
        UpgradeOutcome::UpgradedWithFailures => ("upgraded, but a check afterwards failed", Tone::Care),
        UpgradeOutcome::Restored => ("not upgraded: everything was put back as it was", Tone::Care),
        UpgradeOutcome::Stopped => ("stopped half-way; a person decides", Tone::Bad),
        UpgradeOutcome::Left => ("left as it stood; a person finishes it by hand", Tone::Care),
    }
}

fn step(out: &mut dyn Write, style: Style, step: &StepReport) -> io::Result<()> {
    let (mark, tone) = mark(style, step.state);
    let took = step.seconds.map_or_else(String::new, seconds);
    write!(out, "  {} {took:>10}  {}", style.paint(tone, mark), step.title)?;
    match &step.detail {
        Some(detail) => writeln!(out, ": {detail}"),
        None => writeln!(out),
    }
}

/// The mark of a step's state.
pub(crate) fn mark(style: Style, state: StepState) -> (&'static str, Tone) {
    match state {
        StepState::Pending => (style.glyph("·", "."), Tone::Faint),
        StepState::Running => (style.glyph("▸", ">"), Tone::Care),
        StepState::Done => (style.glyph("✓", "+"), Tone::Good),
        StepState::Failed => (style.glyph("✗", "x"), Tone::Bad),
        StepState::Restoring => (style.glyph("↶", "<"), Tone::Care),
        StepState::Restored => (style.glyph("↩", "="), Tone::Good),
        StepState::Stuck => (style.glyph("‼", "!"), Tone::Bad),
    }
}

/// Writes what to type next.
///
/// # Errors
/// The writer's own.
pub fn next_steps(out: &mut dyn Write, style: Style, next: &[NextStep]) -> io::Result<()> {
    if next.is_empty() {
        return Ok(());
    }
    writeln!(out, "next:")?;
    for step in next {
        match &step.command {
            Some(command) => writeln!(out, "  {}  # {}", style.paint(Tone::Strong, command), step.text)?,
            None => writeln!(out, "  {}", step.text)?,
        }
    }
    Ok(())
}

/// Writes the runs of a release, newest first: id, whether it has ended, and its report or why there is none.
///
/// # Errors
/// The writer's own.
pub fn run_list(
    out: &mut dyn Write,
    style: Style,
    runs: &[(String, bool, Result<UpgradeReport, String>)],
) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs");
    }
    for (index, (run, ended, report)) in runs.iter().enumerate() {
        match report {
            Ok(report) if index == 0 => {
                if !ended {
                    writeln!(out, "{}", style.paint(Tone::Care, "this run is not over"))?;
                }
                upgrade_report(out, style, report)?;
            }
            Ok(report) => writeln!(out, "{run}  {}: {}", way(report, "to"), outcome_words(report).0)?,
            Err(why) => writeln!(out, "{run}  {}", style.paint(Tone::Bad, why))?,
        }
    }
    Ok(())
}

/// Writes the runs of a release one a line, newest first: id, from where to where, how it ended and what was down.
///
/// # Errors
/// The writer's own.
pub fn run_history(
    out: &mut dyn Write,
    style: Style,
    runs: &[(String, bool, Result<UpgradeReport, String>)],
) -> io::Result<()> {
    if runs.is_empty() {
        return writeln!(out, "no runs");
    }
    let arrow = style.glyph("→", "->");
    for (run, ended, report) in runs {
        match report {
            Ok(report) => {
                let (sentence, tone) = match ended {
                    true => outcome_words(report),
                    false if report.outcome == UpgradeOutcome::Quiesced => outcome_words(report),
                    false => ("not over", Tone::Care),
                };
                let down = report
                    .downtime_seconds
                    .map_or_else(String::new, |downtime| format!(", {} down", seconds(downtime)));
                writeln!(
                    out,
                    "{run}  {}  {}{down}",
                    way(report, arrow),
                    style.paint(tone, sentence)
                )?;
            }
            Err(why) => writeln!(out, "{run}  {}", style.paint(Tone::Bad, why))?,
        }
    }
    Ok(())
}
