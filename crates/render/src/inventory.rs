//! Backups of everybody in one table, the verdict on them, and everything about one.

use std::io::{self, Write};

use comfy_table::{CellAlignment, Table, presets};
use model::text::minutes;
use model::{
    BackupDetailsReport, BackupFinding, BackupListReport, BackupState, BackupStatusReport, FindingLevel,
    FoundBackup, Freshness, KeyStanding, KeyState, Unread,
};

use crate::Style;
use crate::artefacts::in_words;
use crate::backups::{app_words, grade_words};
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{age, bytes, one_line};

/// The form of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableForm {
    /// For a terminal.
    #[default]
    Plain,
    /// For a page or a ticket.
    Markdown,
}

/// Writes a list of backups.
///
/// # Errors
/// The writer's own.
pub fn backup_list(
    out: &mut dyn Write,
    style: Style,
    form: TableForm,
    report: &BackupListReport,
) -> io::Result<()> {
    if report.items.is_empty() {
        writeln!(out, "no backups")?;
    } else {
        table(out, form, &report.items)?;
    }
    rest(
        out,
        style,
        form,
        &report.uncertain,
        &report.findings,
        &report.unread,
    )
}

/// Writes a verdict.
///
/// # Errors
/// The writer's own.
pub fn backup_status(
    out: &mut dyn Write,
    style: Style,
    form: TableForm,
    report: &BackupStatusReport,
) -> io::Result<()> {
    let tone = match report.verdict {
        Freshness::Fresh => Tone::Good,
        Freshness::Unknown => Tone::Care,
        Freshness::Stale | Freshness::Failing => Tone::Bad,
    };
    writeln!(
        out,
        "{}: {} - {}",
        report.target,
        style.paint(tone, report.verdict.word()),
        one_line(&report.reason)
    )?;
    writeln!(
        out,
        "asked for: no older than {}, grade {:?} or better",
        age(report.rule.max_age_seconds),
        report.rule.min_grade
    )?;
    if !report.newest.is_empty() {
        writeln!(out, "\nnewest good of each:")?;
        table(out, form, &report.newest)?;
    }
    if !report.keys.is_empty() {
        writeln!(out, "\nkeys that the newest backup of ours notes:")?;
        for key in &report.keys {
            writeln!(out, "  {}", one_line(&key_words(key)))?;
        }
    }
    rest(
        out,
        style,
        form,
        &report.uncertain,
        &report.findings,
        &report.unread,
    )?;
    next_steps(out, style, &report.next)
}

/// A key, its age, and whether it is still the one of the backup's time.
fn key_words(key: &KeyStanding) -> String {
    let age = key.age_seconds.map_or("of unknown age".to_owned(), |seconds| {
        format!("{} old", age(seconds))
    });
    let state = match key.state {
        KeyState::Same => "the same".to_owned(),
        KeyState::Changed => "CHANGED since".to_owned(),
        KeyState::Gone => "GONE".to_owned(),
        KeyState::Unknown => format!(
            "not compared: {}",
            key.why.as_deref().unwrap_or("nobody knows why")
        ),
    };
    format!("{} of {}: {age}, {state}", key.key, key.source)
}

/// Writes everything about one backup.
///
/// # Errors
/// The writer's own.
pub fn backup_details(out: &mut dyn Write, style: Style, report: &BackupDetailsReport) -> io::Result<()> {
    let backup = &report.backup;
    writeln!(
        out,
        "{} of {}",
        style.paint(Tone::Strong, &one_line(&backup.id)),
        one_line(&backup.subject())
    )?;
    let mut line = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "  {name:<12}{}", one_line(&value)),
        None => Ok(()),
    };
    line("made by", Some(backup.mechanism.to_string()))?;
    line("state", Some(format!("{}: {}", backup.state.word(), backup.why)))?;
    line("grade", backup.grade.map(|grade| grade_words(grade).to_owned()))?;
    line("started", backup.started_at.clone())?;
    line("finished", backup.finished_at.clone())?;
    line("age", backup.age_seconds.map(age))?;
    line("size", backup.bytes.map(bytes))?;
    line(
        "at risk",
        backup
            .at_risk_bytes
            .map(|risk| format!("{} of WAL written since", bytes(risk))),
    )?;
    line("ends at", backup.end_lsn.clone())?;
    line("timeline", backup.timeline.map(|timeline| timeline.to_string()))?;
    line(
        "server",
        backup.server_major.map(|major| format!("PostgreSQL {major}")),
    )?;
    line("system id", backup.system_identifier.clone())?;
    line("place", backup.uri.clone())?;
    if let Some(manifest) = &report.manifest {
        for file in &manifest.files {
            line(
                "file",
                Some(format!(
                    "{}, {}, sha256 {}",
                    file.name,
                    bytes(file.bytes),
                    file.sha256_stored
                )),
            )?;
        }
        for artefact in &manifest.artefacts {
            line("artefact", Some(in_words(artefact)))?;
        }
        line(
            "made for",
            manifest
                .release
                .as_ref()
                .map(|release| format!("release {} revision {}", release.name, release.revision)),
        )?;
        line("reason", Some(manifest.reason.clone()))?;
        line("by", Some(manifest.made_by.clone()))?;
    }
    for test in &report.verifications {
        let words = if test.differences.is_empty() {
            "restored and equal"
        } else {
            "restored, but not equal"
        };
        line("tested", Some(format!("{}: {words}", test.verified_at)))?;
        line("booted", test.with_app.as_ref().map(app_words))?;
    }
    for note in &backup.notes {
        line("note", Some(note.clone()))?;
    }
    findings(out, style, &report.findings)?;
    next_steps(out, style, &report.next)
}

