//! The command line, and which command it means.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use cli::{
    ConnectionFlags, DatabaseFlags, DeployerFlags, Environment, Format, Output, OutputFlags, ProfileFlags,
    parse,
};
use jiff::Timestamp;
use model::{ExitCode, GateMode};

use crate::notify::NotifyFlags;
use crate::recover::RecoverCommand;
use crate::rehearse::RehearseCommand;
use crate::terms::TermsFlags;
use crate::unquiesce::time_of_day;
use crate::{carry_on, quiesce, recover, rehearse, report, rollback, status, unlock, unquiesce, upgrade};

/// Words that are commands even where a release has that name; `--release NAME` means the release.
pub(crate) const COMMANDS: [&str; 14] = [
    "recover",
    "rehearse",
    "status",
    "history",
    "report",
    "resume",
    "abort",
    "rollback",
    "quiesce",
    "unquiesce",
    "unlock",
    "completion",
    "help",
    "--version",
];

/// Upgrade a Helm release with backup, quiesce, gate and proof
#[derive(Debug, Parser)]
#[command(
    name = "helm safe-upgrade",
    bin_name = "helm safe-upgrade",
    version,
    override_usage = "helm safe-upgrade RELEASE CHART [flags of helm upgrade] [flags]\n       \
                      helm safe-upgrade --plan FILE [--yes]\n       \
                      helm safe-upgrade status|history|report|resume|abort|rollback|quiesce|unquiesce|unlock RELEASE [flags]\n       \
                      helm safe-upgrade rehearse RELEASE CHART [flags of helm upgrade] [flags]\n       \
                      helm safe-upgrade recover RELEASE [CHART] [flags of helm upgrade] [flags]",
    after_help = "Every flag of `helm upgrade` is taken: those on values and chart are used once and pinned, the others \
                  go to every pass. Exit codes: 0 upgraded, 1 could not begin, 2 blocked, 3 cannot tell, 10 put back, \
                  11 stopped half-way, 12 upgraded but a check failed."
)]
pub(crate) struct UpgradeCommand {
    #[command(flatten)]
    pub(crate) flags: UpgradeFlags,
}

/// Flags of an upgrade that are not helm's.
#[derive(Debug, Clone, Args)]
pub(crate) struct UpgradeFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    pub(crate) release: Option<String>,
    /// Show checks and plan, change nothing
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "HOW")]
    pub(crate) dry_run: Option<String>,
    /// Write the plan into a file, change nothing; `--plan FILE` runs it
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub(crate) save_plan: Option<PathBuf>,
    /// Run the plan in a file, if all that it rests on is as it was
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// How long a saved plan is good for
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = time, requires = "save_plan")]
    pub(crate) plan_lifetime: Duration,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    /// When the new version is judged
    #[arg(long, value_enum, value_name = "GATE")]
    pub(crate) gate: Option<GateFlag>,
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    #[command(flatten)]
    pub(crate) deployer: DeployerFlags,
    /// Upgrade path: a file, or URL@sha256:DIGEST; without it the profile's, else a built-in one
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) path_file: Option<String>,
    /// Store for the backup: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub(crate) backup_to: Option<String>,
    /// Go on although the database could not be put back
    #[arg(long)]
    pub(crate) accept_no_way_back: bool,
    /// Run this command when traffic is back; it must end with 0 (repeatable)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) smoke: Vec<String>,
    /// Run the chart's own tests when traffic is back
    #[arg(long)]
    pub(crate) helm_test: bool,
    /// Let the smoke commands of the profile run on this machine
    #[arg(long)]
    pub(crate) allow_profile_commands: bool,
    #[command(flatten)]
    pub(crate) terms: TermsFlags,
    #[command(flatten)]
    pub(crate) notify: NotifyFlags,
    /// Make the run die or fail at a place, for tests: kill:before:N, kill:after:N, error:STEP, undo-error:STEP
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    /// The helm to run
    #[arg(long, value_name = "FILE")]
    pub(crate) helm_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    /// Form of the result
    #[arg(
        short = 'o',
        long,
        value_enum,
        default_value_t,
        value_name = "FORM",
        help_heading = "Output"
    )]
    pub(crate) output: PlanForm,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long, help_heading = "Output")]
    pub(crate) no_color: bool,
    // Helm hands these on to plugins.
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) burst_limit: Option<String>,
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) qps: Option<String>,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}

