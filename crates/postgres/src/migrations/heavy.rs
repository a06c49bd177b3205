//! Which statements of a migration take as long as a table is large. By the manual's words on each statement; what a
//! function or a block of code does is not known, nor how many rows a condition leaves.

use model::TableWork;

use super::tokens::{Token, statements};
use super::words::Words;

/// Functions that give each row another value, so that a column with such a default is written into every row.
const VOLATILE: [&str; 9] = [
    "gen_random_uuid",
    "uuid_generate_v1",
    "uuid_generate_v4",
    "uuidv4",
    "uuidv7",
    "random",
    "clock_timestamp",
    "timeofday",
    "nextval",
];

/// Types whose columns are numbered by themselves.
const SERIAL: [&str; 6] = [
    "serial",
    "bigserial",
    "smallserial",
    "serial2",
    "serial4",
    "serial8",
];

/// Words that may leave a query less to read than a whole table.
const NARROWING: [&str; 5] = ["where", "join", "limit", "fetch", "tablesample"];

/// Words before the name of a table whose rows a statement reads or changes.
const BEFORE_TABLES: [&str; 4] = ["from", "join", "using", "update"];

/// What a migration's text does to the rows of tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeavyWork {
    /// The tables, by the names that stand there, and what is done to them.
    pub tables: Vec<(String, TableWork)>,
    /// Whether code stands in it (`do`, `call`, an `execute` of texts), of which nothing is known.
    pub has_code: bool,
}

/// Reads a migration's text, up to its way back.
pub fn heavy_work(sql: &str) -> HeavyWork {
    let mut found = HeavyWork::default();
    for statement in statements(sql) {
        let words = Words::of(&statement);
        found.has_code |= words.begins(&["do"]) || words.begins(&["call"]);
        found.tables.extend(heavy(words));
    }
    found.tables.dedup();
    found
}

fn heavy(words: Words<'_>) -> Vec<(String, TableWork)> {
    let main = altered(words)
        .or_else(|| indexed(words))
        .or_else(|| changed(words))
        .or_else(|| packed(words));
    let mut found: Vec<(String, TableWork)> = Vec::new();
    for (table, work) in main.into_iter().chain(queried(words)) {
        match found.iter_mut().find(|(known, _)| *known == table) {
            Some((_, known)) => *known = work.max(*known),
            None => found.push((table, work)),
        }
    }
    found
}

fn altered(words: Words<'_>) -> Option<(String, TableWork)> {
    let rest = words.after(&["alter", "table"])?;
    let (table, rest) = rest.without(&["if", "exists"]).without(&["only"]).name()?;
    let actions = rest.parts();
    let only_validates = actions.iter().all(|action| action.begins(&["validate"]));
    let work = actions.into_iter().filter_map(action).max()?;
    // The strictest lock of all its actions is held until the last one is done.
    let is_strict = work == TableWork::Scans && !only_validates;
    Some((table, if is_strict { TableWork::Reads } else { work }))
}

/// What one action of `alter table` does.
fn action(words: Words<'_>) -> Option<TableWork> {
    if let Some(rest) = words.after(&["alter"]) {
        let (_, rest) = rest.without(&["column"]).name()?;
        if rest.begins(&["type"]) || rest.begins(&["set", "data", "type"]) {
            return Some(TableWork::Rewrites);
        }
        return rest.begins(&["set", "not", "null"]).then_some(TableWork::Reads);
    }
    if let Some(rest) = words.after(&["set"]) {
        let rewrites = ["logged", "unlogged", "tablespace", "access"];
        return rewrites
            .iter()
            .any(|word| rest.begins(&[*word]))
            .then_some(TableWork::Rewrites);
    }
    if words.begins(&["validate", "constraint"]) {
        return Some(TableWork::Scans);
    }
    let rest = words.after(&["add"])?;
    let constraint = match rest.after(&["constraint"]) {
        Some(named) => named.name()?.1,
        None => rest,
    };
    if constraint.begins(&["check"]) || constraint.begins(&["foreign", "key"]) {
        let is_later = constraint.has(&["not", "valid"]) || constraint.has(&["not", "enforced"]);
        return (!is_later).then_some(TableWork::Reads);
    }
    let indexes = [&["primary", "key"][..], &["unique"], &["exclude"]];
    if indexes.iter().any(|words| constraint.begins(words)) {
        return (!constraint.has(&["using", "index"])).then_some(TableWork::Reads);
    }
    added(rest.without(&["column"]).without(&["if", "not", "exists"]))
}

