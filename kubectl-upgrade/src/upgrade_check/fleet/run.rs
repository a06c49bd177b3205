//! From the flags to the last line.

use std::io;
use std::pin::pin;

use backup::Store;
use cli::{Environment, Output, store_place};
use futures::StreamExt;
use jiff::Timestamp;
use model::{ExitCode, FleetReport, causes};
use thiserror::Error;

use super::arguments::{FleetFlags, FleetForm};
use super::clusters::{Wanted, look_at};
use super::gathered::Gathered;
use super::view::View;
use crate::session::could_not_begin;

/// Why nothing was seen.
#[derive(Debug, Error)]
enum Refusal {
    #[error("{0}")]
    Said(String),
    #[error(
        "a claim is read by a Job, and a fleet would start one for each release: name a folder or a bucket with \
         --backup-store"
    )]
    Claim,
}

/// Runs the command.
pub(crate) async fn run(flags: &FleetFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.form.output(), environment);
    let clusters = match flags.connection.options(environment) {
        Ok(clusters) => clusters,
        Err(words) => return could_not_begin(&output, &Refusal::Said(words)),
    };
    let store = match store(flags, environment) {
        Ok(store) => store,
        Err(refusal) => return could_not_begin(&output, &refusal),
    };
    let wanted = Wanted {
        all_namespaces: flags.all_namespaces,
        selector: flags.selector.clone(),
        depth: flags.depth(),
        store,
    };
    let taken_at = Timestamp::now().to_string();
    let contexts = clusters.iter().filter_map(|cluster| cluster.context.as_ref());
    let widest = contexts.map(|context| context.chars().count()).max();
    let mut view = View::new(flags, output, widest.filter(|_| clusters.len() > 1));
    let mut gathered = Gathered::default();
    let mut told = pin!(look_at(clusters, &wanted));
    while let Some(told) = told.next().await {
        view.learn(&told);
        let shown = match gathered.take(told, environment).await {
            Some(item) => view.show(item),
            None => Ok(()),
        };
        if let Err(error) = shown {
            view.end();
            return match error.kind() {
                // Nobody reads on; looking further would be for nobody.
                io::ErrorKind::BrokenPipe => ExitCode::Done,
                _ => cli::end_with(&output, Err(error), ExitCode::CouldNotBegin),
            };
        }
        view.progress(gathered.done(), gathered.known());
    }
    view.end();
    if let Some(why) = gathered.only_trouble() {
        return could_not_begin(&output, &Refusal::Said(why.to_owned()));
    }
    end(&output, &gathered.report(taken_at, flags.depth()), flags)
}

/// Where backups are looked for.
fn store(flags: &FleetFlags, environment: &Environment) -> Result<String, Refusal> {
    let place = store_place(flags.backup_store.as_deref(), environment).map_err(Refusal::Said)?;
    let store = Store::open(&place).map_err(|error| Refusal::Said(causes(&error)))?;
    match store.claim() {
        Some(_) => Err(Refusal::Claim),
        None => Ok(place),
    }
}

fn end(output: &Output, report: &FleetReport, flags: &FleetFlags) -> ExitCode {
    let code = report.exit_code(flags.fail_on());
    let written = match flags.form.form {
        FleetForm::Table | FleetForm::Wide => {
            output.text(|out| render::fleet_end(out, output.results, report, code.code()))
        }
        FleetForm::Json => output.data(|out| render::json(out, report)),
        FleetForm::Yaml => output.data(|out| render::yaml(out, report)),
    };
    cli::end_with(output, written, code)
}
