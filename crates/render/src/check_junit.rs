//! The check report as JUnit XML, for pipelines that show tests.

use std::io::{self, Write};

use model::{Category, CheckReport, CheckResult, Severity, Verdict};

use crate::check::{CATEGORIES, title};
use crate::markup::escaped;
use crate::words::in_lines;

/// What a row is in the words of JUnit.
enum Case {
    Passed,
    Skipped(String),
    Failure,
    Error,
    /// It passed, with something to know.
    Told,
}

/// Writes the report: one suite for each category, one case for each row. A blocking finding fails its case, one that
/// could not be judged is an error; warnings fail only with `fail_on_warn`.
///
/// # Errors
/// The writer's own.
pub fn check_junit(out: &mut dyn Write, report: &CheckReport, fail_on_warn: bool) -> io::Result<()> {
    let report = &in_lines(report)?;
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"{}\">", attribute(&title(report)))?;
    for (category, name) in CATEGORIES {
        suite(out, report, category, name, fail_on_warn)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(
    out: &mut dyn Write,
    report: &CheckReport,
    category: Category,
    name: &str,
    fail_on_warn: bool,
) -> io::Result<()> {
    let rows: Vec<(&CheckResult, Case)> = report
        .checks
        .iter()
        .filter(|row| row.category == category)
        .map(|row| (row, case(row, fail_on_warn)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let count = |wanted: fn(&Case) -> bool| rows.iter().filter(|(_, case)| wanted(case)).count();
    writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        rows.len(),
        count(|case| matches!(case, Case::Failure)),
        count(|case| matches!(case, Case::Error)),
        count(|case| matches!(case, Case::Skipped(_)))
    )?;
    for (row, case) in &rows {
        let message = attribute(row.verdict.message());
        let open = format!(
            "    <testcase classname=\"{name}\" name=\"{}: {}\"",
            attribute(&row.id),
            attribute(&row.title)
        );
        match case {
            Case::Passed => writeln!(out, "{open}/>")?,
            Case::Skipped(why) => {
                writeln!(out, "{open}><skipped message=\"{}\"/></testcase>", attribute(why))?;
            }
            Case::Failure => writeln!(
                out,
                "{open}><failure message=\"{message}\">{}</failure></testcase>",
                remedies(row)
            )?,
            Case::Error => writeln!(
                out,
                "{open}><error message=\"{message}\">{}</error></testcase>",
                remedies(row)
            )?,
            Case::Told => writeln!(out, "{open}><system-out>{message}</system-out></testcase>")?,
        }
    }
    writeln!(out, "  </testsuite>")
}

fn case(row: &CheckResult, fail_on_warn: bool) -> Case {
    if let Some(waived) = &row.waived {
        return Case::Skipped(format!(
            "{} answers for it until {}: {}",
            waived.owner, waived.expires, waived.reason
        ));
    }
    match (&row.verdict, row.severity) {
        (Verdict::Pass(_), _) => Case::Passed,
        (Verdict::Skip(why), _) => Case::Skipped(why.clone()),
        (Verdict::Fail(_), Severity::Block) => Case::Failure,
        (Verdict::Unknown(_), Severity::Block) => Case::Error,
        (Verdict::Warn(_), _) | (Verdict::Fail(_) | Verdict::Unknown(_), Severity::Warn) if fail_on_warn => {
            Case::Failure
        }
        (Verdict::Warn(_) | Verdict::Fail(_) | Verdict::Unknown(_), _) => Case::Told,
    }
}

fn remedies(row: &CheckResult) -> String {
    let lines = row.remedy.iter().map(|remedy| match &remedy.command {
        Some(command) => format!("{}: {command}", remedy.text),
        None => remedy.text.clone(),
    });
    attribute(&lines.collect::<Vec<_>>().join("\n"))
}

/// Text within XML: control characters that XML cannot hold go, others and markup are written as references.
fn attribute(text: &str) -> String {
    let allowed: String = text
        .chars()
        .filter(|character| !character.is_control() || matches!(character, '\n' | '\t'))
        .collect();
    escaped(&allowed).replace('\n', "&#10;")
}
