//! The `job` role: one tidy-up run, as a CronJob starts it.

use anyhow::{Context, Result};

use crate::database;
use crate::log;
use crate::settings::Settings;

/// Deletes old heartbeats.
pub(crate) async fn run(settings: &Settings) -> Result<()> {
    let client = database::connect_patiently(settings).await?;
    let table = settings.release.names.heartbeats;
    let deleted = client
        .execute(
            &format!("DELETE FROM {table} WHERE seen < now() - interval '1 hour'"),
            &[],
        )
        .await
        .with_context(|| format!("failed to tidy up {table}"))?;
    log::line(format_args!("ledger: deleted {deleted} old heartbeats"));
    Ok(())
}
