//! `--recipient` and `--identity`: encryption on the way in and out.

use std::path::PathBuf;
use std::sync::Arc;

use backup::seal::{Identities, OpenError, RecipientError, Recipients};
use backup::{Backup, Store};
use clap::Args;
use cli::Output;
use model::ExitCode;

use super::failure::{Ends, failed};
use crate::session::could_not_begin;

/// Whom a backup is encrypted to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RecipientFlags {
    /// Encrypt to this public key (age1…, "ssh-ed25519 …") or to those in a file; may be repeated
    #[arg(long = "recipient", value_name = "KEY|FILE")]
    recipients: Vec<String>,
}

impl RecipientFlags {
    /// The keys; `None` where nothing is to be encrypted.
    pub(crate) fn parse(&self) -> Result<Option<Recipients>, RecipientError> {
        let some = !self.recipients.is_empty();
        some.then(|| Recipients::parse(&self.recipients)).transpose()
    }

    /// The store, encrypting what is made in it; tells a failure and gives the code to end with.
    pub(crate) fn seal(&self, store: Store, output: &Output) -> Result<Store, ExitCode> {
        match self.parse() {
            Ok(None) => Ok(store),
            Ok(Some(recipients)) => Ok(store.sealed_to(recipients)),
            Err(error) => Err(could_not_begin(output, &error)),
        }
    }
}

/// What opens an encrypted backup.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct IdentityFlags {
    /// File with the secret key that opens an encrypted backup: age-keygen's, or an SSH key; may be repeated
    #[arg(long = "identity", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl IdentityFlags {
    /// The keys; `None` where none are named.
    pub(crate) fn read(&self, output: &Output) -> Result<Option<Arc<Identities>>, ExitCode> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let read = Identities::read(&self.files);
        read.map(|read| Some(Arc::new(read)))
            .map_err(|error| could_not_begin(output, &error))
    }

    /// Whether any was named.
    pub(crate) fn any(&self) -> bool {
        !self.files.is_empty()
    }

    /// The backup, opened where it is encrypted; tells a failure and gives the code to end with.
    pub(crate) async fn open(&self, backup: Backup, output: &Output) -> Result<Backup, ExitCode> {
        let identities = self.read(output)?;
        backup
            .opened(identities)
            .await
            .map_err(|error| failed(output, &error))
    }
}

impl Ends for OpenError {
    fn code(&self) -> ExitCode {
        ExitCode::CouldNotBegin
    }
}
