//! What migration tools left behind.

use model::profile::AfterMigration;
use model::{
    MigrationEnd, MigrationFacts, MigrationFiles, MigrationHistory, MigrationLock, MigrationLockKind,
    MigrationTool, MigrationTrouble, Seen, SessionRole, UnreadableMigrations,
};

use crate::fixture::{Case, goose, hidden, present, session};

fn with(change: impl FnOnce(&mut MigrationFacts)) -> Case {
    Case::with(|case| change(present(&mut case.database().migrations)))
}

fn trouble(end: MigrationEnd) -> MigrationTrouble {
    MigrationTrouble {
        migration: "20260101_notes".into(),
        end,
        since: Some("2026-01-01T10:00:00Z".into()),
        said: Some("ERROR: division by zero".into()),
    }
}

fn prisma(end: MigrationEnd) -> MigrationHistory {
    let mut history = goose();
    history.state.tool = MigrationTool::Prisma;
    history.state.table = "public._prisma_migrations".into();
    history.state.dirty = true;
    history.troubles.push(trouble(end));
    history
}

fn unreadable(tool: MigrationTool) -> UnreadableMigrations {
    UnreadableMigrations {
        tool,
        table: "app.databasechangelog".into(),
        why: "role ledger may not select from app.databasechangelog".into(),
    }
}

fn row_lock(holder: Option<&str>) -> MigrationLock {
    MigrationLock {
        tool: MigrationTool::Liquibase,
        table: "public.databasechangeloglock".into(),
        kind: MigrationLockKind::Row,
        holder: holder.map(str::to_owned),
        since: Some("2026-01-01T09:00:00".into()).map(|time: String| format!("{time}Z")),
        expires: None,
        session: None,
    }
}

fn files(paths: &[&str]) -> Option<MigrationFiles> {
    Some(MigrationFiles {
        source: "./migrations".into(),
        files: paths.iter().map(|path| (*path).to_owned()).collect(),
        work: None,
    })
}

#[test]
fn a_migration_that_broke_off_or_failed_blocks_and_says_how_to_go_on() {
    Case::healthy().says("migration-state", "pass", &["goose at 2, 2 applied"]);
    let broken = |end| {
        let mut case = with(|facts| facts.histories = vec![prisma(end)]);
        case.profile.migrations.tool = None;
        case
    };
    let case = broken(MigrationEnd::Unfinished);
    case.says(
        "migration-state",
        "fail",
        &[
            "Prisma says in public._prisma_migrations",
            "20260101_notes broke off half-way, begun 2 h 0 min ago",
        ],
    );
    let row = case.row("migration-state");
    assert_eq!(row.evidence["migration"], "20260101_notes");
    assert_eq!(
        row.remedy[1].command.as_deref(),
        Some("prisma migrate resolve --rolled-back 20260101_notes")
    );
    broken(MigrationEnd::Failed).says("migration-state", "fail", &["failed", "division by zero"]);
}

#[test]
fn tables_that_cannot_be_read_are_unknown_unless_the_profile_means_another_tool() {
    let case = |tool| {
        let mut case = with(|facts| facts.unreadable.push(unreadable(MigrationTool::Liquibase)));
        case.profile.migrations.tool = tool;
        case
    };
    let unsure = case(None);
    unsure.says("migration-state", "unknown", &["may not select"]);
    assert!(
        unsure.row("migration-state").remedy[0]
            .text
            .contains("let ledger read")
    );
    case(Some(MigrationTool::Liquibase)).says("migration-state", "unknown", &[]);
    case(Some(MigrationTool::Goose)).says("migration-state", "pass", &[]);
    Case::with(|case| case.database().migrations = hidden()).says("migration-state", "unknown", &[]);
    Case::with(|case| case.seen.database = hidden()).says("migration-state", "unknown", &[]);
}

