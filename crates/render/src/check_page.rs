//! The check report as a page of its own (HTML).

use std::io::{self, Write};

use model::{CheckReport, CheckResult};

use crate::check::{CATEGORIES, confidence, coverage, evidence, label, revision, title, verdict};
use crate::markup::{STYLE, escaped};
use crate::words::in_lines;

/// Writes the report as one HTML page that needs nothing else.
///
/// # Errors
/// The writer's own.
pub fn check_page(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let report = &in_lines(report)?;
    let title = escaped(&title(report));
    let (words, tone) = verdict(report.verdict);
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head><body>\n\
         <h1>{title}</h1>\n<p class=\"sub\">revision {}</p>\n\
         <div class=\"outcome {}\"><strong>{}</strong><br>{}</div>",
        revision(&report.release),
        tone.class(),
        escaped(words),
        escaped(&coverage(report))
    )?;
    for (category, name) in CATEGORIES {
        let rows: Vec<&CheckResult> = report
            .checks
            .iter()
            .filter(|row| row.category == category)
            .collect();
        if rows.is_empty() {
            continue;
        }
        writeln!(out, "<h2>{name}</h2>\n<table class=\"checks\">")?;
        for found in rows {
            row(out, found)?;
        }
        writeln!(out, "</table>")?;
    }
    if !report.next.is_empty() {
        writeln!(out, "<h2>Next</h2>\n<ul>")?;
        for next in &report.next {
            writeln!(
                out,
                "<li>{}{}</li>",
                escaped(&next.text),
                command(next.command.as_deref())
            )?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</body></html>")
}

fn row(out: &mut dyn Write, found: &CheckResult) -> io::Result<()> {
    let (word, tone) = label(found);
    write!(
        out,
        "<tr><td><span class=\"tag {}\">{word}</span></td><td>{}<div class=\"d\">{}</div></td><td>{}",
        tone.class(),
        escaped(&found.id),
        escaped(&found.title),
        escaped(found.verdict.message())
    )?;
    if let Some(waived) = &found.waived {
        write!(
            out,
            "<div class=\"d\">{} answers for it until {}: {}</div>",
            escaped(&waived.owner),
            escaped(&waived.expires),
            escaped(&waived.reason)
        )?;
    }
    if found.is_finding() {
        for remedy in &found.remedy {
            write!(
                out,
                "<div class=\"d\">{}{}</div>",
                escaped(&remedy.text),
                command(remedy.command.as_deref())
            )?;
        }
    }
    let facts = evidence(found);
    if !facts.is_empty() {
        write!(
            out,
            "<details class=\"d\"><summary>{}</summary>{}</details>",
            confidence(found.confidence),
            escaped(&facts.join(", "))
        )?;
    }
    writeln!(out, "</td></tr>")
}

fn command(command: Option<&str>) -> String {
    command
        .map(|command| format!(": <code>{}</code>", escaped(command)))
        .unwrap_or_default()
}
