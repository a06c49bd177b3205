//! `profile show`.

use checks::profiles::look_up;
use clap::Args;
use cli::{Environment, Format, Output, OutputFlags, PackFlags, end_with};
use model::ExitCode;

use crate::session::could_not_begin;

/// Flags of `profile show`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ShowFlags {
    /// The profile: a name, or a file (a dot or a slash in it)
    #[arg(value_name = "NAME|FILE")]
    profile: String,
    #[command(flatten)]
    pack: PackFlags,
    #[command(flatten)]
    output: OutputFlags,
}

/// Prints the text as it stands, comments included; with `-o json` the profile as it is read.
pub(super) fn run(flags: &ShowFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    let known = match look_up(&flags.pack.choice(Some(&flags.profile))) {
        Ok(known) => known,
        Err(error) => return could_not_begin(&output, &error),
    };
    let written = match output.format {
        Format::Json => output.data(|out| render::json(out, &known.profile)),
        Format::Table => output.text(|out| write!(out, "{}", known.text)),
    };
    end_with(&output, written, ExitCode::Done)
}