#[test]
fn several_tools_are_all_told_and_what_is_odd_warns() {
    let mut alembic = goose();
    alembic.state.tool = MigrationTool::Alembic;
    alembic.state.table = "public.alembic_version".into();
    alembic.heads = vec!["ab12".into()];
    let both = |heads: &[&str]| {
        let mut alembic = alembic.clone();
        alembic.heads = heads.iter().map(|head| (*head).to_owned()).collect();
        let mut case = with(|facts| facts.histories.push(alembic));
        case.profile.migrations.tool = None;
        case
    };
    both(&["ab12"]).says(
        "migration-state",
        "pass",
        &["goose at 2", "Alembic at 2, 2 applied, in public.alembic_version"],
    );
    both(&["ab12", "cd34"]).says("migration-state", "warn", &["2 heads", "ab12, cd34"]);
    Case::with(|case| case.profile.migrations.tool = Some(MigrationTool::Rails)).says(
        "migration-state",
        "warn",
        &["Rails, which profile ledger names, left no table"],
    );
    with(|facts| facts.histories.clear()).says("migration-state", "skip", &["known migration tool"]);
    Case::with(|case| case.database().migrations = Seen::Absent).says("migration-state", "skip", &[]);
}

#[test]
fn a_lock_that_was_left_behind_blocks_and_says_how_to_take_it_away() {
    Case::healthy().says("migration-lock", "pass", &["no migrator holds its lock"]);
    let left = with(|facts| facts.locks.push(row_lock(Some("web-gone (10.9.9.9)"))));
    left.says(
        "migration-lock",
        "fail",
        &[
            "taken 3 h 0 min ago by web-gone",
            "no pod of the release is that",
            "left behind",
        ],
    );
    let row = left.row("migration-lock");
    assert_eq!(row.remedy[0].text, "take it away");
    let command = row.remedy[0].command.as_deref().unwrap_or_default();
    assert!(
        command.contains("update public.databasechangeloglock set locked = false"),
        "{command}"
    );
    let mut alone = with(|facts| facts.locks.push(row_lock(None)));
    alone.database().sessions = Seen::Present(vec![session(102, SessionRole::Ours)]);
    alone.says(
        "migration-lock",
        "fail",
        &["no session is there that could migrate"],
    );
}

#[test]
fn a_lock_whose_holder_lives_blocks_and_nobody_is_told_to_take_it_away_at_once() {
    let mut lives = Case::healthy();
    let pod = present(&mut lives.seen.pods)[0].clone();
    let holder = format!("{} ({})", pod.name, pod.ip.unwrap_or_default());
    present(&mut lives.database().migrations)
        .locks
        .push(row_lock(Some(&holder)));
    lives.says(
        "migration-lock",
        "fail",
        &[&format!("pod {} is still there", pod.name)],
    );
    assert_eq!(
        lives.row("migration-lock").remedy[0].text,
        "once nobody migrates any more"
    );
    let mut unsure = with(|facts| facts.locks.push(row_lock(Some("web-gone"))));
    unsure.seen.pods = hidden();
    unsure.says("migration-lock", "fail", &["a migration may be running"]);

    let session = with(|facts| {
        facts.locks.push(MigrationLock {
            kind: MigrationLockKind::Advisory,
            session: Some(session(101, SessionRole::Writer)),
            ..row_lock(None)
        });
    });
    session.says(
        "migration-lock",
        "fail",
        &["pid 101", "holds Liquibase's lock for"],
    );
    assert_eq!(session.row("migration-lock").evidence["pid"], 101);
}

#[test]
fn a_lease_that_has_ended_warns_and_one_that_has_not_blocks() {
    let lease = |until: &str| {
        with(|facts| {
            facts.locks.push(MigrationLock {
                tool: MigrationTool::Goose,
                expires: Some(until.into()),
                ..row_lock(Some("web-gone"))
            });
        })
    };
    lease("2026-01-01T11:00:00Z").says("migration-lock", "warn", &["its lease ended 1 h 0 min ago"]);
    lease("2026-01-01T12:00:30Z").says("migration-lock", "fail", &[]);
}