impl UpgradeFlags {
    /// What the session needs to know.
    pub(crate) fn common(&self) -> Common {
        let format = match self.output {
            PlanForm::Json => Format::Json,
            PlanForm::Table | PlanForm::Markdown => Format::Table,
        };
        Common {
            helm_bin: self.helm_bin.clone(),
            connection: self.connection.clone(),
            output: OutputFlags::of(format, self.no_color),
            ..Common::default()
        }
    }
}

/// Forms of a plan and of what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlanForm {
    /// For people
    #[default]
    Table,
    /// For scripts; alone on standard output
    Json,
    /// A change request, and the report of a run for its ticket
    Markdown,
}

impl PlanForm {
    /// The form where a result is for people or for scripts.
    pub(crate) fn of(output: &Output) -> Self {
        match output.format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
        }
    }
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    /// The helm to run
    #[arg(long, value_name = "FILE")]
    pub(crate) helm_bin: Option<std::path::PathBuf>,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
    // Helm hands these on to plugins.
    #[arg(long, hide = true, value_name = "N")]
    burst_limit: Option<String>,
    #[arg(long, hide = true, value_name = "N")]
    qps: Option<String>,
}

/// The gate's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateFlag {
    /// One pod behind a readiness gate, all else parked; turning back loses nothing
    Traffic,
    /// Hooks only, no pods; turning back loses nothing
    Schema,
    /// The chart as it is; turning back has a price
    After,
}

impl From<GateFlag> for GateMode {
    fn from(flag: GateFlag) -> Self {
        match flag {
            GateFlag::Traffic => Self::Traffic,
            GateFlag::Schema => Self::Schema,
            GateFlag::After => Self::After,
        }
    }
}

/// Commands around a run.
#[derive(Debug, Parser)]
#[command(name = "helm safe-upgrade", bin_name = "helm safe-upgrade", version)]
pub(crate) struct OtherCommand {
    #[command(subcommand)]
    command: Other,
}

