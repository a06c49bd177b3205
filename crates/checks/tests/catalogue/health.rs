//! Limits, settings and damage of the database.

use model::{DatabaseHealth, IdleSlot, Seen, StandbyFacts};

use crate::fixture::{Case, hidden};

const ROWS: [&str; 10] = [
    "ddl-rights",
    "role-timeouts",
    "connection-pooler",
    "connection-room",
    "standbys",
    "idle-slots",
    "invalid-indexes",
    "transaction-age",
    "sequence-room",
    "collation-drift",
];

/// A database of which one thing is otherwise.
fn with(change: impl FnOnce(&mut DatabaseHealth)) -> Case {
    Case::with(|case| change(case.health()))
}

fn one(name: &str) -> Vec<String> {
    vec![name.to_owned()]
}

fn standby(sync: &str, behind_bytes: i64) -> StandbyFacts {
    StandbyFacts {
        name: "replica".into(),
        sync: Some(sync.to_owned()),
        behind_bytes: Some(behind_bytes),
    }
}

/// One of which our role may see no more than the name.
fn masked() -> StandbyFacts {
    StandbyFacts {
        name: "replica".into(),
        sync: None,
        behind_bytes: None,
    }
}

#[test]
fn without_a_database_they_are_skipped_and_what_could_not_be_read_is_unknown() {
    for id in ROWS {
        Case::with(|case| case.seen.database = Seen::Absent).says(id, "skip", &["no database"]);
        Case::with(|case| case.seen.database = hidden()).says(id, "unknown", &["the right is missing"]);
        Case::with(|case| case.database().health = hidden()).says(id, "unknown", &["the right is missing"]);
    }
}

#[test]
fn a_role_that_may_not_create_blocks_and_tables_of_others_warn() {
    Case::healthy().says("ddl-rights", "pass", &["public"]);
    with(|health| health.may_create = false).says("ddl-rights", "fail", &["in schema public"]);
    with(|health| health.schema = None).says("ddl-rights", "fail", &["search_path"]);
    with(|health| health.foreign_tables = one("public.orders of postgres")).says(
        "ddl-rights",
        "warn",
        &["public.orders of postgres"],
    );
}

#[test]
fn a_short_timeout_blocks_where_a_profile_knows_better_and_warns_where_none_does() {
    let short = |usual: Option<u64>, milliseconds: i64| {
        Case::with(|case| {
            case.profile.budgets.usual_seconds = usual;
            case.health().statement_timeout_ms = milliseconds;
        })
    };
    Case::healthy().says("role-timeouts", "pass", &["statement_timeout none"]);
    short(Some(90), 30_000).says("role-timeouts", "fail", &["statement_timeout is 30 s"]);
    short(Some(20), 30_000).says("role-timeouts", "pass", &["30 s"]);
    short(None, 30_000).says("role-timeouts", "warn", &["30 s"]);
    with(|health| health.idle_timeout_ms = 1_000).says("role-timeouts", "warn", &["idle_in_transaction"]);
}

#[test]
fn a_pooler_warns() {
    Case::healthy().says("connection-pooler", "pass", &[]);
    with(|health| health.pooler = Seen::Present("PgBouncer 1.24.1".into())).says(
        "connection-pooler",
        "warn",
        &["PgBouncer 1.24.1"],
    );
    with(|health| health.pooler = hidden()).says("connection-pooler", "unknown", &["the right is missing"]);
}

#[test]
fn a_server_without_connections_blocks_and_one_without_room_for_a_second_set_warns() {
    Case::healthy().says("connection-room", "pass", &["87 of 97"]);
    with(|health| health.connected = 95).says("connection-room", "fail", &["2 of 97"]);
    with(|health| (health.connected, health.own) = (60, 50)).says("connection-room", "warn", &["37 of 97"]);
}

