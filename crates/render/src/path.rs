//! The way to a version, as a terminal and as a change ticket show it.

use std::io::{self, Write};

use model::path::{Hop, HopJudged, Meeting, MeetingKind, MeetingState, PathReport, PathState};
use model::{Confidence, Severity};

use crate::Style;
use crate::check::{confidence, verdict};
use crate::markup::plain;
use crate::style::Tone;

/// Writes the way: every upgrade, why it ends where it does, and what it meets. `fail_on_warn` only changes the exit code
/// that the last line names.
///
/// # Errors
/// The writer's own.
pub fn path_report(
    out: &mut dyn Write,
    style: Style,
    report: &PathReport,
    fail_on_warn: bool,
) -> io::Result<()> {
    let release = &report.release;
    writeln!(
        out,
        "{} in {}  {} {} {}",
        style.paint(Tone::Strong, &release.name),
        release.namespace,
        report.from.as_deref().unwrap_or("unknown version"),
        style.glyph("→", "->"),
        report.to
    )?;
    writeln!(out, "{}", way(report))?;
    for (number, hop) in report.hops.iter().enumerate() {
        writeln!(out)?;
        self::hop(out, style, number + 1, hop)?;
    }
    if !report.unknown.is_empty() || !report.notes.is_empty() {
        writeln!(out)?;
    }
    for text in &report.unknown {
        writeln!(out, "{} {text}", style.paint(Tone::Bad, "unknown:"))?;
    }
    for text in &report.notes {
        writeln!(out, "{} {text}", style.paint(Tone::Care, "note:"))?;
    }
    let (words, tone) = verdict(report.verdict);
    writeln!(
        out,
        "\n{} (exit code {})",
        style.paint(tone, words),
        report.exit_code(fail_on_warn).code()
    )?;
    crate::run::next_steps(out, style, &report.next)
}

/// Writes the way as a change ticket: one section for each upgrade, with what is to be settled before it.
///
/// # Errors
/// The writer's own.
pub fn path_markdown(out: &mut dyn Write, report: &PathReport) -> io::Result<()> {
    let release = &report.release;
    writeln!(
        out,
        "# {} in {}: {} to {}\n",
        plain(&release.name),
        plain(&release.namespace),
        plain(report.from.as_deref().unwrap_or("unknown version")),
        plain(&report.to)
    )?;
    writeln!(
        out,
        "**{}** — {}\n",
        verdict(report.verdict).0,
        plain(&way(report))
    )?;
    for text in report.unknown.iter().chain(&report.notes) {
        writeln!(out, "- {}", plain(text))?;
    }
    if !report.unknown.is_empty() || !report.notes.is_empty() {
        writeln!(out)?;
    }
    for (number, hop) in report.hops.iter().enumerate() {
        writeln!(
            out,
            "## {}. {} to {}\n\nThis upgrade is {}.",
            number + 1,
            plain(&hop.from),
            plain(&hop.to),
            plain(&judged(hop))
        )?;
        for why in &hop.because {
            writeln!(out, "It ends there: {}.", plain(why))?;
        }
        writeln!(out)?;
        for meeting in &hop.meets {
            ticket(out, meeting)?;
        }
        if hop.meets.is_empty() {
            writeln!(out, "Nothing is known to be in its way.")?;
        }
        writeln!(out)?;
    }
    for step in &report.next {
        writeln!(out, "Next: {}", plain(&step.text))?;
        if let Some(command) = &step.command {
            writeln!(out, "\n    {command}")?;
        }
    }
    Ok(())
}

/// What kind of way it is, in a line.
fn way(report: &PathReport) -> String {
    let by = report
        .path
        .as_ref()
        .map(|path| format!(", by {path}"))
        .unwrap_or_default();
    let what = match report.state {
        PathState::NothingToDo => "nothing to do: it runs already".to_owned(),
        PathState::Direct => "one upgrade".to_owned(),
        PathState::Stops => format!("{} upgrades, one after another", report.hops.len()),
        PathState::Downgrade => "no way leads to an older version".to_owned(),
        PathState::Unknown => "the way cannot be told".to_owned(),
    };
    format!("{what}{by}")
}

fn judged(hop: &Hop) -> String {
    let when = match hop.judged {
        HopJudged::Now => "judged now, by the database as it is",
        HopJudged::Later => "to be judged again then",
    };
    match &hop.released {
        Some(day) => format!("{when}; {} came out on {day}", hop.to),
        None => when.to_owned(),
    }
}

