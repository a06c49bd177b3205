//! Whether a dump may begin, and what it will not carry.

use model::BackupFormat;

use crate::Route;
use crate::server::Probe;

use super::CreateError;
use super::examine::Examined;

/// The server's major version that a client's version words name: `pg_dump (PostgreSQL) 17.6 …`.
pub(crate) fn client_major(words: &str) -> Option<i32> {
    let version = words
        .split(' ')
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    version
        .split(|other: char| !other.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// The version of the archives that the pg_dump of a major version writes, as far as it is known: an older pg_restore
/// refuses a newer archive. Read from the first bytes of archives of 15, 17 and 18, and from the sources for 16.
fn archive_version(major: i32) -> Option<u8> {
    match major {
        12..=15 => Some(14),
        16 => Some(15),
        17 | 18 => Some(16),
        _ => None,
    }
}

/// Whether what this client dumps can be restored into the server that it came from.
pub(crate) fn client_fits(client: i32, server: i32) -> bool {
    client == server
        || client > server
            && archive_version(client).is_some_and(|version| archive_version(server) == Some(version))
}

/// Refuses what would end in half a dump, or in one that cannot be restored. Says what no dump carries.
pub(super) fn judge(
    database: &str,
    probe: &Probe,
    route: Route,
    format: BackupFormat,
    examined: &Examined,
) -> Result<Vec<String>, CreateError> {
    let server = probe.major();
    if let Some(client) = client_major(&probe.client_version).filter(|client| !client_fits(*client, server)) {
        return Err(CreateError::Client {
            client,
            server,
            age: if client < server { "older" } else { "newer" },
        });
    }
    if format == BackupFormat::Directory && route == Route::Exec {
        return Err(CreateError::NoFolder);
    }
    if !examined.bypasses_row_security && !examined.filtered.is_empty() {
        return Err(CreateError::RowSecurity {
            database: database.to_owned(),
            user: probe.user.clone(),
            tables: some(&examined.filtered),
        });
    }
    if !probe.superuser {
        let hidden = examined
            .hidden_schemas
            .iter()
            .map(|schema| format!("schema {schema}"));
        let hidden: Vec<String> = hidden.chain(examined.unreadable.iter().cloned()).collect();
        if !hidden.is_empty() {
            return Err(CreateError::Unreadable {
                database: database.to_owned(),
                user: probe.user.clone(),
                what: some(&hidden),
            });
        }
    }
    let mut left_out = Vec::new();
    if examined.foreign_tables > 0 {
        left_out.push(format!(
            "the rows of {} foreign tables, which other servers keep ({})",
            examined.foreign_tables,
            some(&examined.foreign_servers)
        ));
    }
    if !examined.subscriptions.is_empty() {
        left_out.push(format!(
            "the work of subscriptions ({}): they are restored disabled and without their connection",
            some(&examined.subscriptions)
        ));
    }
    if !examined.slots.is_empty() {
        left_out.push(format!("replication slots ({})", some(&examined.slots)));
    }
    Ok(left_out)
}

/// The first few of a list.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut words = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        words.push_str(" and others");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(client: &str, superuser: bool, examined: &Examined) -> Result<Vec<String>, CreateError> {
        let probe = Probe::of_test(client, superuser);
        judge("shop", &probe, Route::Exec, BackupFormat::Custom, examined)
    }

    #[test]
    fn only_a_client_whose_archives_come_back_fits() {
        assert_eq!(
            client_major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(client_major("pg_dump (PostgreSQL) 19beta1"), Some(19));
        assert!(client_fits(15, 15) && client_fits(18, 17) && client_fits(15, 13));
        assert!(
            !client_fits(14, 15),
            "an older one is refused by the server's version"
        );
        assert!(!client_fits(17, 16) && !client_fits(16, 15) && !client_fits(30, 29));
    }

    #[test]
    fn rows_that_a_policy_hides_are_no_backup() {
        let examined = Examined {
            filtered: vec!["public.orders".into()],
            ..Examined::default()
        };
        let refused = judged("pg_dump (PostgreSQL) 15.1", false, &examined)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("public.orders") && refused.contains("row-level"),
            "{refused}"
        );
        let bypassing = Examined {
            bypasses_row_security: true,
            ..examined
        };
        assert_eq!(
            judged("pg_dump (PostgreSQL) 15.1", false, &bypassing).unwrap(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_before_anything_is_dumped() {
        let examined = Examined {
            unreadable: vec!["audit.log".into()],
            hidden_schemas: vec!["audit".into()],
            ..Examined::default()
        };
        let refused = judged("pg_dump (PostgreSQL) 15.1", false, &examined)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("schema audit, audit.log"), "{refused}");
        assert!(judged("pg_dump (PostgreSQL) 15.1", true, &examined).is_ok());
    }

    #[test]
    fn what_no_dump_carries_is_said() {
        let examined = Examined {
            foreign_tables: 2,
            foreign_servers: vec!["crm".into()],
            subscriptions: vec!["from_old".into()],
            slots: vec!["cdc".into()],
            ..Examined::default()
        };
        let told = judged("pg_dump (PostgreSQL) 15.1", true, &examined)
            .unwrap()
            .join("\n");
        assert!(told.contains("2 foreign tables") && told.contains("from_old") && told.contains("cdc"));
    }

    #[test]
    fn a_folder_needs_a_place_of_ours() {
        let probe = Probe::of_test("pg_dump (PostgreSQL) 15.1", true);
        let refused = judge(
            "shop",
            &probe,
            Route::Exec,
            BackupFormat::Directory,
            &Examined::default(),
        );
        assert!(matches!(refused, Err(CreateError::NoFolder)));
        let job = judge(
            "shop",
            &probe,
            Route::Job,
            BackupFormat::Directory,
            &Examined::default(),
        );
        assert!(job.is_ok());
    }
}
