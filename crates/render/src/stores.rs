//! Stores of backups: those with names, and what one can do.

use std::io::{self, Write};

use comfy_table::{Table, presets};
use model::{StoreActResult, StoreListReport, StoreTestReport};

use crate::Style;
use crate::style::Tone;

/// Writes the stores that have names.
///
/// # Errors
/// The writer's own.
pub fn store_list(out: &mut dyn Write, report: &StoreListReport) -> io::Result<()> {
    if report.items.is_empty() {
        return writeln!(out, "no stores in {}", report.file);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "STORE"]);
    for item in &report.items {
        table.add_row([&item.name, &item.url]);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    Ok(())
}

/// Writes what a store can do.
///
/// # Errors
/// The writer's own.
pub fn store_test(out: &mut dyn Write, style: Style, report: &StoreTestReport) -> io::Result<()> {
    writeln!(out, "store {}", style.paint(Tone::Strong, &report.url))?;
    for result in &report.acts {
        let StoreActResult { act, works, message } = result;
        let words = match works {
            Some(true) => style.paint(Tone::Good, "works"),
            Some(false) => style.paint(Tone::Bad, "does not work"),
            None => "not tried".into(),
        };
        let message = message
            .as_ref()
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        writeln!(out, "  {:<42} {words}{message}", act_words(act))?;
    }
    Ok(())
}

fn act_words(act: &str) -> &str {
    match act {
        "write" => "publish a small file",
        "read" => "read it back",
        "createOnly" => "refuse a second file of the same name",
        "list" => "list what is there",
        "multipart" => "take a large file, in parts",
        "delete" => "delete what is there",
        other => other,
    }
}
