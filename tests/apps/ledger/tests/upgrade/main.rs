//! The program against a real Postgres.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test by panicking")]

mod program;
mod server;

use serde_json::{Value, json};

use program::{Running, get, request, run};
use server::Database;

fn applied(database: &Database) -> String {
    database
        .query("SELECT string_agg(version_id::text, ',' ORDER BY id) FROM goose_db_version WHERE is_applied")
}

/// What is equal for every version over the same data.
fn kept(summary: &Value) -> Value {
    json!([summary["rows"], summary["total_cents"], summary["checksum"]])
}

#[test]
fn each_version_migrates_the_schema_of_the_one_before() {
    let database = Database::create();
    for (version, expected, newest) in [
        ("1.0.0", "0,1,2", 2),
        ("1.1.0", "0,1,2,3,4", 4),
        ("2.0.0", "0,1,2,3,4,5,6", 6),
        ("3.0.0", "0,1,2,3,4,5,6,7,8,9", 9),
    ] {
        let (code, log) = run(&database, version, "migrate", &[]);
        assert_eq!(code, 0, "{log}");
        assert_eq!(applied(&database), expected);
        assert!(
            log.contains(&format!(
                "goose: successfully migrated database to version: {newest}"
            )),
            "{log}"
        );
    }
    let (code, log) = run(&database, "3.0.0", "migrate", &[]);
    assert_eq!(code, 0);
    assert!(
        log.contains("goose: no migrations to run. current version: 9"),
        "{log}"
    );
}

#[test]
fn every_version_reads_the_same_data_back() {
    let database = Database::create();
    let mut before = Value::Null;
    for version in ["1.0.0", "1.1.0", "2.0.0", "3.0.0"] {
        let program = Running::start(&database, version, "serve", &[("LEDGER_SEED_ROWS", "500")]);
        let address = program.address();
        if before.is_null() {
            let entry = json!({ "account": "savings", "amount_cents": -1250, "note": "first" }).to_string();
            let (status, answer) = request(&address, "POST", "/entries", &entry);
            assert_eq!((status, &answer["id"]), (201, &json!(501)));
            before = get(&address, "/summary").1;
            assert_eq!(before["notes"], 501);
        }
        let summary = get(&address, "/summary").1;
        assert_eq!(summary["version"], version);
        assert_eq!(kept(&summary), kept(&before));
        assert_eq!(
            summary["notes"],
            if version == "3.0.0" {
                Value::Null
            } else {
                json!(501)
            }
        );
        assert_eq!(
            get(&address, "/summary?account=savings").1["total_cents"],
            "-1250"
        );
        let last = &get(&address, "/entries?after=500").1[0];
        assert_eq!(
            (&last["account"], &last["amount_cents"]),
            (&json!("savings"), &json!(-1250))
        );
    }
}

#[test]
fn a_changed_row_changes_the_checksum() {
    let database = Database::create();
    let program = Running::start(&database, "2.0.0", "serve", &[("LEDGER_SEED_ROWS", "50")]);
    let address = program.address();
    let before = get(&address, "/summary").1;
    database.query("UPDATE entries SET account = 'other' WHERE id = 7");
    let after = get(&address, "/summary").1;
    assert_eq!(after["rows"], before["rows"]);
    assert_ne!(after["checksum"], before["checksum"]);
}

#[test]
fn a_failing_migration_leaves_the_earlier_ones_committed_and_nothing_of_itself() {
    let database = Database::create();
    run(&database, "1.0.0", "migrate", &[("LEDGER_SEED_ROWS", "10")]);
    let (code, log) = run(
        &database,
        "3.0.0",
        "migrate",
        &[("LEDGER_FAILING_MIGRATION", "6")],
    );
    assert_eq!(code, 4, "{log}");
    assert!(
        log.contains("ERROR 00006_fingerprint_entries.sql") && log.contains("SQLSTATE P0001"),
        "{log}"
    );
    assert_eq!(applied(&database), "0,1,2,3,4,5");
    let columns =
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'entries' AND column_name = ";
    assert_eq!(database.query(&format!("{columns} 'currency'")), "1");
    assert_eq!(database.query(&format!("{columns} 'fingerprint'")), "0");
}

#[test]
fn a_strict_old_version_refuses_a_newer_schema_and_a_lenient_one_serves() {
    let database = Database::create();
    run(&database, "1.1.0", "migrate", &[]);
    for role in ["serve", "worker", "migrate"] {
        let (code, log) = run(&database, "1.0.0", role, &[("LEDGER_STRICT_SCHEMA", "on")]);
        assert_eq!(code, 3, "{role}: {log}");
        assert!(
            log.contains("the schema is at version 4, ledger 1.0.0 knows up to 2"),
            "{log}"
        );
    }
    let program = Running::start(&database, "1.0.0", "serve", &[]);
    assert_eq!(get(&program.address(), "/summary").0, 200);
}

#[test]
fn a_version_answers_its_name_and_counts_requests_but_no_probes() {
    let database = Database::create();
    let program = Running::start(&database, "1.1.0", "serve", &[("POD_NAME", "web-0")]);
    let address = program.address();
    assert_eq!(get(&address, "/healthz").0, 200);
    assert_eq!(get(&address, "/readyz").0, 200);
    get(&address, "/version");
    let (status, answer) = get(&address, "/version");
    assert_eq!(status, 200);
    assert_eq!(
        answer,
        json!({ "version": "1.1.0", "schema": 4, "pod": "web-0", "requests": 2 })
    );
}

