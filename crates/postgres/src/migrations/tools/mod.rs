//! The tools, one file each.

mod alembic;
mod diesel;
mod django;
mod ecto;
mod ef_core;
mod files;
mod flyway;
mod gitea;
mod golang_migrate;
mod goose;
mod knex;
mod liquibase;
mod prisma;
mod rails;
mod refinery;
mod sequelize;
mod sqlx;
mod typeorm;
mod xorm;

use model::MigrationTool;

use super::tool::Tool;

/// Every tool that is known. No two have a table that fits both.
pub(super) const TOOLS: &[Tool] = &[
    goose::TOOL,
    golang_migrate::TOOL,
    django::TOOL,
    rails::TOOL,
    alembic::TOOL,
    flyway::TOOL,
    liquibase::TOOL,
    prisma::TOOL,
    knex::TOOL,
    typeorm::TOOL,
    sequelize::TOOL,
    sqlx::TOOL,
    refinery::TOOL,
    diesel::TOOL,
    ef_core::TOOL,
    xorm::TOOL,
    gitea::TOOL,
    ecto::TOOL,
];

/// The description of a tool.
pub(super) const fn of(tool: MigrationTool) -> &'static Tool {
    match tool {
        MigrationTool::Goose => &goose::TOOL,
        MigrationTool::GolangMigrate => &golang_migrate::TOOL,
        MigrationTool::Django => &django::TOOL,
        MigrationTool::Rails => &rails::TOOL,
        MigrationTool::Alembic => &alembic::TOOL,
        MigrationTool::Flyway => &flyway::TOOL,
        MigrationTool::Liquibase => &liquibase::TOOL,
        MigrationTool::Prisma => &prisma::TOOL,
        MigrationTool::Knex => &knex::TOOL,
        MigrationTool::TypeOrm => &typeorm::TOOL,
        MigrationTool::Sequelize => &sequelize::TOOL,
        MigrationTool::Sqlx => &sqlx::TOOL,
        MigrationTool::Refinery => &refinery::TOOL,
        MigrationTool::Diesel => &diesel::TOOL,
        MigrationTool::EfCore => &ef_core::TOOL,
        MigrationTool::Xorm => &xorm::TOOL,
        MigrationTool::Gitea => &gitea::TOOL,
        MigrationTool::Ecto => &ecto::TOOL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_listed_once_and_describes_itself() {
        for (index, tool) in TOOLS.iter().enumerate() {
            assert_eq!(of(tool.tool).tool, tool.tool);
            assert!(!TOOLS[..index].iter().any(|other| other.tool == tool.tool));
        }
        let display = TOOLS.iter().map(|tool| tool.tool.to_string());
        assert_eq!(
            display.collect::<std::collections::BTreeSet<_>>().len(),
            TOOLS.len()
        );
    }

    #[test]
    fn files_have_the_names_that_the_tools_write() {
        for (tool, path, name) in [
            (MigrationTool::Goose, "db/00039_runs.sql", Some("39")),
            (MigrationTool::Goose, "db/00040_fill.go", Some("40")),
            (MigrationTool::Goose, "db/embed.go", None),
            (MigrationTool::GolangMigrate, "000401_users.up.sql", Some("401")),
            (MigrationTool::GolangMigrate, "000401_users.down.sql", None),
            (
                MigrationTool::Django,
                "src/notes/migrations/0007_labels.py",
                Some("notes.0007_labels"),
            ),
            (MigrationTool::Django, "src/notes/migrations/__init__.py", None),
            (MigrationTool::Django, "src/notes/models.py", None),
            (
                MigrationTool::Rails,
                "db/migrate/20260101120000_add_users.rb",
                Some("20260101120000"),
            ),
            (MigrationTool::Rails, "db/seeds.rb", None),
            (
                MigrationTool::Alembic,
                "versions/ae1027a6acf_add_users.py",
                Some("ae1027a6acf"),
            ),
            (MigrationTool::Alembic, "env.py", None),
            (MigrationTool::Flyway, "sql/V2_1__users.sql", Some("2.1")),
            (MigrationTool::Flyway, "sql/R__views.sql", Some("R__views.sql")),
            (MigrationTool::Flyway, "sql/U2_1__users.sql", None),
            (MigrationTool::Liquibase, "changelog.xml", None),
            (
                MigrationTool::Prisma,
                "prisma/migrations/20260101_init/migration.sql",
                Some("20260101_init"),
            ),
            (
                MigrationTool::Prisma,
                "prisma/migrations/migration_lock.toml",
                None,
            ),
            (
                MigrationTool::Knex,
                "migrations/20260101_users.js",
                Some("20260101_users.js"),
            ),
            (MigrationTool::Knex, "migrations/notes.md", None),
            (
                MigrationTool::TypeOrm,
                "src/1700000000000-CreateUsers.ts",
                Some("CreateUsers1700000000000"),
            ),
            (MigrationTool::TypeOrm, "src/1700000000000-CreateUsers.d.ts", None),
            (
                MigrationTool::Sequelize,
                "migrations/20260101-users.cjs",
                Some("20260101-users.cjs"),
            ),
            (
                MigrationTool::Sqlx,
                "migrations/20260101_users.sql",
                Some("20260101"),
            ),
            (
                MigrationTool::Sqlx,
                "migrations/20260101_users.up.sql",
                Some("20260101"),
            ),
            (MigrationTool::Sqlx, "migrations/20260101_users.down.sql", None),
            (MigrationTool::Refinery, "migrations/V1__users.rs", Some("1")),
            (
                MigrationTool::Diesel,
                "migrations/2026-01-01-000000_users/up.sql",
                Some("20260101000000"),
            ),
            (
                MigrationTool::Diesel,
                "migrations/2026-01-01-000000_users/down.sql",
                None,
            ),
            (
                MigrationTool::EfCore,
                "Migrations/20260101000000_Users.cs",
                Some("20260101000000_Users"),
            ),
            (
                MigrationTool::EfCore,
                "Migrations/20260101000000_Users.Designer.cs",
                None,
            ),
            (
                MigrationTool::EfCore,
                "Migrations/AppContextModelSnapshot.cs",
                None,
            ),
            (MigrationTool::Xorm, "migrations.go", None),
            (MigrationTool::Gitea, "v100.go", None),
            (
                MigrationTool::Ecto,
                "priv/repo/migrations/20260101000000_users.exs",
                Some("20260101000000"),
            ),
        ] {
            assert_eq!((of(tool).file)(path).as_deref(), name, "{tool} {path}");
        }
    }
}
