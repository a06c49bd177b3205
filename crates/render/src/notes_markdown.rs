//! Release notes for a ticket: what is to be read and answered for first, then every version.

use std::io::{self, Write};

use model::{HighlightKind, NotesReport, VersionNotes};

use crate::markup::plain;
use crate::notes::{counts, order, own_headline, state, told, verdict, way};

/// Writes the notes as Markdown; `full` adds the whole text of every version.
///
/// # Errors
/// The writer's own.
pub fn notes_markdown(out: &mut dyn Write, report: &NotesReport, full: bool) -> io::Result<()> {
    writeln!(
        out,
        "# Release notes of {}: {}\n",
        plain(&report.release),
        plain(&way(report, "to"))
    )?;
    writeln!(out, "**{}** — {}\n", verdict(report).0, counts(&report.summary))?;
    for remark in &report.remarks {
        writeln!(out, "{}\n", plain(remark))?;
    }
    for kind in HighlightKind::ALL {
        pieces(out, report, kind)?;
    }

    writeln!(out, "## Versions {}\n", order(report.direction))?;
    if report.versions.is_empty() {
        writeln!(out, "None is told.\n")?;
    }
    for notes in &report.versions {
        version(out, notes, full)?;
    }

    writeln!(out, "## Sources\n\n| source | how | told | |\n|---|---|---|---|")?;
    for source in &report.sources {
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            plain(&source.source),
            state(source),
            told(source),
            plain(source.reason.as_deref().unwrap_or_default())
        )?;
    }
    for link in &report.links {
        writeln!(
            out,
            "| {} | to read on | | {} |",
            plain(&link.name),
            address(&link.url)
        )?;
    }
    Ok(())
}

/// Everything of a kind as things to tick off. A piece of several kinds stands under its gravest.
fn pieces(out: &mut dyn Write, report: &NotesReport, kind: HighlightKind) -> io::Result<()> {
    let pieces: Vec<(&VersionNotes, &str)> = report
        .versions
        .iter()
        .flat_map(|notes| notes.highlights.iter().map(move |highlight| (notes, highlight)))
        .filter(|(_, highlight)| highlight.kinds.first() == Some(&kind))
        .map(|(notes, highlight)| (notes, highlight.text.as_str()))
        .collect();
    if pieces.is_empty() {
        return Ok(());
    }
    writeln!(out, "## {}\n", title(kind))?;
    for (notes, text) in pieces {
        writeln!(out, "- [ ] **{}**: {}", plain(&notes.version), plain(text))?;
    }
    writeln!(out)
}

fn title(kind: HighlightKind) -> &'static str {
    match kind {
        HighlightKind::Breaking => "Breaking changes",
        HighlightKind::Migration => "Migrations and steps by hand",
        HighlightKind::Deprecation => "Deprecations",
        HighlightKind::Security => "Security",
        HighlightKind::KnownIssue => "Known issues",
    }
}

fn version(out: &mut dyn Write, notes: &VersionNotes, full: bool) -> io::Result<()> {
    write!(out, "- **{} {}**", notes.of.words(), plain(&notes.version))?;
    if let Some(date) = &notes.date {
        write!(out, ", {}", plain(date))?;
    }
    if notes.prerelease {
        write!(out, ", prerelease")?;
    }
    if let Some(headline) = own_headline(notes) {
        write!(out, ": {}", plain(headline))?;
    }
    if let Some(url) = &notes.url {
        write!(out, " {}", address(url))?;
    }
    writeln!(out, "\n")?;
    if full && !notes.text.is_empty() {
        // As code: other people's markup must not become the ticket's.
        for line in notes.text.lines() {
            writeln!(out, "      {}", line.trim_end())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// An address that can be followed, where it is plainly one.
fn address(url: &str) -> String {
    let is_plain = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"<>|`\\".contains(&byte));
    if is_plain && (url.starts_with("https://") || url.starts_with("http://")) {
        format!("<{url}>")
    } else {
        plain(url)
    }
}
