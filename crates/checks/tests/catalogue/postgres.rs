//! The database.

use model::{
    BlockedSession, HeldLock, LockEdge, PreparedTransaction, Seen, Session, SessionRole, Sharer, WorkloadKind,
};

use crate::fixture::{Case, generic, hidden, name, present, session};

/// A session that forgot its transaction four minutes ago.
fn forgotten(pid: i32, client: &str) -> Session {
    Session {
        application: "psql".into(),
        client: Some(client.into()),
        state: Some("idle in transaction".into()),
        transaction_seconds: Some(260.0),
        state_seconds: Some(252.0),
        ..session(pid, SessionRole::Writer)
    }
}

fn lock(holder: i32) -> HeldLock {
    HeldLock {
        holder,
        relation: "public.entries".into(),
        mode: "AccessShareLock".into(),
    }
}

fn waiting(waited_seconds: f64, root: Option<Session>) -> BlockedSession {
    BlockedSession {
        session: session(101, SessionRole::Writer),
        waited_seconds,
        blocked_by: vec![LockEdge {
            holder: root.as_ref().map_or(0, |root| root.pid),
            relation: Some("public.entries".into()),
            mode: "RowExclusiveLock".into(),
        }],
        root,
    }
}

#[test]
fn a_release_without_a_database_blocks_and_says_how_to_name_it() {
    Case::healthy().says(
        "database-found",
        "pass",
        &["ledger on shop-postgres", "DATABASE_URL"],
    );
    let none = Case::with(|case| {
        case.seen.location = Seen::Absent;
        case.seen.database = Seen::Absent;
    });
    none.says("database-found", "fail", &["names a Postgres"]);
    assert!(
        none.row("database-found").remedy[0]
            .text
            .contains("--secret NAME/KEY")
    );
    none.says("database-reachable", "skip", &[]);
    Case::with(|case| case.seen.location = hidden()).says("database-found", "unknown", &[]);
}

#[test]
fn what_else_uses_the_database_is_named_with_its_release() {
    Case::healthy().says("database-shared", "pass", &["nothing else"]);
    let shared = Case::with(|case| {
        case.seen.sharers = Seen::Present(vec![Sharer {
            workload: name(WorkloadKind::CronJob, "reports"),
            release: Some("reporting".into()),
            by: "secret shop-database".into(),
        }]);
    });
    let words = [
        "release reporting",
        "cronjob/reports in shop",
        "secret shop-database",
    ];
    shared.says("database-shared", "warn", &words);
    assert!(!shared.row("database-shared").blocks());
    Case::with(|case| case.seen.sharers = hidden()).says("database-shared", "unknown", &[]);
    Case::with(|case| case.seen.location = Seen::Absent).says("database-shared", "skip", &[]);
}

#[test]
fn a_database_that_does_not_let_us_in_blocks_with_its_words() {
    Case::healthy().says("database-reachable", "pass", &["as ledger"]);
    let refused = Case::with(|case| {
        case.seen.database = Seen::Unreadable("Postgres refused the password of role ledger".into());
    });
    refused.says("database-reachable", "fail", &["refused the password"]);
    assert!(refused.row("database-reachable").blocks());
    Case::with(|case| case.seen.database = Seen::Absent).says("database-reachable", "unknown", &[]);
    Case::with(|case| case.seen.location = hidden()).says("database-reachable", "unknown", &[]);
}

#[test]
fn every_row_about_the_database_is_skipped_without_one_and_unknown_where_it_does_not_answer() {
    let rows = [
        "postgres-version",
        "postgres-primary",
        "migration-state",
        "lock-waits",
        "idle-transactions",
        "long-transactions",
        "running-dumps",
        "prepared-transactions",
    ];
    for id in rows {
        Case::with(|case| case.seen.database = Seen::Absent).says(id, "skip", &["no database"]);
        Case::with(|case| case.seen.database = hidden()).says(id, "unknown", &["the right is missing"]);
    }
}

#[test]
fn an_old_server_and_a_standby_block() {
    Case::healthy().says("postgres-version", "pass", &["15.14"]);
    Case::with(|case| case.database().server.version_num = 120_022).says(
        "postgres-version",
        "fail",
        &["too old"],
    );
    Case::healthy().says("postgres-primary", "pass", &[]);
    Case::with(|case| case.database().server.in_recovery = true).says(
        "postgres-primary",
        "fail",
        &["standby"],
    );
}

#[test]
fn a_target_that_jumps_the_servers_major_version_blocks() {
    let image = |reference: &str| {
        Case::with(|case| case.target().workloads[2].containers[0].image = reference.into())
    };
    Case::healthy().says(
        "postgres-image-major",
        "pass",
        &["PostgreSQL 15 before and after"],
    );
    image("localhost/postgres:15.14").says("postgres-image-major", "pass", &[]);
    image("localhost/postgres:17").says(
        "postgres-image-major",
        "fail",
        &["PostgreSQL 15", "localhost/postgres:17", "will not start"],
    );
    image("localhost/spilo:stable").says(
        "postgres-image-major",
        "unknown",
        &["cannot be read from its tag"],
    );
    let custom = Case::with(|case| {
        case.target().workloads[2].containers[0].image = "localhost/spilo:stable".into();
        case.workloads()[2].containers[0].image = "localhost/spilo:stable".into();
    });
    custom.says("postgres-image-major", "pass", &[]);
    Case::with(|case| drop(case.target().workloads.remove(2))).says("postgres-image-major", "skip", &[]);
    Case::with(|case| case.seen.database = hidden()).says("postgres-image-major", "unknown", &[]);
}