#[test]
fn nothing_listens_before_the_migrations_are_done() {
    let database = Database::create();
    let program = Running::start(&database, "1.0.0", "serve", &[]);
    program.wait_for("OK   00001_create_entries.sql");
    program.wait_for("goose: successfully migrated database to version: 2");
    program.address();
}

#[test]
fn a_never_ready_program_is_alive() {
    let database = Database::create();
    let program = Running::start(&database, "1.0.0", "serve", &[("LEDGER_NEVER_READY", "on")]);
    let address = program.address();
    assert_eq!(get(&address, "/readyz").0, 503);
    assert_eq!(get(&address, "/healthz").0, 200);
}

#[test]
fn a_locking_migration_holds_the_table_and_sigterm_ends_it() {
    let database = Database::create();
    run(&database, "1.0.0", "migrate", &[]);
    let mut program = Running::start(
        &database,
        "1.1.0",
        "migrate",
        &[("LEDGER_LOCKING_MIGRATION", "4:600")],
    );
    program.wait_for("OK   00003_add_currency.sql");
    let held = "SELECT count(*) FROM pg_locks WHERE relation = 'entries'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    database.wait_for_rows(held);
    program.terminate();
    assert_eq!(program.wait().code(), Some(143));
    assert_eq!(applied(&database), "0,1,2,3");
}

#[test]
fn a_slow_migration_holds_no_table() {
    let database = Database::create();
    run(&database, "1.0.0", "migrate", &[]);
    let program = Running::start(
        &database,
        "1.1.0",
        "migrate",
        &[("LEDGER_SLOW_MIGRATION", "4:600")],
    );
    program.wait_for("OK   00003_add_currency.sql");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ledger-migrate'
                    AND wait_event = 'PgSleep' AND datname = current_database()";
    database.wait_for_rows(sleeping);
    assert_eq!(
        database.query("SELECT count(*) FROM pg_locks WHERE relation = 'entries'::regclass"),
        "0"
    );
}

#[test]
fn a_hungry_migration_comes_through_where_nothing_limits_its_memory() {
    let database = Database::create();
    let (code, log) = run(
        &database,
        "1.1.0",
        "migrate",
        &[("LEDGER_HUNGRY_MIGRATION", "4:64")],
    );
    assert_eq!(code, 0, "{log}");
    assert_eq!(applied(&database), "0,1,2,3,4");
}

#[test]
fn a_leaked_transaction_is_seen_as_idle_in_transaction_and_holds_a_lock() {
    let database = Database::create();
    let mut program = Running::start(&database, "1.0.0", "serve", &[("LEDGER_LEAK_TRANSACTION", "on")]);
    program.address();
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
    assert_eq!(database.query(idle), "1");
    let lock = "SELECT mode FROM pg_locks WHERE relation = 'entries'::regclass";
    assert_eq!(database.query(lock), "AccessShareLock");
    program.terminate();
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn a_crash_has_its_own_exit_code() {
    let database = Database::create();
    let (code, log) = run(
        &database,
        "1.0.0",
        "serve",
        &[("LEDGER_CRASH_AFTER_SECONDS", "1")],
    );
    assert_eq!(code, 70, "{log}");
}

#[test]
fn sigterm_is_ignored_as_long_as_told() {
    let database = Database::create();
    let mut program = Running::start(
        &database,
        "1.0.0",
        "serve",
        &[("LEDGER_IGNORE_SIGTERM_SECONDS", "2")],
    );
    let address = program.address();
    program.terminate();
    program.wait_for("ignoring it for 2 s");
    assert_eq!(get(&address, "/healthz").0, 200);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
fn the_worker_waits_for_its_schema_then_writes_and_stops_when_told() {
    let database = Database::create();
    run(&database, "2.0.0", "migrate", &[]);
    let settings = [("LEDGER_ENTRY_SECONDS", "1"), ("POD_NAME", "worker-0")];
    let mut worker = Running::start(&database, "3.0.0", "worker", &settings);
    worker.wait_for("the schema is at version 6, waiting for 9");
    run(&database, "3.0.0", "migrate", &[]);
    worker.wait_for("worker-0 works");
    database.wait_for_rows("SELECT count(*) FROM worker_status WHERE worker = 'worker-0'");
    database.wait_for_rows("SELECT count(*) FROM entries WHERE account_name = 'worker'");
    worker.terminate();
    assert_eq!(worker.wait().code(), Some(0));
}

#[test]
fn the_job_deletes_old_heartbeats_only() {
    let database = Database::create();
    run(&database, "1.0.0", "migrate", &[]);
    database.query(
        "INSERT INTO heartbeats (worker, seen) VALUES ('a', now() - interval '2 hours'), ('b', now())",
    );
    let (code, log) = run(&database, "1.0.0", "job", &[]);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("deleted 1 old heartbeats"), "{log}");
    assert_eq!(database.query("SELECT worker FROM heartbeats"), "b");
}

#[test]
fn replicas_that_start_together_migrate_once() {
    let database = Database::create();
    let first = Running::start(&database, "2.0.0", "serve", &[]);
    let second = Running::start(&database, "2.0.0", "serve", &[]);
    first.address();
    second.address();
    assert_eq!(applied(&database), "0,1,2,3,4,5,6");
}
