//! Reading a history table, as its tool's description says.

use model::{MigrationEnd, MigrationHistory, MigrationState, MigrationTrouble};
use tokio_postgres::Row;

use super::find::Found;
use super::tool::{Keeps, Proof, Tool};
use crate::observe::redact;
use crate::{Database, QueryError};

/// No tool's table comes near this. One that does is somebody else's and is not read to its end.
const MOST_ENTRIES: i64 = 100_000;
/// The most characters of a recorded failure that are fetched.
const LONGEST_SAID: i32 = 2_000;

/// What the table says; `None` where its rows show that it is none of the tool's.
///
/// # Errors
/// Why it could not be read.
pub(super) async fn history(database: &Database, found: &Found) -> Result<Option<MigrationHistory>, String> {
    if let Some(why) = &found.hidden {
        // Only a table that is surely the tool's is told: what rows would have to prove may be anybody's.
        return if by_name(found) {
            Err(why.clone())
        } else {
            Ok(None)
        };
    }
    let read = async {
        if by_name(found) || proven(database, found).await? {
            return entries(database, found).await.map(Some);
        }
        Ok(None)
    };
    match read.await {
        Ok(Some(entries)) if entries.len() as i64 > MOST_ENTRIES => {
            Err(format!("it has more than {MOST_ENTRIES} rows"))
        }
        Ok(entries) => Ok(entries.map(|entries| told(found.tool, &found.name, &entries))),
        Err(error) => Err(model::causes(&error)),
    }
}

/// Whether columns and name alone prove that it is the tool's.
fn by_name(found: &Found) -> bool {
    match &found.tool.proof {
        Proof::Columns | Proof::Name(_) => true,
        Proof::NameOrRows(named, _) => named(&found.table),
        Proof::NameAndRows(_, _) => false,
    }
}

async fn entries(database: &Database, found: &Found) -> Result<Vec<Entry>, QueryError> {
    let entries = found.tool.entries.replace("{table}", &found.name);
    // A time leaves the server as JSON writes it, which no setting of the session changes.
    let sql = format!(
        "select name::text, state::text, to_jsonb(began) #>> '{{}}', left(said::text, $1), coalesce(trace::text, '') \
         from ({entries}) e(name, state, began, said, trace, place) order by place limit $2"
    );
    let rows = database
        .query(
            &format!("read the migrations in {}", found.name),
            &sql,
            &[&LONGEST_SAID, &(MOST_ENTRIES + 1)],
        )
        .await?;
    Ok(rows.iter().map(Entry::read).collect())
}

/// Whether the rows prove that it is the tool's.
async fn proven(database: &Database, found: &Found) -> Result<bool, QueryError> {
    let condition = match &found.tool.proof {
        Proof::Columns | Proof::Name(_) => return Ok(true),
        Proof::NameOrRows(_, condition) | Proof::NameAndRows(_, condition) => condition,
    };
    let rows = database
        .query(
            &format!("look whether {} is a table of {}", found.name, found.tool.tool),
            &format!("select coalesce({condition}, false) from {}", found.name),
            &[],
        )
        .await?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// What a row of a history says about a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Applied,
    Undone,
    Ended(MigrationEnd),
}

/// One migration in a history.
#[derive(Debug)]
struct Entry {
    name: String,
    state: State,
    /// The state in the tool's description, for the fingerprint.
    word: String,
    began: Option<String>,
    said: Option<String>,
    trace: String,
}

impl Entry {
    fn read(row: &Row) -> Self {
        let word: String = row.get(1);
        Self {
            name: row.get(0),
            // A word that the descriptions do not use counts as the worst: it must never pass for applied.
            state: match word.as_str() {
                "applied" => State::Applied,
                "undone" => State::Undone,
                "failed" => State::Ended(MigrationEnd::Failed),
                _ => State::Ended(MigrationEnd::Unfinished),
            },
            word,
            began: row.get(2),
            said: row.get(3),
            trace: row.get(4),
        }
    }
}

