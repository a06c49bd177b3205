//! Which backups stay and go; files that were copied.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use model::{FileCopyReport, PinReport, PruneOutcome, PruneReport};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{age, bytes};

/// Writes what a prune did or would do, with the reason for every backup.
///
/// # Errors
/// The writer's own.
pub fn prune_report(out: &mut dyn Write, style: Style, report: &PruneReport) -> io::Result<()> {
    if report.backups.is_empty() {
        writeln!(out, "no backups")?;
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["DATABASE", "ID", "AGE", "SIZE", "DECISION", "WHY"]);
        for backup in &report.backups {
            table.add_row([
                backup.database.escape_debug().to_string(),
                backup.id.clone(),
                age(backup.age_seconds),
                bytes(backup.bytes),
                outcome(backup.outcome).to_owned(),
                backup.reasons.join("; "),
            ]);
        }
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        for line in table.lines() {
            writeln!(out, "{}", line.trim())?;
        }
    }
    for remnant in &report.remnants {
        writeln!(
            out,
            "{}  {}: {}",
            outcome(remnant.outcome),
            remnant.uri,
            remnant.reason
        )?;
    }
    let count = |wanted: PruneOutcome| report.backups.iter().filter(|one| one.outcome == wanted).count();
    let kept = count(PruneOutcome::Kept);
    let freed = bytes(report.freed_bytes);
    if report.dry_run {
        let going = count(PruneOutcome::WouldBeRemoved);
        let words = style.paint(Tone::Strong, "nothing was removed").into_owned();
        writeln!(out, "{words}: {going} would go ({freed}), {kept} stay")?;
    } else {
        let gone = count(PruneOutcome::Removed);
        writeln!(out, "{gone} removed ({freed}), {kept} kept")?;
        let stuck = count(PruneOutcome::NotRemoved);
        if stuck > 0 {
            let words = format!("{stuck} could not be removed");
            writeln!(out, "{}", style.paint(Tone::Bad, &words))?;
        }
    }
    next_steps(out, style, &report.next)
}

fn outcome(outcome: PruneOutcome) -> &'static str {
    match outcome {
        PruneOutcome::Kept => "keep",
        PruneOutcome::WouldBeRemoved => "remove",
        PruneOutcome::Removed => "removed",
        PruneOutcome::NotRemoved => "NOT REMOVED",
    }
}

/// Writes that a file arrived.
///
/// # Errors
/// The writer's own.
pub fn file_copy(out: &mut dyn Write, style: Style, report: &FileCopyReport) -> io::Result<()> {
    writeln!(out, "{} {}", style.paint(Tone::Strong, "copied"), report.from)?;
    writeln!(out, "  to      {}", report.to)?;
    writeln!(out, "  size    {} ({} bytes)", bytes(report.bytes), report.bytes)?;
    writeln!(out, "  sha256  {}", report.sha256)?;
    let proof = match report.proof.as_str() {
        "sha256" => "size and sha256 are equal at both ends",
        "cksum" => "size and CRC (cksum) are equal at both ends; the container has no sha256sum",
        _ => "only the size is equal at both ends; the container has neither sha256sum nor cksum",
    };
    writeln!(out, "  proof   {proof}")?;
    if report.resumed_bytes > 0 {
        let resumed = bytes(report.resumed_bytes);
        writeln!(
            out,
            "  resumed behind {resumed} that were here, whose sha256 was compared"
        )?;
    }
    for note in &report.notes {
        writeln!(out, "  {} {note}", style.paint(Tone::Care, "note:"))?;
    }
    Ok(())
}

/// Writes whether a backup is pinned now.
///
/// # Errors
/// The writer's own.
pub fn pin_report(out: &mut dyn Write, report: &PinReport) -> io::Result<()> {
    let before = if report.changed { "" } else { " already" };
    let words = if report.pinned {
        "pinned, and no prune removes it"
    } else {
        "not pinned"
    };
    writeln!(out, "backup {} is{before} {words}", report.id)
}
