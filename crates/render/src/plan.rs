//! A plan as a numbered list that says how each step is taken back and where that stops being free.

use std::io::{self, Write};

use model::{Moved, Plan, Reversal, RunPurpose, RunTerms};

use crate::Style;
use crate::style::Tone;

/// Writes the plan.
///
/// # Errors
/// The writer's own.
pub fn plan(out: &mut dyn Write, style: Style, plan: &Plan) -> io::Result<()> {
    let arrow = style.glyph("→", "->");
    let way = match plan.purpose() {
        RunPurpose::Change => format!("{}-{}, gate {}", plan.to.name, plan.to.version, plan.gate.word()),
        RunPurpose::Quiesce => "stopped".to_owned(),
    };
    writeln!(
        out,
        "plan for {} in {}: {} {arrow} {way}, profile {}",
        style.paint(Tone::Strong, &plan.from.name),
        plan.from.namespace,
        plan.from.chart,
        plan.profile
    )?;
    plan_steps(out, style, plan)?;
    if let Some(terms) = &plan.terms {
        self::terms(out, style, terms)?;
    }
    if !plan.helm_flags.is_empty() {
        writeln!(out, "  helm flags of every pass: {}", plan.helm_flags.join(" "))?;
    }
    Ok(())
}

/// Writes when a run may begin and until when.
fn terms(out: &mut dyn Write, style: Style, terms: &RunTerms) -> io::Result<()> {
    for (what, told) in terms_told(terms) {
        let what = format!("{what}:");
        writeln!(out, "  {} {told}", style.paint(Tone::Strong, &what))?;
    }
    Ok(())
}

/// When a run may begin and until when, each term with what it means.
pub(crate) fn terms_told(terms: &RunTerms) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    if let Some(window) = &terms.window {
        told.push(("window", window.to_string()));
    }
    if let Some(not_before) = &terms.not_before {
        told.push((
            "not before",
            format!("{not_before}; checked and agreed to before, and checked again then"),
        ));
    }
    if let Some(deadline) = &terms.deadline {
        told.push((
            "deadline",
            format!(
                "{deadline}; from then on nothing new begins, and the run turns back where that loses nothing"
            ),
        ));
        told.push(match &terms.expected {
            Some(expected) => (
                "takes about",
                format!("{} s ({})", expected.seconds, expected.source),
            ),
            None => (
                "takes",
                "nobody has measured how long it takes; a rehearsal would".to_owned(),
            ),
        });
    }
    told.push(("when slow", terms.on_slow.word().to_owned()));
    told
}

/// Writes what has moved under a saved plan, each on a line of its own.
///
/// # Errors
/// The writer's own.
pub fn moved(out: &mut dyn Write, style: Style, moved: &[Moved]) -> io::Result<()> {
    for moved in moved {
        writeln!(out, "  {} {moved}", style.paint(Tone::Care, "moved:"))?;
    }
    Ok(())
}

/// Writes the steps of a plan, with what they cost to turn back, and its notes.
///
/// # Errors
/// The writer's own.
pub fn plan_steps(out: &mut dyn Write, style: Style, plan: &Plan) -> io::Result<()> {
    for (index, step) in plan.steps.iter().enumerate() {
        if plan.priced_from == Some(index) {
            let line = "---- from here on turning back has a price ----";
            writeln!(out, "    {}", style.paint(Tone::Care, line))?;
        }
        let undo = match step.reversal {
            Reversal::NotNeeded => "",
            Reversal::Automatic => "  [undone by itself]",
            Reversal::OnConsent => "  [undone on consent]",
            Reversal::Impossible => "  [cannot be undone]",
        };
        writeln!(
            out,
            "{:>3}. {}{}",
            index + 1,
            step.title,
            style.paint(Tone::Faint, undo)
        )?;
    }
    for notice in &plan.notices {
        writeln!(out, "  {} {notice}", style.paint(Tone::Care, "note:"))?;
    }
    Ok(())
}
