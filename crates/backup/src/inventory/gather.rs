//! Looking everywhere at once.

use std::time::Duration;

use cluster::{Cluster, ListScope};
use jiff::Timestamp;
use model::{
    ArchiveWay, ArchiverFacts, BackupFinding, BackupInventory, BackupSubject, FindingLevel, FoundBackup,
    KeyFingerprints, KeyStanding, KeyState, Mechanism, Seen, Unread, causes,
};

use super::found::{Finds, age};
use super::objects::{Objects, Reads};
use super::wanted::{Belongs, Wanted, bytes_between};
use super::{
    catalogue, cnpg, cnpg_plugin, cnpg_snapshots, cronjob, crunchy, found_backup, k8up, kanister, kubeblocks,
    kubestash, managed, percona, stackgres, stash, velero, volume_snapshot, zalando,
};
use crate::keys::key_standing;
use crate::{BackupId, Filter, Store};

/// How long one request to the API server may take when a person waits for a list.
pub const LOOK_LIMIT: Duration = Duration::from_secs(15);

/// A mechanism that leaves objects in the cluster.
struct Row {
    mechanism: Mechanism,
    reads: &'static [Reads],
    find: fn(&Objects, Timestamp) -> Finds,
}

const fn row(mechanism: Mechanism, reads: &'static [Reads], find: fn(&Objects, Timestamp) -> Finds) -> Row {
    Row {
        mechanism,
        reads,
        find,
    }
}

const ROWS: [Row; 16] = [
    row(Mechanism::CloudNativePg, cnpg::READS, cnpg::find),
    row(
        Mechanism::CloudNativePgPlugin,
        cnpg_plugin::READS,
        cnpg_plugin::find,
    ),
    row(
        Mechanism::CloudNativePgSnapshot,
        cnpg_snapshots::READS,
        cnpg_snapshots::find,
    ),
    row(Mechanism::Crunchy, crunchy::READS, crunchy::find),
    row(Mechanism::Zalando, zalando::READS, zalando::find),
    row(Mechanism::Velero, velero::READS, velero::find),
    row(Mechanism::K8up, k8up::READS, k8up::find),
    row(Mechanism::Stash, stash::READS, stash::find),
    row(Mechanism::KubeStash, kubestash::READS, kubestash::find),
    row(Mechanism::Kanister, kanister::READS, kanister::find),
    row(Mechanism::StackGres, stackgres::READS, stackgres::find),
    row(Mechanism::Percona, percona::READS, percona::find),
    row(Mechanism::KubeBlocks, kubeblocks::READS, kubeblocks::find),
    row(Mechanism::CronJob, cronjob::READS, cronjob::find),
    row(
        Mechanism::VolumeSnapshot,
        volume_snapshot::READS,
        volume_snapshot::find,
    ),
    row(Mechanism::Managed, managed::READS, managed::find),
];

/// Every kind that is read, some more than once.
pub(super) fn kinds() -> impl Iterator<Item = &'static Reads> {
    ROWS.iter().flat_map(|row| row.reads)
}

/// What to look for, and where.
#[derive(Debug, Clone, Copy)]
pub struct InventoryRequest<'a> {
    /// The cluster; `None` looks into stores only.
    pub cluster: Option<(&'a Cluster, &'a ListScope)>,
    /// The stores with backups of ours.
    pub stores: &'a [Store],
    /// Which of ours to look at.
    pub filter: &'a Filter,
    /// The database in question; `None` takes everything.
    pub wanted: Option<&'a Wanted>,
    /// What the server says of its archive, where it was asked.
    pub archiver: Option<&'a Seen<ArchiverFacts>>,
    /// Whether to ask backup tools in the server's pod for their catalogues, which starts processes there.
    pub ask_tools: bool,
    /// How long one request to the API server may take.
    pub limit: Duration,
    /// The moment from which ages are counted.
    pub now: Timestamp,
}

