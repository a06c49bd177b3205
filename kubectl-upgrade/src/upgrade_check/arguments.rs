//! The command line, and which command it means.

use std::path::PathBuf;

use checks::profiles::ProfileChoice;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use cli::{
    ConnectionFlags, DatabaseFlags, DeployerFlags, Environment, Format, Output, OutputFlags, ProfileFlags,
    parse,
};
use model::ExitCode;

use super::bundle::BundleCommand;
use super::fleet::FleetFlags;
use super::locks::LocksFlags;
use super::notes::NotesCommand;
use super::path::PathCommand;
use super::profile::ProfileCommand;
use super::{bundle, explain, fleet, judge, locks, notes, path, profile};
use crate::session::Common;

/// The name of the program's file, which kubectl makes of `upgrade-check`.
const PROGRAM: &str = "kubectl-upgrade_check";

/// Judge whether a Helm release may be upgraded; changes nothing
#[derive(Debug, Parser)]
#[command(
    name = "kubectl upgrade-check",
    bin_name = "kubectl upgrade-check",
    version,
    override_usage = "kubectl upgrade-check RELEASE [CHART] [flags of helm upgrade] [flags]\n       \
                      kubectl upgrade-check --observation FILE [flags]\n       \
                      kubectl upgrade-check fleet [-n NAMESPACE|-A] [--context NAME]... [--full] [flags]\n       \
                      kubectl upgrade-check locks TARGET [flags]\n       \
                      kubectl upgrade-check notes RELEASE CHART|VERSION [flags]\n       \
                      kubectl upgrade-check path RELEASE VERSION|CHART [flags]\n       \
                      kubectl upgrade-check bundle RELEASE [CHART] [--file FILE.tar.gz] [--inspect] [flags]\n       \
                      kubectl upgrade-check profile list|show|lint|test|init|schema [flags]\n       \
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
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    #[command(flatten)]
    pub(crate) deployer: DeployerFlags,
    /// Upgrade path: a file, or URL@sha256:DIGEST; without it the profile's, else a built-in one
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) path_file: Option<String>,
    /// Store where backups are looked for: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub(crate) backup_store: Option<String>,
    /// The target's migrations: their folder, or a file that lists their paths
    #[arg(long, value_name = "FOLDER|FILE")]
    pub(crate) migrations: Option<PathBuf>,
    /// End with 2 on warnings, too
    #[arg(long, value_enum, value_name = "warn")]
    pub(crate) fail_on: Option<FailOn>,
    /// The helm to render the target with
    #[arg(long, value_name = "FILE")]
    pub(crate) helm_bin: Option<PathBuf>,
    /// Judge by these checks alone
    #[arg(long, value_name = "CHECK", value_delimiter = ',', conflicts_with = "skip")]
    pub(crate) only: Vec<String>,
    /// Leave these checks out; they are shown as skipped
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Findings that somebody answers for: a file with check, owner, reason and last day of each
    #[arg(long, value_name = "FILE")]
    pub(crate) waivers: Option<PathBuf>,
    /// An earlier report (-o json) to compare with: what is new and gone is told, and of warnings only new ones count for
    /// --fail-on
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Keep what was seen in a file, to judge it later or elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "observation")]
    pub(crate) save_observation: Option<PathBuf>,
    /// Judge what such a file holds; asks no cluster
    #[arg(long, value_name = "FILE")]
    pub(crate) observation: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten)]
    pub(crate) form: FormFlags,
}

/// In which form the report is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormFlags {
    /// Form of the report
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Form::Table, value_name = "FORM")]
    pub(crate) form: Form,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

/// Forms of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Every check, one line each
    #[default]
    Table,
    /// With evidence, and how sure it is
    Wide,
    /// Findings alone
    Short,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
    /// For pipelines that show tests
    Junit,
    /// A change ticket
    Markdown,
    /// A page
    Html,
}

impl CheckFlags {
    /// The profile that is meant, with who else deploys the release.
    pub(crate) fn profile(&self) -> ProfileChoice {
        ProfileChoice {
            deployer: self.deployer.declared(),
            ..self.profile.choice()
        }
    }

    /// What the session needs to know.
    pub(crate) fn common(&self) -> Common {
        // Failures are told in JSON where a script reads the report.
        let format = if self.form.form == Form::Json {
            Format::Json
        } else {
            Format::Table
        };
        Common {
            connection: self.connection.clone(),
            output: OutputFlags::of(format, self.form.no_color),
        }
    }
}

/// What besides a blocking finding ends with 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Warnings
    Warn,
}

/// Commands whose line mixes flags of their own with those of `helm upgrade`, as judging does.
#[derive(Debug, Clone, Copy)]
enum Mixed {
    Bundle,
    Notes,
    Path,
}