/// What a new column does: one that has another value in each row is written into every row, and one with a constraint has
/// every row looked at.
fn added(words: Words<'_>) -> Option<TableWork> {
    let (_, definition) = words.name()?;
    let is_numbered = SERIAL.iter().any(|name| definition.begins(&[*name])) || definition.has(&["identity"]);
    let is_computed = definition.has(&["stored"]);
    let default = definition.at(&["default"]);
    let is_volatile = default.is_some_and(|default| {
        default.each().any(|(token, rest)| {
            rest.each()
                .next()
                .is_some_and(|(next, _)| *next == Token::Mark('('))
                && VOLATILE.iter().any(|name| token.is(name))
        })
    });
    if is_numbered || is_computed || is_volatile {
        return Some(TableWork::Rewrites);
    }
    let is_checked = definition.has(&["check"]) && !definition.has(&["not", "enforced"]);
    let is_indexed = definition.has(&["unique"]) || definition.has(&["primary", "key"]);
    // A column that is empty in every row refers to nothing.
    let refers = definition.has(&["references"]) && default.is_some();
    (is_checked || is_indexed || refers).then_some(TableWork::Reads)
}

fn indexed(words: Words<'_>) -> Option<(String, TableWork)> {
    let rest = words.after(&["create"])?.without(&["unique"]).after(&["index"])?;
    let work = if rest.begins(&["concurrently"]) {
        TableWork::Scans
    } else {
        TableWork::Reads
    };
    let (table, _) = rest.at(&["on"])?.without(&["only"]).name()?;
    Some((table, work))
}

fn changed(words: Words<'_>) -> Option<(String, TableWork)> {
    if let Some(rest) = words.after(&["merge", "into"]) {
        let (table, _) = rest.without(&["only"]).name()?;
        return Some((table, TableWork::SomeRows));
    }
    let rest = words
        .after(&["update"])
        .or_else(|| words.after(&["delete", "from"]))?;
    let (table, rest) = rest.without(&["only"]).name()?;
    let work = if rest.has(&["where"]) {
        TableWork::SomeRows
    } else {
        TableWork::ChangesEveryRow
    };
    Some((table, work))
}

/// `vacuum full` and `cluster`, which write a table anew.
fn packed(words: Words<'_>) -> Option<(String, TableWork)> {
    let rest = if let Some(rest) = words.after(&["cluster"]) {
        rest.without(&["verbose"])
    } else {
        let rest = words.after(&["vacuum"])?;
        if let Some(rest) = rest.after(&["full"]) {
            ["freeze", "verbose", "analyze"]
                .iter()
                .fold(rest, |rest, word| rest.without(&[*word]))
        } else {
            let (options, rest) = rest.closed()?;
            let is_full = options.each().any(|(token, _)| token.is("full"));
            is_full.then_some(rest)?
        }
    };
    let (table, _) = rest.name()?;
    Some((table, TableWork::Rewrites))
}

/// The tables that a statement's queries read or change. All of one is surely read where rows are copied and nothing narrows
/// them; how much is done else, the text does not tell.
fn queried(words: Words<'_>) -> Vec<(String, TableWork)> {
    let copies = words.begins(&["insert"]) || makes_a_copy(words);
    let asks = ["with", "merge", "update", "delete", "select"];
    if !copies && !asks.iter().any(|word| words.begins(&[*word])) {
        return Vec::new();
    }
    let is_narrow = NARROWING.iter().any(|word| words.has(&[*word]));
    let whole = words
        .at(&["from"])
        .filter(|_| copies && !is_narrow)
        .and_then(|rest| rest.without(&["only"]).name())
        .map(|(table, _)| (table, TableWork::Scans));
    let named = words
        .each()
        .filter(|(token, _)| BEFORE_TABLES.iter().any(|word| token.is(word)))
        .filter(|(_, rest)| !rest.begins(&["set"]))
        .filter_map(|(_, rest)| rest.without(&["lateral"]).without(&["only"]).name())
        .map(|(table, _)| (table, TableWork::SomeRows));
    named.chain(whole).collect()
}

