//! What pending migrations do to large tables.

use std::collections::BTreeMap;

use model::{
    Category, Confidence, HeavyStatement, MigrationFiles, MigrationHistory, Observation, Profile, Severity,
    TableSize, TableWork, Target,
};
use postgres_room::compare;

use super::migration::{facts, known, schema_of};
use super::postgres::database;
use crate::check::{Check, Judged, Judgement, bytes, given, needed, some_of};

const TRY_IT: &str = "try the upgrade on a copy of the database: it tells how long this takes; then give probes, deadlines \
                      and --timeout that long";

pub(crate) const ROWS: &[Check] = &[Check {
    id: "rewrite-cost",
    category: Category::Postgres,
    title: "no pending migration works through a large table",
    severity: Severity::Warn,
    judge: cost,
}];

fn cost(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    let database = database(seen)?;
    let (what, none) = ("the sizes of the tables", "there are none");
    let health = needed(&database.health, what, none)?;
    let large = needed(&health.large_tables, what, none)?;
    if large.is_empty() {
        return Ok(Judged::pass(format!(
            "no table has {} or {} million rows",
            bytes(TableSize::LARGE_BYTES.unsigned_abs()),
            TableSize::LARGE_ROWS / 1_000_000
        ))
        .sure(Confidence::Reported));
    }
    let names: Vec<String> = large.iter().map(words).collect();
    let meant = match facts(database).and_then(|facts| known(facts, profile)) {
        Ok(meant) => meant,
        // Somebody migrates all the same, by a tool that is not known or in a way of its own.
        Err(unjudged) => {
            return Ok(Judged::unknown(format!(
                "{}, and which migrations are pending is not known: {}",
                large_ones(&names),
                unjudged.why()
            ))
            .advise(TRY_IT)
            .with("largeTables", names));
        }
    };
    let schema =
        schema_of(profile, target.chart.app_version.as_deref()).map(|schema| schema.version.as_str());
    let judged = match &target.migrations {
        Some(files) => by_files(&meant, files, large, database.free_bytes.present()),
        None if schema.is_some() && schema == meant[0].state.version.as_deref() => {
            Judged::pass("the target brings no migration")
        }
        None => Judged::unknown(format!(
            "{}, and nothing tells what the target's migrations do to them",
            large_ones(&names)
        ))
        .advise("name the folder of the target's migrations with --migrations"),
    };
    Ok(judged.with("largeTables", names))
}

fn large_ones(names: &[String]) -> String {
    match names {
        [one] => format!("{one} is large"),
        _ => format!("{} are large", some_of(names)),
    }
}

/// A table with its size.
fn words(table: &TableSize) -> String {
    let rows = match table.rows {
        rows if rows >= 1_000_000 => format!("{} million rows", rows / 1_000_000),
        rows => format!("{rows} rows"),
    };
    format!("{} ({}, {rows})", table.name, bytes(table.bytes.unsigned_abs()))
}

