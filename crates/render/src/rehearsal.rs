//! A rehearsal: what the migration did to the copy, what it took, and what is wrong.

use std::io::{self, Write};

use model::{Rehearsal, RehearsalOutcome, RehearsalReport, RehearsedLock, RehearsedStatement};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{bytes, seconds};

/// How many statements and locks are shown; all that were kept stand in the JSON.
const SHOWN: usize = 5;

/// How much of a statement is shown.
const STATEMENT: usize = 90;

/// Writes the report of a rehearsal.
///
/// # Errors
/// The writer's own.
pub fn rehearsal(out: &mut dyn Write, style: Style, report: &RehearsalReport) -> io::Result<()> {
    let (release, target) = (&report.release, &report.target);
    let arrow = style.glyph("→", "->");
    write!(
        out,
        "rehearsal of {} in {}, {} {arrow} {}-{}: ",
        style.paint(Tone::Strong, &release.name),
        release.namespace,
        release.chart,
        target.name,
        target.version
    )?;
    match &report.rehearsal {
        Some(found) => {
            let tone = match found.outcome {
                RehearsalOutcome::Migrated | RehearsalOutcome::NothingToDo => Tone::Good,
                RehearsalOutcome::Failed | RehearsalOutcome::Refused => Tone::Bad,
                RehearsalOutcome::Unknown => Tone::Care,
            };
            write!(out, "{}", style.paint(tone, found.outcome.words()))?;
            if let Some(took) = found.seconds {
                write!(out, " in {}", seconds(took))?;
            }
            writeln!(out)?;
            did(out, style, found)?;
        }
        None => writeln!(out, "{}", style.paint(Tone::Bad, "not tried"))?,
    }
    backup(out, style, report)?;
    if let Some(kept) = &report.remembered {
        writeln!(
            out,
            "  kept       {} s, for the plan of the upgrade from {} to {}",
            kept.seconds, kept.from, kept.to
        )?;
    }
    next_steps(out, style, &report.next)
}

fn did(out: &mut dyn Write, style: Style, found: &Rehearsal) -> io::Result<()> {
    writeln!(
        out,
        "  run        {}, container {}, image {}",
        found.migrator, found.container, found.image
    )?;
    if found.schema_before.is_some() || found.schema_after.is_some() {
        let of = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".into());
        let expected = match &found.schema_expected {
            Some(expected) => format!(", expected {expected}"),
            None => String::new(),
        };
        writeln!(
            out,
            "  schema     {} {} {}{expected}",
            of(&found.schema_before),
            style.glyph("→", "->"),
            of(&found.schema_after)
        )?;
    }
    if let (Some(before), Some(after)) = (found.bytes_before, found.bytes_after) {
        let most = found.bytes_most.filter(|most| *most > after.max(before));
        let most = most.map(|most| format!(", at most {} meanwhile", bytes(most)));
        let wal = found
            .wal_bytes
            .map(|wal| format!("; {} written ahead", bytes(wal)));
        writeln!(
            out,
            "  size       {} {} {}{}{}",
            bytes(before),
            style.glyph("→", "->"),
            bytes(after),
            most.unwrap_or_default(),
            wal.unwrap_or_default()
        )?;
    }
    for RehearsedStatement {
        statement,
        seconds: took,
    } in found.statements.iter().take(SHOWN)
    {
        writeln!(
            out,
            "  statement  {:>9}  {}",
            seconds(*took),
            beginning(statement)
        )?;
    }
    for RehearsedLock {
        table,
        mode,
        seconds: held,
    } in found.locks.iter().take(SHOWN)
    {
        writeln!(out, "  lock       {:>9}  {table}: {mode}", seconds(*held))?;
    }
    for finding in &found.findings {
        writeln!(out, "  {}    {finding}", style.paint(Tone::Bad, "finding"))?;
    }
    for unknown in &found.unknown {
        writeln!(out, "  {}    {unknown}", style.paint(Tone::Care, "unknown"))?;
    }
    if !found.outcome.measures() {
        for line in &found.log {
            writeln!(out, "  log        {line}")?;
        }
    }
    for apart in &found.isolation {
        writeln!(out, "  apart      {apart}")?;
    }
    Ok(())
}