fn rest(
    out: &mut dyn Write,
    style: Style,
    form: TableForm,
    uncertain: &[FoundBackup],
    found: &[BackupFinding],
    unread: &[Unread],
) -> io::Result<()> {
    if !uncertain.is_empty() {
        writeln!(
            out,
            "\nmay be of this database; nothing says so, and they count for nothing:"
        )?;
        table(out, form, uncertain)?;
    }
    findings(out, style, found)?;
    if !unread.is_empty() {
        writeln!(out, "\nnot known:")?;
    }
    for unread in unread {
        writeln!(
            out,
            "  {} {}",
            style.paint(Tone::Care, "?"),
            one_line(&unread.to_string())
        )?;
    }
    Ok(())
}

fn findings(out: &mut dyn Write, style: Style, findings: &[BackupFinding]) -> io::Result<()> {
    if !findings.is_empty() {
        writeln!(out, "\nto know:")?;
    }
    for finding in findings {
        let mark = match finding.level {
            FindingLevel::Warn => style.paint(Tone::Care, "!"),
            FindingLevel::Fail => style.paint(Tone::Bad, "FAILS"),
        };
        let place = if finding.namespace.is_empty() {
            String::new()
        } else {
            format!("{}/", finding.namespace)
        };
        writeln!(
            out,
            "  {mark} {place}{}: {}",
            one_line(&finding.object),
            one_line(&finding.message)
        )?;
    }
    Ok(())
}

fn table(out: &mut dyn Write, form: TableForm, backups: &[FoundBackup]) -> io::Result<()> {
    let mut table = Table::new();
    match form {
        TableForm::Plain => table.load_style(presets::NOTHING),
        TableForm::Markdown => table.load_style(presets::ASCII_MARKDOWN),
    };
    table.set_header([
        "MADE BY", "OF", "BACKUP", "FINISHED", "AGE", "GRADE", "SIZE", "AT RISK", "STATE",
    ]);
    for backup in backups {
        let unknown = || "?".to_owned();
        let cell = |text: String| match form {
            TableForm::Plain => one_line(&text),
            // A bar would end the cell.
            TableForm::Markdown => one_line(&text).replace('|', "\\|"),
        };
        table.add_row([
            backup.mechanism.to_string(),
            cell(backup.subject()),
            cell(backup.id.clone()),
            backup
                .finished_at
                .as_deref()
                .map_or_else(|| "-".to_owned(), minutes),
            backup.age_seconds.map_or_else(|| "-".to_owned(), age),
            backup
                .grade
                .map_or_else(|| "-".to_owned(), |grade| format!("{grade:?}")),
            backup.bytes.map_or_else(unknown, bytes),
            backup.at_risk_bytes.map_or_else(unknown, bytes),
            state(backup),
        ]);
    }
    for column in [6, 7] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    Ok(())
}

