//! What each tool is known to leave behind.

use model::{MigrationEnd, MigrationLockKind, MigrationTool};

/// What a tool leaves behind.
pub(crate) struct Expected {
    /// The name of migration `number`, whose word is `word`, in the tool's table.
    pub(crate) name: fn(number: u32, word: &str) -> String,
    /// How many migrations its table lists after `count` of them.
    pub(crate) lists: fn(count: u32) -> u32,
    /// Whether the migrations' files tell which are pending.
    pub(crate) by_files: bool,
    /// The lock that it holds while it migrates.
    pub(crate) lock: Option<MigrationLockKind>,
    /// Whether a session that outlives its killed migrator in the middle of a migration holds that lock.
    pub(crate) lock_outlives: bool,
    /// What its table says about a migration whose migrator was killed.
    pub(crate) killed: Option<MigrationEnd>,
    /// What its table says about a migration whose statement failed.
    pub(crate) failed: Option<MigrationEnd>,
    /// What a person does to go on after either, in SQL.
    pub(crate) mend: Option<&'static str>,
}

fn time(number: u32) -> u64 {
    20_260_101_000_000 + u64::from(number)
}

/// The expectation of a tool that commits a migration and its row together, and takes no lock.
const PLAIN: Expected = Expected {
    name: |number, _| number.to_string(),
    lists: |count| count,
    by_files: true,
    lock: None,
    lock_outlives: true,
    killed: None,
    failed: None,
    mend: None,
};

pub(crate) fn of(tool: MigrationTool) -> Expected {
    let advisory = Some(MigrationLockKind::Advisory);
    let row = Some(MigrationLockKind::Row);
    match tool {
        MigrationTool::Goose | MigrationTool::Refinery => PLAIN,
        MigrationTool::GolangMigrate => Expected {
            lists: |_| 1,
            lock: advisory,
            killed: Some(MigrationEnd::Unfinished),
            failed: Some(MigrationEnd::Unfinished),
            mend: Some("update schema_migrations set version = 2, dirty = false"),
            ..PLAIN
        },
        MigrationTool::Django => Expected {
            name: |number, _| format!("notes.{number:04}_step"),
            ..PLAIN
        },
        MigrationTool::Rails => Expected {
            name: |number, _| time(number).to_string(),
            lock: advisory,
            // It locks in a session beside the one that migrates, and that ends at once.
            lock_outlives: false,
            ..PLAIN
        },
        MigrationTool::Alembic => Expected {
            name: |number, _| format!("ab{number:010}"),
            lists: |_| 1,
            by_files: false,
            ..PLAIN
        },
        MigrationTool::Flyway => Expected {
            lock: advisory,
            // As Active Record does.
            lock_outlives: false,
            ..PLAIN
        },
        MigrationTool::Liquibase => Expected {
            name: |number, word| format!("changes/{number:03}.sql::{number}_{word}::shop"),
            by_files: false,
            lock: row,
            mend: Some(
                "update databasechangeloglock set locked = false, lockgranted = null, lockedby = null",
            ),
            ..PLAIN
        },
        MigrationTool::Prisma => Expected {
            name: |number, word| format!("{}_{word}", time(number)),
            lock: advisory,
            killed: Some(MigrationEnd::Unfinished),
            failed: Some(MigrationEnd::Failed),
            mend: Some("update _prisma_migrations set rolled_back_at = now() where finished_at is null"),
            ..PLAIN
        },
        MigrationTool::Knex => Expected {
            name: |number, word| format!("{}_{word}.js", time(number)),
            // Its row is written in the transaction of the whole run, unless a migration refuses one.
            lock: Some(MigrationLockKind::Table),
            ..PLAIN
        },
        MigrationTool::TypeOrm => Expected {
            name: |number, word| format!("{word}{}", 1_767_225_600_000_u64 + u64::from(number)),
            ..PLAIN
        },
        MigrationTool::Sequelize => Expected {
            name: |number, word| format!("{}-{word}.js", time(number)),
            ..PLAIN
        },
        MigrationTool::Sqlx => Expected {
            name: |number, _| time(number).to_string(),
            lock: advisory,
            ..PLAIN
        },
        MigrationTool::Diesel => Expected {
            name: |number, _| time(number).to_string(),
            ..PLAIN
        },
        MigrationTool::Xorm => Expected {
            name: |number, word| format!("{}_{word}", time(number)),
            by_files: false,
            ..PLAIN
        },
        MigrationTool::Gitea => Expected {
            lists: |_| 1,
            by_files: false,
            ..PLAIN
        },
        MigrationTool::EfCore | MigrationTool::Ecto => panic!("{tool} cannot be had here"),
    }
}
