//! `helm safe-upgrade status` and `history`.

use std::io::{self, Write};

use cli::{Environment, Output};
use cluster::Cluster;
use model::{ExitCode, UpgradeOutcome, UpgradeReport};
use render::Style;
use upgrade::flow::{self, RunLine};

use crate::arguments::StatusFlags;
use crate::session::UNCHANGED;

/// Shows the newest run in full and the others by a line. Ends with 11 while the newest waits for a person, else with 0.
pub(crate) async fn run(flags: &StatusFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    match runs(flags, &environment, &output).await {
        Ok(runs) => {
            let code = match waits(&runs) {
                true => ExitCode::Stopped,
                false => ExitCode::Done,
            };
            show(&output, runs, render::run_list, code)
        }
        Err(code) => code,
    }
}

/// Lists the runs, one a line.
pub(crate) async fn history(flags: &StatusFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    match runs(flags, &environment, &output).await {
        Ok(runs) => show(&output, runs, render::run_history, ExitCode::Done),
        Err(code) => code,
    }
}

async fn runs(
    flags: &StatusFlags,
    environment: &Environment,
    output: &Output,
) -> Result<Vec<RunLine>, ExitCode> {
    let cluster = Cluster::connect(&flags.common.connection.options(environment))
        .await
        .map_err(|error| cli::fail(output, &error, UNCHANGED, None, ExitCode::CouldNotBegin))?;
    flow::status(&cluster, &cluster.namespace, &flags.release)
        .await
        .map_err(|error| cli::fail(output, &error, UNCHANGED, None, error.exit_code()))
}

/// Whether the newest run waits for a person.
fn waits(runs: &[RunLine]) -> bool {
    runs.first().is_some_and(|run| {
        !run.ended
            || run
                .report
                .as_ref()
                .is_ok_and(|report| report.outcome == UpgradeOutcome::Stopped)
    })
}

/// A run as the renderer takes it.
type Line = (String, bool, Result<UpgradeReport, String>);

fn show(
    output: &Output,
    runs: Vec<RunLine>,
    people: fn(&mut dyn Write, Style, &[Line]) -> io::Result<()>,
    code: ExitCode,
) -> ExitCode {
    let reports: Vec<UpgradeReport> = runs.iter().filter_map(|run| run.report.clone().ok()).collect();
    let lines: Vec<Line> = runs
        .into_iter()
        .map(|run| (run.run, run.ended, run.report))
        .collect();
    let written = output.result(&reports, |out, style| people(out, style, &lines));
    cli::end_with(output, written, code)
}