/// Whether a statement makes a table out of a query and fills it.
fn makes_a_copy(words: Words<'_>) -> bool {
    let Some(rest) = words.after(&["create"]) else {
        return false;
    };
    let rest = ["global", "local", "temporary", "temp", "unlogged"]
        .iter()
        .fold(rest, |rest, word| rest.without(&[*word]));
    let makes = rest.begins(&["table"]) || rest.begins(&["materialized", "view"]);
    makes && rest.has(&["as"]) && !rest.has(&["with", "no", "data"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(sql: &str) -> Option<(String, TableWork)> {
        let mut tables = heavy_work(sql).tables;
        assert!(tables.len() <= 1, "{tables:?}");
        tables.pop()
    }

    #[test]
    fn what_writes_a_table_anew_is_told_by_its_table() {
        for sql in [
            "ALTER TABLE entries ALTER COLUMN amount TYPE numeric(12, 2)",
            "alter table if exists only entries alter amount set data type bigint using amount::bigint",
            "alter table entries add column a int, add column key uuid not null default gen_random_uuid()",
            "alter table entries add key bigserial",
            "alter table entries add column if not exists n int generated always as identity",
            "alter table entries add column p jsonb generated always as (attributes -> 'p') stored",
            "alter table entries set unlogged",
            "vacuum full analyze entries",
            "vacuum (full, analyze) entries",
            "cluster entries using entries_pkey",
        ] {
            assert_eq!(work(sql), Some(("entries".into(), TableWork::Rewrites)), "{sql}");
        }
        let quoted = "alter table \"Shop\".\"Entries\" alter \"Amount\" type bigint";
        assert_eq!(work(quoted), Some(("Shop.Entries".into(), TableWork::Rewrites)));
    }

    #[test]
    fn what_reads_a_table_under_a_lock_or_changes_each_row_is_told() {
        for sql in [
            "create unique index if not exists i on entries (lower(note))",
            "create index on only entries using gin (note)",
            "alter table entries add constraint positive check (amount > 0)",
            "alter table entries add foreign key (account) references accounts (id)",
            "alter table entries add constraint u unique (account, day)",
            "alter table entries alter column note set not null",
            "alter table entries add column amount int check (amount > 0)",
            "alter table entries add column if not exists code text unique",
            "alter table entries add code uuid constraint entries_pkey primary key",
            "alter table entries add column account int not null default 1 references accounts (id)",
            "alter table entries drop column note, validate constraint positive",
        ] {
            assert_eq!(work(sql), Some(("entries".into(), TableWork::Reads)), "{sql}");
        }
        for sql in ["update entries set amount_cents = 0", "delete from only entries"] {
            assert_eq!(
                work(sql),
                Some(("entries".into(), TableWork::ChangesEveryRow)),
                "{sql}"
            );
        }
    }

    #[test]
    fn what_reads_a_table_while_others_go_on_is_told() {
        for sql in [
            "create index concurrently i on entries (note)",
            "create unique index concurrently if not exists i on only entries (note)",
            "alter table entries validate constraint positive",
            "alter table entries validate constraint a, validate constraint b",
            "insert into totals select account, sum(amount) from entries group by account",
            "create unlogged table totals as select * from entries",
        ] {
            assert_eq!(work(sql), Some(("entries".into(), TableWork::Scans)), "{sql}");
        }
    }

    #[test]
    fn what_a_condition_or_a_query_leaves_is_told_to_be_open() {
        for sql in [
            "update entries set note = '' where id < 10",
            "delete from entries where note is null",
            "insert into totals select * from entries where id < 10",
            "insert into totals values ((select max(id) from entries))",
            "select setval('s', (select max(id) from entries))",
            "with gone as (delete from entries where id < 10 returning id) select 1",
            "with done as (update entries set note = '' returning id) select 1",
        ] {
            assert_eq!(work(sql), Some(("entries".into(), TableWork::SomeRows)), "{sql}");
        }
        let both = |sql: &str| heavy_work(sql).tables;
        let table = |name: &str, work: TableWork| (name.to_owned(), work);
        assert_eq!(
            both("update entries set amount = (select 1 from accounts where id = 1)"),
            [
                table("entries", TableWork::ChangesEveryRow),
                table("accounts", TableWork::SomeRows)
            ]
        );
        assert_eq!(
            both("merge into entries e using news n on n.id = e.id when matched then delete"),
            [
                table("entries", TableWork::SomeRows),
                table("news", TableWork::SomeRows)
            ]
        );
        assert_eq!(
            both("insert into a values (1) on conflict (id) do update set note = ''"),
            []
        );
    }

    #[test]
    fn what_is_done_at_once_is_not_told() {
        for sql in [
            "create table entries (id bigserial primary key, at timestamptz default clock_timestamp())",
            "alter table entries add column note text not null default ''",
            "alter table entries add column at timestamptz default now()",
            "alter table entries add constraint positive check (amount > 0) not valid",
            "alter table entries add foreign key (a) references b (id) not deferrable not valid",
            "alter table entries add column account int references accounts (id)",
            "insert into entries (note) values ('a')",
            "create view v as select * from entries",
            "create materialized view v as select * from entries with no data",
            "alter table entries add constraint u unique using index i",
            "alter table entries drop column note, alter column account drop not null",
            "alter table entries rename to ledger",
            "vacuum analyze entries",
            "vacuum (analyze) entries",
            "-- alter table entries alter a type bigint\nselect 'cluster entries'",
        ] {
            assert_eq!(heavy_work(sql), HeavyWork::default(), "{sql}");
        }
    }

    #[test]
    fn code_is_told_to_be_unknown() {
        assert!(heavy_work("do $$ begin execute 'vacuum full entries'; end $$").has_code);
        assert!(heavy_work("select 1; call rebuild();").has_code);
    }
}
