//! The backups of ours that were made for releases, in one look at the store. Everybody else's are tied to a database, which
//! only a full look finds.

use std::collections::BTreeMap;
use std::time::Duration;

use backup::inventory::found_backup;
use backup::{Filter, Store};
use cluster::Cluster;
use jiff::Timestamp;
use model::{
    BackupGrade, BackupInventory, BackupState, FleetBackup, FleetBackupState, FoundBackup, Freshness, causes,
};

use crate::observe::filed_under;
use crate::rows::backup::standing;

/// How long a store may take to answer before the look goes on without it.
const STORE_LIMIT: Duration = Duration::from_secs(15);

/// What a quick look does not do.
const NOT_LOOKED: &str =
    "only backups of ours that were made for the release were looked for; --full looks for everybody's";

/// The newest good backup of each grade.
type Newest = BTreeMap<BackupGrade, FoundBackup>;

/// The newest good backups by namespace and release; or why there is no saying.
pub(super) struct OwnBackups(Result<BTreeMap<(String, String), Newest>, String>);

impl OwnBackups {
    /// Looks into a store.
    pub(super) async fn in_store(store: &str, cluster: &Cluster, now: Timestamp) -> Self {
        let listed = tokio::time::timeout(STORE_LIMIT, made_here(store, cluster)).await;
        Self(match listed {
            Ok(Ok(backups)) => Ok(newest(backups.iter().filter_map(|backup| {
                let release = backup.manifest.release.as_ref()?;
                let key = (backup.manifest.namespace.clone(), release.name.clone());
                Some((key, found_backup(backup, now)))
            }))),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(format!(
                "the store did not answer within {} s",
                STORE_LIMIT.as_secs()
            )),
        })
    }

    /// How those of one release stand. An old one is no proof that there is no newer one of somebody else's.
    pub(super) fn of(&self, namespace: &str, release: &str) -> FleetBackup {
        let own = match &self.0 {
            Ok(own) => own,
            Err(why) => return FleetBackup::unknown(format!("the store could not be read: {why}")),
        };
        let Some(backups) = own.get(&(namespace.to_owned(), release.to_owned())) else {
            return FleetBackup::unknown(NOT_LOOKED);
        };
        let inventory = BackupInventory {
            backups: backups.values().cloned().collect(),
            ..BackupInventory::default()
        };
        let (freshness, reason, newest) = standing(&inventory);
        let (state, reason) = match freshness {
            Freshness::Fresh => (FleetBackupState::Fresh, reason),
            Freshness::Unknown | Freshness::Stale | Freshness::Failing => {
                (FleetBackupState::Unknown, format!("{reason}; {NOT_LOOKED}"))
            }
        };
        told(state, reason, newest.as_ref())
    }
}

/// How a release's backups stand, with the one that this rests on.
pub(super) fn told(state: FleetBackupState, reason: String, newest: Option<&FoundBackup>) -> FleetBackup {
    FleetBackup {
        state,
        grade: newest.and_then(|newest| newest.grade),
        age_seconds: newest.and_then(|newest| newest.age_seconds),
        made_by: newest.map(|newest| newest.mechanism),
        reason: Some(reason),
    }
}

/// All of ours that were made of databases in this cluster.
async fn made_here(store: &str, cluster: &Cluster) -> Result<Vec<backup::Backup>, String> {
    let store = Store::open(store).map_err(|error| causes(&error))?;
    let facts = cluster.facts().await.map_err(|error| causes(&error))?;
    // Without the cluster's name another one's backups would be taken for its own.
    let Some(name) = filed_under(&facts) else {
        return Err(
            "the UID of namespace kube-system, by which the cluster's backups are filed, could not be read"
                .into(),
        );
    };
    let filter = Filter {
        cluster: Some(name),
        ..Filter::default()
    };
    store.list(&filter).await.map_err(|error| causes(&error))
}

fn newest(
    backups: impl Iterator<Item = ((String, String), FoundBackup)>,
) -> BTreeMap<(String, String), BTreeMap<BackupGrade, FoundBackup>> {
    let mut newest: BTreeMap<_, BTreeMap<BackupGrade, FoundBackup>> = BTreeMap::new();
    for (key, backup) in backups.filter(|(_, backup)| backup.state == BackupState::Good) {
        let Some(grade) = backup.grade else {
            continue;
        };
        let known = newest.entry(key).or_default();
        if known
            .get(&grade)
            .is_none_or(|known| known.finished_at < backup.finished_at)
        {
            known.insert(grade, backup);
        }
    }
    newest
}

#[cfg(test)]
mod tests {
    use model::{BackupSubject, Mechanism};

    use super::*;

    const DAY: i64 = 86_400;

    fn made(grade: BackupGrade, age: i64, state: BackupState) -> ((String, String), FoundBackup) {
        let backup = FoundBackup {
            id: format!("{grade:?}-{age}"),
            mechanism: Mechanism::Pgbackup,
            namespace: "prod".into(),
            of: BackupSubject::Database {
                server: "db".into(),
                name: "app".into(),
            },
            database: Some("app".into()),
            state,
            why: String::new(),
            grade: Some(grade),
            started_at: None,
            finished_at: Some(format!("2026-11-{:02}T00:00:00Z", 28 - age / DAY)),
            age_seconds: Some(age),
            bytes: None,
            at_risk_bytes: None,
            end_lsn: None,
            timeline: None,
            server_major: None,
            system_identifier: None,
            uri: None,
            notes: Vec::new(),
        };
        (("prod".to_owned(), "shop".to_owned()), backup)
    }

    fn of(backups: Vec<((String, String), FoundBackup)>) -> FleetBackup {
        OwnBackups(Ok(newest(backups.into_iter()))).of("prod", "shop")
    }

    #[test]
    fn a_young_one_that_is_worth_enough_is_fresh_whatever_else_there_is() {
        let told = of(vec![
            made(BackupGrade::B, 3 * DAY, BackupState::Good),
            made(BackupGrade::B, 0, BackupState::Good),
            made(BackupGrade::A, 9 * DAY, BackupState::Good),
        ]);
        assert_eq!(
            (told.state, told.grade, told.age_seconds),
            (FleetBackupState::Fresh, Some(BackupGrade::B), Some(0))
        );
    }

    #[test]
    fn an_old_one_leaves_it_open_and_a_failed_one_is_none() {
        let old = of(vec![
            made(BackupGrade::B, 3 * DAY, BackupState::Good),
            made(BackupGrade::B, 0, BackupState::Failed),
        ]);
        assert_eq!(
            (old.state, old.age_seconds),
            (FleetBackupState::Unknown, Some(3 * DAY))
        );
        assert!(old.reason.unwrap().contains("--full"));
        assert_eq!(of(Vec::new()), FleetBackup::unknown(NOT_LOOKED));
    }

    #[test]
    fn a_store_that_cannot_be_read_is_told() {
        let told = OwnBackups(Err("no such bucket".into())).of("prod", "shop");
        assert_eq!(told.state, FleetBackupState::Unknown);
        assert!(told.reason.unwrap().contains("no such bucket"));
    }
}
