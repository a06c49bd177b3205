//! Pending migrations and large tables.

use model::{HeavyStatement, MigrationFacts, MigrationFiles, MigrationWork, Seen, TableSize, TableWork};

use crate::fixture::{Case, hidden};

const GIB: i64 = 1 << 30;

fn entries() -> TableSize {
    TableSize {
        name: "public.\"Entries\"".into(),
        bytes: 41 * GIB,
        rows: 210_400_000,
    }
}

/// Version 2 is applied; 3 and 4 are pending.
fn files(heavy: &[(&str, &str, TableWork)], unread: &[&str]) -> MigrationFiles {
    MigrationFiles {
        source: "./migrations".into(),
        files: ["00002_old.sql", "00003_amount.sql", "00004_index.sql"]
            .map(|file| format!("./migrations/{file}"))
            .into(),
        work: Some(MigrationWork {
            heavy: heavy
                .iter()
                .map(|(file, table, work)| HeavyStatement {
                    file: format!("./migrations/{file}"),
                    table: (*table).into(),
                    work: *work,
                })
                .collect(),
            unread: unread.iter().map(|file| format!("./migrations/{file}")).collect(),
        }),
    }
}

/// A large table, room for it, and these files.
fn large(files: Option<MigrationFiles>) -> Case {
    Case::with(|case| {
        case.health().large_tables = Seen::Present(vec![entries()]);
        case.database().free_bytes = Seen::Present((100 * GIB).unsigned_abs());
        case.target().migrations = files;
    })
}

#[test]
fn a_pending_migration_that_works_through_a_large_table_warns_with_its_size() {
    let rewrite = ("00003_amount.sql", "Entries", TableWork::Rewrites);
    large(Some(files(&[rewrite], &[]))).says(
        "rewrite-cost",
        "warn",
        &["00003_amount.sql may write public.\"Entries\" (41.0 GiB, 210 million rows) anew"],
    );
    let index = ("00004_index.sql", "public.Entries", TableWork::Reads);
    large(Some(files(&[index], &[]))).says("rewrite-cost", "warn", &["reads all of", "nobody writes"]);
    let update = ("00004_index.sql", "Entries", TableWork::ChangesEveryRow);
    large(Some(files(&[update], &[]))).says("rewrite-cost", "warn", &["changes every row"]);
    let beside = ("00004_index.sql", "Entries", TableWork::Scans);
    large(Some(files(&[beside], &[]))).says(
        "rewrite-cost",
        "warn",
        &["reads all of", "others read and write"],
    );
    // What is applied, and what is done to small tables, costs nothing.
    let (applied, small) = (
        ("00002_old.sql", "Entries", TableWork::Rewrites),
        ("00003_amount.sql", "accounts", TableWork::Rewrites),
    );
    large(Some(files(&[applied, small], &["00002_old.sql"]))).says(
        "rewrite-cost",
        "pass",
        &["none of 2 pending migrations"],
    );
}

#[test]
fn a_table_that_does_not_fit_twice_fails() {
    let narrow = |work: TableWork| {
        let mut case = large(Some(files(&[("00003_amount.sql", "Entries", work)], &[])));
        case.database().free_bytes = Seen::Present((12 * GIB).unsigned_abs());
        case
    };
    narrow(TableWork::Rewrites).says("rewrite-cost", "fail", &["41.0 GiB more", "12.0 GiB are free"]);
    narrow(TableWork::ChangesEveryRow).says("rewrite-cost", "fail", &[]);
    for gentle in [TableWork::Scans, TableWork::Reads] {
        narrow(gentle).says("rewrite-cost", "warn", &[]);
    }
    narrow(TableWork::SomeRows).says("rewrite-cost", "unknown", &[]);
    let mut unseen = narrow(TableWork::Rewrites);
    unseen.database().free_bytes = hidden();
    unseen.says("rewrite-cost", "warn", &[]);
}

#[test]
fn what_a_migration_does_is_never_guessed() {
    Case::healthy().says(
        "rewrite-cost",
        "pass",
        &["no table has 1.0 GiB or 10 million rows"],
    );
    large(None).says(
        "rewrite-cost",
        "unknown",
        &["(41.0 GiB, 210 million rows) is large"],
    );
    large(Some(files(&[], &["00004_index.sql"]))).says(
        "rewrite-cost",
        "unknown",
        &["1 of 2", "00004_index.sql"],
    );
    let some = ("00003_amount.sql", "Entries", TableWork::SomeRows);
    large(Some(files(&[some], &[]))).says(
        "rewrite-cost",
        "unknown",
        &[
            "00003_amount.sql reads or changes rows of public.\"Entries\"",
            "of how many",
        ],
    );
    let index = ("00004_index.sql", "Entries", TableWork::Reads);
    large(Some(files(&[some, index], &[]))).says("rewrite-cost", "warn", &["00004_index.sql reads all of"]);
    large(Some(files(&[], &[]))).says("rewrite-cost", "pass", &["known to work through a large table"]);
    let mut names = files(&[], &[]);
    names.work = None;
    large(Some(names.clone())).says("rewrite-cost", "unknown", &["lists the names of 2"]);
    names.files.truncate(1);
    large(Some(names.clone())).says("rewrite-cost", "pass", &["no migration is pending"]);
    names.files = vec!["./migrations/README.md".into()];
    large(Some(names)).says("rewrite-cost", "unknown", &["no migration of a tool"]);
    // The profile says which schema a version brings.
    let mut same = large(None);
    same.target().chart.app_version = Some("1.0.0".into());
    same.says("rewrite-cost", "pass", &["brings no migration"]);
}

#[test]
fn without_sizes_or_a_target_nothing_is_judged() {
    Case::with(|case| case.health().large_tables = hidden()).says("rewrite-cost", "unknown", &[]);
    Case::with(|case| case.database().health = hidden()).says("rewrite-cost", "unknown", &[]);
    Case::with(|case| case.seen.database = Seen::Absent).says("rewrite-cost", "skip", &[]);
    Case::with(|case| case.target = None).says("rewrite-cost", "skip", &["no target"]);
    let mut hidden_history = large(Some(files(&[], &[])));
    hidden_history.database().migrations = hidden();
    hidden_history.says("rewrite-cost", "unknown", &["is large", "is not known"]);
    // Where no tool is known, somebody may migrate a large table all the same.
    for nobody in [Seen::Absent, Seen::Present(MigrationFacts::default())] {
        for named in [None, Some(files(&[], &[]))] {
            let mut case = large(named);
            case.database().migrations = nobody.clone();
            case.says(
                "rewrite-cost",
                "unknown",
                &["(41.0 GiB, 210 million rows) is large", "no table of"],
            );
        }
        Case::with(|case| case.database().migrations = nobody.clone()).says("rewrite-cost", "pass", &[]);
    }
}
