//! What goes wrong on purpose while the program runs. Migrations misbehave in `migrate`.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::Client;

use crate::database;
use crate::log;
use crate::settings::Settings;

/// Ends after the time told, or never.
pub(crate) async fn crash(after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep(after).await,
        None => std::future::pending().await,
    }
}

/// Opens a session that reads `entries` in a transaction which nobody ends. The session lives as long as the client.
pub(crate) async fn leak_transaction(settings: &Settings) -> Result<Client> {
    let client = database::connect(settings).await?;
    client
        .batch_execute("BEGIN; SELECT id FROM entries LIMIT 1;")
        .await
        .context("failed to open the transaction that is to be leaked")?;
    log::line(format_args!(
        "ledger: leaked a transaction as told by LEDGER_LEAK_TRANSACTION"
    ));
    Ok(client)
}
