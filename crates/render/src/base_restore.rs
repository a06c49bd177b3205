//! A copy of a server that was put back.

use std::io::{self, Write};

use model::BaseRestoreReport;

use crate::Style;
use crate::style::Tone;

/// Writes what was done in a volume.
///
/// # Errors
/// The writer's own.
pub fn base_restore(out: &mut dyn Write, style: Style, report: &BaseRestoreReport) -> io::Result<()> {
    let place = format!("{}/{}", report.namespace, report.claim);
    let id = style.paint(Tone::Strong, &report.id);
    if report.undone {
        writeln!(out, "restore {id} of {place} taken back")?;
    } else {
        writeln!(out, "copy {id} is in {place}")?;
        writeln!(
            out,
            "  data    {} (owner {})",
            report.data_directory, report.owner
        )?;
    }
    if let Some(aside) = &report.moved_aside {
        writeln!(out, "  aside   {aside}, kept until you remove it")?;
    }
    if !report.kept_configuration.is_empty() {
        writeln!(out, "  kept    {}", report.kept_configuration.join(", "))?;
    }
    if let Some(undo) = &report.undo {
        writeln!(out, "  undo    {undo}")?;
        writeln!(
            out,
            "Start the server; it recovers to the end of the copy. Passwords are those of the copy: the Secrets in use must fit."
        )?;
    }
    Ok(())
}
