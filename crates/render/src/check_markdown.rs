//! The check report as a change ticket in Markdown: what is to be settled, what is done, what is watched, the way back.

use std::io::{self, Write};

use model::{Category, CheckReport, CheckResult};

use crate::check::{coverage, label, title, verdict};
use crate::markup::plain;
use crate::words::in_lines;

/// Writes the ticket: four phases, each with the gate that ends it, then every row.
///
/// # Errors
/// The writer's own.
pub fn check_markdown(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let report = &in_lines(report)?;
    let release = &report.release;
    writeln!(out, "# {}\n", plain(&title(report)))?;
    writeln!(out, "**{}** — {}\n", verdict(report.verdict).0, coverage(report))?;

    writeln!(out, "## 1. Before\n")?;
    let blocking: Vec<&CheckResult> = report.checks.iter().filter(|row| row.blocks()).collect();
    if blocking.is_empty() {
        writeln!(out, "Nothing stands in the way.\n")?;
    }
    for row in blocking {
        finding(out, row)?;
    }
    writeln!(
        out,
        "Gate: `kubectl upgrade-check {} … -n {}` ends with 0.\n",
        release.name, release.namespace
    )?;

    writeln!(out, "## 2. The upgrade\n")?;
    let upgrade = report
        .next
        .iter()
        .filter_map(|next| next.command.as_deref())
        .find(|command| command.starts_with("helm safe-upgrade"));
    match upgrade {
        Some(command) => writeln!(out, "    {command}\n")?,
        None => writeln!(out, "Not before the findings above are settled.\n")?,
    }
    writeln!(
        out,
        "Gate: the plan that this shows is agreed to; the schema is as expected before traffic returns.\n"
    )?;

    writeln!(out, "## 3. After\n")?;
    let told: Vec<&CheckResult> = report
        .checks
        .iter()
        .filter(|row| row.is_finding() && !row.blocks())
        .collect();
    if told.is_empty() {
        writeln!(out, "Nothing in particular is to be watched.\n")?;
    }
    for row in told {
        finding(out, row)?;
    }
    writeln!(
        out,
        "Gate: `helm safe-upgrade status {} -n {}` says upgraded, and proven.\n",
        release.name, release.namespace
    )?;

    writeln!(out, "## 4. The way back\n")?;
    for row in report
        .checks
        .iter()
        .filter(|row| row.category == Category::Backup && !matches!(row.verdict, model::Verdict::Skip(_)))
    {
        writeln!(
            out,
            "- {} ({}): {}",
            row.id,
            label(row).0,
            plain(row.verdict.message())
        )?;
    }
    writeln!(
        out,
        "\nGate: `helm safe-upgrade abort {0} -n {1}` while it runs, `helm safe-upgrade rollback {0} -n {1}` afterwards.\n",
        release.name, release.namespace
    )?;

    writeln!(
        out,
        "## Every check\n\n| check | verdict | finding |\n|---|---|---|"
    )?;
    for row in &report.checks {
        writeln!(
            out,
            "| {} | {} | {} |",
            row.id,
            label(row).0,
            plain(row.verdict.message())
        )?;
    }
    Ok(())
}

/// One finding as something to tick off, with what to type.
fn finding(out: &mut dyn Write, row: &CheckResult) -> io::Result<()> {
    writeln!(
        out,
        "- [ ] {} ({}): {}",
        row.id,
        label(row).0,
        plain(row.verdict.message())
    )?;
    if let Some(waived) = &row.waived {
        writeln!(
            out,
            "  - {} answers for it until {}: {}",
            plain(&waived.owner),
            plain(&waived.expires),
            plain(&waived.reason)
        )?;
    }
    for remedy in &row.remedy {
        writeln!(out, "  - {}", plain(&remedy.text))?;
        if let Some(command) = &remedy.command {
            writeln!(out, "\n        {command}\n")?;
        }
    }
    Ok(())
}