impl Mixed {
    const ALL: [Self; 3] = [Self::Bundle, Self::Notes, Self::Path];

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mixed| mixed.name() == word)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Notes => "notes",
            Self::Path => "path",
        }
    }

    fn command(self) -> clap::Command {
        match self {
            Self::Bundle => BundleCommand::command(),
            Self::Notes => NotesCommand::command(),
            Self::Path => PathCommand::command(),
        }
    }

    /// Runs it; `line` begins with the program's name.
    async fn run(self, line: &[String], environment: Environment) -> ExitCode {
        match self {
            Self::Bundle => bundle::run(line, environment).await,
            Self::Notes => notes::run(line, environment).await,
            Self::Path => path::run(line, environment).await,
        }
    }
}

/// The other commands.
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
    /// Show who holds up whom in the database, and end whom you name
    Locks(Box<LocksFlags>),
    /// List, show, examine, try and write profiles: what is particular to an application
    #[command(subcommand)]
    Profile(Box<ProfileCommand>),
    /// Show many releases of namespaces and clusters, one line each, and judge them
    #[command(after_help = fleet::AFTER_HELP)]
    Fleet(Box<FleetFlags>),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Whether a word is a command even where a release has that name; `--release NAME` means the release.
fn is_other(word: &str) -> bool {
    ["help", "--version", "-V"].contains(&word) || OtherCommand::command().find_subcommand(word).is_some()
}

/// Runs the command that the words mean.
pub(crate) async fn route(words: Vec<String>, environment: Environment) -> ExitCode {
    let word = |place: usize| words.get(place).map(String::as_str);
    if let Some(mixed) = word(1).and_then(Mixed::named) {
        let line: Vec<String> = words
            .iter()
            .take(1)
            .chain(words.iter().skip(2))
            .cloned()
            .collect();
        return mixed.run(&line, environment).await;
    }
    if !word(1).is_some_and(is_other) {
        return judge::run(&words, environment).await;
    }
    if word(1) == Some("help") {
        let asked = match word(2) {
            // The whole of it: the commands alone would hide what the program is for.
            None => Some(CheckCommand::command()),
            Some(name) => Mixed::named(name).map(Mixed::command),
        };
        if let Some(mut command) = asked {
            drop(command.print_help());
            return ExitCode::Done;
        }
    }
    let command = match parse::<OtherCommand>(&words) {
        Ok(parsed) => parsed.command,
        Err(code) => return code,
    };
    match command {
        Other::Explain { id, output } => explain::run(id.as_deref(), &Output::new(&output, &environment)),
        Other::Profile(command) => profile::run(*command, &environment).await,
        Other::Locks(flags) => locks::run(&flags, &environment).await,
        Other::Fleet(flags) => fleet::run(&flags, &environment).await,
        Other::Completion { shell } => {
            let output = Output::new(&OutputFlags::default(), &environment);
            let written = cli::print_completion(shell, whole_command(), PROGRAM);
            cli::end_with(&output, written, ExitCode::Done)
        }
    }
}

/// A command that has a whole line of its own, as one of several: a name with a space in it is none that a shell completes.
fn one_of_several(name: &'static str, command: &clap::Command) -> clap::Command {
    clap::Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .args(command.get_arguments().cloned())
}

/// Flags and commands together, for completion.
fn whole_command() -> clap::Command {
    let commands: Vec<clap::Command> = OtherCommand::command().get_subcommands().cloned().collect();
    CheckCommand::command()
        .subcommands(Mixed::ALL.map(|mixed| one_of_several(mixed.name(), &mixed.command())))
        .subcommands(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        whole_command().debug_assert();
        CheckCommand::command().debug_assert();
        OtherCommand::command().debug_assert();
        for mixed in Mixed::ALL {
            mixed.command().debug_assert();
        }
    }

    #[test]
    fn every_shell_completes_every_command() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut whole_command(), PROGRAM, &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(
                ["path-file", "explain", "prereleases", "all-namespaces", "inspect"]
                    .iter()
                    .all(|word| script.contains(word)),
                "{shell}"
            );
        }
    }

    #[test]
    fn every_command_is_known_by_its_word() {
        for word in [
            "explain",
            "fleet",
            "locks",
            "completion",
            "help",
            "--version",
            "-V",
        ] {
            assert!(is_other(word) && Mixed::named(word).is_none(), "{word}");
        }
        for word in ["bundle", "notes", "path"] {
            assert!(Mixed::named(word).is_some(), "{word}");
        }
        assert!(!is_other("shop") && Mixed::named("shop").is_none());
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
