//! The backup that an upgrade which was left behind could be turned back with.

use backup::{Filter, Place, Store};
use cluster::Cluster;
use jiff::Timestamp;
use model::{BackupManifest, DatabaseLocation, DatabaseRoute, Seen, causes};

use super::decide::UsableBackup;
use super::schema::Expected;
use crate::plan::KnownBackup;

/// All complete backups of the database in a store, newest first.
pub(crate) async fn backups(
    cluster: &Cluster,
    namespace: &str,
    store: &str,
    location: &DatabaseLocation,
) -> Seen<Vec<BackupManifest>> {
    let store = match Store::open(store) {
        Ok(store) => store.within(cluster, namespace),
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    let filter = Filter {
        cluster: match &location.route {
            DatabaseRoute::Pod { .. } => Place::cluster_uid(cluster).await,
            DatabaseRoute::Direct => None,
        },
        database: Some(location.database.clone()),
        ..Filter::default()
    };
    let found = store.list(&filter).await;
    Seen::from_result(found.map(|found| Some(found.into_iter().map(|backup| backup.manifest).collect())))
}

/// What a backup must be to be of use.
pub(crate) struct Wanted<'a> {
    /// Of this server, where its identifier could be read.
    pub(crate) system_identifier: Option<&'a str>,
    /// Made before this (RFC 3339): then the failed upgrade began.
    pub(crate) before: Option<&'a str>,
    /// Of this schema, where it is known what the older version runs on.
    pub(crate) schema: Option<&'a Expected>,
}

/// The newest one that is of use.
///
/// # Errors
/// Why there is none, in words.
pub(crate) fn usable(
    store: &str,
    backups: &Seen<Vec<BackupManifest>>,
    wanted: &Wanted<'_>,
) -> Result<UsableBackup, String> {
    let backups = match backups {
        Seen::Present(backups) => backups,
        Seen::Absent => return Err("no database was found whose backups could be looked for".into()),
        Seen::Unreadable(why) => return Err(format!("backups in {store} could not be read: {why}")),
    };
    let before: Timestamp = wanted
        .before
        .and_then(|time| time.parse().ok())
        .ok_or("when the failed upgrade began is not told by helm's record")?;
    let mut made: Vec<(Timestamp, &BackupManifest)> = backups
        .iter()
        .filter(|manifest| fits(manifest, wanted))
        // A dump shows the database as it was when it began; one that ended before the upgrade has nothing of it.
        .filter_map(|manifest| Some((manifest.finished_at.parse::<Timestamp>().ok()?, manifest)))
        .filter(|(made, _)| *made < before)
        .collect();
    made.sort_by_key(|(made, _)| *made);
    let (_, manifest) = made.last().ok_or_else(|| {
        format!(
            "{store} holds no backup of this database from before the failed upgrade began ({before:.0}) that fits the older version"
        )
    })?;
    Ok(UsableBackup {
        backup: KnownBackup {
            store: store.to_owned(),
            id: manifest.id.clone(),
        },
        made_at: manifest.finished_at.clone(),
    })
}

