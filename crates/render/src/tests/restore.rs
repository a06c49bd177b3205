//! A restore before and after it, and what restores left.

use model::{API_VERSION, BackupGrade, BackupSummary, NextStep};

use super::shown;
use crate::Style;

fn restore_preview() -> model::RestorePreview {
    model::RestorePreview {
        database: "shop".into(),
        server: "postgres in pod shop-postgres-0".into(),
        backup: Some(BackupSummary {
            id: "20260101T000000Z-0a1b2c3d".into(),
            uri: "file:///backups/x".into(),
            source: "pgbackup".into(),
            database: "shop".into(),
            finished_at: "2026-01-01T00:00:00Z".into(),
            age_seconds: 7500,
            bytes: Some(281_000_000),
            grade: BackupGrade::B,
            system_identifier: None,
            server_major: Some(17),
        }),
        file: None,
        made_for: Some(model::BackupRelease {
            name: "shop".into(),
            revision: 4,
            images: Vec::new(),
        }),
        ownership: Some("owners as they were, privileges as they were".into()),
        schema: Some("the dump is at the schema version in use (7): no migration will run".into()),
        notes: Vec::new(),
        keep_as: "shop_pre_20260101020500ab12".into(),
        sessions: Some(3),
        users: vec!["shop-web".into(), String::new()],
    }
}

#[test]
fn a_restore_says_before_it_begins_what_it_will_do() {
    let preview = restore_preview();
    insta::assert_snapshot!(shown(|out| crate::restore_preview(out, Style::plain(), &preview)));
}

#[test]
fn a_restore_that_cannot_count_sessions_still_says_that_it_ends_them() {
    let preview = model::RestorePreview {
        backup: None,
        made_for: None,
        ownership: None,
        schema: None,
        sessions: None,
        users: Vec::new(),
        ..restore_preview()
    };
    insta::assert_snapshot!(shown(|out| crate::restore_preview(out, Style::plain(), &preview)));
}

#[test]
fn a_restore_that_was_done_says_how_to_take_it_back() {
    let report = model::RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: "20260101020500ab12".into(),
        undone: false,
        backup: Some("20260101T000000Z-0a1b2c3d".into()),
        file: None,
        run: None,
        downtime_seconds: Some(41.0),
        database: "shop".into(),
        kept_as: "shop_pre_20260101020500ab12".into(),
        compared: vec!["the schema".into(), "1055 rows in 3 tables".into()],
        content: Some("1055 rows in 3 tables".into()),
        ownership: Some("owners as they were, privileges as they were".into()),
        notes: vec!["role shop was created without login".into()],
        done_before: false,
        next: vec![NextStep {
            text: "take the restore back".into(),
            command: Some("kubectl pgbackup restore --undo 20260101020500ab12 shop -n prod".into()),
        }],
    };
    insta::assert_snapshot!(shown(|out| crate::restore_report(out, Style::plain(), &report)));
}

#[test]
fn a_dump_of_somebody_else_s_says_that_nothing_was_compared() {
    let preview = model::RestorePreview {
        backup: None,
        file: Some("file /tmp/shop.sql.gz, SQL as text, 12.0 MB".into()),
        made_for: None,
        notes: vec!["the cluster main is kept by CloudNativePG".into()],
        ..restore_preview()
    };
    let report = model::RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: "20260101020500ab12".into(),
        undone: false,
        backup: None,
        file: Some("file /tmp/shop.sql.gz".into()),
        run: None,
        downtime_seconds: None,
        database: "shop".into(),
        kept_as: "shop_pre_20260101020500ab12".into(),
        compared: Vec::new(),
        content: Some("1055 rows in 3 tables".into()),
        ownership: None,
        notes: Vec::new(),
        done_before: false,
        next: Vec::new(),
    };
    insta::assert_snapshot!(shown(|out| {
        crate::restore_preview(out, Style::plain(), &preview)?;
        crate::restore_report(out, Style::plain(), &report)
    }));
}

#[test]
fn what_restores_left_is_listed_with_its_reason() {
    let item = |id: &str, name: &str, reason| model::KeptDatabase {
        id: id.into(),
        name: name.into(),
        reason,
        bytes: Some(281_000_000),
        sessions: 0,
    };
    let report = model::KeptReport {
        api_version: API_VERSION.into(),
        kind: "KeptList".into(),
        database: "shop".into(),
        items: vec![
            item("x1", "shop_pre_x1", model::KeptReason::BeforeRestore),
            item("x2", "shop_undone_x2", model::KeptReason::Undone),
            item("x3", "shop_restore_x3", model::KeptReason::Unfinished),
        ],
        next: Vec::new(),
    };
    insta::assert_snapshot!(shown(|out| crate::kept(out, Style::plain(), &report)));
}
