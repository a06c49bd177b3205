//! Pruning of a folder that holds backups and other things.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use backup::prune::{Plan, Policy, ReleaseKey, Revisions, Survey, pin, unpin};
use backup::{Filter, Store};
use jiff::Timestamp;
use model::{PruneOutcome, PruneReport};
use serde_json::json;

const PLACE: &str = "cafe0123/shop/db/app";

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

struct Kept {
    folder: tempfile::TempDir,
    store: Store,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap()).unwrap();
        Self { folder, store }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.path().join(PLACE).join(id)
    }

    /// A complete backup of a day, made for a revision.
    fn backup(&self, day: &str, revision: Option<u32>) -> String {
        let id = format!("{}T000000Z-00000001", day.replace('-', ""));
        let folder = self.path(&id);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("dump.pgc"), "data").unwrap();
        let manifest = json!({
            "apiVersion": "safe-upgrade.dev/v1alpha1", "kind": "BackupManifest", "id": id,
            "cluster": "cafe0123", "namespace": "shop", "serverName": "db", "database": "app",
            "server": {"versionNum": 170_000, "version": "17.0", "systemIdentifier": "1", "inRecovery": false, "lsn": null},
            "clientVersion": "17.0", "startedAt": format!("{day}T00:00:00Z"), "finishedAt": format!("{day}T00:01:00Z"),
            "databaseBytes": 1,
            "files": [{"name": "dump.pgc", "codec": "none", "bytes": 4, "sha256Stream": "x", "sha256Stored": "x"}],
            "proof": {"exitStatus": 0, "bytesMatch": true, "hashMatch": true, "readToEnd": true},
            "rows": [], "schemaHash": "", "migration": null, "extensions": {}, "owners": [], "settings": [],
            "release": revision.map(|revision| json!({"name": "web", "revision": revision, "images": []})),
            "madeBy": "test", "reason": "test"});
        let manifest: model::BackupManifest = serde_json::from_value(manifest).unwrap();
        std::fs::write(
            folder.join("manifest.json"),
            serde_json::to_vec(&manifest).unwrap(),
        )
        .unwrap();
        id
    }

    async fn plan(&self, policy: &Policy, revisions: &BTreeMap<ReleaseKey, Revisions>) -> Plan {
        let survey = Survey::take(&self.store, &Filter::default()).await.unwrap();
        Plan::make(survey, revisions, policy, now()).unwrap()
    }

    async fn prune(&self, policy: &Policy) -> PruneReport {
        let end = self
            .plan(policy, &BTreeMap::new())
            .await
            .carry_out(&self.store, &quiet)
            .await;
        assert!(end.failure.is_none());
        end.report
    }

    async fn left(&self) -> Vec<String> {
        let backups = self.store.list(&Filter::default()).await.unwrap();
        backups.iter().map(|backup| backup.id.to_string()).collect()
    }
}

fn quiet(_message: &str, _share: Option<f64>) {}

