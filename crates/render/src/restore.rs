//! A restore: what it would do, and what it did.

use std::io::{self, Write};

use model::{RestorePreview, RestoreReport};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{age, bytes};

/// Writes what a restore would do, for the person who has to agree.
///
/// # Errors
/// The writer's own.
pub fn restore_preview(out: &mut dyn Write, style: Style, preview: &RestorePreview) -> io::Result<()> {
    let RestorePreview {
        database,
        server,
        backup,
        made_for,
        keep_as,
        sessions,
        users,
    } = preview;
    let database = style.paint(Tone::Strong, database).into_owned();
    match backup {
        Some(backup) => {
            writeln!(out, "restore database {database}, as {server}")?;
            let size = backup
                .bytes
                .map_or_else(String::new, |size| format!(", {}", bytes(size)));
            let old = match backup.age_seconds {
                ..60 => "made just now".to_owned(),
                seconds => format!("{} old", age(seconds)),
            };
            writeln!(out, "  from      backup {}, {old}{size}", backup.id)?;
            if let Some(release) = made_for {
                writeln!(
                    out,
                    "  made for  release {}, revision {}",
                    release.name, release.revision
                )?;
            }
            writeln!(
                out,
                "  first     a new database is filled and compared with the backup"
            )?;
        }
        None => writeln!(out, "take back the restore of database {database}, as {server}")?,
    }
    writeln!(
        out,
        "  kept      the database in use, as {keep_as}; nothing is deleted"
    )?;
    let who = if users.is_empty() {
        String::new()
    } else {
        let named = |user: &String| {
            if user.is_empty() {
                "unnamed".to_owned()
            } else {
                user.clone()
            }
        };
        format!(" ({})", users.iter().map(named).collect::<Vec<_>>().join(", "))
    };
    match sessions {
        Some(0) => writeln!(out, "  ended     no sessions: nobody else is connected now")?,
        Some(1) => writeln!(out, "  ended     1 session{who}")?,
        Some(count) => writeln!(out, "  ended     {count} sessions{who}")?,
        None => writeln!(
            out,
            "  ended     all sessions on it; how many could not be counted"
        )?,
    }
    if *sessions != Some(0) {
        let word = style.paint(Tone::Care, "note:");
        writeln!(
            out,
            "  {word} what they write before the swap is only in {keep_as} afterwards"
        )?;
    }
    Ok(())
}

/// Writes what a restore did.
///
/// # Errors
/// The writer's own.
pub fn restore_report(out: &mut dyn Write, style: Style, report: &RestoreReport) -> io::Result<()> {
    let database = style.paint(Tone::Strong, &report.database).into_owned();
    let before = if report.done_before {
        " (an earlier attempt had done it)"
    } else {
        ""
    };
    match &report.backup {
        Some(backup) => writeln!(
            out,
            "database {database} is restored from backup {backup}{before}"
        )?,
        None => writeln!(
            out,
            "restore {} of database {database} is taken back{before}",
            report.id
        )?,
    }
    writeln!(out, "  kept   the one before, as {}", report.kept_as)?;
    for compared in &report.compared {
        writeln!(out, "  equal  {compared}")?;
    }
    next_steps(out, style, &report.next)
}
