//! The check report as a change ticket in Markdown: what is to be settled, what is done, what is watched, the way back.

use std::io::{self, Write};

use model::{Category, CheckReport, CheckResult};

use crate::check::{coverage, label, title, verdict};
use crate::markup::plain;
use crate::words::in_lines;

/// The command whose words name the release and its target.
const UPGRADE: &str = "helm safe-upgrade ";

/// Writes the ticket: four phases, each with the gate that ends it, then every row.
///
/// # Errors
/// The writer's own.
pub fn check_markdown(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let report = &in_lines(report)?;
    let release = &report.release;
    writeln!(out, "# {}\n", plain(&title(report)))?;
    writeln!(out, "**{}** — {}\n", verdict(report.verdict).0, coverage(report))?;

    let upgrade = report
        .next
        .iter()
        .filter_map(|next| next.command.as_deref())
        .find_map(|command| Some((command, command.strip_prefix(UPGRADE)?)));

    writeln!(out, "## 1. Before\n")?;
    let (blocking, others): (Vec<&CheckResult>, Vec<&CheckResult>) = report
        .checks
        .iter()
        .filter(|row| row.is_finding())
        .partition(|row| row.blocks());
    if blocking.is_empty() {
        writeln!(out, "Nothing stands in the way.\n")?;
    }
    findings(out, &blocking)?;
    if !others.is_empty() {
        writeln!(out, "To be looked at, though it does not stand in the way:\n")?;
    }
    findings(out, &others)?;
    let words = upgrade.map_or_else(
        || format!("{} … -n {}", release.name, release.namespace),
        |(_, words)| words.to_owned(),
    );
    writeln!(out, "Gate: `kubectl upgrade-check {words}` ends with 0.\n")?;

    writeln!(out, "## 2. The upgrade\n")?;
    match upgrade {
        Some((command, _)) => writeln!(out, "    {command}\n")?,
        None => writeln!(out, "Not before the findings above are settled.\n")?,
    }
    writeln!(
        out,
        "Gate: the plan that this shows is agreed to; the schema is as expected before traffic returns.\n"
    )?;

    writeln!(out, "## 3. After\n")?;
    writeln!(
        out,
        "The run itself compares pods, revision, schema and health with what was planned; \
         `helm safe-upgrade report {0} -n {1}` is its record.\n",
        release.name, release.namespace
    )?;
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

/// The findings as a list, and the empty line without which the next paragraph would belong to its last item.
fn findings(out: &mut dyn Write, rows: &[&CheckResult]) -> io::Result<()> {
    for row in rows {
        finding(out, row)?;
    }
    let after_a_command =
        |row: &CheckResult| row.remedy.last().is_some_and(|remedy| remedy.command.is_some());
    match rows.last() {
        Some(last) if !after_a_command(last) => writeln!(out),
        _ => Ok(()),
    }
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
