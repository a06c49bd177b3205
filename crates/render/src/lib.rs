//! What people and scripts see. Takes the words of `model` and a writer; asks nobody anything and never ends a program.

mod artefacts;
mod backups;
mod base_restore;
mod bundle;
mod check;
mod check_junit;
mod check_markdown;
mod check_page;
mod error;
mod fleet;
mod inventory;
mod keys;
mod live;
mod locks;
mod manifests;
mod markup;
mod notes;
mod notes_markdown;
mod path;
mod plan;
mod plan_markdown;
mod profiles;
mod prune;
mod rehearsal;
mod restore;
mod run;
mod run_page;
mod schedules;
mod stores;
mod style;
mod unlock;
mod words;

pub use backups::{backup_report, backup_set, verification};
pub use base_restore::base_restore;
pub use bundle::{bundle_page, bundle_report};
pub use check::{Detail, check_report, check_trouble};
pub use check_junit::check_junit;
pub use check_markdown::check_markdown;
pub use check_page::check_page;
pub use error::failure;
pub use fleet::{FleetShape, FleetTable, fleet_end, fleet_progress, fleet_progress_end};
pub use inventory::{TableForm, backup_details, backup_list, backup_status};
pub use keys::{keys_list, keys_report};
pub use live::{Live, LiveOutput};
pub use locks::{lock_explanation, lock_report};
pub use manifests::manifests;
pub use notes::{NotesForm, notes_report};
pub use notes_markdown::notes_markdown;
pub use path::{path_markdown, path_report};
pub use plan::{moved, plan, plan_steps};
pub use plan_markdown::{making_plan, plan_markdown, running_plan};
pub use profiles::{profile_lint, profile_list, profile_trial};
pub use prune::{file_copy, pin_report, prune_report};
pub use rehearsal::rehearsal;
pub use restore::{kept, restore_preview, restore_report};
pub use run::{next_steps, run_history, run_list, upgrade_outcome, upgrade_report};
pub use run_page::{run_markdown, run_page};
pub use schedules::schedules;
pub use stores::{store_list, store_test};
pub use style::{Glyphs, Style};
pub use unlock::{pending_evidence, unlock_report};

use std::io::{self, Write};

use model::text::steers;

/// Writes a report as JSON, followed by a line end. What would steer a terminal stands in it as JSON's own escapes.
///
/// # Errors
/// The writer's own.
pub fn json<T: serde::Serialize>(out: &mut dyn Write, report: &T) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(io::Error::other)?;
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) && character != '\n' {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    writeln!(out, "{escaped}")
}

/// Writes a report as YAML.
///
/// # Errors
/// The writer's own.
pub fn yaml<T: serde::Serialize>(out: &mut dyn Write, report: &T) -> io::Result<()> {
    let text = serde_saphyr::to_string(report).map_err(io::Error::other)?;
    write!(out, "{text}")
}

#[cfg(test)]
mod tests;
