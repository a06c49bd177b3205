//! The `worker` role: a writer that holds its connection.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio_postgres::Client;

use crate::database;
use crate::log;
use crate::migrate;
use crate::misbehave;
use crate::settings::Settings;
use crate::shutdown::Shutdown;

/// Between two looks at a schema that another role is still bringing up to date.
const SCHEMA_EVERY: Duration = Duration::from_millis(500);

/// Before another attempt after a failure.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The account under which a worker writes entries.
const ACCOUNT: &str = "worker";

/// Works until told to stop; a lost connection is opened anew.
pub(crate) async fn run(settings: &Settings, shutdown: &Shutdown) -> Result<()> {
    let work = async {
        loop {
            let client = database::connect_patiently(settings).await?;
            migrate::refuse_newer_schema(settings, &client).await?;
            wait_for_schema(settings, &client).await?;
            let leaked = if settings.leak_transaction {
                Some(misbehave::leak_transaction(settings).await?)
            } else {
                None
            };
            log::line(format_args!(
                "ledger: {} {} works",
                settings.release.version, settings.pod
            ));
            if let Err(error) = write(settings, &client).await {
                log::line(format_args!("ledger: {error:#}"));
                tokio::time::sleep(RETRY_EVERY).await;
            }
            drop(leaked);
        }
    };
    tokio::select! {
        result = work => result,
        () = shutdown.requested() => Ok(()),
    }
}

async fn wait_for_schema(settings: &Settings, client: &Client) -> Result<()> {
    let needed = settings.release.schema;
    let mut said = false;
    loop {
        let current = database::schema_version(client).await?.unwrap_or(0);
        if current >= needed {
            return Ok(());
        }
        if !said {
            log::line(format_args!(
                "ledger: the schema is at version {current}, waiting for {needed}"
            ));
            said = true;
        }
        tokio::time::sleep(SCHEMA_EVERY).await;
    }
}

async fn write(settings: &Settings, client: &Client) -> Result<()> {
    let names = settings.release.names;
    let heartbeat = format!("INSERT INTO {} (worker) VALUES ($1)", names.heartbeats);
    let entry = format!(
        "INSERT INTO entries ({}, amount_cents) VALUES ($1, 1)",
        names.account
    );
    let mut heartbeats = tokio::time::interval(settings.heartbeat_every.max(Duration::from_millis(100)));
    let mut entries = tokio::time::interval(settings.entry_every.max(Duration::from_millis(100)));
    loop {
        tokio::select! {
            _ = heartbeats.tick() => {
                client.execute(&heartbeat, &[&settings.pod]).await.context("failed to write a heartbeat")?;
            }
            _ = entries.tick(), if !settings.entry_every.is_zero() => {
                client.execute(&entry, &[&ACCOUNT]).await.context("failed to write an entry")?;
            }
        }
    }
}
