//! How a migration is written for each tool, and how the tool is run.

use std::path::Path;
use std::process::Command;

use model::MigrationTool;

use crate::Programs;

/// A migration of one statement.
#[derive(Debug, Clone, Copy)]
pub struct Migration<'a> {
    /// Its place, from 1.
    pub number: u32,
    /// A word for its name, of small letters.
    pub word: &'a str,
    /// The statement.
    pub sql: &'a str,
    /// Whether it may run in a transaction, where the tool lets a migration choose.
    pub in_transaction: bool,
}

impl Migration<'_> {
    /// A number of 14 digits, as tools make from the time.
    fn time(&self) -> String {
        format!("{}", 20_260_101_000_000_u64 + u64::from(self.number))
    }

    /// The statement as a literal of a language whose strings are written as JSON writes them.
    fn literal(&self) -> String {
        serde_json::Value::from(self.sql).to_string()
    }
}

/// A tool, as the tests run it.
#[derive(Debug)]
pub struct Migrator {
    /// Which one.
    pub tool: MigrationTool,
    /// Files of a project that hold no migration.
    pub(crate) project: &'static [(&'static str, &'static str)],
    /// The path and the content of a migration.
    pub(crate) write: fn(&Migration<'_>) -> (String, String),
    /// Runs all migrations of the project in a folder on the database at a URL.
    pub(crate) command: fn(&Programs, &Path, &str) -> Command,
}

/// The migrator of a tool.
///
/// # Panics
/// When the tests do not run that tool.
#[must_use]
pub fn migrator(tool: MigrationTool) -> &'static Migrator {
    let found = MIGRATORS.iter().find(|migrator| migrator.tool == tool);
    found.unwrap_or_else(|| panic!("{tool} is not among the migrators"))
}

