//! `kubectl pgbackup base create`.

use backup::{
    BackupId, BaseError, BaseRequest, Place, Server, WHOLE_SERVER, backup_report, create_base,
    end_own_sessions,
};
use checks::BackupAct;
use cli::{Environment, store_place};
use jiff::Timestamp;
use model::text::shell_word;
use model::{ExitCode, NextStep, Phase};

use super::flags::CreateFlags;
use crate::pgbackup::act::{ActEnd, act};
use crate::pgbackup::create::Interrupted;
use crate::pgbackup::failure::{Ends, failed};
use crate::pgbackup::rights::{may_do, may_find};
use crate::pgbackup::stored::{Words, open_store};
use crate::pgbackup::target::target;
use crate::session::{Session, could_not_begin};

impl Ends for BaseError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Standby
            | Self::NoProgram { .. }
            | Self::NoReplication { .. }
            | Self::WalLevel(_)
            | Self::NoSender { .. }
            | Self::Tablespaces(_) => ExitCode::Blocked,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "Nothing was left that looks like a backup."
    }
}

/// Copies.
pub(super) async fn run(flags: &CreateFlags, environment: &Environment) -> ExitCode {
    made(flags, environment).await.unwrap_or_else(|code| code)
}

async fn made(flags: &CreateFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let refused = |error: &dyn std::error::Error| could_not_begin(output, error);
    let place = store_place(flags.to.as_deref(), environment).map_err(|words| refused(&Words(words)))?;
    let store = open_store(&place, &flags.common, environment).await?;
    let release = flags.target.release.as_deref();
    may_find(&session, BackupAct::Base, release).await?;
    let target = target(&session, &flags.target, release)
        .await
        .map_err(|error| refused(&error))?;
    may_do(&session, BackupAct::Base, &target.location, &[Phase::Backup]).await?;
    let id = BackupId::new(Timestamp::now());
    let server = Server::reach(
        Some(&session.cluster),
        &target.location,
        &target.credentials,
        id.as_str(),
    )
    .await
    .map_err(|error| refused(&error))?;
    let request = BaseRequest {
        id,
        place: Place {
            database: WHOLE_SERVER.into(),
            ..Place::observe(Some(&session.cluster), &server).await
        },
        reason: flags.reason.clone(),
        made_by: environment.person(),
        release: target.release,
        rate: flags.max_rate.0,
    };
    let title = format!("copy the server {}", request.place.server);
    let made: ActEnd<_, BaseError> = act(output, &title, async |progress| {
        create_base(&server, &store, &request, progress).await
    })
    .await;
    match made {
        ActEnd::Ended(Ok(backup)) => {
            let mut report = backup_report(&backup, Timestamp::now());
            let mut words = vec![report.backup.id.clone(), flags.target.typed(Some(&session))];
            if flags.to.is_some() {
                words.extend(["--from".into(), shell_word(&place)]);
            }
            report.next = vec![NextStep {
                text: "start it in a throw-away pod and read every database".into(),
                command: Some(format!("kubectl pgbackup base verify {}", words.join(" "))),
            }];
            let written = output.result(&report, |out, style| render::backup_report(out, style, &report));
            Ok(cli::end_with(output, written, ExitCode::Done))
        }
        ActEnd::Ended(Err(error)) => Err(failed(output, &error)),
        ActEnd::Interrupted => {
            end_own_sessions(&server).await;
            store.settle().await;
            Err(failed(output, &Interrupted))
        }
    }
}