#[derive(Debug, Subcommand)]
enum Other {
    /// Show the runs on a release, newest first
    Status(StatusFlags),
    /// List the runs on a release, one a line, newest first
    History(StatusFlags),
    /// Write the report of a run as a page, as Markdown or as JSON
    Report(ReportFlags),
    /// Carry an unfinished run on, from any machine
    Resume(ResumeFlags),
    /// Take an unfinished run back, from any machine
    Abort(AbortFlags),
    /// Go back to an older revision: helm alone where the live schema allows it, else with the database
    Rollback(RollbackFlags),
    /// Stop the release, prove that it stands still, and leave it so until it is brought back
    Quiesce(QuiesceFlags),
    /// Bring everything back exactly as it was before a quiesce, from any machine
    Unquiesce(UnquiesceFlags),
    /// Let Helm go on with a release that a killed helm left pending, once nothing works on it any more
    Unlock(UnlockFlags),
    /// Print a completion script for a shell
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Flags of `status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusFlags {
    /// The release
    pub(crate) release: String,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    /// One page that needs nothing else
    Html,
    /// For a ticket
    Markdown,
    /// For scripts
    Json,
}

/// Flags of `report`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportFlags {
    /// The release
    pub(crate) release: String,
    /// The run's id, as `history` shows it; without it the newest
    pub(crate) run: Option<String>,
    /// Form of the report
    #[arg(short = 'o', long, value_enum, default_value_t = ReportForm::Markdown, value_name = "FORM")]
    pub(crate) output: ReportForm,
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    // Helm hands these on to plugins.
    #[arg(long, hide = true, value_name = "N")]
    burst_limit: Option<String>,
    #[arg(long, hide = true, value_name = "N")]
    qps: Option<String>,
}

/// Flags of `resume`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ResumeFlags {
    /// The release
    pub(crate) release: String,
    #[command(flatten)]
    pub(crate) notify: NotifyFlags,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags of `abort`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AbortFlags {
    /// The release
    pub(crate) release: String,
    /// Turn back even past the gate: what was written since is lost from the live database (it is kept under another name)
    #[arg(long)]
    pub(crate) accept_loss: bool,
    /// Turn nothing back: end the holds that are only this run's (CronJobs, a gate that was about to open), leave
    /// revisions, counts and database as they are, and close the run for good
    #[arg(long, conflicts_with = "accept_loss")]
    pub(crate) leave: bool,
    #[command(flatten)]
    pub(crate) notify: NotifyFlags,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags of `rollback`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RollbackFlags {
    /// The release
    pub(crate) release: String,
    /// The revision to go back to; without it the one that the newest upgrade by this program left
    pub(crate) revision: Option<u32>,
    /// Show the plan, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    /// Put the database back where the older version needs it: what was written since is then under another name only
    #[arg(long)]
    pub(crate) accept_loss: bool,
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    /// Store for the backup of what is in use now: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub(crate) backup_to: Option<String>,
    #[command(flatten)]
    pub(crate) notify: NotifyFlags,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}

/// Flags of `quiesce`.
#[derive(Debug, Clone, Args)]
pub(crate) struct QuiesceFlags {
    /// The release
    pub(crate) release: String,
    /// Only these roles of the profile; without it everything that stops for an upgrade
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub(crate) roles: Vec<String>,
    /// Bring everything back after this time; with --image or --wait
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) limit: Option<Duration>,
    /// Image with this program: a Job in the cluster keeps the limit, whatever becomes of this machine
    #[arg(long, value_name = "IMAGE", requires = "limit")]
    pub(crate) image: Option<String>,
    /// Wait in the foreground, and bring everything back at the limit or with Ctrl-C; if this process dies, nothing does
    #[arg(long, conflicts_with = "image")]
    pub(crate) wait: bool,
    /// Do not ask the database who is connected, as where it does not answer
    #[arg(long)]
    pub(crate) no_sessions: bool,
    /// Show the plan, change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) profile: ProfileFlags,
    #[command(flatten)]
    pub(crate) notify: NotifyFlags,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) database: DatabaseFlags,
}

/// Flags of `unquiesce`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnquiesceFlags {
    /// The release
    pub(crate) release: String,
    /// The run, as `history` shows it; without it the newest
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Wait until this time (2026-01-31T22:00:00Z), or until the run is over
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    pub(crate) at: Option<Timestamp>,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    pub(crate) fault: Option<engine::Faults>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Flags of `unlock`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UnlockFlags {
    /// The release
    pub(crate) release: String,
    /// How long it must have been pending; helm gives up after 5 minutes by itself, or after its --timeout
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    pub(crate) older_than: Duration,
    /// Take the edit back: the revision says again what it said before
    #[arg(long)]
    pub(crate) undo: bool,
    /// Do not ask
    #[arg(short = 'y', long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) common: Common,
}

pub(crate) fn time(text: &str) -> Result<Duration, String> {
    helm::parse_duration(text).ok_or_else(|| format!("{text:?} is no time; write 30s, 5m or 1h"))
}

/// Runs the command that the words mean.
pub(crate) async fn route(words: Vec<String>, environment: Environment) -> ExitCode {
    let first = words.get(1).map(String::as_str);
    if !first.is_some_and(|first| COMMANDS.contains(&first)) {
        return upgrade::run(&words, environment).await;
    }
    match first {
        Some("rehearse") => return rehearse::run(&words, environment).await,
        Some("recover") => return recover::run(&words, environment).await,
        Some(_) | None => {}
    }
    let command = match parse::<OtherCommand>(&words) {
        Ok(parsed) => parsed.command,
        Err(code) => return code,
    };
    match command {
        Other::Status(flags) => status::run(&flags, environment).await,
        Other::History(flags) => status::history(&flags, environment).await,
        Other::Report(flags) => report::run(&flags, environment).await,
        Other::Resume(flags) => carry_on::resume(&flags, environment).await,
        Other::Abort(flags) => carry_on::abort(&flags, environment).await,
        Other::Rollback(flags) => rollback::run(&flags, environment).await,
        Other::Quiesce(flags) => quiesce::run(&flags, environment).await,
        Other::Unquiesce(flags) => unquiesce::run(&flags, environment).await,
        Other::Unlock(flags) => unlock::run(&flags, environment).await,
        Other::Completion { shell } => {
            let output = Output::new(&OutputFlags::default(), &environment);
            // Their flags stand among helm's, so that they are taken apart elsewhere.
            let all = OtherCommand::command()
                .args(UpgradeCommand::command().get_arguments().cloned())
                .subcommand(RehearseCommand::command().name("rehearse"))
                .subcommand(RecoverCommand::command().name("recover"));
            let written = cli::print_completion(shell, all, "helm-safe-upgrade");
            cli::end_with(&output, written, ExitCode::Done)
        }
    }
}
