//! `kubectl pgbackup base`: copies of whole servers.

mod create;
mod flags;
mod restore;
mod verify;

pub(crate) use flags::BaseFlags;

use cli::Environment;
use model::ExitCode;

use flags::BaseAct;

/// Does the act that the words mean.
pub(crate) async fn run(flags: &BaseFlags, environment: &Environment) -> ExitCode {
    match &flags.act {
        BaseAct::Create(flags) => create::run(flags, environment).await,
        BaseAct::Verify(flags) => verify::run(flags, environment).await,
        BaseAct::Restore(flags) => restore::run(flags, environment).await,
    }
}
