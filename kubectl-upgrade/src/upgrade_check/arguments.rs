//! The command line, and which command it means.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use cli::{DatabaseFlags, Environment, Output, OutputFlags, parse};
use model::ExitCode;

use super::{explain, judge};
use crate::session::Common;

/// The name of the program's file, which kubectl makes of `upgrade-check`.
const PROGRAM: &str = "kubectl-upgrade_check";

/// Words that are commands even where a release has that name; `--release NAME` means the release.
const COMMANDS: [&str; 5] = ["explain", "completion", "help", "--version", "-V"];

/// Judge whether a Helm release may be upgraded; changes nothing
#[derive(Debug, Parser)]
#[command(
    name = "kubectl upgrade-check",
    bin_name = "kubectl upgrade-check",
    version,
    override_usage = "kubectl upgrade-check RELEASE [CHART] [flags of helm upgrade] [flags]\n       \
                      kubectl upgrade-check explain [CHECK]\n       \
                      kubectl upgrade-check completion SHELL",
    after_help = "Without CHART the running revision is judged. With it, the values and version flags of `helm upgrade` \
                  (-f, --set, --version, --reuse-values …) say what it would be upgraded to. Flags come after \
                  `upgrade-check`: kubectl hands on none that stand before it.\n\n\
                  Exit codes: 0 ready, 1 could not begin, 2 blocked by a finding, 3 a blocking check could not be judged."
)]
pub(crate) struct CheckCommand {
    #[command(flatten)]
    pub(crate) flags: CheckFlags,
}

/// Flags that are not helm's.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    pub(crate) release: Option<String>,
    /// Profile: a built-in name or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) profile: Option<String>,
    /// Store where backups are looked for: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub(crate) backup_store: Option<String>,
    /// End with 2 on warnings, too
    #[arg(long, value_enum, value_name = "warn")]
    pub(crate) fail_on: Option<FailOn>,
    /// The helm to render the target with
    #[arg(long, value_name = "FILE")]
    pub(crate) helm_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What besides a blocking finding ends with 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Warnings
    Warn,
}

/// The commands beside judging.
#[derive(Debug, Parser)]
#[command(name = "kubectl upgrade-check", bin_name = "kubectl upgrade-check", version)]
struct OtherCommand {
    #[command(subcommand)]
    command: Other,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Tell what a check looks at, why, and what to do; without a name, list the checks
    Explain {
        /// The check's id, as the report shows it
        #[arg(value_name = "CHECK")]
        id: Option<String>,
        #[command(flatten)]
        output: OutputFlags,
    },
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command that the words mean.
pub(crate) async fn route(words: Vec<String>, environment: Environment) -> ExitCode {
    let first = words.get(1).map(String::as_str);
    if !first.is_some_and(|first| COMMANDS.contains(&first)) {
        return judge::run(&words, environment).await;
    }
    if words.len() == 2 && first == Some("help") {
        // The whole of it: the commands alone would hide what the program is for.
        drop(CheckCommand::command().print_help());
        return ExitCode::Done;
    }
    let command = match parse::<OtherCommand>(&words) {
        Ok(parsed) => parsed.command,
        Err(code) => return code,
    };
    match command {
        Other::Explain { id, output } => explain::run(id.as_deref(), &Output::new(&output, &environment)),
        Other::Completion { shell } => {
            let output = Output::new(&OutputFlags::default(), &environment);
            let written = cli::print_completion(shell, whole_command(), PROGRAM);
            cli::end_with(&output, written, ExitCode::Done)
        }
    }
}

/// Flags and commands together, for completion.
fn whole_command() -> clap::Command {
    let commands: Vec<clap::Command> = OtherCommand::command().get_subcommands().cloned().collect();
    CheckCommand::command().subcommands(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        whole_command().debug_assert();
        CheckCommand::command().debug_assert();
        OtherCommand::command().debug_assert();
    }

    #[test]
    fn warnings_fail_only_where_asked() {
        let parsed = |words: &[&str]| {
            CheckCommand::try_parse_from(std::iter::once(&"x").chain(words))
                .unwrap()
                .flags
                .fail_on
        };
        assert_eq!(parsed(&["--fail-on", "warn"]), Some(FailOn::Warn));
        assert_eq!(parsed(&[]), None);
        assert!(CheckCommand::try_parse_from(["x", "--fail-on", "nothing"]).is_err());
    }
}
