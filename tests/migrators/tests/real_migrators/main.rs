//! What is told about the state that real migration tools leave in a real Postgres: after a good run, before the next
//! one, while they run, after they were killed, after they failed.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "../../../../crates/postgres/tests/real_server/support.rs"]
#[expect(
    dead_code,
    reason = "it serves the tests of the crate that it belongs to; these use a part of it"
)]
mod support;

mod expected;
mod outside;
mod story;

use model::MigrationTool;

/// One test for each tool, so that they run side by side and each is named where it fails.
macro_rules! stories {
    ($($name:ident: $tool:ident;)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                story::of(MigrationTool::$tool).await;
            }
        )*

        #[test]
        fn every_migrator_has_its_story() {
            let told = [$(MigrationTool::$tool),*];
            for migrator in migrators::MIGRATORS {
                assert!(told.contains(&migrator.tool), "{} has none", migrator.tool);
            }
        }
    };
}

stories! {
    goose: Goose;
    golang_migrate: GolangMigrate;
    django: Django;
    rails: Rails;
    alembic: Alembic;
    flyway: Flyway;
    liquibase: Liquibase;
    prisma: Prisma;
    knex: Knex;
    typeorm: TypeOrm;
    sequelize: Sequelize;
    sqlx: Sqlx;
    refinery: Refinery;
    diesel: Diesel;
    xorm: Xorm;
    gitea: Gitea;
}
