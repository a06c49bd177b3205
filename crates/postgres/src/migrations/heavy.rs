//! Which statements of a migration take as long as a table is large. By the manual's words on each statement; what a
//! function or a block of code does is not known.

use model::TableWork;

use super::tokens::{Token, statements};

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

/// What a migration's text does to whole tables.
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
        let words = Words(&statement);
        found.has_code |= words.begins(&["do"]) || words.begins(&["call"]);
        found.tables.extend(heavy(words));
    }
    found.tables.dedup();
    found
}

/// The rest of a statement.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [Token]);

impl<'a> Words<'a> {
    fn begins(self, words: &[&str]) -> bool {
        self.after(words).is_some()
    }

    /// What follows these key words.
    fn after(self, words: &[&str]) -> Option<Self> {
        let begins =
            self.0.len() >= words.len() && self.0.iter().zip(words).all(|(token, word)| token.is(word));
        begins.then(|| Self(&self.0[words.len()..]))
    }

    /// What follows these key words where they stand here, else all.
    fn without(self, words: &[&str]) -> Self {
        self.after(words).unwrap_or(self)
    }

    /// The name that stands here, with its schema where one is written, and what follows it.
    fn name(self) -> Option<(String, Self)> {
        let mut parts: Vec<&str> = Vec::new();
        let mut rest = self.0;
        loop {
            let (Token::Word(part) | Token::Name(part)) = rest.first()? else {
                return None;
            };
            parts.push(part);
            rest = &rest[1..];
            if rest.first() != Some(&Token::Mark('.')) {
                return Some((parts.join("."), Self(rest)));
            }
            rest = &rest[1..];
        }
    }

    /// Whether a key word stands anywhere, but for what stands in parentheses.
    fn has(self, word: &str) -> bool {
        self.at(word).is_some()
    }

    /// What follows a key word that does not stand in parentheses.
    fn at(self, word: &str) -> Option<Self> {
        let mut depth = 0_usize;
        for (index, token) in self.0.iter().enumerate() {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                _ if depth == 0 && token.is(word) => return Some(Self(&self.0[index + 1..])),
                _ => {}
            }
        }
        None
    }

    /// The parts between commas that do not stand in parentheses.
    fn parts(self) -> Vec<Words<'a>> {
        let (mut depth, mut begun, mut parts) = (0_usize, 0, Vec::new());
        for (index, token) in self.0.iter().enumerate() {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                Token::Mark(',') if depth == 0 => {
                    parts.push(Self(&self.0[begun..index]));
                    begun = index + 1;
                }
                _ => {}
            }
        }
        parts.push(Self(&self.0[begun..]));
        parts
    }
}

fn heavy(words: Words<'_>) -> Vec<(String, TableWork)> {
    if let Some(rest) = words.after(&["alter", "table"]) {
        return altered(rest).unwrap_or_default();
    }
    indexed(words)
        .or_else(|| changed(words))
        .or_else(|| packed(words))
        .into_iter()
        .collect()
}

fn altered(rest: Words<'_>) -> Option<Vec<(String, TableWork)>> {
    let (table, rest) = rest.without(&["if", "exists"]).without(&["only"]).name()?;
    let work = rest.parts().into_iter().filter_map(action).max()?;
    Some(vec![(table, work)])
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
    let rest = words.after(&["add"])?;
    let constraint = match rest.after(&["constraint"]) {
        Some(named) => named.name()?.1,
        None => rest,
    };
    if constraint.begins(&["check"]) || constraint.begins(&["foreign", "key"]) {
        let is_later = constraint.at("not").is_some_and(|rest| rest.begins(&["valid"]));
        return (!is_later).then_some(TableWork::Reads);
    }
    let indexes = [&["primary", "key"][..], &["unique"], &["exclude"]];
    if indexes.iter().any(|words| constraint.begins(words)) {
        let is_there = constraint.at("using").is_some_and(|rest| rest.begins(&["index"]));
        return (!is_there).then_some(TableWork::Reads);
    }
    added(rest.without(&["column"]).without(&["if", "not", "exists"]))
}

/// What a new column does: one that has another value in each row is written into every row.
fn added(words: Words<'_>) -> Option<TableWork> {
    let (_, definition) = words.name()?;
    let is_numbered = SERIAL.iter().any(|name| definition.begins(&[*name])) || definition.has("identity");
    let is_computed = definition.has("stored");
    let default = definition.at("default");
    let is_volatile = default.is_some_and(|default| {
        default
            .0
            .windows(2)
            .any(|two| two[1] == Token::Mark('(') && VOLATILE.iter().any(|name| two[0].is(name)))
    });
    (is_numbered || is_computed || is_volatile).then_some(TableWork::Rewrites)
}

fn indexed(words: Words<'_>) -> Option<(String, TableWork)> {
    let rest = words.after(&["create"])?.without(&["unique"]).after(&["index"])?;
    if rest.begins(&["concurrently"]) {
        return None;
    }
    let (table, _) = rest.at("on")?.without(&["only"]).name()?;
    Some((table, TableWork::Reads))
}

fn changed(words: Words<'_>) -> Option<(String, TableWork)> {
    let rest = words
        .after(&["update"])
        .or_else(|| words.after(&["delete", "from"]))?;
    let (table, rest) = rest.without(&["only"]).name()?;
    (!rest.has("where")).then_some((table, TableWork::ChangesEveryRow))
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
            let close = rest.0.iter().position(|token| *token == Token::Mark(')'))?;
            let (options, rest) = rest.0.split_at(close);
            let is_full = options.iter().any(|token| token.is("full"));
            is_full.then(|| Words(&rest[1..]))?
        }
    };
    let (table, _) = rest.name()?;
    Some((table, TableWork::Rewrites))
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
        ] {
            assert_eq!(work(sql), Some(("entries".into(), TableWork::Reads)), "{sql}");
        }
        for sql in [
            "update entries set amount_cents = (select 1 from accounts where id = 1)",
            "delete from only entries",
        ] {
            assert_eq!(
                work(sql),
                Some(("entries".into(), TableWork::ChangesEveryRow)),
                "{sql}"
            );
        }
    }

    #[test]
    fn what_is_done_at_once_is_not_told() {
        for sql in [
            "create table entries (id bigserial primary key, at timestamptz default clock_timestamp())",
            "create index concurrently i on entries (note)",
            "alter table entries add column note text not null default ''",
            "alter table entries add column at timestamptz default now()",
            "alter table entries add constraint positive check (amount > 0) not valid",
            "alter table entries add constraint u unique using index i",
            "alter table entries validate constraint positive",
            "alter table entries drop column note, alter column account drop not null",
            "alter table entries rename to ledger",
            "update entries set note = '' where id < 10",
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
