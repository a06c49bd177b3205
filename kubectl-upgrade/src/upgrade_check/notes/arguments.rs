//! The flags of `notes` that are not helm's.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use cli::{ConnectionFlags, Format, OutputFlags, ProfileFlags};
use model::VersionOf;

use crate::session::Common;

/// Tell the release notes between the running version and a target, either way
#[derive(Debug, Parser)]
#[command(
    name = "notes",
    bin_name = "kubectl upgrade-check notes",
    override_usage = "kubectl upgrade-check notes RELEASE CHART [flags of helm upgrade] [flags]\n       \
                      kubectl upgrade-check notes RELEASE VERSION [flags]",
    after_help = "CHART and its flags are those of `helm upgrade`; flags about values are taken and change nothing. A bare \
                  VERSION is one of the application. An older target tells what is being left.\n\n\
                  Sources are the repositories of the profile, else those that the chart names on GitHub, and the change \
                  log and annotations in the chart. A token for GitHub is taken from GITHUB_TOKEN.\n\n\
                  Exit codes: 0 the notes are known, 1 could not begin, 2 a breaking change with --fail-on breaking, \
                  3 no source tells every version on the way."
)]
pub(crate) struct NotesCommand {
    #[command(flatten)]
    pub(super) flags: NotesFlags,
}

/// What the user says about notes.
#[derive(Debug, Clone, Args)]
pub(super) struct NotesFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    pub(super) release: Option<String>,
    /// The running version; no cluster is asked then
    #[arg(long, value_name = "VERSION")]
    pub(super) running: Option<String>,
    /// Whose versions a bare VERSION and --running are
    #[arg(long, value_enum, default_value_t = Of::App, value_name = "WHOSE")]
    pub(super) of: Of,
    #[command(flatten)]
    pub(super) profile: ProfileFlags,
    /// Where to read, instead of the profile's and the chart's repositories: OWNER/REPOSITORY, a change log's address or
    /// file; may be repeated
    #[arg(long, value_name = "SOURCE")]
    pub(super) from: Vec<String>,
    /// Prereleases, too
    #[arg(long)]
    pub(super) prereleases: bool,
    /// The whole text of every version
    #[arg(long)]
    pub(super) full: bool,
    /// End with 2 where a change is marked as breaking
    #[arg(long, value_enum, value_name = "breaking")]
    pub(super) fail_on: Option<FailOn>,
    /// The helm to fetch the chart with
    #[arg(long, value_name = "FILE")]
    pub(super) helm_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(super) reading: ReadingFlags,
    #[command(flatten)]
    pub(super) connection: ConnectionFlags,
    #[command(flatten)]
    pub(super) form: NotesFormFlags,
}

/// How sources are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading")]
pub(super) struct ReadingFlags {
    /// Ask every source, even where an answer of the last hour is kept
    #[arg(long, conflicts_with_all = ["offline", "notes"])]
    pub(super) refresh: bool,
    /// Ask no server: use what was kept of earlier answers, however old
    #[arg(long, conflicts_with = "notes")]
    pub(super) offline: bool,
    /// Keep what the sources told in a file, to read it elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "notes")]
    pub(super) save: Option<PathBuf>,
    /// Read from such a file; asks no server
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub(super) notes: Option<PathBuf>,
    /// Address of another GitHub's API, such as https://HOST/api/v3; GITHUB_API_URL says the same
    #[arg(long, value_name = "URL")]
    pub(super) github_api: Option<String>,
    /// A file that holds the token for GitHub, instead of GITHUB_TOKEN
    #[arg(long, value_name = "FILE")]
    pub(super) github_token_file: Option<PathBuf>,
}

/// In which form the notes are written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct NotesFormFlags {
    /// Form of the notes
    #[arg(short = 'o', long = "output", value_enum, default_value_t = NotesOutput::Table, value_name = "FORM")]
    pub(super) form: NotesOutput,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

/// Forms of the notes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum NotesOutput {
    /// For people
    #[default]
    Table,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
    /// For a ticket
    Markdown,
}

/// Whose versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Of {
    /// The application's
    App,
    /// The chart's
    Chart,
}

impl From<Of> for VersionOf {
    fn from(of: Of) -> Self {
        match of {
            Of::App => Self::App,
            Of::Chart => Self::Chart,
        }
    }
}

/// What ends with 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Breaking changes
    Breaking,
}

impl ReadingFlags {
    /// Whether servers may be asked.
    pub(super) fn asks_servers(&self) -> bool {
        !self.offline && self.notes.is_none()
    }
}

impl NotesFlags {
    /// What the session needs to know.
    pub(super) fn common(&self) -> Common {
        // Failures are told in JSON where a script reads the report.
        let format = match self.form.form {
            NotesOutput::Json => Format::Json,
            NotesOutput::Table | NotesOutput::Yaml | NotesOutput::Markdown => Format::Table,
        };
        Common {
            connection: self.connection.clone(),
            output: OutputFlags::of(format, self.form.no_color),
        }
    }

    /// Whether a breaking change is a finding that blocks.
    pub(super) fn fails_on_breaking(&self) -> bool {
        match self.fail_on {
            Some(FailOn::Breaking) => true,
            None => false,
        }
    }
}
