//! Keys without which a restore is useless: their names, never their values.

use std::io::{self, Write};

use comfy_table::{Table, presets};
use model::text::minutes;
use model::{KeyState, KeysListReport, KeysReport};

use crate::Style;
use crate::style::Tone;

/// Writes a list of sealed keys.
///
/// # Errors
/// The writer's own.
pub fn keys_list(out: &mut dyn Write, report: &KeysListReport) -> io::Result<()> {
    if report.items.is_empty() {
        return writeln!(out, "no sealed keys");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["ID", "NAMESPACE", "RELEASE", "KEYS", "READ", "OPENS WITH"]);
    for item in &report.items {
        table.add_row([
            item.id.clone(),
            item.namespace.clone(),
            item.release.clone().unwrap_or_else(|| "-".into()),
            item.fingerprints.keys.len().to_string(),
            item.created_at.clone(),
            item.recipients.join(", "),
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    Ok(())
}

/// Writes what sealed keys are.
///
/// # Errors
/// The writer's own.
pub fn keys_report(out: &mut dyn Write, style: Style, report: &KeysReport) -> io::Result<()> {
    let keys = &report.keys;
    writeln!(out, "sealed keys {}", style.paint(Tone::Strong, &keys.id))?;
    writeln!(out, "  place   {}", report.uri)?;
    let read = minutes(&keys.created_at);
    writeln!(out, "  read    {read}, namespace {}", keys.namespace)?;
    if let Some(release) = &keys.release {
        writeln!(out, "  release {release}")?;
    }
    writeln!(out, "  opens   with {}", keys.recipients.join(", "))?;
    if report.opened == Some(true) {
        let words = style
            .paint(Tone::Good, "opened, and it holds what its manifest says")
            .into_owned();
        writeln!(out, "  proof   {words}")?;
    }
    for key in &keys.fingerprints.keys {
        let found = report.compared.iter();
        let mut found = found.filter(|other| (&other.source, &other.key) == (&key.source, &key.key));
        let state = match found.next().map(|found| found.state) {
            None => String::new(),
            Some(KeyState::Same) => ", the same in the cluster".to_owned(),
            Some(KeyState::Changed) => format!(", {}", style.paint(Tone::Bad, "CHANGED in the cluster")),
            Some(KeyState::Gone) => format!(", {}", style.paint(Tone::Bad, "GONE from the cluster")),
            Some(KeyState::Unknown) => format!(", {}", style.paint(Tone::Care, "not compared")),
        };
        writeln!(out, "  holds   key {} of {}{state}", key.key, key.source)?;
    }
    for warning in &report.warnings {
        writeln!(out, "  {} {warning}", style.paint(Tone::Care, "warning:"))?;
    }
    Ok(())
}
