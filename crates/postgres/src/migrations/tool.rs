//! How a migration tool is described.

use model::MigrationTool;

/// What a column holds. Tools and their versions differ in width and length, never in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A whole number.
    Number,
    /// Text of any length.
    Text,
    /// True or false.
    Truth,
    /// A time, with or without a zone.
    Time,
    /// Bytes.
    Bytes,
}

impl Holds {
    /// By the type's name as `format_type` writes it; `None` for a type that no tool uses.
    fn of(type_name: &str) -> Option<Self> {
        match type_name {
            "smallint" | "integer" | "bigint" => Some(Self::Number),
            "text" | "character varying" | "character" => Some(Self::Text),
            "boolean" => Some(Self::Truth),
            "timestamp with time zone" | "timestamp without time zone" => Some(Self::Time),
            "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// A column: its name and what it holds.
pub(super) type Column = (&'static str, Holds);

/// The columns of a tool's table.
#[derive(Debug)]
pub(super) struct Shape {
    /// Columns that every version of the tool makes.
    pub(super) needed: &'static [Column],
    /// Columns that some versions or settings of the tool make.
    pub(super) possible: &'static [Column],
}

impl Shape {
    /// Whether a table has all needed columns and none that the tool does not make.
    pub(super) fn fits(&self, columns: &[(String, String)]) -> bool {
        let is = |column: &Column, (name, type_name): &(String, String)| {
            column.0 == name && Holds::of(type_name) == Some(column.1)
        };
        let found = |column: &Column| columns.iter().any(|live| is(column, live));
        let known = |live: &(String, String)| {
            self.needed
                .iter()
                .chain(self.possible)
                .any(|column| is(column, live))
        };
        self.needed.iter().all(found) && columns.iter().all(known)
    }
}

/// What must hold besides the columns, where these alone could be an application's own table.
#[derive(Debug)]
pub(super) enum Proof {
    /// Nothing: nobody else has such columns.
    Columns,
    /// The table's name looks like the tool's.
    Name(fn(&str) -> bool),
    /// The table's name looks like the tool's, or this SQL condition over all rows of the table holds.
    NameOrRows(fn(&str) -> bool, &'static str),
    /// The table's name looks like the tool's, and this SQL condition over all rows of the table holds.
    NameAndRows(fn(&str) -> bool, &'static str),
}

/// What the tool's table lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Every applied migration.
    Every,
    /// The last applied one, by a number that grows.
    Cursor,
    /// The last applied one of each branch, by names without order.
    Heads,
}

/// A table of its own in which a tool writes down who migrates.
#[derive(Debug)]
pub(super) struct RowLock {
    /// Its columns.
    pub(super) shape: Shape,
    /// Selects `(holder, since, expires)` of each lock that is held from `{table}`.
    pub(super) held: &'static str,
    /// The statement that takes the locks in `{table}` away.
    pub(super) release: &'static str,
}

/// The place that an advisory lock stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) database: &'a str,
    pub(super) schema: &'a str,
    pub(super) table: &'a str,
}

/// A tool.
#[derive(Debug)]
pub(super) struct Tool {
    /// Which one.
    pub(super) tool: MigrationTool,
    /// What its history table is usually called: such a table goes before others.
    pub(super) usual: &'static str,
    /// The columns of its history table.
    pub(super) history: Shape,
    /// What else proves that it is one.
    pub(super) proof: Proof,
    /// What the table lists.
    pub(super) keeps: Keeps,
    /// Selects `(name, state, began, said, trace, place)` from `{table}`, one row for each migration: its name as the
    /// tool writes it; `applied`, `unfinished`, `failed` or `undone`; when; what the tool recorded about a failure; text
    /// that changes when it is applied anew; and its place in the order in which versions come into force.
    pub(super) entries: &'static str,
    /// What a person types to have the tool go on once the damage of `{migration}` is mended, where its table can tell of
    /// damage.
    pub(super) mend: Option<&'static str>,
    /// Its lock table.
    pub(super) row_lock: Option<RowLock>,
    /// The numbers that its advisory lock may have.
    pub(super) advisory: Option<fn(Place<'_>) -> Vec<i64>>,
    /// The name that the migration in a file, given by its path, has in the history; `None` for files of another kind.
    pub(super) file: fn(&str) -> Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        needed: &[("version", Holds::Number), ("dirty", Holds::Truth)],
        possible: &[("at", Holds::Time)],
    };

    fn fits(columns: &[(&str, &str)]) -> bool {
        let columns: Vec<(String, String)> = columns
            .iter()
            .map(|(name, kind)| ((*name).into(), (*kind).into()))
            .collect();
        SHAPE.fits(&columns)
    }

    #[test]
    fn a_table_fits_by_names_and_types_in_any_order() {
        assert!(fits(&[("dirty", "boolean"), ("version", "bigint")]));
        assert!(fits(&[
            ("version", "integer"),
            ("dirty", "boolean"),
            ("at", "timestamp without time zone")
        ]));
    }

    #[test]
    fn a_missing_a_foreign_or_an_otherwise_typed_column_does_not_fit() {
        assert!(!fits(&[("version", "bigint")]));
        assert!(!fits(&[("version", "text"), ("dirty", "boolean")]));
        assert!(!fits(&[
            ("version", "bigint"),
            ("dirty", "boolean"),
            ("owner", "text")
        ]));
        assert!(!fits(&[
            ("version", "bigint"),
            ("dirty", "boolean"),
            ("at", "jsonb")
        ]));
    }
}
