//! What migration tools recorded in a database.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Session;

/// A migration tool, recognised by the columns of its table, never by the table's name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationTool {
    /// pressly/goose: `(id, version_id, is_applied, tstamp)`.
    Goose,
    /// golang-migrate: `(version bigint, dirty bool)`.
    GolangMigrate,
    /// Django: `(id, app, name, applied)`.
    Django,
    /// Rails Active Record: `(version varchar)`.
    Rails,
    /// Alembic of SQLAlchemy: `(version_num varchar)`.
    Alembic,
    /// Flyway: `(installed_rank, version, description, type, script, …, success)`.
    Flyway,
    /// Liquibase: `(id, author, filename, dateexecuted, …)` with a lock table beside it.
    Liquibase,
    /// Prisma: `(id, checksum, finished_at, migration_name, logs, rolled_back_at, started_at, …)`.
    Prisma,
    /// Knex: `(id, name, batch, migration_time)` with a lock table beside it.
    Knex,
    /// `TypeORM`: `(id, timestamp, name)`.
    #[serde(rename = "typeorm")]
    TypeOrm,
    /// Sequelize with Umzug: `(name)`.
    Sequelize,
    /// sqlx: `(version, description, installed_on, success, checksum, execution_time)`.
    Sqlx,
    /// refinery: `(version, name, applied_on, checksum)`.
    Refinery,
    /// diesel: `(version varchar, run_on)`.
    Diesel,
    /// Entity Framework Core: `("MigrationId", "ProductVersion")`.
    EfCore,
    /// xorm's migrate package: `(id varchar, description)`.
    Xorm,
    /// Gitea and Forgejo, which keep one number: `(id bigint, version bigint)`.
    Gitea,
    /// Ecto: `(version bigint, inserted_at)`.
    Ecto,
}

impl fmt::Display for MigrationTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Goose => "goose",
            Self::GolangMigrate => "golang-migrate",
            Self::Django => "Django",
            Self::Rails => "Rails",
            Self::Alembic => "Alembic",
            Self::Flyway => "Flyway",
            Self::Liquibase => "Liquibase",
            Self::Prisma => "Prisma",
            Self::Knex => "Knex",
            Self::TypeOrm => "TypeORM",
            Self::Sequelize => "Sequelize",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Diesel => "diesel",
            Self::EfCore => "EF Core",
            Self::Xorm => "xorm",
            Self::Gitea => "Gitea",
            Self::Ecto => "Ecto",
        })
    }
}

/// The state that a migration tool left in its table, short enough for a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationState {
    /// The tool.
    pub tool: MigrationTool,
    /// Schema-qualified name of its table.
    pub table: String,
    /// The version in force, as the tool names it. For Django the newest applied `app.name`; for Alembic every head.
    pub version: Option<String>,
    /// How many migrations the table lists as applied.
    pub applied: i64,
    /// Whether the tool says that a migration broke off half-way or failed.
    pub dirty: bool,
    /// A fingerprint over all entries: equal before and after means that no migration ran.
    pub fingerprint: String,
}

/// How a migration ended that did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MigrationEnd {
    /// It began, and the tool never recorded an end: it still runs, or whoever ran it was killed.
    Unfinished,
    /// The tool recorded that it failed.
    Failed,
}

/// A migration that did not end well, by the tool's own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationTrouble {
    /// The migration, as the tool names it.
    pub migration: String,
    /// How it ended.
    pub end: MigrationEnd,
    /// When it began (RFC 3339), where the tool records that.
    pub since: Option<String>,
    /// What the tool recorded about the failure: the first line, literals removed.
    pub said: Option<String>,
}

/// Everything that one history table says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationHistory {
    /// The state in short.
    pub state: MigrationState,
    /// The applied migrations that the table lists, the version in force last. Tools that keep a cursor list that alone.
    pub applied: Vec<String>,
    /// The newest migration of each branch, for tools that keep these alone.
    pub heads: Vec<String>,
    /// Those that did not end well.
    pub troubles: Vec<MigrationTrouble>,
}

/// Where a migration lock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MigrationLockKind {
    /// A row that the tool wrote. It outlives whoever wrote it.
    Row,
    /// An advisory lock under the tool's own number. It ends with its session.
    Advisory,
    /// A lock on the tool's table by a transaction that is still open. It ends with its session.
    Table,
}

/// A lock that keeps others from migrating.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationLock {
    /// The tool.
    pub tool: MigrationTool,
    /// The table that holds the lock's row, that is locked, or for which the advisory lock stands.
    pub table: String,
    /// What kind of lock it is.
    pub kind: MigrationLockKind,
    /// Who holds it, as the tool wrote it into a row.
    pub holder: Option<String>,
    /// Since when (RFC 3339), by the clock of who took it; where that was recorded.
    pub since: Option<String>,
    /// When it may be taken over (RFC 3339), where the tool gives its locks an end.
    pub expires: Option<String>,
    /// The session that holds it, for locks of the server's own.
    pub session: Option<Session>,
}

/// A table of a migration tool that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnreadableMigrations {
    /// The tool, by the table's columns.
    pub tool: MigrationTool,
    /// Schema-qualified name of the table.
    pub table: String,
    /// Why it could not be read.
    pub why: String,
}

/// What every migration tool recorded in one database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationFacts {
    /// Every history table that could be read, tables under their tool's usual name first.
    pub histories: Vec<MigrationHistory>,
    /// Every lock that is held.
    pub locks: Vec<MigrationLock>,
    /// What could not be read, and why.
    pub unreadable: Vec<UnreadableMigrations>,
}