/// Whether it is a dump of this server that can be restored here, at the older version's schema.
fn fits(manifest: &BackupManifest, wanted: &Wanted<'_>) -> bool {
    let of_this_server = match (wanted.system_identifier, &manifest.server.system_identifier) {
        (Some(wanted), Some(found)) => wanted == found,
        (None, _) | (_, None) => true,
    };
    let of_the_schema = match (
        wanted.schema.and_then(|schema| schema.version.as_ref()),
        manifest
            .migration
            .as_ref()
            .and_then(|state| state.version.as_ref()),
    ) {
        (Some(wanted), Some(found)) => wanted == found,
        (None, _) | (_, None) => true,
    };
    let dirty = manifest.migration.as_ref().is_some_and(|state| state.dirty);
    manifest.base.is_none()
        // Nothing at hand opens it.
        && manifest.encryption.is_none()
        && manifest.proof.is_complete()
        && of_this_server
        && of_the_schema
        && !dirty
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use model::{BackupFormat, BackupProof, Encryption, MigrationState, MigrationTool, PostgresServer};

    use super::*;

    fn manifest(id: &str, finished_at: &str, schema: &str) -> BackupManifest {
        BackupManifest {
            api_version: String::new(),
            kind: "BackupManifest".into(),
            id: id.into(),
            cluster: "c".into(),
            namespace: "shop".into(),
            server_name: "db".into(),
            database: "shop".into(),
            server: PostgresServer {
                version: "17.6".into(),
                version_num: 170_006,
                system_identifier: Some("7".into()),
                in_recovery: false,
                lsn: None,
            },
            client_version: String::new(),
            started_at: finished_at.into(),
            finished_at: finished_at.into(),
            database_bytes: 1,
            files: Vec::new(),
            format: BackupFormat::Custom,
            route: String::new(),
            left_out: Vec::new(),
            proof: BackupProof {
                exit_status: 0,
                bytes_match: true,
                hash_match: true,
                read_to_end: true,
            },
            rows: Vec::new(),
            schema_hash: String::new(),
            migration: Some(MigrationState {
                tool: MigrationTool::Goose,
                table: "public.goose_db_version".into(),
                version: Some(schema.into()),
                applied: 1,
                dirty: false,
                fingerprint: schema.into(),
            }),
            extensions: BTreeMap::new(),
            owners: Vec::new(),
            grantees: Vec::new(),
            settings: Vec::new(),
            base: None,
            release: None,
            made_by: String::new(),
            reason: String::new(),
            encryption: None,
            keys: None,
            artefacts: Vec::new(),
        }
    }

    fn chosen(backups: Vec<BackupManifest>) -> Result<String, String> {
        let schema = Expected {
            version: Some("2".into()),
            fingerprint: None,
            source: "profile".into(),
        };
        let wanted = Wanted {
            system_identifier: Some("7"),
            before: Some("2026-01-02T12:00:00+01:00"),
            schema: Some(&schema),
        };
        usable("/b", &Seen::Present(backups), &wanted).map(|usable| usable.backup.id)
    }

    #[test]
    fn the_newest_from_before_the_failed_upgrade_is_chosen() {
        let found = chosen(vec![
            manifest("after", "2026-01-02T11:30:00Z", "2"),
            manifest("newest", "2026-01-02T10:30:00Z", "2"),
            manifest("oldest", "2026-01-01T00:00:00Z", "2"),
        ]);
        assert_eq!(found.as_deref(), Ok("newest"));
    }

    #[test]
    fn what_cannot_be_restored_here_or_does_not_fit_is_none() {
        let at = "2026-01-02T10:30:00Z";
        let with = |change: fn(&mut BackupManifest)| {
            let mut one = manifest("one", at, "2");
            change(&mut one);
            chosen(vec![one])
        };
        assert!(with(|_| {}).is_ok());
        assert!(with(|one| one.migration = None).is_ok(), "its time speaks for it");
        for refused in [
            with(|one| one.finished_at = "2026-01-02T11:00:00Z".into()),
            with(|one| one.server.system_identifier = Some("8".into())),
            with(|one| one.proof.read_to_end = false),
            with(|one| {
                one.encryption = Some(Encryption {
                    recipients: Vec::new(),
                    files: Vec::new(),
                });
            }),
            with(|one| {
                if let Some(state) = &mut one.migration {
                    state.dirty = true;
                }
            }),
            with(|one| {
                if let Some(state) = &mut one.migration {
                    state.version = Some("4".into());
                }
            }),
            chosen(Vec::new()),
        ] {
            assert!(refused.is_err(), "{refused:?}");
        }
    }

    #[test]
    fn without_the_time_of_the_upgrade_no_backup_is_known_to_be_older() {
        let wanted = Wanted {
            system_identifier: None,
            before: None,
            schema: None,
        };
        let backups = Seen::Present(vec![manifest("one", "2026-01-01T00:00:00Z", "2")]);
        assert!(usable("/b", &backups, &wanted).is_err());
        assert!(usable("/b", &Seen::Unreadable("no".into()), &wanted).is_err());
    }
}