/// Looks at everything at once. What cannot be read is told and ends nothing.
pub async fn inventory(request: &InventoryRequest<'_>) -> BackupInventory {
    let ((finds, mut unread), (own, noted, unread_stores), (asked, unread_tools)) =
        tokio::join!(in_cluster(request), in_stores(request), in_catalogues(request));
    unread.extend(unread_stores);
    unread.extend(unread_tools);
    let mut finds = finds;
    finds.backups.extend(own);
    finds.extend(asked);
    let mut inventory = BackupInventory {
        unread,
        ..BackupInventory::default()
    };
    sort_out(&mut inventory, finds, request);
    if let (Some((cluster, _)), Some(_), Some(noted)) = (request.cluster, request.wanted, &noted) {
        inventory.keys = key_standing(cluster, &cluster.namespace, &noted.keys, request.now).await;
        inventory.findings.extend(drifted(&inventory.keys, noted));
    }
    if let Some(archiver) = request.archiver {
        archive(&mut inventory, archiver, request.wanted);
    }
    let newest_first = |one: &FoundBackup, other: &FoundBackup| {
        let at = |backup: &FoundBackup| backup.finished_at.clone().or_else(|| backup.started_at.clone());
        at(other).cmp(&at(one)).then_with(|| one.id.cmp(&other.id))
    };
    inventory.backups.sort_by(newest_first);
    inventory.uncertain.sort_by(newest_first);
    inventory.findings.sort_by(|one, other| {
        other
            .level
            .cmp(&one.level)
            .then_with(|| one.object.cmp(&other.object))
    });
    inventory
}

async fn in_cluster(request: &InventoryRequest<'_>) -> (Finds, Vec<Unread>) {
    let Some((cluster, scope)) = request.cluster else {
        return (Finds::default(), Vec::new());
    };
    let objects = Objects::read(cluster, scope, kinds(), request.limit).await;
    let (mut finds, mut unread) = (Finds::default(), Vec::<Unread>::new());
    for row in &ROWS {
        finds.extend((row.find)(&objects, request.now));
        for reads in row.reads.iter().filter(|reads| reads.needed) {
            // Several mechanisms read CronJobs and snapshots; one line says that they cannot be read.
            let known = |new: &Unread| {
                unread
                    .iter()
                    .any(|old| old.what == new.what && old.why == new.why)
            };
            if let Some(new) = objects.unread(row.mechanism, reads)
                && !known(&new)
            {
                unread.push(new);
            }
        }
    }
    (finds, unread)
}

/// The keys that a backup of ours notes.
struct Noted {
    id: BackupId,
    of: BackupSubject,
    namespace: String,
    keys: KeyFingerprints,
}

/// Our backups, and the keys that the newest of them notes.
async fn in_stores(request: &InventoryRequest<'_>) -> (Vec<FoundBackup>, Option<Noted>, Vec<Unread>) {
    let (mut backups, mut noted, mut unread) = (Vec::new(), None::<Noted>, Vec::new());
    for store in request.stores {
        match store.list(request.filter).await {
            Ok(found) => {
                for backup in found {
                    let told = found_backup(&backup, request.now);
                    let mine = request
                        .wanted
                        .is_some_and(|wanted| wanted.owns_backup(&told) == Belongs::Yes);
                    let newer = noted.as_ref().is_none_or(|noted| noted.id < backup.id);
                    if let Some(keys) = backup.manifest.keys
                        && mine
                        && newer
                    {
                        noted = Some(Noted {
                            id: backup.id,
                            of: told.of.clone(),
                            namespace: told.namespace.clone(),
                            keys,
                        });
                    }
                    backups.push(told);
                }
            }
            Err(error) => unread.push(Unread {
                mechanism: Some(Mechanism::Pgbackup),
                what: "the store".into(),
                why: causes(&error),
            }),
        }
    }
    (backups, noted, unread)
}

