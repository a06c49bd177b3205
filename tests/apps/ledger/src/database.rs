//! Connections to the database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_postgres::{Client, Config, NoTls};

use crate::log;
use crate::settings::Settings;

/// Between two attempts to reach a server that is not up yet.
const RETRY_EVERY: Duration = Duration::from_millis(500);

/// Opens one session under the role's own name.
pub(crate) async fn connect(settings: &Settings) -> Result<Client> {
    let mut config: Config = settings
        .database_url
        .parse()
        .map_err(|_| anyhow::anyhow!("DATABASE_URL is not a Postgres URL"))?;
    config.application_name(settings.role.application_name());
    config.connect_timeout(Duration::from_secs(5));
    let (client, connection) = config
        .connect(NoTls)
        .await
        .context("failed to connect to the database")?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            log::line(format_args!("ledger: a database connection was lost: {error}"));
        }
    });
    Ok(client)
}

/// Opens a session as soon as the server lets it, within the time that the settings give.
pub(crate) async fn connect_patiently(settings: &Settings) -> Result<Client> {
    let deadline = Instant::now() + settings.connect_timeout;
    let mut said = false;
    loop {
        match connect(settings).await {
            Ok(client) => return Ok(client),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) => {
                if !said {
                    log::line(format_args!("ledger: waiting for the database: {error:#}"));
                    said = true;
                }
                tokio::time::sleep(RETRY_EVERY).await;
            }
        }
    }
}

/// The newest migration applied; `None` where no migration ever ran.
pub(crate) async fn schema_version(client: &Client) -> Result<Option<i64>> {
    let exists = client
        .query_one("SELECT to_regclass('goose_db_version') IS NOT NULL", &[])
        .await?;
    if !exists.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client
        .query_one(
            "SELECT max(version_id) FROM goose_db_version WHERE is_applied",
            &[],
        )
        .await?;
    Ok(row.get(0))
}

/// One session that is opened anew when it was lost.
#[derive(Debug)]
pub(crate) struct Session {
    settings: Settings,
    client: Mutex<Option<Arc<Client>>>,
}

impl Session {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            client: Mutex::new(None),
        }
    }

    /// The session, opened if need be.
    pub(crate) async fn client(&self) -> Result<Arc<Client>> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(connect(&self.settings).await?);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }
}
