//! Release notes as a table: who was asked, what each version brings, and whether that is all.

use std::io::{self, Write};

use model::{
    HighlightKind, NotesDirection, NotesReport, NotesSourceReport, NotesState, NotesSummary, NotesVerdict,
    VersionNotes, VersionOf,
};

use crate::Style;
use crate::style::Tone;
use crate::words::age;

/// How notes are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotesForm {
    /// With the whole text of every version.
    pub full: bool,
    /// Whether a breaking change ends with 2; only changes the exit code that the last line names.
    pub fail_on_breaking: bool,
}

/// Writes the notes.
///
/// # Errors
/// The writer's own.
pub fn notes_report(
    out: &mut dyn Write,
    style: Style,
    report: &NotesReport,
    form: NotesForm,
) -> io::Result<()> {
    let name = style.paint(Tone::Strong, &report.release).into_owned();
    writeln!(out, "{name}  {}", way(report, style.glyph("→", "->")))?;
    if !report.sources.is_empty() {
        writeln!(out, "\n{}", style.paint(Tone::Strong, "sources"))?;
        for of in &report.sources {
            source(out, style, of)?;
        }
    }
    for of in [VersionOf::App, VersionOf::Chart] {
        let told: Vec<&VersionNotes> = report.versions.iter().filter(|notes| notes.of == of).collect();
        if told.is_empty() {
            continue;
        }
        let title = format!("{} versions {}", of.words(), order(report.direction));
        writeln!(out, "\n{}", style.paint(Tone::Strong, &title))?;
        for notes in told {
            version(out, style, notes, form.full)?;
        }
    }
    if !report.links.is_empty() {
        writeln!(out, "\n{}", style.paint(Tone::Strong, "to read on"))?;
        for link in &report.links {
            writeln!(out, "  {}  {}", link.name, style.paint(Tone::Faint, &link.url))?;
        }
    }
    writeln!(out, "\n{}", counts(&report.summary))?;
    let (words, tone) = verdict(report);
    writeln!(
        out,
        "{} (exit code {})",
        style.paint(tone, words),
        report.exit_code(form.fail_on_breaking).code()
    )?;
    for remark in &report.remarks {
        writeln!(out, "note: {remark}")?;
    }
    Ok(())
}

/// From what to what, in words.
pub(crate) fn way(report: &NotesReport, arrow: &str) -> String {
    let changes: Vec<String> = report
        .changes
        .iter()
        .map(|change| format!("{} {} {arrow} {}", change.of.words(), change.from, change.to))
        .collect();
    match (changes.is_empty(), report.verdict) {
        (false, _) => changes.join(", "),
        (true, NotesVerdict::Known | NotesVerdict::Partly) => "no version changes".into(),
        (true, NotesVerdict::Unknown) => "it is not known which version changes".into(),
    }
}

/// What kind of list it is, and in which order.
pub(crate) fn order(direction: NotesDirection) -> &'static str {
    match direction {
        NotesDirection::Upgrade | NotesDirection::Same => "that are coming, oldest first",
        NotesDirection::Rollback => "that are being left, newest first",
    }
}

/// Whether that is all, in words.
pub(crate) fn verdict(report: &NotesReport) -> (&'static str, Tone) {
    match (report.verdict, report.direction) {
        (NotesVerdict::Known, NotesDirection::Same) => ("there is nothing to read", Tone::Good),
        (NotesVerdict::Known, NotesDirection::Upgrade | NotesDirection::Rollback) => {
            ("every version on the way is told", Tone::Good)
        }
        (NotesVerdict::Partly, _) => (
            "every version of the application on the way is told, not every one of the chart",
            Tone::Care,
        ),
        (NotesVerdict::Unknown, _) => ("cannot tell what every version on the way brings", Tone::Bad),
    }
}

/// The counts in words.
pub(crate) fn counts(summary: &NotesSummary) -> String {
    let kinds: Vec<String> = HighlightKind::ALL
        .into_iter()
        .map(|kind| counted(summary.count(kind), counted_word(kind)))
        .collect();
    let left_out = match summary.prereleases_left_out {
        0 => String::new(),
        number => format!(" ({} left out)", counted(number, "prerelease")),
    };
    format!(
        "{}{left_out}: {}",
        counted(summary.versions, "version"),
        kinds.join(", ")
    )
}

