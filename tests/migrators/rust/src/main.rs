//! Runs the migrations in a folder with the library that is named: `migrate-rust TOOL FOLDER URL`.

use std::error::Error;
use std::path::Path;

use diesel::Connection as _;
use diesel_migrations::MigrationHarness as _;
use sqlx::Connection as _;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tool, folder, url] = &arguments[..] else {
        return Err("usage: migrate-rust TOOL FOLDER URL".into());
    };
    match tool.as_str() {
        "sqlx" => sqlx(folder, url).await,
        "refinery" => refinery(folder, url).await,
        "diesel" => diesel(folder, url),
        other => Err(format!("no such tool: {other}").into()),
    }
}

async fn sqlx(folder: &str, url: &str) -> Result<(), Failure> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let migrator = sqlx::migrate::Migrator::new(Path::new(folder)).await?;
    Ok(migrator.run_direct(&mut connection).await?)
}

async fn refinery(folder: &str, url: &str) -> Result<(), Failure> {
    let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let migrations = refinery::load_sql_migrations(folder)?;
    refinery::Runner::new(&migrations).run_async(&mut client).await?;
    Ok(())
}

fn diesel(folder: &str, url: &str) -> Result<(), Failure> {
    let mut connection = diesel::PgConnection::establish(url)?;
    let migrations = diesel_migrations::FileBasedMigrations::from_path(folder)?;
    connection.run_pending_migrations(migrations)?;
    Ok(())
}
