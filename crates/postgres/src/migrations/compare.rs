//! What is applied against the migrations that another version brings.

use std::collections::BTreeSet;

use model::MigrationHistory;

use super::tool::Keeps;
use super::tools::of;

/// How a history stands to the migrations of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How many migrations of the tool are among the files.
    pub known: usize,
    /// Those that the version would still run, in the order of the files' names; `None` where the history does not say
    /// what went before its newest migration.
    pub pending: Option<Vec<String>>,
    /// Applied ones that the version does not have and that were applied after all that it has: the database is ahead of
    /// it. Older ones are not told: projects fold old migrations into one.
    pub ahead: Vec<String>,
}

/// Compares a history with a version's migrations, given by the paths of their files. `None` where no path is that of a
/// migration of this tool.
pub fn compare(history: &MigrationHistory, files: &[String]) -> Option<Comparison> {
    let tool = of(history.state.tool);
    let mut seen = BTreeSet::new();
    let mut names: Vec<String> = files.iter().filter_map(|file| (tool.file)(file)).collect();
    names.retain(|name| seen.insert(name.clone()));
    if names.is_empty() {
        return None;
    }
    names.sort_by_key(|name| order(name));
    let applied = &history.applied;
    let comparison = match tool.keeps {
        Keeps::Every => Comparison {
            known: names.len(),
            ahead: match applied.iter().rposition(|name| seen.contains(name)) {
                Some(last) => applied[last + 1..].to_vec(),
                // Nothing in common says nothing about which is newer.
                None => Vec::new(),
            },
            pending: Some(names.into_iter().filter(|name| !applied.contains(name)).collect()),
        },
        Keeps::Cursor => {
            let cursor = history.state.version.as_deref().map(order);
            let after = |name: &String| cursor.as_ref().is_none_or(|cursor| &order(name) > cursor);
            let newest = names.last().map(|name| order(name));
            Comparison {
                known: names.len(),
                ahead: applied
                    .iter()
                    .filter(|name| Some(order(name)) > newest)
                    .cloned()
                    .collect(),
                pending: Some(names.into_iter().filter(after).collect()),
            }
        }
        Keeps::Heads => Comparison {
            known: names.len(),
            ahead: applied
                .iter()
                .filter(|name| !seen.contains(*name))
                .cloned()
                .collect(),
            pending: applied.is_empty().then_some(names),
        },
    };
    Some(comparison)
}

/// Names sort by their leading number, then as text: `9` before `10`, `2.9` before `2.10`.
fn order(name: &str) -> (Vec<u128>, String) {
    let numbers = name
        .split(['.', '_', '-'])
        .map_while(|part| part.parse().ok())
        .collect();
    (numbers, name.to_owned())
}

#[cfg(test)]
mod tests {
    use model::{MigrationState, MigrationTool};

    use super::*;

    fn history(tool: MigrationTool, applied: &[&str]) -> MigrationHistory {
        MigrationHistory {
            state: MigrationState {
                tool,
                table: "t".into(),
                version: applied.last().map(|name| (*name).to_owned()),
                applied: applied.len() as i64,
                dirty: false,
                fingerprint: String::new(),
            },
            applied: applied.iter().map(|name| (*name).to_owned()).collect(),
            heads: Vec::new(),
            troubles: Vec::new(),
        }
    }

    fn compared(tool: MigrationTool, applied: &[&str], files: &[&str]) -> (Option<Vec<String>>, Vec<String>) {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let comparison = compare(&history(tool, applied), &files).unwrap();
        (comparison.pending, comparison.ahead)
    }

    #[test]
    fn what_is_not_applied_is_pending_in_the_order_of_numbers() {
        let files = ["m/00010_c.sql", "m/00009_b.sql", "m/00001_a.sql", "m/README.md"];
        assert_eq!(
            compared(MigrationTool::Goose, &["1"], &files),
            (Some(vec!["9".into(), "10".into()]), vec![])
        );
    }

    #[test]
    fn what_came_after_all_that_a_version_knows_is_ahead_and_folded_old_ones_are_not() {
        let files = ["2_b.sql", "3_c.sql"];
        assert_eq!(
            compared(MigrationTool::Goose, &["1", "2", "3", "4"], &files),
            (Some(vec![]), vec!["4".into()])
        );
        assert_eq!(
            compared(MigrationTool::Goose, &["1", "2"], &files),
            (Some(vec!["3".into()]), vec![])
        );
    }

    #[test]
    fn a_cursor_has_all_before_it_behind_it() {
        let files = ["000401_a.up.sql", "000401_a.down.sql", "000509_z.up.sql"];
        assert_eq!(
            compared(MigrationTool::GolangMigrate, &["401"], &files),
            (Some(vec!["509".into()]), vec![])
        );
        assert_eq!(
            compared(MigrationTool::GolangMigrate, &["510"], &files),
            (Some(vec![]), vec!["510".into()])
        );
    }

    #[test]
    fn of_heads_only_the_unknown_ones_can_be_told() {
        let files = ["versions/ab12_first.py", "versions/cd34_second.py"];
        assert_eq!(
            compared(MigrationTool::Alembic, &["ab12"], &files),
            (None, vec![])
        );
        assert_eq!(
            compared(MigrationTool::Alembic, &["ff99"], &files),
            (None, vec!["ff99".into()])
        );
    }

    #[test]
    fn files_of_another_tool_compare_with_nothing() {
        assert_eq!(
            compare(&history(MigrationTool::Goose, &["1"]), &["README.md".into()]),
            None
        );
    }
}