fn last(last: u32) -> Policy {
    Policy {
        last,
        ..Policy::default()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        found.extend(files(&entry.path()));
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_preview_removes_nothing_and_what_is_carried_out_is_what_it_said() {
    let kept = Kept::new();
    for day in ["2026-02-01", "2026-02-02", "2026-02-03"] {
        kept.backup(day, None);
    }
    let before = files(kept.folder.path());
    let preview = kept.plan(&last(1), &BTreeMap::new()).await.preview(&kept.store);
    assert_eq!(files(kept.folder.path()), before);
    assert!(preview.dry_run);
    let going = |report: &PruneReport, wanted| {
        let gone = report.backups.iter().filter(|backup| backup.outcome == wanted);
        gone.map(|backup| backup.id.clone()).collect::<Vec<_>>()
    };
    let told = going(&preview, PruneOutcome::WouldBeRemoved);
    assert_eq!(told, ["20260202T000000Z-00000001", "20260201T000000Z-00000001"]);
    let done = kept.prune(&last(1)).await;
    assert_eq!(going(&done, PruneOutcome::Removed), told);
    assert_eq!(
        (done.freed_bytes, kept.left().await),
        (8, vec!["20260203T000000Z-00000001".to_owned()])
    );
    assert!(!kept.path(&told[0]).exists());
}

#[tokio::test]
async fn what_is_pinned_after_the_decision_stays() {
    let kept = Kept::new();
    let old = kept.backup("2026-02-01", None);
    kept.backup("2026-02-02", None);
    let plan = kept.plan(&last(1), &BTreeMap::new()).await;
    let backup = kept.store.find(&old.parse().unwrap()).await.unwrap();
    pin(&backup, "audit", "ann", now()).await.unwrap();
    let end = plan.carry_out(&kept.store, &quiet).await;
    assert!(end.failure.is_none());
    let told = end.report.backups.iter().find(|told| told.id == old).unwrap();
    assert_eq!(told.outcome, PruneOutcome::Kept);
    assert!(told.reasons[0].contains("audit"), "{told:?}");
    assert_eq!(kept.left().await.len(), 2);
}

#[tokio::test]
async fn files_that_are_nobody_s_backup_are_never_touched() {
    let kept = Kept::new();
    let old = kept.backup("2026-01-01", None);
    let with_stranger = kept.backup("2026-01-02", None);
    kept.backup("2026-02-03", None);
    let strangers = [
        kept.folder.path().join("readme.txt"),
        kept.folder.path().join(PLACE).join("notes.txt"),
        kept.folder.path().join(PLACE).join("by-hand").join("dump.sql"),
        kept.path(&with_stranger).join("mine.sql"),
    ];
    for stranger in &strangers {
        std::fs::create_dir_all(stranger.parent().unwrap()).unwrap();
        std::fs::write(stranger, "x").unwrap();
    }
    let report = kept.prune(&last(1)).await;
    assert!(strangers.iter().all(|stranger| stranger.exists()));
    assert!(!kept.path(&old).exists() && kept.path(&with_stranger).join("manifest.json").exists());
    let held = report
        .backups
        .iter()
        .find(|backup| backup.id == with_stranger)
        .unwrap();
    assert!(held.reasons[0].contains("mine.sql"), "{:?}", held.reasons);
}

#[tokio::test]
async fn what_a_killed_removal_left_is_cleared_by_the_next() {
    let kept = Kept::new();
    let half = kept.backup("2026-01-01", None);
    kept.backup("2026-02-03", None);
    std::fs::remove_file(kept.path(&half).join("manifest.json")).unwrap();
    let report = kept.prune(&last(1)).await;
    assert_eq!(report.remnants[0].outcome, PruneOutcome::Removed);
    assert!(!kept.path(&half).exists());
}

#[tokio::test]
async fn after_a_failed_attempt_nothing_goes() {
    let kept = Kept::new();
    for day in ["2026-02-01", "2026-02-02"] {
        kept.backup(day, None);
    }
    // Newer than every backup: the attempt failed, or goes on.
    let attempt = kept.path("20260203T000000Z-00000009");
    std::fs::create_dir_all(&attempt).unwrap();
    std::fs::write(attempt.join("dump.pgc.partial"), "half").unwrap();
    let report = kept.prune(&last(1)).await;
    assert_eq!(kept.left().await.len(), 2);
    assert!(attempt.exists());
    assert!(
        report
            .backups
            .iter()
            .all(|backup| backup.reasons[0].contains("failed"))
    );
    // The next backup that succeeds sets things right.
    kept.backup("2026-02-04", None);
    kept.prune(&last(1)).await;
    assert_eq!(kept.left().await, ["20260204T000000Z-00000001"]);
    assert!(!attempt.exists());
}

#[tokio::test]
async fn an_attempt_that_may_go_on_is_left_alone() {
    let kept = Kept::new();
    let attempt = kept.path("20260301T080000Z-00000009");
    std::fs::create_dir_all(&attempt).unwrap();
    std::fs::write(attempt.join("dump.pgc.partial"), "half").unwrap();
    // A shorter one that began later is done already.
    let id = kept.backup("2026-03-01", None);
    let later = "20260301T090000Z-00000001";
    let text = std::fs::read_to_string(kept.path(&id).join("manifest.json")).unwrap();
    std::fs::rename(kept.path(&id), kept.path(later)).unwrap();
    std::fs::write(kept.path(later).join("manifest.json"), text.replace(&id, later)).unwrap();
    kept.prune(&last(1)).await;
    assert!(attempt.exists());
}

#[tokio::test]
async fn a_pinned_backup_stays_until_it_is_unpinned() {
    let kept = Kept::new();
    let old = kept.backup("2026-01-01", None);
    kept.backup("2026-02-03", None);
    let found = kept.store.find(&old.parse().unwrap()).await.unwrap();
    assert!(pin(&found, "audit 2025", "ann@laptop", now()).await.unwrap());
    assert!(!pin(&found, "again", "bob@laptop", now()).await.unwrap());
    let report = kept.prune(&last(1)).await;
    assert_eq!(report.backups[1].reasons, ["pinned: audit 2025"]);
    assert!(unpin(&found).await.unwrap() && !unpin(&found).await.unwrap());
    kept.prune(&last(1)).await;
    assert_eq!(kept.left().await.len(), 1);
}

#[tokio::test]
async fn the_newest_backup_of_a_revision_in_the_history_stays_and_so_it_does_where_that_is_not_known() {
    let kept = Kept::new();
    let days = [
        ("2026-01-01", 1),
        ("2026-01-02", 2),
        ("2026-01-03", 2),
        ("2026-01-04", 3),
        ("2026-02-01", 4),
    ];
    for (day, revision) in days {
        kept.backup(day, Some(revision));
    }
    let key = ReleaseKey {
        cluster: "cafe0123".into(),
        namespace: "shop".into(),
        release: "web".into(),
    };
    let stay = async |revisions: Option<Revisions>| {
        let revisions = revisions.into_iter().map(|known| (key.clone(), known)).collect();
        let preview = kept.plan(&last(1), &revisions).await.preview(&kept.store);
        let stays = preview
            .backups
            .iter()
            .filter(|backup| backup.outcome == PruneOutcome::Kept);
        let days: Vec<String> = stays.map(|backup| backup.id[4..8].to_owned()).collect();
        days.join(" ")
    };
    assert_eq!(stay(Some(Ok(BTreeSet::from([2, 4])))).await, "0201 0103");
    assert_eq!(stay(Some(Ok(BTreeSet::new()))).await, "0201");
    assert_eq!(stay(Some(Err("no answer".into()))).await, "0201 0104 0103 0101");
    assert_eq!(stay(None).await, "0201 0104 0103 0101");
}
