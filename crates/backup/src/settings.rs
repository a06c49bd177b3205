//! `settings.json`: what a dump leaves out and a new server must be given.

use std::collections::BTreeMap;

use postgres_room::{Database, QueryError};
use serde::{Deserialize, Serialize};

use crate::ask::ask;

/// The name of the file in a backup.
pub(crate) const SETTINGS: &str = "settings.json";

/// The database and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    /// Character encoding.
    pub(crate) encoding: String,
    /// `LC_COLLATE`.
    pub(crate) collate: String,
    /// `LC_CTYPE`.
    pub(crate) character_classes: String,
    /// Who compares texts: `c` the system, `i` ICU, `b` Postgres itself; `None` before version 15.
    #[serde(default)]
    pub(crate) locale_provider: Option<String>,
    /// The locale of ICU or Postgres itself.
    #[serde(default)]
    pub(crate) locale: Option<String>,
    /// How many sessions may be connected; -1 is any number.
    #[serde(default)]
    pub(crate) connection_limit: Option<i32>,
    /// `shared_preload_libraries`.
    pub(crate) preload: String,
    /// Who owns the database.
    pub(crate) owner: String,
    /// Privileges on the database, as the server writes them; `None` means the defaults.
    pub(crate) privileges: Option<Vec<String>>,
    /// The comment on the database.
    pub(crate) comment: Option<String>,
    /// All roles but those of the system.
    pub(crate) roles: Vec<String>,
    /// `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET`.
    pub(crate) settings: Vec<String>,
    /// Extensions with their versions.
    pub(crate) extensions: BTreeMap<String, String>,
}

/// Whoever may not see a setting is told an error, which would end the transaction for every question after it.
const QUERY: &str = "
    select pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate::text, d.datctype::text,
           case when pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
             then pg_catalog.current_setting('shared_preload_libraries', true) end,
           pg_catalog.pg_get_userbyid(d.datdba)::text,
           array(select a::text from pg_catalog.unnest(d.datacl) a), d.datacl is null,
           pg_catalog.shobj_description(d.oid, 'pg_database'),
           array(select rolname::text from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1),
           pg_catalog.to_jsonb(d)->>'datlocprovider',
           coalesce(pg_catalog.to_jsonb(d)->>'datlocale', pg_catalog.to_jsonb(d)->>'daticulocale'), d.datconnlimit
    from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()";

impl Settings {
    /// Reads them from a session of the database.
    pub(crate) async fn observe(database: &Database) -> Result<Self, QueryError> {
        let rows = ask(database, "read the settings of the database", QUERY, &[]).await?;
        let [row] = rows.as_slice() else {
            unreachable!("a session's own database has exactly one row");
        };
        let defaults: bool = row.get(6);
        let preload: Option<String> = row.get(3);
        Ok(Self {
            encoding: row.get::<_, &str>(0).to_owned(),
            collate: row.get(1),
            character_classes: row.get(2),
            locale_provider: row.get(9),
            locale: row.get(10),
            connection_limit: row.get(11),
            preload: preload.unwrap_or_default(),
            owner: row.get(4),
            privileges: (!defaults).then(|| row.get(5)),
            comment: row.get(7),
            roles: row.get(8),
            settings: postgres_room::settings(database).await?,
            extensions: postgres_room::extensions(database).await?,
        })
    }
}
