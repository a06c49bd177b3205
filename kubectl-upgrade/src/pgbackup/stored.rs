//! `kubectl pgbackup get`, and what every command does with stores.

use backup::{Backup, BackupId, Store, backup_report, get as fetch, get_opened};
use cli::{Environment, Output, store_place};
use jiff::Timestamp;
use model::ExitCode;
use thiserror::Error;

use super::act::{ActEnd, act};
use super::arguments::{GetFlags, StoreFlags, Wanted};
use super::failure::{PARTLY_FETCHED, failed};
use super::files;
use super::rights::may_mount;
use crate::session::{Common, Session, could_not_begin};

/// A failure that is words already.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Words(pub(crate) String);

/// Opens a store, through the cluster where it is a claim; tells a failure and gives the code to end with.
pub(crate) async fn open_store(
    place: &str,
    common: &Common,
    environment: &Environment,
) -> Result<Store, ExitCode> {
    let output = Output::new(&common.output, environment);
    let store = Store::open(place).map_err(|error| failed(&output, &error))?;
    let Some(claim) = store.claim() else {
        return Ok(store);
    };
    let session = Session::open(common, environment).await?;
    may_mount(&session, claim.namespace.as_deref().unwrap_or(&session.namespace)).await?;
    Ok(store.within(&session.cluster, &session.namespace))
}

/// The store that the flags mean.
pub(crate) async fn store_of(
    flags: &StoreFlags,
    common: &Common,
    environment: &Environment,
) -> Result<Store, ExitCode> {
    let place = store_place(flags.folder.as_deref(), environment)
        .map_err(|words| could_not_begin(&Output::new(&common.output, environment), &Words(words)))?;
    open_store(&place, common, environment).await
}

/// A backup in the store that the flags mean.
pub(crate) async fn backup_of(
    id: &BackupId,
    flags: &StoreFlags,
    common: &Common,
    environment: &Environment,
) -> Result<Backup, ExitCode> {
    let store = store_of(flags, common, environment).await?;
    let output = Output::new(&common.output, environment);
    store.find(id).await.map_err(|error| failed(&output, &error))
}

/// Copies.
pub(crate) async fn get(flags: &GetFlags, environment: &Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, environment);
    let (id, destination) = match flags.wanted() {
        Ok(Wanted::Backup(id, destination)) => (id, destination),
        Ok(Wanted::File(file, destination)) => {
            return files::get(&flags.common, file, destination, flags.overwrite, environment).await;
        }
        Err(words) => return could_not_begin(&output, &Words(words)),
    };
    let backup = match backup_of(&id, &flags.store, &flags.common, environment).await {
        Ok(backup) => backup,
        Err(code) => return code,
    };
    // Without an identity a backup is fetched as it is.
    let opens = flags.identity.any() && backup.manifest.encryption.is_some();
    let backup = if opens {
        match flags.identity.open(backup, &output).await {
            Ok(backup) => backup,
            Err(code) => return code,
        }
    } else {
        backup
    };
    let destination = match std::path::absolute(destination) {
        Ok(destination) => destination,
        Err(error) => return could_not_begin(&output, &error),
    };
    let title = format!("fetch {id}");
    let fetched = act(&output, &title, async |progress| {
        if opens {
            get_opened(&backup, &destination, progress).await
        } else {
            fetch(&backup, &destination, progress).await
        }
    })
    .await;
    match fetched {
        ActEnd::Ended(Ok(copy)) => {
            let report = backup_report(&copy, Timestamp::now());
            let written = output.result(&report, |out, style| render::backup_report(out, style, &report));
            cli::end_with(&output, written, ExitCode::Done)
        }
        ActEnd::Ended(Err(error)) => failed(&output, &error),
        ActEnd::Interrupted => cli::fail(
            &output,
            &Words("interrupted".into()),
            PARTLY_FETCHED,
            None,
            ExitCode::PutBack,
        ),
    }
}