/// Every tool that is run for real.
pub const MIGRATORS: &[Migrator] = &[
    Migrator {
        tool: MigrationTool::Goose,
        project: &[],
        write: |m| {
            let transaction = if m.in_transaction {
                ""
            } else {
                "-- +goose NO TRANSACTION\n"
            };
            (
                format!("{:05}_{}.sql", m.number, m.word),
                format!("{transaction}-- +goose Up\n{};\n", m.sql),
            )
        },
        command: |programs, _, url| {
            let mut goose = programs.go("goose");
            goose.args(["-dir", ".", "postgres", url, "up"]);
            goose
        },
    },
    Migrator {
        tool: MigrationTool::GolangMigrate,
        project: &[],
        write: |m| {
            (
                format!("{:06}_{}.up.sql", m.number, m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, _, url| {
            let mut migrate = programs.go("migrate");
            migrate.args(["-path", ".", "-database", url, "up"]);
            migrate
        },
    },
    Migrator {
        tool: MigrationTool::Django,
        project: &[
            ("settings.py", include_str!("../python/settings.py")),
            ("notes/__init__.py", ""),
            ("notes/migrations/__init__.py", ""),
        ],
        write: |m| {
            let before = match m.number {
                1 => String::new(),
                number => format!("(\"notes\", \"{}\")", django_name(number - 1)),
            };
            (
                format!("notes/migrations/{}.py", django_name(m.number)),
                format!(
                    "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    \
                     dependencies = [{before}]\n    operations = [migrations.RunSQL({})]\n",
                    m.literal()
                ),
            )
        },
        command: |programs, _, _| {
            let mut django = programs.python("django");
            django.env("DJANGO_SETTINGS_MODULE", "settings").arg("migrate");
            django
        },
    },
    Migrator {
        tool: MigrationTool::Rails,
        project: &[],
        write: |m| {
            let class = capitalised(m.word);
            (
                format!("db/{}_{}.rb", m.time(), m.word),
                format!(
                    "class {class} < ActiveRecord::Migration[6.1]\n  def up\n    execute {}\n  end\nend\n",
                    m.literal()
                ),
            )
        },
        command: |programs, _, url| {
            let mut ruby = programs.ruby();
            ruby.args(["db", url]);
            ruby
        },
    },
    Migrator {
        tool: MigrationTool::Alembic,
        project: &[
            ("alembic.ini", include_str!("../python/alembic.ini")),
            ("env.py", include_str!("../python/env.py")),
        ],
        write: |m| {
            let before = match m.number {
                1 => "None".to_owned(),
                number => format!("\"{}\"", revision(number - 1)),
            };
            (
                format!("versions/{}_{}.py", revision(m.number), m.word),
                format!(
                    "from alembic import op\n\nrevision = \"{}\"\ndown_revision = {before}\n\n\ndef upgrade():\n    \
                     op.execute({})\n",
                    revision(m.number),
                    m.literal()
                ),
            )
        },
        command: |programs, _, _| {
            let mut alembic = programs.python("alembic");
            alembic.args(["upgrade", "head"]);
            alembic
        },
    },
    Migrator {
        tool: MigrationTool::Flyway,
        project: &[],
        write: |m| {
            // Flyway finds out by itself which statements refuse a transaction.
            (
                format!("sql/V{}__{}.sql", m.number, m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, _, url| {
            let mut java = programs.java();
            java.args(["flyway", "sql", &jdbc(url)]);
            java
        },
    },
    Migrator {
        tool: MigrationTool::Liquibase,
        project: &[(
            "changelog.yaml",
            "databaseChangeLog:\n  - includeAll:\n      path: changes\n",
        )],
        write: |m| {
            (
                format!("changes/{:03}.sql", m.number),
                format!(
                    "--liquibase formatted sql\n\n--changeset shop:{}_{} runInTransaction:{}\n{};\n",
                    m.number, m.word, m.in_transaction, m.sql
                ),
            )
        },
        command: |programs, _, url| {
            let mut java = programs.java();
            java.args(["liquibase", ".", &jdbc(url)]);
            java
        },
    },
    Migrator {
        tool: MigrationTool::Prisma,
        project: &[
            ("prisma.config.ts", include_str!("../node/prisma.config.ts")),
            ("schema.prisma", include_str!("../node/schema.prisma")),
            ("migrations/migration_lock.toml", "provider = \"postgresql\"\n"),
        ],
        write: |m| {
            (
                format!("migrations/{}_{}/migration.sql", m.time(), m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, folder, _| {
            let mut prisma = programs.node("prisma/build/index.js");
            prisma.args(["migrate", "deploy"]);
            // Its configuration imports packages from beside itself.
            let beside = folder.join("node_modules");
            if !beside.exists() {
                std::os::unix::fs::symlink(programs.node_packages(), &beside).ok();
            }
            prisma
                .env("CHECKPOINT_DISABLE", "1")
                .env("PRISMA_HIDE_UPDATE_MESSAGE", "1")
                // Any file: with one named it does not fetch the query engine, which no migration uses.
                .env("PRISMA_QUERY_ENGINE_LIBRARY", folder.join("schema.prisma"));
            prisma
        },
    },
    Migrator {
        tool: MigrationTool::Knex,
        project: &[],
        write: |m| {
            (
                format!("migrations/{}_{}.js", m.time(), m.word),
                format!(
                    "exports.up = (knex) => knex.raw({})\nexports.down = async () => {{}}\nexports.config = {{ transaction: \
                     {} }}\n",
                    m.literal(),
                    m.in_transaction
                ),
            )
        },
        command: |programs, _, url| scripted(programs, "knex", url),
    },
    Migrator {
        tool: MigrationTool::TypeOrm,
        project: &[],
        write: |m| {
            let time = 1_767_225_600_000_u64 + u64::from(m.number);
            let class = format!("{}{time}", m.word);
            (
                format!("migrations/{time}-{}.js", m.word),
                format!(
                    "module.exports = {{\n  {class}: class {class} {{\n    async up(runner) {{\n      await \
                     runner.query({})\n    }}\n    async down() {{}}\n  }},\n}}\n",
                    m.literal()
                ),
            )
        },
        command: |programs, _, url| scripted(programs, "typeorm", url),
    },
    Migrator {
        tool: MigrationTool::Sequelize,
        project: &[],
        write: |m| {
            (
                format!("migrations/{}-{}.js", m.time(), m.word),
                format!(
                    "exports.up = async ({{ context }}) => context.sequelize.query({})\nexports.down = async () => {{}}\n",
                    m.literal()
                ),
            )
        },
        command: |programs, _, url| scripted(programs, "sequelize", url),
    },
    Migrator {
        tool: MigrationTool::Sqlx,
        project: &[],
        write: |m| {
            let transaction = if m.in_transaction {
                ""
            } else {
                "-- no-transaction\n"
            };
            (
                format!("migrations/{}_{}.sql", m.time(), m.word),
                format!("{transaction}{};\n", m.sql),
            )
        },
        command: |programs, _, url| compiled(programs, "sqlx", url),
    },
    Migrator {
        tool: MigrationTool::Refinery,
        project: &[],
        write: |m| {
            (
                format!("migrations/V{}__{}.sql", m.number, m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, _, url| compiled(programs, "refinery", url),
    },
    Migrator {
        tool: MigrationTool::Diesel,
        project: &[],
        write: |m| {
            (
                format!("migrations/2026-01-01-00000{}_{}/up.sql", m.number, m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, _, url| compiled(programs, "diesel", url),
    },
    Migrator {
        tool: MigrationTool::Xorm,
        project: &[],
        write: |m| {
            (
                format!("migrations/{}_{}.sql", m.time(), m.word),
                format!("{};\n", m.sql),
            )
        },
        command: |programs, _, url| {
            let mut xorm = programs.go("xorm");
            xorm.args(["xorm", "migrations", url]);
            xorm
        },
    },
    // Gitea itself is no package. Its table is declared to the real xorm as Gitea declares it.
    Migrator {
        tool: MigrationTool::Gitea,
        project: &[],
        write: |m| (format!("migrations/v{}.sql", m.number), format!("{};\n", m.sql)),
        command: |programs, _, url| {
            let mut xorm = programs.go("xorm");
            xorm.args(["gitea", "migrations", url]);
            xorm
        },
    },
];

fn scripted(programs: &Programs, tool: &str, url: &str) -> Command {
    let mut node = programs.node("migrate.js");
    node.args([tool, "migrations", url]);
    node
}

fn compiled(programs: &Programs, tool: &str, url: &str) -> Command {
    let mut program = programs.rust();
    program.args([tool, "migrations", url]);
    program
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

fn django_name(number: u32) -> String {
    format!("{number:04}_step")
}

fn revision(number: u32) -> String {
    format!("ab{number:010}")
}

/// The same address for Java, which knows no users before an `@`.
fn jdbc(url: &str) -> String {
    let rest = url.trim_start_matches("postgres://");
    let (login, place) = rest.split_once('@').unwrap_or(("", rest));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (place, _) = place.split_once('?').unwrap_or((place, ""));
    format!("jdbc:postgresql://{place}?user={user}&password={password}")
}