#[test]
fn a_lock_that_cannot_be_read_is_unknown_and_one_that_is_seen_goes_before_it() {
    let unread = with(|facts| facts.unreadable.push(unreadable(MigrationTool::Liquibase)));
    unread.says("migration-lock", "unknown", &["may not select"]);
    let both = with(|facts| {
        facts.unreadable.push(unreadable(MigrationTool::Liquibase));
        facts.locks.push(row_lock(Some("web-gone")));
    });
    both.says("migration-lock", "fail", &[]);
    with(|facts| facts.histories.clear()).says("migration-lock", "skip", &[]);
    Case::with(|case| case.database().migrations = hidden()).says("migration-lock", "unknown", &[]);
}

#[test]
fn the_profiles_table_tells_what_the_target_brings() {
    // The target is 1.1.0, which brings schema 4.
    Case::healthy().says("schema-target", "pass", &["from 2 to 4"]);
    let at = |version: &str| with(|facts| facts.histories[0].state.version = Some(version.into()));
    at("4").says("schema-target", "pass", &["before and after"]);
    at("5").says("schema-target", "fail", &["is at 5, the target brings 4"]);
    Case::with(|case| case.profile.migrations.schema.clear()).says(
        "schema-target",
        "skip",
        &["--migrations"],
    );
    Case::with(|case| case.target = None).says("schema-target", "skip", &["no target"]);
    with(|facts| facts.histories.clear()).says("schema-target", "skip", &[]);
    with(|facts| {
        facts.histories.clear();
        facts.unreadable.push(unreadable(MigrationTool::Goose));
    })
    .says("schema-target", "unknown", &["may not select"]);
    Case::with(|case| case.database().migrations = hidden()).says("schema-target", "unknown", &[]);
}

#[test]
fn where_the_profile_lets_an_older_version_run_on_a_newer_schema_being_ahead_warns() {
    let promised = |mut case: Case| {
        case.profile.rollback.after_migration = AfterMigration::Compatible;
        case
    };
    let by_profile = with(|facts| facts.histories[0].state.version = Some("5".into()));
    let by_files = Case::with(|case| case.target().migrations = files(&["00001_a.sql"]));
    for (case, said) in [
        (by_profile, "is at 5, the target brings 4"),
        (by_files, "goose applied 2, which the target does not have"),
    ] {
        case.says("schema-target", "fail", &[said]);
        let case = promised(case);
        case.says("schema-target", "warn", &[said, "runs on a newer schema"]);
        assert!(!case.row("schema-target").remedy.is_empty());
    }
    // The promise is about a newer schema, and nothing else gets better by it.
    promised(Case::healthy()).says("schema-target", "pass", &["from 2 to 4"]);
    promised(Case::with(|case| {
        case.target().migrations = files(&["00007_x.sql"])
    }))
    .says("schema-target", "unknown", &["another application"]);
}

#[test]
fn the_targets_files_tell_what_is_pending_and_what_it_does_not_have() {
    let case = |paths: &[&str]| Case::with(|case| case.target().migrations = files(paths));
    let pending = case(&["m/00001_a.sql", "m/00002_b.sql", "m/00003_c.sql", "m/README"]);
    pending.says("schema-target", "pass", &["1 pending: 3"]);
    assert_eq!(pending.row("schema-target").evidence["pending"][0], "3");
    case(&["00001_a.sql", "00002_b.sql"]).says("schema-target", "pass", &["all 2 of goose are applied"]);
    let ahead = case(&["00001_a.sql"]);
    ahead.says(
        "schema-target",
        "fail",
        &["goose applied 2, which the target does not have"],
    );
    assert!(!ahead.row("schema-target").remedy.is_empty());
    case(&["README.md"]).says("schema-target", "unknown", &["no migration of goose"]);
    case(&["00007_x.sql"]).says("schema-target", "unknown", &["another application"]);
}
