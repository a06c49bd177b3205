//! `helm safe-upgrade report RELEASE [RUN]`.

use cli::{Environment, Output, OutputFlags};
use cluster::Cluster;
use model::{ExitCode, UpgradeReport};
use upgrade::flow;

use crate::arguments::{ReportFlags, ReportForm};
use crate::session::UNCHANGED;
use crate::upgrade::Refusal;

/// Writes the report of one run, ended or not.
pub(crate) async fn run(flags: &ReportFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&OutputFlags::default(), &environment);
    let cluster = match Cluster::connect(&flags.connection.options(&environment)).await {
        Ok(cluster) => cluster,
        Err(error) => return cli::fail(&output, &error, UNCHANGED, None, ExitCode::CouldNotBegin),
    };
    let report = match chosen(&cluster, flags).await {
        Ok(report) => report,
        Err(refusal) => {
            let next = format!(
                "helm safe-upgrade history {} -n {}",
                flags.release, cluster.namespace
            );
            return cli::fail(&output, &refusal, UNCHANGED, Some(&next), refusal.exit_code());
        }
    };
    let written = match flags.output {
        ReportForm::Html => output.text(|out| render::run_page(out, &report)),
        ReportForm::Markdown => output.text(|out| render::run_markdown(out, &report)),
        ReportForm::Json => output.data(|out| render::json(out, &report)),
    };
    cli::end_with(&output, written, ExitCode::Done)
}

async fn chosen(cluster: &Cluster, flags: &ReportFlags) -> Result<UpgradeReport, Refusal> {
    let runs = flow::status(cluster, &cluster.namespace, &flags.release).await?;
    let wanted = |run: &str| flags.run.as_deref().is_none_or(|wanted| wanted == run);
    let found = runs.into_iter().find(|run| wanted(&run.run)).ok_or_else(|| {
        Refusal::Words(match &flags.run {
            Some(run) => format!("release {} has no run {run} on record", flags.release),
            None => format!("release {} has no run on record", flags.release),
        })
    })?;
    found.report.map_err(|why| {
        Refusal::Words(format!(
            "the journal of run {} cannot be understood: {why}",
            found.run
        ))
    })
}