fn hop(out: &mut dyn Write, style: Style, number: usize, hop: &Hop) -> io::Result<()> {
    let title = format!("{number}. {} {} {}", hop.from, style.glyph("→", "->"), hop.to);
    writeln!(
        out,
        "{}  {}",
        style.paint(Tone::Strong, &title),
        style.paint(Tone::Faint, &judged(hop))
    )?;
    for why in &hop.because {
        writeln!(
            out,
            "  {} {why}",
            style.paint(Tone::Care, &format!("{:<7}", "stop"))
        )?;
    }
    for meeting in &hop.meets {
        let (word, tone) = label(meeting);
        writeln!(
            out,
            "  {} {:<26} {}",
            style.paint(tone, &format!("{word:<7}")),
            meeting.id,
            what(meeting)
        )?;
        if let Some(evidence) = &meeting.evidence {
            writeln!(out, "{:>37}{}", evidence_word(meeting), evidence)?;
        }
        writeln!(out, "{:>37}{}", "", style.paint(Tone::Faint, &source(meeting)))?;
        if !meeting.is_finding() && meeting.state != MeetingState::Later {
            continue;
        }
        for remedy in &meeting.remedy {
            writeln!(out, "{:>37}{}", "fix: ", remedy.text)?;
            if let Some(command) = &remedy.command {
                writeln!(out, "{:>37}{}", "", style.paint(Tone::Strong, command))?;
            }
        }
    }
    if hop.meets.is_empty() {
        writeln!(
            out,
            "  {}",
            style.paint(Tone::Faint, "nothing is known to be in its way")
        )?;
    }
    Ok(())
}

fn what(meeting: &Meeting) -> String {
    match meeting.kind {
        MeetingKind::Hazard => meeting.what.clone(),
        MeetingKind::Overlap => format!("old and new pods must not run together: {}", meeting.what),
    }
}

fn evidence_word(meeting: &Meeting) -> &'static str {
    match (meeting.kind, meeting.state) {
        (_, MeetingState::Unknown) => "why: ",
        (MeetingKind::Hazard, _) => "found: ",
        (MeetingKind::Overlap, _) => "seen: ",
    }
}

fn source(meeting: &Meeting) -> String {
    let sure = match meeting.confidence {
        Confidence::Reported => String::new(),
        other @ (Confidence::Certain | Confidence::Observed | Confidence::Inferred) => {
            format!(", {}", confidence(other))
        }
    };
    format!("source: {}{sure}", meeting.source)
}

/// The word of a meeting: what stands in the way says BLOCK or UNKNOWN.
fn label(meeting: &Meeting) -> (&'static str, Tone) {
    match (meeting.state, meeting.severity) {
        (MeetingState::DoesNotApply, _) => ("pass", Tone::Good),
        (MeetingState::Later, _) => ("later", Tone::Faint),
        (MeetingState::Applies, Severity::Block) => ("BLOCK", Tone::Bad),
        (MeetingState::Applies, Severity::Warn) => ("warn", Tone::Care),
        (MeetingState::Applies, Severity::Info) => ("info", Tone::Faint),
        (MeetingState::Unknown, Severity::Block) => ("UNKNOWN", Tone::Bad),
        (MeetingState::Unknown, Severity::Warn | Severity::Info) => ("unknown", Tone::Care),
    }
}

/// One meeting, as something to tick off where something is to be done.
fn ticket(out: &mut dyn Write, meeting: &Meeting) -> io::Result<()> {
    let is_open = meeting.is_finding() || meeting.state == MeetingState::Later;
    writeln!(
        out,
        "- {}{} ({}): {} ({})",
        if is_open { "[ ] " } else { "" },
        meeting.id,
        label(meeting).0,
        plain(&what(meeting)),
        plain(&source(meeting))
    )?;
    if let Some(evidence) = &meeting.evidence {
        writeln!(out, "  - {}{}", evidence_word(meeting), plain(evidence))?;
    }
    for remedy in meeting.remedy.iter().filter(|_| is_open) {
        writeln!(out, "  - {}", plain(&remedy.text))?;
        if let Some(command) = &remedy.command {
            writeln!(out, "\n        {}\n", command.replace('\n', "\n        "))?;
        }
    }
    Ok(())
}
