//! Every setting of the program, read once from the arguments and the environment.

use std::env;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::release::Release;

/// What this process is to do, the program's first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Web server; migrates before it listens.
    Serve,
    /// Writes heartbeats (and entries, if told) and holds a connection.
    Worker,
    /// One tidy-up, then ends.
    Job,
    /// Brings the schema to this version, then ends.
    Migrate,
}

impl Role {
    fn parse(text: &str) -> Result<Self> {
        match text {
            "serve" => Ok(Self::Serve),
            "worker" => Ok(Self::Worker),
            "job" => Ok(Self::Job),
            "migrate" => Ok(Self::Migrate),
            other => bail!("unknown role {other:?}, known are serve, worker, job, migrate"),
        }
    }

    /// The name that the server shows for this role's sessions.
    pub(crate) fn application_name(self) -> &'static str {
        match self {
            Self::Serve => "ledger-web",
            Self::Worker => "ledger-worker",
            Self::Job => "ledger-job",
            Self::Migrate => "ledger-migrate",
        }
    }
}

/// A migration and how much of something, written `VERSION:AMOUNT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AtMigration {
    /// The migration's number.
    pub(crate) version: i64,
    /// How much, in whole units of the setting.
    pub(crate) amount: u32,
}

impl FromStr for AtMigration {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (version, amount) = text
            .split_once(':')
            .context("expected MIGRATION:AMOUNT, for example 3:20")?;
        Ok(Self {
            version: version.parse()?,
            amount: amount.parse()?,
        })
    }
}

/// All settings.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) role: Role,
    pub(crate) release: &'static Release,
    pub(crate) database_url: String,
    /// `LEDGER_MIGRATE`: whether `serve` migrates before it listens.
    pub(crate) migrate: bool,
    pub(crate) strict_schema: bool,
    pub(crate) listen: String,
    /// How long to try for a first connection.
    pub(crate) connect_timeout: Duration,
    pub(crate) seed_rows: u64,
    pub(crate) heartbeat_every: Duration,
    /// Zero: the worker writes no entries.
    pub(crate) entry_every: Duration,
    /// In seconds.
    pub(crate) slow_migration: Option<AtMigration>,
    /// In seconds.
    pub(crate) locking_migration: Option<AtMigration>,
    /// In MiB.
    pub(crate) hungry_migration: Option<AtMigration>,
    pub(crate) failing_migration: Option<i64>,
    pub(crate) never_ready: bool,
    pub(crate) leak_transaction: bool,
    pub(crate) crash_after: Option<Duration>,
    pub(crate) ignore_sigterm: Duration,
    /// The pod's name where the chart gives it, for `/version` and heartbeats.
    pub(crate) pod: String,
}

impl Settings {
    /// Reads the process's own arguments and environment.
    pub(crate) fn from_process() -> Result<Self> {
        let role = env::args()
            .nth(1)
            .context("name a role: serve, worker, job or migrate")?;
        Self::read(&role, |name| {
            env::var(name).ok().filter(|value| !value.is_empty())
        })
    }

    fn read(role: &str, get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let seconds = |name: &str| Ok::<_, anyhow::Error>(number(&get, name)?.map(Duration::from_secs));
        Ok(Self {
            role: Role::parse(role)?,
            release: Release::named(&get("LEDGER_VERSION").context("LEDGER_VERSION is not set")?)?,
            database_url: get("DATABASE_URL").context("DATABASE_URL is not set")?,
            migrate: switch(&get, "LEDGER_MIGRATE", true)?,
            strict_schema: switch(&get, "LEDGER_STRICT_SCHEMA", false)?,
            listen: get("LEDGER_LISTEN").unwrap_or_else(|| "0.0.0.0:8080".to_owned()),
            connect_timeout: seconds("LEDGER_CONNECT_TIMEOUT_SECONDS")?.unwrap_or(Duration::from_secs(60)),
            seed_rows: number(&get, "LEDGER_SEED_ROWS")?.unwrap_or(0),
            heartbeat_every: seconds("LEDGER_HEARTBEAT_SECONDS")?.unwrap_or(Duration::from_secs(1)),
            entry_every: seconds("LEDGER_ENTRY_SECONDS")?.unwrap_or(Duration::ZERO),
            slow_migration: parsed(&get, "LEDGER_SLOW_MIGRATION")?,
            locking_migration: parsed(&get, "LEDGER_LOCKING_MIGRATION")?,
            hungry_migration: parsed(&get, "LEDGER_HUNGRY_MIGRATION")?,
            failing_migration: parsed(&get, "LEDGER_FAILING_MIGRATION")?,
            never_ready: switch(&get, "LEDGER_NEVER_READY", false)?,
            leak_transaction: switch(&get, "LEDGER_LEAK_TRANSACTION", false)?,
            crash_after: seconds("LEDGER_CRASH_AFTER_SECONDS")?,
            ignore_sigterm: seconds("LEDGER_IGNORE_SIGTERM_SECONDS")?.unwrap_or(Duration::ZERO),
            pod: get("POD_NAME").unwrap_or_else(|| "local".to_owned()),
        })
    }
}

fn switch(get: impl Fn(&str) -> Option<String>, name: &str, default: bool) -> Result<bool> {
    match get(name).as_deref() {
        None => Ok(default),
        Some("on" | "true") => Ok(true),
        Some("off" | "false") => Ok(false),
        Some(other) => bail!("{name} is {other:?}, expected on or off"),
    }
}

fn number(get: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<u64>> {
    get(name)
        .map(|text| {
            text.parse()
                .with_context(|| format!("{name} is {text:?}, expected a number"))
        })
        .transpose()
}

fn parsed<T>(get: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<T>>
where
    T: FromStr,
    anyhow::Error: From<T::Err>,
{
    get(name)
        .map(|text| {
            text.parse::<T>()
                .map_err(anyhow::Error::from)
                .with_context(|| format!("{name} is {text:?}"))
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings> {
        let base = [("LEDGER_VERSION", "2.0.0"), ("DATABASE_URL", "postgres://x")];
        Settings::read("serve", |name| {
            pairs
                .iter()
                .chain(&base)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_settings_nothing_misbehaves() {
        let settings = read(&[]).unwrap();
        assert!(
            settings.migrate
                && !settings.never_ready
                && !settings.leak_transaction
                && !settings.strict_schema
        );
        assert_eq!(settings.slow_migration, None);
        assert_eq!(settings.crash_after, None);
        assert_eq!(settings.release.schema, 6);
    }

    #[test]
    fn a_migration_with_an_amount_is_read() {
        let settings = read(&[("LEDGER_SLOW_MIGRATION", "5:20")]).unwrap();
        assert_eq!(
            settings.slow_migration,
            Some(AtMigration {
                version: 5,
                amount: 20
            })
        );
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_an_error_that_names_it() {
        for (name, value) in [
            ("LEDGER_SLOW_MIGRATION", "5"),
            ("LEDGER_HUNGRY_MIGRATION", "5:much"),
            ("LEDGER_NEVER_READY", "yes"),
            ("LEDGER_SEED_ROWS", "many"),
            ("LEDGER_VERSION", "9.9.9"),
        ] {
            let error = format!("{:#}", read(&[(name, value)]).unwrap_err());
            assert!(error.contains(name) || error.contains(value), "{error}");
        }
    }
}
