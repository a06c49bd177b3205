//! `profile lint`.

use std::path::PathBuf;

use checks::profiles::{ProfileChoiceError, files_to_lint, lint};
use clap::Args;
use cli::{Environment, Output, OutputFlags, end_with};
use model::{ExitCode, LintedFile, ProfileLintReport};
use thiserror::Error;

use crate::session::could_not_begin;

/// Flags of `profile lint`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LintFlags {
    /// Files of profiles or upgrade paths, or folders with such
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputFlags,
}

/// Why nothing was examined.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    File(#[from] ProfileChoiceError),
    #[error("there is no YAML file in what was named")]
    Nothing,
}

pub(super) fn run(flags: &LintFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.output, environment);
    match linted(flags) {
        Ok(files) => {
            let report = ProfileLintReport::new(files);
            let written = output.result(&report, |out, style| render::profile_lint(out, style, &report));
            end_with(&output, written, report.exit_code())
        }
        Err(refusal) => could_not_begin(&output, &refusal),
    }
}

fn linted(flags: &LintFlags) -> Result<Vec<LintedFile>, Refusal> {
    let files = files_to_lint(&flags.files)?;
    if files.is_empty() {
        return Err(Refusal::Nothing);
    }
    Ok(files.iter().map(|file| lint(file)).collect::<Result<_, _>>()?)
}
