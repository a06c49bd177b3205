//! Schedules of backups.

use std::io::{self, Write};

use comfy_table::{Table, presets};
use model::ScheduleList;

/// Writes a list of schedules.
///
/// # Errors
/// The writer's own.
pub fn schedules(out: &mut dyn Write, report: &ScheduleList) -> io::Result<()> {
    if report.items.is_empty() {
        return writeln!(out, "no schedules");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "CRON", "ZONE", "LAST RUN", "LAST SUCCESS", "STATE"]);
    for item in &report.items {
        let never = || "never".to_owned();
        let state = match (item.suspended, &item.last_result) {
            (true, _) => "suspended".to_owned(),
            (false, Some(result)) => result.clone(),
            (false, None) => "waiting".to_owned(),
        };
        table.add_row([
            item.name.clone(),
            item.cron.clone(),
            item.time_zone.clone().unwrap_or_default(),
            item.last_scheduled_at.clone().unwrap_or_else(never),
            item.last_succeeded_at.clone().unwrap_or_else(never),
            state,
        ]);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    Ok(())
}