/// Keys that are not those of the newest backup any more: what was encrypted under them cannot be read after a restore.
fn drifted(keys: &[KeyStanding], noted: &Noted) -> Vec<BackupFinding> {
    let finding = |key: &KeyStanding| {
        let what = match key.state {
            KeyState::Changed => "has changed",
            KeyState::Gone => "is gone",
            KeyState::Same | KeyState::Unknown => return None,
        };
        Some(BackupFinding {
            id: "key-not-the-same".into(),
            level: FindingLevel::Warn,
            mechanism: Mechanism::Pgbackup,
            namespace: noted.namespace.clone(),
            object: key.source.clone(),
            of: noted.of.clone(),
            message: format!(
                "key {} {what} since backup {}: rows that were encrypted under it can only be read with the key of that time",
                key.key, noted.id
            ),
        })
    };
    keys.iter().filter_map(finding).collect()
}

async fn in_catalogues(request: &InventoryRequest<'_>) -> (Finds, Vec<Unread>) {
    let place = request
        .wanted
        .and_then(|wanted| Some((wanted, wanted.pod.as_ref()?, wanted.container.as_ref()?)));
    match (request.cluster, place) {
        (Some((cluster, _)), Some((wanted, pod, container))) if request.ask_tools => {
            catalogue::ask(cluster, &wanted.namespace, pod, container).await
        }
        (_, _) => (Finds::default(), Vec::new()),
    }
}

/// Keeps what is of the database in question, and counts ages and what is at risk.
fn sort_out(inventory: &mut BackupInventory, finds: Finds, request: &InventoryRequest<'_>) {
    for mut backup in finds.backups {
        backup.age_seconds = age(&backup, request.now);
        let Some(wanted) = request.wanted else {
            inventory.backups.push(backup);
            continue;
        };
        match wanted.owns_backup(&backup) {
            Belongs::Yes => {
                complete(&mut backup, wanted);
                inventory.backups.push(backup);
            }
            Belongs::Perhaps => inventory.uncertain.push(backup),
            Belongs::No => {}
            Belongs::Lacks(what) => inventory.findings.push(BackupFinding {
                id: "data-not-inside".into(),
                level: FindingLevel::Warn,
                mechanism: backup.mechanism,
                namespace: backup.namespace,
                object: backup.id,
                of: backup.of,
                message: format!("it is of this namespace, but {what}"),
            }),
        }
    }
    for finding in finds.findings {
        let belongs = request.wanted.map_or(Belongs::Yes, |wanted| {
            wanted.owns(&finding.namespace, &finding.of)
        });
        // What may be about this database is told: a warning too many is better than one too few.
        if matches!(belongs, Belongs::Yes | Belongs::Perhaps) {
            inventory.findings.push(finding);
        }
    }
}

/// What only the server knows.
fn complete(backup: &mut FoundBackup, wanted: &Wanted) {
    if let (Some(end), Some(now)) = (&backup.end_lsn, &wanted.lsn) {
        backup.at_risk_bytes = bytes_between(end, now);
    }
    if let (Some(then), Some(now)) = (backup.server_major, wanted.major)
        && then != now
    {
        backup.notes.push(format!(
            "made by version {then}, the server is {now}: it undoes that upgrade, and it is no way back for the new version"
        ));
    }
}

