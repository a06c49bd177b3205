//! `kubectl pgbackup schedule`.

mod kept;
mod list;
mod objects;
mod remove;
mod set;

use backup::ScheduleError;
use clap::{Args, Subcommand};
use cli::{Consent, Environment, Output, ask};
use cluster::ApiError;
use model::ExitCode;

use super::failure::Ends;
use super::stored::Words;
use crate::session::{Common, could_not_begin};
use list::list;
use remove::{RemoveFlags, remove};
use set::{SetFlags, set};

/// Flags of `schedule`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ScheduleFlags {
    #[command(subcommand)]
    act: Option<ScheduleAct>,
    #[command(flatten)]
    set: SetFlags,
}

#[derive(Debug, Clone, Subcommand)]
enum ScheduleAct {
    /// List the schedules of a namespace and how their last run ended
    List(Common),
    /// Remove a schedule; its backups stay
    Remove(RemoveFlags),
}

impl Ends for ApiError {
    fn code(&self) -> ExitCode {
        if self.is_forbidden() {
            ExitCode::Blocked
        } else {
            ExitCode::CouldNotBegin
        }
    }
}

impl Ends for ScheduleError {
    fn code(&self) -> ExitCode {
        ExitCode::CouldNotBegin
    }
}

/// Sets, lists or removes.
pub(crate) async fn run(flags: &ScheduleFlags, environment: &Environment) -> ExitCode {
    let ended = match &flags.act {
        Some(ScheduleAct::List(common)) => list(common, environment).await,
        Some(ScheduleAct::Remove(flags)) => remove(flags, environment).await,
        None => set(&flags.set, environment).await,
    };
    ended.unwrap_or_else(|code| code)
}

fn agreed(output: &Output, question: &str, yes: bool) -> Result<(), ExitCode> {
    let refused = |words: &str| could_not_begin(output, &Words(words.to_owned()));
    match ask(question, yes) {
        Ok(Consent::Yes) => Ok(()),
        Ok(Consent::No) => Err(refused("not agreed")),
        Ok(Consent::NobodyThere) => Err(refused(
            "nobody is there to agree: say --yes, or --print to look first",
        )),
        Err(error) => Err(could_not_begin(output, &error)),
    }
}
