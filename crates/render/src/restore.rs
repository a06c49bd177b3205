//! A restore: what it would do, and what it did.

use std::io::{self, Write};

use model::{KeptReason, KeptReport, RestorePreview, RestoreReport};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{age, bytes, seconds};

/// Writes what a restore would do, for the person who has to agree.
///
/// # Errors
/// The writer's own.
pub fn restore_preview(out: &mut dyn Write, style: Style, preview: &RestorePreview) -> io::Result<()> {
    let RestorePreview {
        database,
        server,
        backup,
        file,
        made_for,
        ownership,
        schema,
        notes,
        keep_as,
        sessions,
        users,
    } = preview;
    let database = style.paint(Tone::Strong, database).into_owned();
    match (backup, file) {
        (Some(backup), _) => {
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
        (None, Some(file)) => {
            writeln!(out, "restore database {database}, as {server}")?;
            writeln!(out, "  from      {file}")?;
            writeln!(
                out,
                "  first     it is read to its end; then a new database is filled from it in one transaction"
            )?;
        }
        (None, None) => writeln!(out, "take back the restore of database {database}, as {server}")?,
    }
    for (word, line) in [("roles ", ownership), ("schema", schema)] {
        if let Some(line) = line {
            writeln!(out, "  {word}    {line}")?;
        }
    }
    if keep_as.is_empty() {
        writeln!(
            out,
            "  kept      nothing beside it; a backup of what is there is made first"
        )?;
    } else {
        writeln!(
            out,
            "  kept      the database in use, as {keep_as}; nothing is deleted"
        )?;
    }
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
    if *sessions != Some(0) && !keep_as.is_empty() {
        let word = style.paint(Tone::Care, "note:");
        writeln!(
            out,
            "  {word} what they write before the swap is only in {keep_as} afterwards"
        )?;
    }
    for note in notes {
        writeln!(out, "  {} {note}", style.paint(Tone::Care, "note:"))?;
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
    match (&report.backup, &report.file) {
        (Some(backup), _) => writeln!(
            out,
            "database {database} is restored from backup {backup}{before}"
        )?,
        (None, Some(file)) => writeln!(out, "database {database} is restored from {file}{before}")?,
        (None, None) => writeln!(
            out,
            "restore {} of database {database} is taken back{before}",
            report.id
        )?,
    }
    if !report.kept_as.is_empty() {
        writeln!(out, "  kept   the one before, as {}", report.kept_as)?;
    }
    for compared in &report.compared {
        writeln!(out, "  equal  {compared}")?;
    }
    let nothing_compared = report.compared.is_empty();
    if let Some(content) = report.content.as_ref().filter(|_| nothing_compared) {
        writeln!(
            out,
            "  holds  {content}; nothing says what it should be, so nothing was compared"
        )?;
    }
    if let Some(ownership) = &report.ownership {
        writeln!(out, "  roles  {ownership}")?;
    }
    if let Some(downtime) = report.downtime_seconds {
        writeln!(out, "  down   {}", seconds(downtime))?;
    }
    for note in &report.notes {
        writeln!(out, "  {} {note}", style.paint(Tone::Care, "note:"))?;
    }
    next_steps(out, style, &report.next)
}

/// Writes what restores left beside a database.
///
/// # Errors
/// The writer's own.
pub fn kept(out: &mut dyn Write, style: Style, report: &KeptReport) -> io::Result<()> {
    let database = style.paint(Tone::Strong, &report.database).into_owned();
    let dropped = report.kind == "KeptDropped";
    if report.items.is_empty() {
        writeln!(out, "no restore left anything beside database {database}")?;
    }
    for item in &report.items {
        let why = match item.reason {
            KeptReason::BeforeRestore => "in use before the restore",
            KeptReason::Undone => "restored, and taken back",
            KeptReason::Unfinished => "of a restore that did not come to its end",
        };
        let size = item
            .bytes
            .and_then(|size| u64::try_from(size).ok())
            .map_or_else(|| "size unknown".to_owned(), bytes);
        let sessions = match item.sessions {
            0 => String::new(),
            count => format!(", {count} sessions"),
        };
        let gone = if dropped { "dropped  " } else { "" };
        writeln!(out, "{gone}{}  {}  {size}{sessions}  {why}", item.id, item.name)?;
    }
    next_steps(out, style, &report.next)
}
