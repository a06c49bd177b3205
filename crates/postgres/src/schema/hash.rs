//! A fingerprint of a schema.

use super::normalise::normalise;
use crate::digest::sha256_hex;
use crate::{Database, QueryError};

/// How long reading the catalogue may take: applications with tens of thousands of objects need more than a look at a
/// small table does. In milliseconds.
const CATALOGUE_TIMEOUT: u32 = 120_000;

/// sha256, lower-case hex, over the catalogue of the application's schemas: tables, columns in their order, types,
/// indexes, constraints, sequences, functions, views, triggers, rules and policies. Independent of OIDs, of the order
/// in the catalogue and of columns that were dropped. What extensions own, owners and privileges do not count.
///
/// # Errors
/// When a query fails.
pub async fn schema_hash(database: &Database) -> Result<String, QueryError> {
    // Names are printed in full only when no schema is on the search path.
    let sql = format!(
        "select set_config('search_path', 'pg_catalog', true); \
         select set_config('statement_timeout', greatest({CATALOGUE_TIMEOUT}, 0)::text, true); {CATALOGUE}"
    );
    let lines = database.texts("read the catalogue", &sql).await?;
    // The first two rows are the settings'.
    let mut lines: Vec<String> = lines
        .iter()
        .skip(2)
        .map(|line| line_without_spelling(line))
        .collect();
    lines.sort();
    Ok(sha256_hex(lines.join("\n").as_bytes()))
}

/// Functions are kept as their authors wrote them; everything else is printed by the server.
fn line_without_spelling(line: &str) -> String {
    if line.starts_with("function ") {
        line.to_owned()
    } else {
        normalise(line)
    }
}

/// One line of text for each object.
const CATALOGUE: &str = r#"
with schemas as (
    select oid, nspname from pg_namespace where nspname <> 'information_schema' and nspname not like 'pg\_%'
), owned as (
    select classid, objid from pg_depend where deptype = 'e'
), tables as (
    select c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
           c.relpartbound, c.reloptions, format('%I.%I', s.nspname, c.relname) as name
    from pg_class c join schemas s on s.oid = c.relnamespace
    where not exists (select from owned o where o.classid = 'pg_class'::regclass and o.objid = c.oid)
)
select format('schema %I', nspname) from schemas
union all
select format('table %s kind %s persistence %s rls %s %s key %s bound %s options %s', name, relkind, relpersistence,
              relrowsecurity, relforcerowsecurity,
              case when relkind = 'p' then pg_get_partkeydef(oid) end,
              case when relispartition then pg_get_expr(relpartbound, oid) end,
              (select string_agg(option, ',' order by option) from unnest(reloptions) as option))
from tables where relkind in ('r', 'p', 'v', 'm', 'f')
union all
select format('inherits %s from %s', t.name, i.inhparent::regclass)
from tables t join pg_inherits i on i.inhrelid = t.oid where t.relkind in ('r', 'p', 'f')
union all
select format('column %s %s %I %s null %s identity %s generated %s collation %s default %s', t.name,
              row_number() over (partition by t.oid order by a.attnum), a.attname,
              format_type(a.atttypid, a.atttypmod), not a.attnotnull, a.attidentity, a.attgenerated,
              case when a.attcollation <> y.typcollation then a.attcollation::regcollation end,
              pg_get_expr(d.adbin, d.adrelid))
from tables t
join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
join pg_type y on y.oid = a.atttypid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where t.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select format('index %s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid)
from pg_index i join tables t on t.oid = i.indrelid
union all
select format('constraint %I on %s %s valid %s', c.conname, coalesce(t.name, c.contypid::regtype::text),
              pg_get_constraintdef(c.oid), c.convalidated)
from pg_constraint c join schemas s on s.oid = c.connamespace left join tables t on t.oid = c.conrelid
where c.contype <> 'n' and (t.oid is not null or c.contypid <> 0)
  and not exists (select from owned o where o.classid = 'pg_type'::regclass and o.objid = c.contypid)
union all
select format('sequence %s %s start %s by %s min %s max %s cycle %s', t.name, q.seqtypid::regtype, q.seqstart,
              q.seqincrement, q.seqmin, q.seqmax, q.seqcycle)
from pg_sequence q join tables t on t.oid = q.seqrelid
union all
select format('view %s %s', t.name, pg_get_viewdef(t.oid)) from tables t where t.relkind in ('v', 'm')
union all
select 'function ' || case when p.prokind = 'a'
       then format('aggregate %s returns %s by %s type %s starts %s', p.oid::regprocedure,
                   pg_get_function_result(p.oid), g.aggtransfn::text, g.aggtranstype::regtype, g.agginitval)
       else pg_get_functiondef(p.oid) end
from pg_proc p join schemas s on s.oid = p.pronamespace left join pg_aggregate g on g.aggfnoid = p.oid
where not exists (select from owned o where o.classid = 'pg_proc'::regclass and o.objid = p.oid)
union all
select format('trigger %s enabled %s', pg_get_triggerdef(g.oid), g.tgenabled)
from pg_trigger g join tables t on t.oid = g.tgrelid where not g.tgisinternal
union all
select format('rule %s', pg_get_ruledef(r.oid))
from pg_rewrite r join tables t on t.oid = r.ev_class where r.rulename <> '_RETURN'
union all
select format('policy %I on %s %s permissive %s to %s using %s check %s', p.polname, t.name, p.polcmd,
              p.polpermissive,
              (select string_agg(coalesce(nullif(role, 0)::regrole::text, 'public'), ',' order by 1)
               from (select unnest(p.polroles) as role) as roles),
              pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from pg_policy p join tables t on t.oid = p.polrelid
union all
select format('type %I.%I kind %s base %s null %s default %s labels %s', s.nspname, y.typname, y.typtype,
              case when y.typbasetype <> 0 then format_type(y.typbasetype, y.typtypmod) end, not y.typnotnull,
              y.typdefault,
              (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder)
               from pg_enum e where e.enumtypid = y.oid))
from pg_type y join schemas s on s.oid = y.typnamespace
where y.typtype in ('e', 'd', 'r')
  and not exists (select from owned o where o.classid = 'pg_type'::regclass and o.objid = y.oid)
"#;
