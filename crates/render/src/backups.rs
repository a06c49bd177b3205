//! Backups: one that was made, many in a list, one that was tried.

use std::io::{self, Write};

use model::{
    AssertionVerdict, BackupFailure, BackupGrade, BackupReport, BackupSetReport, BackupSummary, Rehearsal,
    Verification, WithApp,
};

use crate::Style;
use crate::artefacts::in_words;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{bytes, seconds};

/// Writes the report of a backup that was made.
///
/// # Errors
/// The writer's own.
pub fn backup_report(out: &mut dyn Write, style: Style, report: &BackupReport) -> io::Result<()> {
    let BackupSummary {
        id,
        uri,
        database,
        bytes: size,
        grade,
        ..
    } = &report.backup;
    writeln!(
        out,
        "backup {} of database {database}",
        style.paint(Tone::Strong, id)
    )?;
    writeln!(out, "  place   {uri}")?;
    writeln!(
        out,
        "  size    {}, format {}{}",
        size.map_or_else(|| "unknown".into(), bytes),
        report.format,
        if report.route.is_empty() {
            String::new()
        } else {
            format!(", route {}", report.route)
        }
    )?;
    for what in &report.left_out {
        writeln!(out, "  without {what}")?;
    }
    writeln!(out, "  sha256  {}", report.sha256)?;
    let proof = &report.proof;
    let held = |held: bool| if held { "yes" } else { "NO" };
    writeln!(
        out,
        "  proof   the server's client ended with {}; bytes equal at both ends: {}; hash equal: {}; read to its end: {}",
        proof.exit_status,
        held(proof.bytes_match),
        held(proof.hash_match),
        held(proof.read_to_end)
    )?;
    for artefact in &report.artefacts {
        writeln!(out, "  with    {}", in_words(artefact))?;
    }
    writeln!(out, "  grade   {}", grade_words(*grade))?;
    next_steps(out, style, &report.next)
}

/// Writes what became of a backup of every database of a server.
///
/// # Errors
/// When `out` cannot be written.
pub fn backup_set(out: &mut dyn Write, style: Style, report: &BackupSetReport) -> io::Result<()> {
    for item in &report.items {
        backup_report(out, style, item)?;
    }
    let BackupSetReport {
        items,
        failed,
        skipped,
        ..
    } = report;
    writeln!(
        out,
        "{} of {} databases are backed up",
        items.len(),
        items.len() + failed.len()
    )?;
    for BackupFailure { database, reason } in failed {
        writeln!(
            out,
            "  {} {database}: {reason}",
            style.paint(Tone::Bad, "no backup of")
        )?;
    }
    for database in skipped {
        writeln!(out, "  {database} was left out; --with-postgres takes it too")?;
    }
    Ok(())
}

pub(crate) fn grade_words(grade: BackupGrade) -> &'static str {
    match grade {
        BackupGrade::A => "A (restored and compared)",
        BackupGrade::B => "B (integrity proven)",
        BackupGrade::C => "C (in the tool's catalogue)",
        BackupGrade::D => "D (a controller says so)",
    }
}

/// How the application did on the restored copy: what is wrong with it stands among what differs.
fn booted(out: &mut dyn Write, app: &WithApp) -> io::Result<()> {
    writeln!(out, "  app      {}", app_words(app))?;
    for answer in app.smoke.iter().filter(|answer| answer.is_good()) {
        writeln!(out, "  answer   {}", answer.words())?;
    }
    for did in &app.did {
        writeln!(out, "  start    {did}")?;
    }
    for apart in &app.isolation {
        writeln!(out, "  apart    {apart}")?;
    }
    Ok(())
}

/// `deployment/web, image web:1 (version 1), ready after 3.0 s`.
pub(crate) fn app_words(app: &WithApp) -> String {
    let WithApp {
        workload,
        image,
        version,
        ready_seconds,
        ..
    } = app;
    let version = version.as_ref().map(|version| format!(" (version {version})"));
    let ready = match ready_seconds {
        Some(took) => format!("ready after {}", seconds(*took)),
        None => "never ready".to_owned(),
    };
    format!(
        "{workload}, image {image}{}, {ready}",
        version.unwrap_or_default()
    )
}

/// Writes what a restore test found.
///
/// # Errors
/// The writer's own.
pub fn verification(out: &mut dyn Write, style: Style, found: &Verification) -> io::Result<()> {
    let words = match (found.differences.is_empty(), found.unjudged.is_empty()) {
        (true, true) => style.paint(Tone::Good, "restored and equal"),
        (true, false) => style.paint(Tone::Care, "restored and equal, as far as could be judged"),
        (false, _) if found.restored_bytes.is_some() => {
            style.paint(Tone::Bad, "restored, but not as it must be")
        }
        (false, _) => style.paint(Tone::Bad, "not restorable"),
    };
    write!(out, "backup {}: {words}", found.id)?;
    if let Some(size) = found.restored_bytes.and_then(|size| u64::try_from(size).ok()) {
        write!(out, ", {} in {}", bytes(size), seconds(found.restore_seconds))?;
    }
    match &found.restored_in {
        Some(place) => writeln!(out, " ({place})")?,
        None => writeln!(out)?,
    }
    for compared in &found.compared {
        writeln!(out, "  equal    {compared}")?;
    }
    for result in &found.assertions {
        match result.verdict {
            AssertionVerdict::Holds => writeln!(out, "  true     {}: {}", result.what, result.evidence)?,
            // Among what differs, or could not be judged.
            AssertionVerdict::Fails | AssertionVerdict::Unknown => {}
        }
    }
    if let Some(app) = &found.with_app {
        booted(out, app)?;
    }
    if let Some(Rehearsal {
        migrator,
        image,
        outcome,
        ..
    }) = &found.rehearsal
    {
        writeln!(out, "  rehearse {migrator}, image {image}: {}", outcome.words())?;
    }
    for note in &found.notes {
        writeln!(out, "  note     {note}")?;
    }
    for unjudged in &found.unjudged {
        writeln!(out, "  {}  {unjudged}", style.paint(Tone::Care, "unknown"))?;
    }
    for difference in &found.differences {
        writeln!(out, "  {}  {difference}", style.paint(Tone::Bad, "differs"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(ready_seconds: Option<f64>) -> Verification {
        let text = serde_json::json!({
            "apiVersion": "", "kind": "BackupVerification", "id": "ID", "verifiedAt": "", "compared": [],
            "differences": [], "restoreSeconds": 2.0,
            "withApp": {
                "workload": "deployment/web", "container": "web", "image": "web:1", "version": "1",
                "readySeconds": ready_seconds, "onTheCopy": true,
                "smoke": [
                    { "port": 8080, "path": "/ready", "status": 200 },
                    { "port": 8080, "path": "/bad", "status": 503 },
                ],
                "isolation": ["names are cut off"],
                "did": ["it migrated the schema"],
            },
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn how_the_application_did_on_the_copy_is_told() {
        let shown = |ready| {
            let mut out = Vec::new();
            verification(&mut out, Style::plain(), &tested(ready)).unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = shown(Some(3.0));
        for line in [
            "  app      deployment/web, image web:1 (version 1), ready after 3.0 s\n",
            "  answer   /ready on port 8080 answered 200\n",
            "  start    it migrated the schema\n",
            "  apart    names are cut off\n",
        ] {
            assert!(text.contains(line), "no {line:?} in\n{text}");
        }
        assert!(!text.contains("/bad"), "it stands among what differs: {text}");
        assert!(shown(None).contains("never ready"));
    }
}
