//! `helm safe-upgrade status`.

use cli::{Environment, Output};
use cluster::Cluster;
use model::{ExitCode, UpgradeOutcome, UpgradeReport};
use upgrade::flow::{self, RunLine};

use crate::arguments::StatusFlags;
use crate::session::UNCHANGED;

/// Shows the runs. Ends with 11 while the newest waits for a person, else with 0.
pub(crate) async fn run(flags: &StatusFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    let cluster = match Cluster::connect(&flags.common.connection.options(&environment)).await {
        Ok(cluster) => cluster,
        Err(error) => return cli::fail(&output, &error, UNCHANGED, None, ExitCode::CouldNotBegin),
    };
    match flow::status(&cluster, &cluster.namespace, &flags.release).await {
        Ok(runs) => show(&output, runs),
        Err(error) => cli::fail(&output, &error, UNCHANGED, None, error.exit_code()),
    }
}

fn show(output: &Output, runs: Vec<RunLine>) -> ExitCode {
    let waits = runs.first().is_some_and(|run| {
        !run.ended
            || run
                .report
                .as_ref()
                .is_ok_and(|report| report.outcome == UpgradeOutcome::Stopped)
    });
    let reports: Vec<UpgradeReport> = runs.iter().filter_map(|run| run.report.clone().ok()).collect();
    let lines: Vec<_> = runs
        .into_iter()
        .map(|run| (run.run, run.ended, run.report))
        .collect();
    let written = output.result(&reports, |out, style| render::run_list(out, style, &lines));
    cli::end_with(
        output,
        written,
        if waits { ExitCode::Stopped } else { ExitCode::Done },
    )
}