fn told(tool: &Tool, table: &str, entries: &[Entry]) -> MigrationHistory {
    // Times stand in the fingerprint, so that a migration that was taken back and run again does not look like one that
    // never ran.
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let began = entry.began.as_deref().unwrap_or_default();
            format!("{}|{}|{began}|{}", entry.name, entry.word, entry.trace)
        })
        .collect();
    let names = |wanted: fn(&Entry) -> bool| -> Vec<String> {
        let wanted = entries.iter().filter(|entry| wanted(entry));
        wanted.map(|entry| entry.name.clone()).collect()
    };
    let applied = names(|entry| entry.state == State::Applied);
    let troubles: Vec<MigrationTrouble> = entries
        .iter()
        .filter_map(|entry| match entry.state {
            State::Ended(end) => Some(MigrationTrouble {
                migration: entry.name.clone(),
                end,
                since: entry.began.as_deref().map(with_zone),
                said: entry.said.as_deref().and_then(first_line),
            }),
            State::Applied | State::Undone => None,
        })
        .collect();
    let version = match tool.keeps {
        Keeps::Every => applied.last().cloned(),
        // A cursor stands on the migration that broke off, too.
        Keeps::Cursor => names(|entry| entry.state != State::Undone).pop(),
        Keeps::Heads => (!applied.is_empty()).then(|| applied.join(", ")),
    };
    MigrationHistory {
        state: MigrationState {
            tool: tool.tool,
            table: table.to_owned(),
            version,
            applied: i64::try_from(applied.len()).unwrap_or(i64::MAX),
            dirty: !troubles.is_empty(),
            fingerprint: crate::digest::sha256_hex(lines.join("\n").as_bytes()),
        },
        heads: match tool.keeps {
            Keeps::Heads => applied.clone(),
            Keeps::Every | Keeps::Cursor => Vec::new(),
        },
        applied,
        troubles,
    }
}

/// A time as JSON writes it, in full. One without a zone was written in UTC by all that we know.
pub(super) fn with_zone(time: &str) -> String {
    let clock = time.split_once('T').map_or("", |(_, clock)| clock);
    if clock.contains(['Z', '+', '-']) || clock.is_empty() {
        time.to_owned()
    } else {
        format!("{time}Z")
    }
}

/// The first line that says something, literals removed: a failed statement may hold what users wrote.
fn first_line(said: &str) -> Option<String> {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(redact(line))
}

#[cfg(test)]
mod tests {
    use super::super::tools::of;
    use super::*;
    use model::MigrationTool;

    fn entry(name: &str, word: &str, state: State) -> Entry {
        Entry {
            name: name.into(),
            state,
            word: word.into(),
            began: Some("2026-01-02T03:04:05".into()),
            said: Some("\nERROR: value 'hush' is too long\nmore".into()),
            trace: String::new(),
        }
    }

    #[test]
    fn the_version_is_the_last_applied_one_and_what_failed_is_told_beside_it() {
        let failed = State::Ended(MigrationEnd::Failed);
        let entries = [
            entry("1", "applied", State::Applied),
            entry("2", "failed", failed),
            entry("3", "undone", State::Undone),
        ];
        let history = told(of(MigrationTool::Flyway), "public.f", &entries);
        assert_eq!(history.state.version.as_deref(), Some("1"));
        assert_eq!(history.applied, ["1"]);
        assert!(history.state.dirty);
        let trouble = &history.troubles[0];
        assert_eq!(
            (trouble.migration.as_str(), trouble.end),
            ("2", MigrationEnd::Failed)
        );
        assert_eq!(trouble.since.as_deref(), Some("2026-01-02T03:04:05Z"));
        assert_eq!(trouble.said.as_deref(), Some("ERROR: value ? is too long"));
    }

    #[test]
    fn a_cursor_stands_on_the_migration_that_broke_off_and_heads_are_told_together() {
        let broken = [entry("401", "unfinished", State::Ended(MigrationEnd::Unfinished))];
        let history = told(of(MigrationTool::GolangMigrate), "t", &broken);
        assert_eq!(history.state.version.as_deref(), Some("401"));
        assert_eq!(history.state.applied, 0);
        let heads = [
            entry("a", "applied", State::Applied),
            entry("b", "applied", State::Applied),
        ];
        let history = told(of(MigrationTool::Alembic), "t", &heads);
        assert_eq!(history.state.version.as_deref(), Some("a, b"));
    }

    #[test]
    fn times_get_a_zone_only_where_they_have_none() {
        assert_eq!(with_zone("2026-01-02T03:04:05.5"), "2026-01-02T03:04:05.5Z");
        assert_eq!(
            with_zone("2026-01-02T03:04:05+00:00"),
            "2026-01-02T03:04:05+00:00"
        );
        assert_eq!(with_zone("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z");
    }
}
