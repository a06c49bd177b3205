//! The restored database as the application's own: its name, its roles, its settings.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;

use model::BackupManifest;
use postgres_room::{ConnectError, Database, QueryError, SessionOptions, quote_identifier, quote_literal};

use super::door::Door;
use crate::ask::ask;
use crate::create::GLOBALS;
use crate::script;
use crate::settings::Settings;
use crate::verify::{ADMINISTRATOR, DATABASE, VerifyError};
use crate::{Backup, Server, StoreError};

/// A database that no application uses: our sessions there are in nobody's way.
const ASIDE: &str = "template1";

/// The database that every server has, and some applications use.
const MAINTENANCE: &str = "postgres";

/// What it is called once the application's has its name.
const MOVED: &str = "pgbackup_postgres";

/// The server tells its log of every session from now on, in words that we know.
const TELL_SESSIONS: [&str; 3] = [
    "alter system set lc_messages = 'C'",
    "alter system set log_connections = on",
    "select pg_catalog.pg_reload_conf()",
];

/// The roles that the backup knows, as SQL; `None` where they were not kept.
pub(super) async fn globals(backup: &Backup) -> Result<Option<Vec<u8>>, StoreError> {
    if !backup.manifest.files.iter().any(|file| file.name == GLOBALS) {
        return Ok(None);
    }
    backup.read_small(GLOBALS).await.map(Some)
}

/// Makes the restored database the application's.
pub(super) async fn hand_over(
    server: &Server,
    globals: Option<Vec<u8>>,
    manifest: &BackupManifest,
    settings: Option<&Settings>,
    door: &Door,
) -> Result<(), VerifyError> {
    if let Some(globals) = globals {
        let length = globals.len().to_string();
        let mut said = tokio::io::sink();
        server
            .run(
                script::APP_ROLES,
                ADMINISTRATOR,
                "roles",
                &[length.as_str()],
                |feed| feed.with_body(Cursor::new(globals)),
                &mut said,
            )
            .await?;
    }
    let session = session(server, ASIDE, true).await?;
    let known = "select rolname::text from pg_catalog.pg_roles";
    let known = ask(&session, "read the roles", known, &[]).await?;
    let known: Vec<String> = known.iter().map(|row| row.get(0)).collect();
    for statement in statements(door, settings, manifest, &known)
        .iter()
        .map(String::as_str)
        .chain(TELL_SESSIONS)
    {
        let done = session.client().batch_execute(statement).await;
        done.map_err(|error| QueryError {
            doing: "make the restored database the application's".into(),
            error,
        })?;
    }
    Ok(())
}

/// What makes the restored database the application's, statement by statement.
fn statements(
    door: &Door,
    settings: Option<&Settings>,
    manifest: &BackupManifest,
    known: &[String],
) -> Vec<String> {
    let database = quote_identifier(&door.database);
    let mut statements = Vec::new();
    for user in &door.users {
        let verb = if known.contains(user) { "alter" } else { "create" };
        statements.push(format!("{verb} role {} login", quote_identifier(user)));
    }
    if door.database == MAINTENANCE {
        statements.push(format!("alter database {database} rename to {MOVED}"));
    }
    statements.push(format!("alter database {DATABASE} rename to {database}"));
    let owner = settings.map(|settings| &settings.owner);
    if let Some(owner) = owner.filter(|owner| known.contains(owner)) {
        statements.push(format!(
            "alter database {database} owner to {}",
            quote_identifier(owner)
        ));
    }
    let mut of_roles: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for setting in &manifest.settings {
        let (role, setting) = of_role(setting);
        of_roles.entry(role).or_default().push(quote_literal(setting));
    }
    // Written where they are kept, and as they were read there: no list has to be taken apart and put together again.
    for (role, settings) in of_roles {
        let role = match role {
            None => "select 0::oid as oid".to_owned(),
            Some(role) => format!(
                "select oid from pg_catalog.pg_roles where rolname = {}",
                quote_literal(role)
            ),
        };
        statements.push(format!(
            "insert into pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig) \
             select d.oid, r.oid, array[{}] from pg_catalog.pg_database d, ({role}) r where d.datname = {}",
            settings.join(", "),
            quote_literal(&door.database),
        ));
    }
    statements
}

/// `role: name=value` taken apart; `name=value` is of everybody.
fn of_role(setting: &str) -> (Option<&str>, &str) {
    let end = setting.find('=').unwrap_or(setting.len());
    match setting[..end].rfind(": ") {
        Some(at) => (Some(&setting[..at]), &setting[at + 2..]),
        None => (None, setting),
    }
}

/// Opens a session of ours.
pub(super) async fn session(
    server: &Server,
    database: &str,
    writable: bool,
) -> Result<Database, ConnectError> {
    let options = SessionOptions {
        database: Some(database.to_owned()),
        writable,
        statement_timeout: Duration::ZERO,
        lock_timeout: Duration::ZERO,
    };
    server.connector.connect(&options).await
}

