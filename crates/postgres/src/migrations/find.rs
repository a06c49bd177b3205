//! Looking for the tables of migration tools, by their columns.

use tokio_postgres::Row;

use super::tool::{Proof, Shape, Tool};
use super::tools::TOOLS;
use crate::{Database, QueryError};

/// What a table is to a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Where it lists what it applied.
    History,
    /// Where it writes down who migrates.
    Lock,
}

/// A table that has the columns of a tool.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) tool: &'static Tool,
    pub(super) part: Part,
    pub(super) oid: u32,
    pub(super) schema: String,
    pub(super) table: String,
    /// Schema and name, quoted by the server itself where need be.
    pub(super) name: String,
    /// Why the session's role cannot read it, or not all of it.
    pub(super) hidden: Option<String>,
}

/// Every table with the columns of a tool: histories first, those under the usual name of their tool before others.
pub(super) async fn find(database: &Database) -> Result<Vec<Found>, QueryError> {
    // The condition only keeps large catalogues at home; what fits is decided by the descriptions.
    let sql = format!(
        "select c.oid, n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname), \
                array_agg(a.attname::text order by a.attnum), \
                array_agg(format_type(a.atttypid, null) order by a.attnum), \
                has_schema_privilege(n.oid, 'usage'), has_table_privilege(c.oid, 'select'), \
                row_security_active(c.oid), current_user::text \
         from pg_class c \
         join pg_namespace n on n.oid = c.relnamespace \
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relkind in ('r', 'p') and not c.relispartition \
           and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%' \
         group by c.oid, c.relname, n.oid, n.nspname \
         having {} \
         order by n.nspname, c.relname",
        shapes().map(condition).collect::<Vec<_>>().join(" or ")
    );
    let rows = database
        .query("look for tables of migration tools", &sql, &[])
        .await?;
    let mut found = Vec::new();
    for row in rows {
        let (names, types): (Vec<String>, Vec<String>) = (row.get(4), row.get(5));
        let columns: Vec<(String, String)> = names.into_iter().zip(types).collect();
        let table: String = row.get(2);
        let hidden = hidden(&row);
        for tool in TOOLS {
            let Some(part) = part(tool, &table, &columns) else {
                continue;
            };
            found.push(Found {
                tool,
                part,
                oid: row.get(0),
                schema: row.get(1),
                table: table.clone(),
                name: row.get(3),
                hidden: hidden.clone(),
            });
        }
    }
    found.sort_by_key(|found| (found.part, found.table != found.tool.usual));
    Ok(found)
}

/// Why a table cannot be read. Asked of the catalogue, so that no refused question stands in the server's log.
fn hidden(row: &Row) -> Option<String> {
    let (schema, name, role): (String, String, String) = (row.get(1), row.get(3), row.get(9));
    let (may_enter, may_read, some_rows): (bool, bool, bool) = (row.get(6), row.get(7), row.get(8));
    if !may_enter {
        Some(format!("role {role} has no usage on schema {schema}"))
    } else if !may_read {
        Some(format!("role {role} may not select from {name}"))
    } else if some_rows {
        Some(format!("row policies may hide some of it from role {role}"))
    } else {
        None
    }
}

fn shapes() -> impl Iterator<Item = &'static Shape> {
    TOOLS
        .iter()
        .flat_map(|tool| {
            [
                Some(&tool.history),
                tool.row_lock.as_ref().map(|lock| &lock.shape),
            ]
        })
        .flatten()
}

/// That a table has all needed columns of a shape, by name.
fn condition(shape: &Shape) -> String {
    let names: Vec<String> = shape.needed.iter().map(|(name, _)| format!("'{name}'")).collect();
    format!("array_agg(a.attname::text) @> array[{}]", names.join(", "))
}

fn part(tool: &Tool, table: &str, columns: &[(String, String)]) -> Option<Part> {
    if tool.history.fits(columns) {
        // What the rows say is asked when they are read.
        let may_be = match &tool.proof {
            Proof::Columns | Proof::NameOrRows(_, _) => true,
            Proof::Name(named) | Proof::NameAndRows(named, _) => named(table),
        };
        return may_be.then_some(Part::History);
    }
    let lock = tool.row_lock.as_ref()?;
    lock.shape.fits(columns).then_some(Part::Lock)
}
