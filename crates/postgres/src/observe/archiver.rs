//! The archive of WAL, as the server tells it.

use model::{ArchiveWay, ArchiverFacts, Seen};

use crate::{Database, QueryError};

/// What the server says of its archive and of base backups that are being taken.
pub async fn archiver(database: &Database) -> Seen<ArchiverFacts> {
    Seen::from_result(read(database).await.map(Some))
}

async fn read(database: &Database) -> Result<ArchiverFacts, QueryError> {
    let utc =
        |column: &str| format!("to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
    // `archive_library` is there from 15 on.
    let rows = database
        .query(
            "read what the server says of its archive",
            &format!(
                "select current_setting('archive_mode'), current_setting('archive_command'), \
                        coalesce(current_setting('archive_library', true), ''), \
                        last_archived_wal, {}, last_failed_wal, {}, \
                        pg_size_bytes(current_setting('wal_segment_size')), \
                        (select count(*) from pg_stat_progress_basebackup), \
                        has_function_privilege('pg_catalog.pg_ls_archive_statusdir()', 'execute') \
                 from pg_stat_archiver",
                utc("last_archived_time"),
                utc("last_failed_time"),
            ),
            &[],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(ArchiverFacts {
            way: ArchiveWay::Off,
            last_archived_wal: None,
            last_archived_at: None,
            last_failed_wal: None,
            last_failed_at: None,
            backlog: None,
            base_backups: 0,
            segment_bytes: 0,
        });
    };
    let backlog = if row.get(9) {
        backlog(database).await.ok()
    } else {
        None
    };
    Ok(ArchiverFacts {
        way: way(row.get(0), row.get(1), row.get(2)),
        last_archived_wal: row.get(3),
        last_archived_at: row.get(4),
        last_failed_wal: row.get(5),
        last_failed_at: row.get(6),
        backlog,
        base_backups: row.get(8),
        segment_bytes: row.get(7),
    })
}

/// Segments that wait for the archiver.
async fn backlog(database: &Database) -> Result<i64, QueryError> {
    let sql = "select count(*) from pg_ls_archive_statusdir() where name like '%.ready'";
    let rows = database
        .query("count the segments that wait for the archiver", sql, &[])
        .await?;
    Ok(rows.first().map_or(0, |row| row.get(0)))
}

/// How the settings archive. The command may hold a credential, so only what throws everything away is told.
fn way(mode: &str, command: &str, library: &str) -> ArchiveWay {
    if mode == "off" {
        return ArchiveWay::Off;
    }
    if !library.is_empty() {
        return ArchiveWay::Library(library.to_owned());
    }
    let command = command.trim();
    let first = command.split_whitespace().next().unwrap_or_default();
    match command {
        "" => {
            ArchiveWay::Nothing("archive_command is empty: segments pile up until the volume is full".into())
        }
        // Postgres shows this word where archive_mode is off; it may also have been written there.
        "(disabled)" => ArchiveWay::Nothing("archive_command is (disabled)".into()),
        _ if matches!(first, "true" | "/bin/true" | "/usr/bin/true" | ":" | "exit") => {
            ArchiveWay::Nothing(format!("archive_command is {first}"))
        }
        _ => ArchiveWay::Command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_keeps_nothing_is_told_from_one_that_archives() {
        for command in ["", " ", "(disabled)", "/bin/true", "true", ": %p", "exit 0"] {
            assert!(
                matches!(way("on", command, ""), ArchiveWay::Nothing(_)),
                "{command}"
            );
        }
        assert_eq!(way("on", "cp %p /archive/%f", ""), ArchiveWay::Command);
        assert_eq!(way("on", "truenas-push %p", ""), ArchiveWay::Command);
        assert_eq!(
            way("always", "", "basic_archive"),
            ArchiveWay::Library("basic_archive".into())
        );
        assert_eq!(way("off", "(disabled)", ""), ArchiveWay::Off);
    }
}