#[test]
fn a_database_image_without_a_version_blocks() {
    let image = |reference: &str| {
        Case::with(|case| case.target().workloads[2].containers[0].image = reference.into())
    };
    Case::healthy().says("postgres-image-tag", "pass", &["postgres:15"]);
    image("localhost/postgres").says("postgres-image-tag", "fail", &["names no version"]);
    image("localhost/postgres:latest").says("postgres-image-tag", "fail", &[]);
    image("localhost/postgres@sha256:00").says("postgres-image-tag", "pass", &[]);
    Case::with(|case| case.target = None).says("postgres-image-tag", "skip", &[]);
    Case::with(|case| case.seen.workloads = hidden()).says("postgres-image-tag", "unknown", &[]);
}

#[test]
fn a_long_lock_wait_blocks_and_names_the_root() {
    let waits = |seconds: f64, root: Option<Session>| {
        Case::with(|case| case.database().blocked = Seen::Present(vec![waiting(seconds, root)]))
    };
    Case::healthy().says("lock-waits", "pass", &["nobody"]);
    waits(2.0, None).says("lock-waits", "pass", &["none longer than 5 s"]);
    let case = waits(42.0, Some(forgotten(666, "192.0.2.9")));
    case.says(
        "lock-waits",
        "fail",
        &[
            "pid 101 (ledger-web, from pod web-1)",
            "42 s",
            "on public.entries",
            "pid 666 (psql, from 192.0.2.9)",
        ],
    );
    let row = case.row("lock-waits");
    assert_eq!(
        row.remedy[0].command.as_deref(),
        Some(
            "kubectl exec -n shop database-0 -c postgres -- psql -U ledger -d ledger -c 'select \
             pg_terminate_backend(666)'"
        )
    );
    waits(42.0, None).says("lock-waits", "fail", &["a prepared transaction"]);
    Case::with(|case| case.database().blocked = hidden()).says("lock-waits", "unknown", &[]);
}

#[test]
fn a_forgotten_transaction_with_a_lock_blocks_by_name() {
    let idle = |client: &str, locks: Seen<Vec<HeldLock>>| {
        Case::with(|case| {
            present(&mut case.database().sessions).push(forgotten(777, client));
            case.database().held_locks = locks;
        })
    };
    Case::healthy().says("idle-transactions", "pass", &[]);
    let case = idle("192.0.2.9", Seen::Present(vec![lock(777)]));
    case.says(
        "idle-transactions",
        "fail",
        &[
            "pid 777 (psql, from 192.0.2.9)",
            "4 min 12 s",
            "public.entries (AccessShareLock)",
        ],
    );
    let own = idle("10.88.0.7", Seen::Present(vec![lock(777)]));
    assert_eq!(
        own.row("idle-transactions").remedy[0].command.as_deref(),
        Some("kubectl delete pod web-1 -n shop")
    );
    idle("192.0.2.9", Seen::Present(vec![lock(1)])).says("idle-transactions", "warn", &["holds no lock"]);
    idle("192.0.2.9", hidden()).says("idle-transactions", "unknown", &["the locks"]);
    Case::with(|case| case.database().sessions = hidden()).says("idle-transactions", "unknown", &[]);
}

#[test]
fn an_idle_moment_and_our_own_session_are_let_pass() {
    Case::with(|case| {
        let mut short = forgotten(777, "192.0.2.9");
        short.state_seconds = Some(3.0);
        let mut ours = forgotten(778, "192.0.2.9");
        ours.role = SessionRole::Ours;
        present(&mut case.database().sessions).extend([short, ours]);
        case.database().held_locks = Seen::Present(vec![lock(777), lock(778)]);
    })
    .says("idle-transactions", "pass", &[]);
}

#[test]
fn a_long_transaction_warns_and_a_dump_blocks() {
    Case::healthy().says("long-transactions", "pass", &[]);
    Case::with(|case| {
        let mut long = session(5, SessionRole::Writer);
        long.transaction_seconds = Some(1_000.0);
        present(&mut case.database().sessions).push(long);
    })
    .says("long-transactions", "warn", &["pid 5", "16 min 40 s"]);
    Case::with(|case| case.database().sessions = hidden()).says("long-transactions", "unknown", &[]);
    Case::healthy().says("running-dumps", "pass", &[]);
    Case::with(|case| present(&mut case.database().sessions).push(session(6, SessionRole::Dump))).says(
        "running-dumps",
        "fail",
        &["pid 6"],
    );
    Case::with(|case| case.database().sessions = hidden()).says("running-dumps", "unknown", &[]);
}

#[test]
fn a_prepared_transaction_blocks_once_it_is_old() {
    let prepared = |age_seconds: f64| {
        Case::with(|case| {
            case.database().prepared = Seen::Present(vec![PreparedTransaction {
                gid: "it's".into(),
                owner: "ledger".into(),
                age_seconds,
            }]);
        })
    };
    Case::healthy().says("prepared-transactions", "pass", &[]);
    prepared(5.0).says("prepared-transactions", "warn", &["5 s ago"]);
    let old = prepared(4_000.0);
    old.says("prepared-transactions", "fail", &["it's by ledger"]);
    let command = old.row("prepared-transactions").remedy[0]
        .command
        .clone()
        .unwrap();
    assert!(
        command.ends_with(r"-c 'rollback prepared '\''it'\'''\''s'\'''"),
        "{command}"
    );
    Case::with(|case| case.database().prepared = hidden()).says("prepared-transactions", "unknown", &[]);
}

#[test]
fn the_database_is_known_by_what_runs_whatever_the_profile_says() {
    let case = Case::with(|case| {
        case.profile = generic();
        case.workloads()[2].is_database = false;
    });
    case.says("postgres-image-major", "pass", &[]);
}
