//! What an application does in its copy: rows that it writes, migrations that it runs, sessions that it begins.

use std::collections::BTreeMap;

use model::{MigrationState, Seen};

use super::door::Door;
use super::own_copy::session;
use crate::Server;
use crate::ask::ask;
use crate::verify::VerifyError;

/// What can be seen of what is done to a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Deeds {
    /// Rows written to each table since the server started.
    rows: BTreeMap<String, i64>,
    migration: Option<MigrationState>,
}

impl Deeds {
    /// Looks at the application's database.
    pub(super) async fn look(server: &Server, door: &Door) -> Result<Self, VerifyError> {
        let database = session(server, &door.database, false).await?;
        let written = "select pg_catalog.format('%I.%I', schemaname, relname), n_tup_ins + n_tup_upd + n_tup_del \
                       from pg_catalog.pg_stat_user_tables";
        let rows = ask(&database, "read what was written", written, &[]).await?;
        let migration = match postgres_room::migration_state(&database, None).await {
            Seen::Present(state) => Some(state),
            Seen::Absent | Seen::Unreadable(_) => None,
        };
        Ok(Self {
            rows: rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
            migration,
        })
    }

    /// What was done since an earlier look, in words.
    pub(super) fn since(&self, before: &Self) -> Vec<String> {
        let mut words = Vec::new();
        let version = |state: &Option<MigrationState>| {
            let state = state.as_ref();
            let version = state.map(|state| state.version.as_deref().unwrap_or("nothing").to_owned());
            version.unwrap_or_else(|| "nothing".to_owned())
        };
        let print = |state: &Option<MigrationState>| state.as_ref().map(|state| state.fingerprint.clone());
        if print(&self.migration) != print(&before.migration) {
            let table = [&self.migration, &before.migration].into_iter().flatten().next();
            words.push(format!(
                "it migrated the schema: {} went from {} to {}",
                table.map_or("the migration table", |state| state.table.as_str()),
                version(&before.migration),
                version(&self.migration)
            ));
        }
        let written = self.rows.iter().filter_map(|(table, now)| {
            let more = now - before.rows.get(table).copied().unwrap_or(0);
            (more > 0).then(|| format!("{table} ({more})"))
        });
        let written: Vec<String> = written.collect();
        if !written.is_empty() {
            words.push(format!("it wrote rows of {}", written.join(", ")));
        }
        words
    }
}

/// Whether a line of a server's log tells a session of the application; our own are not.
pub(super) fn tells_session(line: &str, door: &Door) -> bool {
    let ours = format!("application_name={}", postgres_room::APPLICATION_PREFIX);
    let mut told = door.users.iter().filter_map(|user| {
        let begun = format!("connection authorized: user={user} database={}", door.database);
        let (_, after) = line.split_once(&begun)?;
        (after.is_empty() || after.starts_with(' ')).then_some(after)
    });
    told.any(|after| !after.contains(&ours))
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn door(database: &str, users: &[&str]) -> Door {
        Door {
            port: 5432,
            names: vec!["db".into()],
            database: database.into(),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
        }
    }

    #[test]
    fn only_the_application_s_own_sessions_count() {
        let log = "LOG:  connection received: host=127.0.0.1\n\
                   LOG:  connection authorized: user=app database=shop application_name=web\n\
                   LOG:  connection authorized: user=app database=shop\n\
                   LOG:  connection authorized: user=app database=shop2\n\
                   LOG:  connection authorized: user=app2 database=shop\n\
                   LOG:  connection authorized: user=app database=shop application_name=safe-upgrade/x\n\
                   LOG:  connection authorized: user=postgres database=template1\n";
        let told = |user: &str| {
            let door = door("shop", &[user]);
            log.lines().filter(|line| tells_session(line, &door)).count()
        };
        assert_eq!((told("app"), told("nobody")), (2, 0));
    }

    #[test]
    fn what_it_did_is_told_and_nothing_else() {
        let state = |version: &str| {
            Some(MigrationState {
                tool: MigrationTool::Goose,
                table: "public.goose_db_version".into(),
                version: Some(version.into()),
                applied: 1,
                dirty: false,
                fingerprint: version.into(),
            })
        };
        let rows = |count: i64| {
            BTreeMap::from([
                ("public.entries".to_owned(), 10),
                ("public.beats".to_owned(), count),
            ])
        };
        let before = Deeds {
            rows: rows(1),
            migration: state("2"),
        };
        let after = Deeds {
            rows: rows(4),
            migration: state("4"),
        };
        assert_eq!(
            after.since(&before),
            [
                "it migrated the schema: public.goose_db_version went from 2 to 4",
                "it wrote rows of public.beats (3)"
            ]
        );
        assert_eq!(before.since(&before), Vec::<String>::new());
    }
}