/// What the server says of its archive.
fn archive(inventory: &mut BackupInventory, archiver: &Seen<ArchiverFacts>, wanted: Option<&Wanted>) {
    let facts = match archiver {
        Seen::Present(facts) => facts,
        // A server that nobody asked says nothing about its base backups, and those are what is judged.
        Seen::Absent | Seen::Unreadable(_) => return,
    };
    let namespace = wanted.map(|wanted| wanted.namespace.clone()).unwrap_or_default();
    let name = wanted
        .and_then(|wanted| wanted.pod.clone())
        .unwrap_or_else(|| "server".into());
    let mut tell = |id: &str, level, message: String| {
        inventory.findings.push(BackupFinding {
            id: id.into(),
            level,
            mechanism: Mechanism::Pgbackup,
            namespace: namespace.clone(),
            object: format!("Server/{name}"),
            of: BackupSubject::Pod { name: name.clone() },
            message,
        });
    };
    match &facts.way {
        ArchiveWay::Off => return,
        ArchiveWay::Nothing(why) => {
            let message = format!(
                "archiving is on and throws all WAL away ({why}): no moment after a base backup can be restored"
            );
            return tell("archiver-keeps-nothing", FindingLevel::Warn, message);
        }
        ArchiveWay::Command | ArchiveWay::Library(_) => {}
    }
    if facts.fails() {
        let last = facts.last_archived_at.as_deref().unwrap_or("never");
        let failed = facts.last_failed_wal.as_deref().unwrap_or("?");
        let backlog = facts.backlog.map_or_else(String::new, |backlog| {
            format!(
                "; {backlog} segments wait, {} MB",
                backlog.saturating_mul(facts.segment_bytes) / 1_000_000
            )
        });
        let message = format!("the archiver fails at segment {failed}; the last success was {last}{backlog}");
        tell("archiver-fails", FindingLevel::Fail, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ArchiverFacts {
        ArchiverFacts {
            way: ArchiveWay::Command,
            last_archived_wal: Some("000000010000000000000005".into()),
            last_archived_at: Some("2026-11-20T03:00:00Z".into()),
            last_failed_wal: None,
            last_failed_at: None,
            backlog: Some(0),
            base_backups: 0,
            segment_bytes: 16 << 20,
        }
    }

    fn told(change: impl FnOnce(&mut ArchiverFacts)) -> Vec<(String, FindingLevel)> {
        let mut facts = facts();
        change(&mut facts);
        let mut inventory = BackupInventory::default();
        archive(&mut inventory, &Seen::Present(facts), None);
        inventory
            .findings
            .into_iter()
            .map(|finding| (finding.id, finding.level))
            .collect()
    }

    #[test]
    fn an_archiver_fails_when_its_failure_is_newer_than_its_success() {
        assert!(told(|_| ()).is_empty());
        assert!(told(|facts| facts.last_failed_at = Some("2026-11-20T02:59:59Z".into())).is_empty());
        let fails = vec![("archiver-fails".to_owned(), FindingLevel::Fail)];
        assert_eq!(
            told(|facts| facts.last_failed_at = Some("2026-11-20T03:00:01Z".into())),
            fails
        );
        let never = |facts: &mut ArchiverFacts| {
            facts.last_archived_at = None;
            facts.last_failed_at = Some("2026-11-20T03:00:01Z".into());
        };
        assert_eq!(told(never), fails);
    }

    #[test]
    fn an_archiver_that_keeps_nothing_is_told_and_one_that_is_off_is_not() {
        let nothing = told(|facts| facts.way = ArchiveWay::Nothing("/bin/true".into()));
        assert_eq!(
            nothing,
            [("archiver-keeps-nothing".to_owned(), FindingLevel::Warn)]
        );
        assert!(told(|facts| facts.way = ArchiveWay::Off).is_empty());
    }

    #[test]
    fn every_mechanism_reads_something_and_stands_once() {
        let mut seen: Vec<Mechanism> = ROWS.iter().map(|row| row.mechanism).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), ROWS.len());
        assert!(ROWS.iter().all(|row| row.reads.iter().any(|reads| reads.needed)));
    }

    #[test]
    fn what_is_at_risk_and_the_version_are_counted_for_the_database_in_question() {
        let object = serde_json::json!({"metadata": {"name": "db-0", "namespace": "shop"}});
        let mut backup = super::super::found::found(
            Mechanism::PgBackRest,
            "",
            &object,
            BackupSubject::Pod { name: "db-0".into() },
        );
        backup.end_lsn = Some("0/8000000".into());
        backup.server_major = Some(15);
        let wanted = Wanted {
            lsn: Some("0/9000000".into()),
            major: Some(17),
            ..Wanted::default()
        };
        complete(&mut backup, &wanted);
        assert_eq!(backup.at_risk_bytes, Some(0x100_0000));
        assert!(backup.notes[0].contains("undoes that upgrade"));
    }
}