/// How the backup did that was rehearsed on.
fn backup(out: &mut dyn Write, style: Style, report: &RehearsalReport) -> io::Result<()> {
    let found = &report.verification;
    let words = match (found.differences.is_empty(), found.unjudged.is_empty()) {
        (true, true) => style.paint(Tone::Good, "restored and equal"),
        (true, false) => style.paint(Tone::Care, "restored and equal, as far as could be judged"),
        (false, _) => style.paint(Tone::Bad, "not as it must be"),
    };
    writeln!(
        out,
        "  backup     {}: {words}, in {}",
        found.id,
        seconds(found.restore_seconds)
    )?;
    for unjudged in &found.unjudged {
        writeln!(out, "  {}    {unjudged}", style.paint(Tone::Care, "unknown"))?;
    }
    for difference in &found.differences {
        writeln!(out, "  {}    {difference}", style.paint(Tone::Bad, "differs"))?;
    }
    Ok(())
}

/// The beginning of a statement in one line.
fn beginning(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let line = words.join(" ");
    if line.chars().count() <= STATEMENT {
        return line;
    }
    let cut: String = line.chars().take(STATEMENT).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(outcome: &str, more: serde_json::Value) -> String {
        let mut rehearsal = serde_json::json!({
            "migrator": "job/shop-migrate", "container": "migrate", "image": "shop:2", "outcome": outcome,
            "schemaBefore": "4", "schemaAfter": "6", "schemaExpected": "6", "seconds": 42.0,
            "bytesBefore": 1_000_000_000_u64, "bytesAfter": 1_200_000_000_u64, "bytesMost": 2_100_000_000_u64,
            "walBytes": 900_000_000_u64,
            "statements": [{ "statement": "alter table\n  entries add x", "seconds": 40.0 }],
            "locks": [{ "table": "public.entries", "mode": "AccessExclusiveLock", "seconds": 41.0 }],
            "findings": [], "unknown": [], "log": ["OK 5", "OK 6"], "isolation": ["names are cut off"],
        });
        for (key, value) in more.as_object().unwrap() {
            rehearsal[key] = value.clone();
        }
        let report = serde_json::json!({
            "apiVersion": "", "kind": "RehearsalReport",
            "release": { "name": "shop", "namespace": "prod", "revision": 3, "chart": "shop-1.0.0", "appVersion": null },
            "target": { "name": "shop", "version": "2.0.0", "appVersion": null },
            "rehearsal": rehearsal,
            "verification": {
                "apiVersion": "", "kind": "", "id": "20261129T210000Z-0a1b2c3d", "verifiedAt": "", "compared": [],
                "differences": [], "restoreSeconds": 61.0,
            },
            "remembered": null,
            "next": [],
        });
        let report = serde_json::from_value(report).unwrap();
        let mut out = Vec::new();
        super::rehearsal(&mut out, Style::plain(), &report).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_it_took_is_told_in_few_lines() {
        let told = text("migrated", serde_json::json!({}));
        let wanted = "rehearsal of shop in prod, shop-1.0.0 -> shop-2.0.0: migrated in 42 s\n\
                      \x20 run        job/shop-migrate, container migrate, image shop:2\n\
                      \x20 schema     4 -> 6, expected 6\n\
                      \x20 size       1.0 GB -> 1.2 GB, at most 2.1 GB meanwhile; 900 MB written ahead\n\
                      \x20 statement       40 s  alter table entries add x\n\
                      \x20 lock            41 s  public.entries: AccessExclusiveLock\n\
                      \x20 apart      names are cut off\n\
                      \x20 backup     20261129T210000Z-0a1b2c3d: restored and equal, in 1 min 01 s\n";
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_failure_is_told_with_the_migrator_s_own_lines() {
        let told = text(
            "failed",
            serde_json::json!({ "findings": ["container migrate ended with exit code 4"] }),
        );
        assert!(told.contains("the migration failed in 42 s"), "{told}");
        assert!(
            told.contains("finding    container migrate ended with exit code 4"),
            "{told}"
        );
        assert!(told.contains("log        OK 5\n"), "{told}");
    }
}