#[test]
fn a_standby_that_commits_wait_for_must_be_there_and_one_far_behind_warns() {
    let follow = |synchronous: &str, standbys: Vec<StandbyFacts>| {
        let synchronous = synchronous.to_owned();
        with(|health| (health.synchronous, health.standbys) = (synchronous, standbys))
    };
    Case::healthy().says("standbys", "skip", &["nobody follows"]);
    follow("", vec![standby("async", 10)]).says("standbys", "pass", &["replica"]);
    follow("", vec![standby("async", 2 << 30)]).says("standbys", "warn", &["replica by 2.0 GiB"]);
    follow("", vec![standby("async", 2 << 30), masked()]).says("standbys", "warn", &[]);
    follow("replica", vec![standby("sync", 10)]).says("standbys", "pass", &[]);
    follow("ANY 1 (a, b)", vec![standby("quorum", 10)]).says("standbys", "pass", &[]);
    follow("replica", Vec::new()).says("standbys", "fail", &["waits for replica"]);
    follow("replica", vec![standby("async", 10)]).says("standbys", "fail", &[]);
    for names in ["ANY 2 (a, b)", "FIRST 2 (a, b)", "2 (a, b)"] {
        let one = standby("sync", 10);
        follow(names, vec![one.clone()]).says("standbys", "fail", &["only 1 of 2"]);
        follow(names, vec![one.clone(), one.clone()]).says("standbys", "pass", &[]);
        follow(names, vec![one, masked()]).says("standbys", "unknown", &["may not see"]);
        follow(names, vec![masked()]).says("standbys", "fail", &["no such standby"]);
    }
    for names in ["replica", ""] {
        let unseen = follow(names, vec![masked()]);
        unseen.says("standbys", "unknown", &["may not see"]);
        assert!(unseen.row("standbys").remedy[0].text.contains("pg_monitor"));
    }
}

#[test]
fn a_slot_that_keeps_much_for_nobody_warns() {
    let slot = |kept_bytes: i64| {
        with(|health| {
            health.idle_slots = vec![IdleSlot {
                name: "old".into(),
                kept_bytes,
            }];
        })
    };
    Case::healthy().says("idle-slots", "pass", &["no replication slot is idle"]);
    slot(1 << 20).says("idle-slots", "pass", &["1 idle"]);
    slot(3 << 30).says("idle-slots", "warn", &["old keeps 3.0 GiB"]);
}

#[test]
fn what_was_left_half_made_warns_and_is_named() {
    Case::healthy().says("invalid-indexes", "pass", &[]);
    let invalid = with(|health| health.invalid_indexes = one("public.orders_note"));
    invalid.says("invalid-indexes", "warn", &["public.orders_note"]);
    let command = invalid.row("invalid-indexes").remedy[0].command.clone();
    assert!(
        command
            .as_deref()
            .is_some_and(|command| command.contains("reindex index concurrently public.orders_note")),
        "{command:?}"
    );
    with(|health| health.unvalidated = one("fk on public.orders")).says(
        "invalid-indexes",
        "warn",
        &["fk on public.orders"],
    );
}

#[test]
fn transaction_numbers_near_their_end_block() {
    let aged = |age: i64| with(|health| health.transaction_age = age);
    Case::healthy().says("transaction-age", "pass", &["1 million"]);
    aged(400_000_000).says("transaction-age", "pass", &[]);
    aged(401_000_000).says("transaction-age", "warn", &["401 million"]);
    aged(1_500_000_000).says("transaction-age", "fail", &["1500 million"]);
}

#[test]
fn a_sequence_at_its_end_and_a_changed_collation_warn() {
    Case::healthy().says("sequence-room", "pass", &[]);
    with(|health| health.sequences = one("public.orders_id_seq 96 %")).says(
        "sequence-room",
        "warn",
        &["orders_id_seq 96 %"],
    );
    with(|health| health.hidden_sequences = 2).says("sequence-room", "unknown", &["2 sequences"]);
    Case::healthy().says("collation-drift", "pass", &[]);
    with(|health| health.collations = one("german 153.120 → 153.121")).says(
        "collation-drift",
        "warn",
        &["german 153.120"],
    );
}