/// The state's word, with the reason where it is not good.
fn state(backup: &FoundBackup) -> String {
    /// What fits beside the other columns; `show` tells the rest.
    const SHOWN: usize = 60;
    match backup.state {
        BackupState::Good => backup.state.word().to_owned(),
        BackupState::Failed | BackupState::Running | BackupState::Stuck | BackupState::Unknown => {
            let mut why: String = one_line(&backup.why).chars().take(SHOWN).collect();
            if backup.why.chars().count() > SHOWN {
                why.push_str("...");
            }
            format!("{}: {why}", backup.state.word())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{API_VERSION, BackupGrade, BackupSubject, FreshnessRule, Mechanism};

    fn shown(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn backup(id: &str, state: BackupState) -> FoundBackup {
        let good = state == BackupState::Good;
        FoundBackup {
            id: id.into(),
            mechanism: Mechanism::CloudNativePg,
            namespace: "shop".into(),
            of: BackupSubject::Cluster {
                group: "postgresql.cnpg.io".into(),
                name: "orders".into(),
            },
            database: None,
            state,
            why: "its store\nis gone | or was".into(),
            grade: good.then_some(BackupGrade::D),
            started_at: Some("2026-11-20T03:00:00Z".into()),
            finished_at: good.then(|| "2026-11-20T03:04:05Z".into()),
            age_seconds: good.then_some(7500),
            bytes: None,
            at_risk_bytes: good.then_some(281_000_000),
            end_lsn: None,
            timeline: None,
            server_major: Some(17),
            system_identifier: None,
            uri: None,
            notes: vec!["the object outlives the data".into()],
        }
    }

    fn finding() -> BackupFinding {
        BackupFinding {
            id: "schedule-overdue".into(),
            level: FindingLevel::Warn,
            mechanism: Mechanism::CloudNativePg,
            namespace: "shop".into(),
            object: "ScheduledBackup/nightly".into(),
            of: BackupSubject::Unknown,
            message: "it should have run".into(),
        }
    }

    fn unread() -> Unread {
        Unread {
            mechanism: Some(Mechanism::Velero),
            what: "Backup".into(),
            why: "permission missing: list backups.velero.io".into(),
        }
    }

    fn list() -> BackupListReport {
        BackupListReport {
            api_version: API_VERSION.into(),
            kind: "BackupList".into(),
            items: vec![
                backup("Backup/good", BackupState::Good),
                backup("Backup/bad\u{1b}[31m", BackupState::Failed),
            ],
            uncertain: vec![backup("Job/nightly-1", BackupState::Unknown)],
            findings: vec![finding()],
            unread: vec![unread()],
        }
    }

    #[test]
    fn a_list_tells_everybodys_backups_and_what_is_not_known() {
        let text = shown(|out| backup_list(out, Style::plain(), TableForm::Plain, &list()));
        for words in [
            "Backup/good",
            "281 MB",
            "2026-11-20 03:04Z",
            "failed: its store is gone",
            "count for nothing",
            "permission missing",
        ] {
            assert!(text.contains(words), "no {words:?} in\n{text}");
        }
        assert!(
            !text.contains('\u{1b}'),
            "words of others do not reach the terminal's ear"
        );
        let empty = BackupListReport {
            items: Vec::new(),
            uncertain: Vec::new(),
            findings: Vec::new(),
            unread: Vec::new(),
            ..list()
        };
        assert_eq!(
            shown(|out| backup_list(out, Style::plain(), TableForm::Plain, &empty)),
            "no backups\n"
        );
    }

    #[test]
    fn a_table_for_a_page_is_markdown() {
        let text = shown(|out| backup_list(out, Style::plain(), TableForm::Markdown, &list()));
        assert!(text.lines().nth(1).unwrap().starts_with("|--"), "{text}");
        assert!(text.lines().next().unwrap().starts_with("| MADE BY"), "{text}");
    }

    #[test]
    fn a_verdict_comes_first_with_its_reason() {
        let report = BackupStatusReport {
            api_version: API_VERSION.into(),
            kind: "BackupStatus".into(),
            target: "release books".into(),
            verdict: Freshness::Stale,
            reason: "no backup was found".into(),
            rule: FreshnessRule {
                max_age_seconds: 86_400,
                min_grade: BackupGrade::B,
            },
            newest: vec![backup("Backup/good", BackupState::Good)],
            uncertain: Vec::new(),
            findings: vec![finding()],
            unread: vec![unread()],
            keys: vec![KeyStanding {
                source: "secret/web".into(),
                key: "signing".into(),
                state: KeyState::Changed,
                why: None,
                since: None,
                age_seconds: Some(40 * 86_400),
            }],
            next: Vec::new(),
        };
        let text = shown(|out| backup_status(out, Style::plain(), TableForm::Plain, &report));
        assert!(
            text.starts_with("release books: stale - no backup was found\n"),
            "{text}"
        );
        assert!(
            text.contains("grade B or better") && text.contains("Backup/good"),
            "{text}"
        );
        assert!(
            text.contains("signing of secret/web: 40 days old, CHANGED since"),
            "{text}"
        );
    }

    #[test]
    fn everything_about_one_tells_why_and_what_to_know() {
        let report = BackupDetailsReport {
            api_version: API_VERSION.into(),
            kind: "BackupDetails".into(),
            backup: backup("Backup/good", BackupState::Good),
            manifest: None,
            verifications: Vec::new(),
            findings: vec![finding()],
            next: Vec::new(),
        };
        let text = shown(|out| backup_details(out, Style::plain(), &report));
        for words in [
            "Backup/good of shop: cluster orders",
            "a controller says so",
            "outlives the data",
            "should have run",
            "281 MB of WAL",
        ] {
            assert!(text.contains(words), "no {words:?} in\n{text}");
        }
    }
}
