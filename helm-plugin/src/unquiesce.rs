//! `helm safe-upgrade unquiesce RELEASE`.

use cli::{Environment, Output, interrupts, watched};
use cluster::Cluster;
use jiff::Timestamp;
use model::{ExitCode, UpgradeOutcome, UpgradeReport};
use upgrade::flow::{self, UnquiesceRequest};

use crate::arguments::UnquiesceFlags;
use crate::session::UNCHANGED;
use crate::upgrade::{Refusal, show_end};

/// Brings back what a quiesce stopped, from any machine; with `--at` when that time has come.
pub(crate) async fn run(flags: &UnquiesceFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    let cluster = match Cluster::connect(&flags.common.connection.options(&environment)).await {
        Ok(cluster) => cluster,
        Err(error) => return cli::fail(&output, &error, UNCHANGED, None, ExitCode::CouldNotBegin),
    };
    let request = UnquiesceRequest {
        namespace: cluster.namespace.clone(),
        cluster,
        release: flags.release.clone(),
        run: flags.run.clone(),
    };
    match act(&request, flags, &output).await {
        Ok(report) => show_return(&output, &report),
        Err(error) => {
            let next = format!(
                "helm safe-upgrade status {} -n {}",
                request.release, request.namespace
            );
            let state = "The run is as it was; nothing was changed by this command.";
            cli::fail(&output, &error, state, Some(&next), error.exit_code())
        }
    }
}

async fn act(
    request: &UnquiesceRequest,
    flags: &UnquiesceFlags,
    output: &Output,
) -> Result<UpgradeReport, Refusal> {
    if let Some(at) = flags.at {
        let run = flow::quiesced(request).await?.run;
        // The one that started this Job waits for this line before it stops anything.
        let words = format!("run {run} is taken back at {at:.0} unless it is over before");
        drop(output.talk(|err, _| writeln!(err, "{words}")));
        let pressed = interrupts(|_| ());
        tokio::select! {
            () = pressed.cancel.cancelled() => {
                return Err(Refusal::Words("interrupted while it waited".into()));
            }
            over = flow::over_before(request, &run, at) => over?,
        };
    }
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::unquiesce(request, options)
    });
    Ok(ended.await?)
}

/// Tells how the return ended: here everything as before is what was wished for.
pub(crate) fn show_return(output: &Output, report: &UpgradeReport) -> ExitCode {
    let code = show_end(output, report);
    match report.outcome {
        // A failure to write the report is a failure all the same.
        UpgradeOutcome::Restored if code == report.outcome.exit_code() => ExitCode::Done,
        UpgradeOutcome::Restored
        | UpgradeOutcome::Upgraded
        | UpgradeOutcome::UpgradedWithFailures
        | UpgradeOutcome::Stopped
        | UpgradeOutcome::Left
        | UpgradeOutcome::Quiesced => code,
    }
}

/// A time as `--at` takes it.
pub(crate) fn time_of_day(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no time; write it as 2026-01-31T22:00:00Z"))
}
