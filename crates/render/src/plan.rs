//! A plan as a numbered list that says how each step is taken back and where that stops being free.

use std::io::{self, Write};

use model::{Moved, Plan, Reversal, RunPurpose};

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
    if !plan.helm_flags.is_empty() {
        writeln!(out, "  helm flags of every pass: {}", plan.helm_flags.join(" "))?;
    }
    Ok(())
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
