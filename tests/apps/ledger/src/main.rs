//! `ledger`: a small application to be upgraded by tests.
//!
//! One program with four roles, named by the first argument; everything else is said by environment variables,
//! all of which are listed in `tests/apps/README.md`.

mod database;
mod job;
mod log;
mod migrate;
mod misbehave;
mod release;
mod settings;
mod shutdown;
mod web;
mod worker;

use std::process::ExitCode;

use crate::settings::{Role, Settings};

/// The exit codes that tests look for.
mod exit {
    /// Any failure without a code of its own.
    pub(crate) const FAILURE: u8 = 1;
    /// The command line or a setting cannot be understood.
    pub(crate) const USAGE: u8 = 2;
    /// The database's schema is newer than this version knows, and the schema is strict.
    pub(crate) const NEWER_SCHEMA: u8 = 3;
    /// A migration failed.
    pub(crate) const MIGRATION: u8 = 4;
    /// `LEDGER_CRASH_AFTER_SECONDS` has come.
    pub(crate) const CRASH: u8 = 70;
    /// SIGTERM came before the start was complete: 128 + 15, as a shell would report it.
    pub(crate) const TERMINATED: u8 = 143;
}

fn main() -> ExitCode {
    let settings = match Settings::from_process() {
        Ok(settings) => settings,
        Err(error) => {
            log::line(format_args!("ledger: {error:#}"));
            return ExitCode::from(exit::USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            log::line(format_args!("ledger: failed to start the runtime: {error}"));
            return ExitCode::from(exit::FAILURE);
        }
    };
    let code = runtime.block_on(run(settings));
    // A leaked session must not keep the process from ending.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run(settings: Settings) -> u8 {
    let shutdown = match shutdown::Shutdown::listen(settings.ignore_sigterm) {
        Ok(shutdown) => shutdown,
        Err(error) => {
            log::line(format_args!("ledger: failed to listen for signals: {error}"));
            return exit::FAILURE;
        }
    };
    let crash = misbehave::crash(settings.crash_after);
    let work = async {
        match settings.role {
            Role::Serve => web::run(&settings, &shutdown).await,
            Role::Worker => worker::run(&settings, &shutdown).await,
            Role::Job => job::run(&settings).await,
            Role::Migrate => migrate::run(&settings, &shutdown).await,
        }
    };
    let result = tokio::select! {
        result = work => result,
        () = crash => {
            log::line(format_args!("ledger: crashing as told by LEDGER_CRASH_AFTER_SECONDS"));
            return exit::CRASH;
        }
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            log::line(format_args!("ledger: {error:#}"));
            match error.downcast_ref::<migrate::MigrateError>() {
                Some(migrate::MigrateError::NewerSchema { .. }) => exit::NEWER_SCHEMA,
                Some(migrate::MigrateError::Migration { .. }) => exit::MIGRATION,
                Some(migrate::MigrateError::Terminated) => exit::TERMINATED,
                None => exit::FAILURE,
            }
        }
    }
}