fn counted_word(kind: HighlightKind) -> &'static str {
    match kind {
        HighlightKind::Breaking => "breaking change",
        HighlightKind::Migration => "migration",
        HighlightKind::Deprecation => "deprecation",
        HighlightKind::Security => "security fix",
        HighlightKind::KnownIssue => "known issue",
    }
}

fn counted(number: usize, word: &str) -> String {
    match (number, word) {
        (1, word) => format!("1 {word}"),
        (number, "security fix") => format!("{number} security fixes"),
        (number, word) => format!("{number} {word}s"),
    }
}

/// How a source's notes were had, in a word.
pub(crate) fn state(source: &NotesSourceReport) -> &'static str {
    match source.state {
        NotesState::Read => "read",
        NotesState::Cached => "kept",
        NotesState::Saved => "saved",
        NotesState::Unreadable => "unknown",
    }
}

/// How many versions a source tells of, and when it was asked where that was not now.
pub(crate) fn told(source: &NotesSourceReport) -> String {
    let versions = match source.state {
        NotesState::Unreadable => return "could not be read".into(),
        NotesState::Read | NotesState::Cached | NotesState::Saved => counted(source.versions, "version"),
    };
    match source.age_seconds {
        Some(seconds) if seconds < 60 => format!("{versions}, read just now"),
        Some(seconds) => format!("{versions}, read {} ago", age(seconds)),
        None => versions,
    }
}

fn source(out: &mut dyn Write, style: Style, source: &NotesSourceReport) -> io::Result<()> {
    let tone = match (source.state, source.reason.is_some()) {
        (NotesState::Unreadable, _) => Tone::Bad,
        (NotesState::Read | NotesState::Cached | NotesState::Saved, true) => Tone::Care,
        (NotesState::Read | NotesState::Cached | NotesState::Saved, false) => Tone::Good,
    };
    let word = format!("{:<8}", state(source));
    writeln!(
        out,
        "  {} {}: {}",
        style.paint(tone, &word),
        source.source,
        told(source)
    )?;
    if let Some(reason) = &source.reason {
        writeln!(out, "{:>11}{}", "", style.paint(Tone::Faint, reason))?;
    }
    Ok(())
}

fn version(out: &mut dyn Write, style: Style, notes: &VersionNotes, full: bool) -> io::Result<()> {
    write!(out, "  {}", style.paint(Tone::Strong, &notes.version))?;
    if let Some(date) = &notes.date {
        write!(out, "  {date}")?;
    }
    if notes.prerelease {
        write!(out, "  {}", style.paint(Tone::Care, "prerelease"))?;
    }
    if let Some(headline) = own_headline(notes) {
        write!(out, "  {headline}")?;
    }
    writeln!(out)?;
    for highlight in &notes.highlights {
        let words: Vec<&str> = highlight.kinds.iter().map(|kind| kind.word()).collect();
        let words = format!("{:<11}", words.join(", "));
        let tone = highlight.kinds.first().map_or(Tone::Faint, |kind| tone(*kind));
        writeln!(out, "    {}  {}", style.paint(tone, &words), highlight.text)?;
    }
    if let Some(url) = &notes.url {
        writeln!(out, "    {}", style.paint(Tone::Faint, url))?;
    }
    if full && !notes.text.is_empty() {
        writeln!(out)?;
        for line in notes.text.lines() {
            writeln!(out, "    {}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// The headline, where it is not one of the pieces below it.
pub(crate) fn own_headline(notes: &VersionNotes) -> Option<&str> {
    let is_below = notes
        .highlights
        .iter()
        .any(|highlight| highlight.text == notes.headline);
    (!is_below && !notes.headline.is_empty()).then_some(notes.headline.as_str())
}

fn tone(kind: HighlightKind) -> Tone {
    match kind {
        HighlightKind::Breaking => Tone::Bad,
        HighlightKind::Migration | HighlightKind::Security | HighlightKind::KnownIssue => Tone::Care,
        HighlightKind::Deprecation => Tone::Faint,
    }
}
