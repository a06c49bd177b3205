//! Its flags.

use clap::{Args, ValueEnum};
use cli::{Format, ManyConnectionsFlags, OutputFlags};
use model::{FleetDepth, FleetFailOn};

/// What stands below its help.
pub(crate) const AFTER_HELP: &str = "Without --full Helm's records and the backups of ours are looked at; with it, each release \
    is judged as `kubectl upgrade-check RELEASE` does it. A cluster, a namespace or a release that cannot be read is told and \
    ends nothing.\n\n\
    Exit codes: 0 nothing found, 1 no cluster could be reached, 2 a release is blocked, 3 something could not be judged or \
    read. --fail-on changes what counts.";

/// Flags of `fleet`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FleetFlags {
    /// Look in all namespaces; where not all of them may be read, in those that may
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(super) all_namespaces: bool,
    /// Only releases with these labels, as for `helm list`: team=shop, status=failed, 'name in (a,b)'
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub(super) selector: Option<String>,
    /// Judge each release by every check
    #[arg(long)]
    full: bool,
    /// From what on another code than 0 is the end
    #[arg(long, value_enum, value_name = "WHAT", default_value = "unknown")]
    fail_on: FailOn,
    /// Store where backups are looked for: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    pub(super) backup_store: Option<String>,
    #[command(flatten)]
    pub(super) connection: ManyConnectionsFlags,
    #[command(flatten)]
    pub(super) form: FormFlags,
}

/// What ends with another code than 0; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Nothing that is found
    Never,
    /// A release that is blocked (2)
    Blocked,
    /// What could not be judged or read, too (3)
    Unknown,
    /// Warnings, too (2)
    Warn,
}

/// In which form releases are shown.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormFlags {
    /// Form of the result
    #[arg(short = 'o', long = "output", value_enum, default_value_t = FleetForm::Table, value_name = "FORM")]
    pub(super) form: FleetForm,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

/// Forms of a fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FleetForm {
    /// A line for each release
    #[default]
    Table,
    /// With every column, and findings in words
    Wide,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
}

impl FleetFlags {
    /// How closely releases are looked at.
    pub(super) fn depth(&self) -> FleetDepth {
        if self.full {
            FleetDepth::Full
        } else {
            FleetDepth::Quick
        }
    }

    /// What counts for the exit code.
    pub(super) fn fail_on(&self) -> FleetFailOn {
        match self.fail_on {
            FailOn::Never => FleetFailOn::Never,
            FailOn::Blocked => FleetFailOn::Blocked,
            FailOn::Unknown => FleetFailOn::Unknown,
            FailOn::Warn => FleetFailOn::Warn,
        }
    }
}

impl FormFlags {
    /// Where results and talk go.
    pub(super) fn output(&self) -> OutputFlags {
        let format = match self.form {
            FleetForm::Json => Format::Json,
            FleetForm::Table | FleetForm::Wide | FleetForm::Yaml => Format::Table,
        };
        OutputFlags::of(format, self.no_color)
    }
}