fn by_files(
    meant: &[&MigrationHistory],
    files: &MigrationFiles,
    large: &[TableSize],
    free: Option<&u64>,
) -> Judged {
    let waiting: Vec<&str> = files
        .files
        .iter()
        .map(String::as_str)
        .filter(|file| may_be_pending(meant, file))
        .collect();
    if waiting.is_empty() {
        return match files.files.iter().any(|file| is_of(meant, file)) {
            true => Judged::pass("no migration is pending"),
            false => Judged::unknown(format!(
                "{} has no migration of a tool that is used here",
                files.source
            ))
            .advise("name the folder of the target's migrations"),
        };
    }
    let Some(work) = &files.work else {
        return Judged::unknown(format!(
            "{} lists the names of {} pending migrations, and not what they do",
            files.source,
            waiting.len()
        ))
        .advise("name the folder of the target's migrations");
    };
    let short = |file: &str| {
        let inside = file.strip_prefix(files.source.as_str()).unwrap_or(file);
        inside.trim_start_matches('/').to_owned()
    };
    let found: Vec<(&HeavyStatement, &TableSize)> = work
        .heavy
        .iter()
        .filter(|statement| waiting.contains(&statement.file.as_str()))
        .filter_map(|statement| Some((statement, meant_by(&statement.table, large)?)))
        .collect();
    let unread: Vec<String> = waiting
        .iter()
        .filter(|file| work.unread.iter().any(|unread| unread == *file))
        .map(|file| short(file))
        .collect();
    let (open, found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|(statement, _)| statement.work == TableWork::SomeRows);
    let told = |found: &[(&HeavyStatement, &TableSize)]| -> Vec<String> {
        let line = |(statement, table): &(&HeavyStatement, &TableSize)| {
            let file = short(&statement.file);
            format!("{file} {}", done(statement.work, &words(table)))
        };
        found.iter().map(line).collect()
    };
    let (lines, open) = (told(&found), told(&open));
    let judged = if !lines.is_empty() {
        heavy(&lines, copied(&found), free)
    } else if !unread.is_empty() {
        Judged::unknown(format!(
            "{} of {} pending migrations cannot be read as plain SQL, so nobody knows what they do to large tables: {}",
            unread.len(),
            waiting.len(),
            some_of(&unread)
        ))
        .advise("read them, or try the upgrade on a copy of the database")
    } else if !open.is_empty() {
        Judged::unknown(format!("{}; of how many, its text does not tell", some_of(&open))).advise(TRY_IT)
    } else {
        Judged::pass(format!(
            "none of {} pending migrations has a statement that is known to work through a large table",
            waiting.len()
        ))
    };
    // By the text of a statement it cannot be told whether the server has to do all of it.
    judged
        .sure(Confidence::Inferred)
        .with("statements", [lines, open].concat())
        .with("unread", unread)
}

fn done(work: TableWork, table: &str) -> String {
    match work {
        TableWork::SomeRows => format!("reads or changes rows of {table} by a condition or a query"),
        TableWork::Scans => format!("reads all of {table}, while others read and write"),
        TableWork::Rewrites => format!("may write {table} anew, and nobody reads it meanwhile"),
        TableWork::Reads => format!("reads all of {table}, and nobody writes to it meanwhile"),
        TableWork::ChangesEveryRow => format!("changes every row of {table}"),
    }
}

/// Bytes that stand there twice until the migration has ended.
fn copied(found: &[(&HeavyStatement, &TableSize)]) -> u64 {
    let tables: BTreeMap<&str, u64> = found
        .iter()
        .filter(|(statement, _)| match statement.work {
            TableWork::Rewrites | TableWork::ChangesEveryRow => true,
            TableWork::Reads | TableWork::Scans | TableWork::SomeRows => false,
        })
        .map(|(_, table)| (table.name.as_str(), table.bytes.unsigned_abs()))
        .collect();
    tables.values().sum()
}

fn heavy(lines: &[String], copied: u64, free: Option<&u64>) -> Judged {
    match free {
        Some(free) if *free < copied => Judged::fail(format!(
            "{}; that needs up to {} more, and {} are free",
            some_of(lines),
            bytes(copied),
            bytes(*free)
        ))
        .advise("make the volume of the database larger first")
        .advise(TRY_IT),
        Some(_) | None => Judged::warn(some_of(lines)).advise(TRY_IT),
    }
}

/// The large table that a statement means. A name without a schema may mean one in any.
fn meant_by<'a>(table: &str, large: &'a [TableSize]) -> Option<&'a TableSize> {
    large.iter().find(|size| {
        let name = size.name.replace('"', "");
        name == table || name.split_once('.').is_some_and(|(_, own)| own == table)
    })
}

/// Whether a file is a migration of a tool that is used here.
fn is_of(meant: &[&MigrationHistory], file: &str) -> bool {
    meant
        .iter()
        .any(|history| compare(history, &[file.to_owned()]).is_some())
}

/// Whether a file's migration is pending, or may be where the tool's table does not tell.
fn may_be_pending(meant: &[&MigrationHistory], file: &str) -> bool {
    meant
        .iter()
        .filter_map(|history| compare(history, &[file.to_owned()]))
        .any(|comparison| comparison.pending.is_none_or(|pending| !pending.is_empty()))
}