#[cfg(test)]
mod tests {
    use super::super::deeds::{Deeds, tells_session};
    use super::*;
    use crate::verify::local::LocalServer;
    use crate::verify::place::{LocalPlace, Locale};

    fn door(database: &str, users: &[&str]) -> Door {
        Door {
            port: 5432,
            names: vec!["db".into()],
            database: database.into(),
            users: users.iter().map(|user| (*user).to_owned()).collect(),
        }
    }

    fn manifest(settings: &[&str]) -> BackupManifest {
        let manifest = serde_json::json!({
            "apiVersion": "", "kind": "", "id": "", "cluster": "", "namespace": "", "serverName": "", "database": "",
            "server": { "version": "17", "versionNum": 170_000, "systemIdentifier": null, "inRecovery": false, "lsn": null },
            "clientVersion": "", "startedAt": "", "finishedAt": "", "databaseBytes": 0, "files": [],
            "proof": { "exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true },
            "rows": [], "schemaHash": "", "migration": null, "extensions": {}, "owners": [], "settings": settings,
            "release": null, "madeBy": "", "reason": "",
        });
        serde_json::from_value(manifest).unwrap()
    }

    #[test]
    fn the_database_gets_its_name_and_its_roles_may_log_in() {
        let known = ["app".to_owned()];
        let of = |database: &str, settings: &[&str]| {
            statements(
                &door(database, &["app", "o\\'dd\""]),
                None,
                &manifest(settings),
                &known,
            )
        };
        assert_eq!(
            of("shop\"s", &[]),
            [
                "alter role \"app\" login",
                "create role \"o\\'dd\"\"\" login",
                "alter database verify rename to \"shop\"\"s\"",
            ]
        );
        assert_eq!(
            of("postgres", &[])[2],
            "alter database \"postgres\" rename to pgbackup_postgres"
        );
        let settings = of(
            "shop",
            &["search_path=\"$user\", a", "work_mem=1MB", "app: x.y=a: b"],
        );
        assert!(
            settings[3].contains("array['search_path=\"$user\", a', 'work_mem=1MB']"),
            "{settings:?}"
        );
        assert!(
            settings[4].contains("array['x.y=a: b']") && settings[4].contains("rolname = 'app'"),
            "{settings:?}"
        );
    }

    /// Programs of any version that this machine has.
    async fn installed() -> LocalPlace {
        for major in (13..=19).rev() {
            let mut manifest = manifest(&[]);
            manifest.server.version_num = major * 10_000;
            if let Ok(place) = LocalPlace::find(&manifest, None, Duration::from_secs(60)).await {
                return place;
            }
        }
        panic!("this machine has no programs of a PostgreSQL server");
    }

    #[tokio::test]
    async fn a_real_server_lets_the_application_in_as_it_was_and_tells_its_session() {
        let mut own = LocalServer::begin(&installed().await, &Locale::of(None), 1 << 20).unwrap();
        own.up().await.unwrap();
        let server = own.reach("test").await.unwrap();
        let admin = session(&server, MAINTENANCE, true).await.unwrap();
        for sql in [
            "create role app",
            "create role owner",
            "create database verify template template0",
        ] {
            admin.client().batch_execute(sql).await.unwrap();
        }
        let globals =
            b"CREATE ROLE app;\nCREATE ROLE auditor;\nALTER ROLE app WITH CREATEDB;\nGRANT auditor TO app;\n";
        let manifest = manifest(&["search_path=\"$user\", audit", "app: work_mem=7MB"]);
        // The database that our own session is on has the same name before.
        drop(admin);
        let door = door(MAINTENANCE, &["app", "web"]);
        let handed = hand_over(&server, Some(globals.to_vec()), &manifest, None, &door).await;
        handed.unwrap();
        Deeds::look(&server, &door).await.unwrap();
        let folder = server.location().host.clone();
        let log = || std::fs::read_to_string(format!("{folder}/log")).unwrap();
        assert!(!log().lines().any(|line| tells_session(line, &door)), "{}", log());

        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&folder)
            .user("app")
            .dbname(MAINTENANCE)
            .application_name("web");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let row = client
            .query_one(
                "select current_setting('search_path'), current_setting('work_mem'), rolcreatedb, \
                        pg_has_role('auditor', 'member') from pg_roles where rolname = current_user",
                &[],
            )
            .await
            .unwrap();
        let (path, memory): (String, String) = (row.get(0), row.get(1));
        assert_eq!((path.as_str(), memory.as_str()), ("\"$user\", audit", "7MB"));
        assert!(
            row.get::<_, bool>(2) && row.get::<_, bool>(3),
            "attributes and memberships as they were"
        );
        drop(client);
        let _ = connection.await;
        assert!(log().lines().any(|line| tells_session(line, &door)), "{}", log());
        own.delete().await;
    }
}
