//! Backups and the way back.

use model::{BackupFinding, BackupGrade, BackupSubject, FindingLevel, FoundBackup, Mechanism, Seen, Unread};

use crate::fixture::{Case, backup, hidden, inventory, present};

#[test]
fn an_old_or_missing_or_unread_backup_warns() {
    let newest = |age: i64, grade: BackupGrade| {
        Case::with(|case| case.seen.backups = inventory(vec![backup(9_999_999, grade), backup(age, grade)]))
    };
    Case::healthy().says(
        "backup-fresh",
        "pass",
        &["1 h 0 min ago", "restored and compared"],
    );
    newest(3_600, BackupGrade::B).says("backup-fresh", "pass", &["read to its end"]);
    newest(100_000, BackupGrade::A).says("backup-fresh", "warn", &["1 d 3 h", "makes its own"]);
    newest(3_600, BackupGrade::D).says("backup-fresh", "warn", &["nobody has read it"]);
    Case::with(|case| case.seen.backups = Seen::Absent).says(
        "backup-fresh",
        "warn",
        &["no backup was found"],
    );
    Case::with(|case| case.seen.backups = hidden()).says("backup-fresh", "unknown", &[]);
}

#[test]
fn a_mechanism_that_may_not_be_read_is_told_and_hides_no_fresh_backup() {
    let unread = Unread {
        mechanism: Some(Mechanism::Velero),
        what: "Backup".into(),
        why: "permission missing: list backups.velero.io in the whole cluster".into(),
    };
    let with = |backups: Vec<FoundBackup>| {
        Case::with(|case| {
            case.seen.backups = inventory(backups);
            present(&mut case.seen.backups).unread.push(unread.clone());
        })
    };
    with(Vec::new()).says("backup-fresh", "unknown", &["permission missing"]);
    with(vec![backup(3_600, BackupGrade::B)]).says("backup-fresh", "pass", &[]);
    with(vec![backup(3_600, BackupGrade::B)]).says("backup-mechanisms", "unknown", &["permission missing"]);
}

#[test]
fn what_is_wrong_with_somebodys_backups_warns() {
    Case::healthy().says("backup-mechanisms", "pass", &["pgbackup"]);
    Case::with(|case| case.seen.backups = inventory(Vec::new())).says(
        "backup-mechanisms",
        "pass",
        &["nothing"],
    );
    let finding = |level| BackupFinding {
        id: "cnpg-archiving-fails".into(),
        level,
        mechanism: Mechanism::CloudNativePg,
        namespace: "shop".into(),
        object: "Cluster/orders".into(),
        of: BackupSubject::Unknown,
        message: "WAL is not archived".into(),
    };
    let with = |level| Case::with(|case| present(&mut case.seen.backups).findings.push(finding(level)));
    with(FindingLevel::Warn).says("backup-mechanisms", "warn", &["WAL is not archived"]);
    with(FindingLevel::Warn).says("backup-fresh", "pass", &[]);
    with(FindingLevel::Fail).says("backup-fresh", "warn", &["WAL is not archived"]);
    Case::with(|case| case.seen.backups = Seen::Absent).says("backup-mechanisms", "skip", &[]);
}

#[test]
fn no_way_back_is_told_with_its_reason() {
    Case::healthy().says("way-back-swap", "pass", &[]);
    Case::with(|case| case.database().can_swap = Seen::Present(false)).says(
        "way-back-swap",
        "warn",
        &["nobody at hand"],
    );
    Case::with(|case| case.database().can_swap = Seen::Absent).says("way-back-swap", "unknown", &[]);
    Case::with(|case| case.database().can_swap = hidden()).says("way-back-swap", "unknown", &[]);
    Case::with(|case| case.seen.database = Seen::Absent).says("way-back-swap", "skip", &[]);
}

#[test]
fn a_volume_without_room_for_a_second_copy_warns() {
    Case::healthy().says("way-back-room", "pass", &["953.7 MiB free"]);
    Case::with(|case| case.database().free_bytes = Seen::Present(11_000_000)).says(
        "way-back-room",
        "warn",
        &["10.5 MiB are free", "11.4 MiB"],
    );
    Case::with(|case| case.database().free_bytes = Seen::Absent).says("way-back-room", "skip", &[]);
    Case::with(|case| case.database().free_bytes = hidden()).says("way-back-room", "unknown", &[]);
}

#[test]
fn replication_that_a_swap_would_break_warns() {
    Case::healthy().says("way-back-replication", "pass", &[]);
    Case::with(|case| case.database().replication = Seen::Present(vec!["slot feed".into()])).says(
        "way-back-replication",
        "warn",
        &["slot feed"],
    );
    Case::with(|case| case.database().replication = hidden()).says("way-back-replication", "unknown", &[]);
    Case::with(|case| case.seen.database = Seen::Absent).says("way-back-replication", "skip", &[]);
}
