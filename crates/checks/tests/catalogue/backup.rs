//! Backups and the way back.

use model::{BackupGrade, Seen};

use crate::fixture::{Case, backup, hidden, present};

#[test]
fn an_old_or_missing_or_unread_backup_warns() {
    let newest = |age: i64, grade: BackupGrade| {
        Case::with(|case| {
            case.seen.backups = Seen::Present(vec![backup(9_999_999, grade), backup(age, grade)])
        })
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
fn a_backup_of_another_server_is_none() {
    Case::with(|case| {
        present(&mut case.seen.backups)[0].system_identifier = Some("another".into());
    })
    .says("backup-fresh", "warn", &["no backup was found"]);
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
