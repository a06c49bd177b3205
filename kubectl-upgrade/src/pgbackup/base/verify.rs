//! `kubectl pgbackup base verify`.

use backup::{Backup, BaseVerifyError, VerifyRequest, verify_base};
use checks::BackupAct;
use cli::Environment;
use model::{ExitCode, Phase};

use super::flags::VerifyFlags;
use crate::pgbackup::act::act_until;
use crate::pgbackup::failure::{Ends, failed};
use crate::pgbackup::rights::{may_do, may_find};
use crate::pgbackup::stored::backup_of;
use crate::pgbackup::target::target;
use crate::session::{Session, could_not_begin};

impl Ends for BaseVerifyError {
    fn code(&self) -> ExitCode {
        match self {
            Self::NoCopy(_) | Self::Major { .. } => ExitCode::CouldNotBegin,
            Self::Pod(backup::HelperPodError::Forbidden { .. }) => ExitCode::Blocked,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "This says nothing about the copy; the throw-away pod is gone."
    }
}

/// Tries. A difference is a finding: it ends with 2.
pub(super) async fn run(flags: &VerifyFlags, environment: &Environment) -> ExitCode {
    tried(flags, environment).await.unwrap_or_else(|code| code)
}

async fn tried(flags: &VerifyFlags, environment: &Environment) -> Result<ExitCode, ExitCode> {
    let session = Session::open(&flags.common, environment).await?;
    let output = &session.output;
    let backup = backup_of(&flags.id, &flags.store, &flags.common, environment).await?;
    let request = request(&session, flags, &backup).await?;
    let title = format!("try the copy {}", flags.id);
    let tested = act_until(output, &title, async |progress, cancel| {
        verify_base(&session.cluster, &backup, &request, progress, cancel.cancelled()).await
    })
    .await;
    let found = tested.map_err(|error| failed(output, &error))?;
    let written = output.result(&found, |out, style| render::verification(out, style, &found));
    let code = if found.differences.is_empty() {
        ExitCode::Done
    } else {
        ExitCode::Blocked
    };
    Ok(cli::end_with(output, written, code))
}

/// Where to try: as the flags say, else like the server in use.
async fn request(session: &Session, flags: &VerifyFlags, backup: &Backup) -> Result<VerifyRequest, ExitCode> {
    let output = &session.output;
    if let Some(image) = &flags.image {
        return Ok(VerifyRequest {
            namespace: session.namespace.clone(),
            image: image.clone(),
            pull_secrets: Vec::new(),
            user: flags.run_as,
            deadline: flags.timeout,
        });
    }
    let made_for = backup.manifest.release.as_ref();
    let release = flags
        .target
        .release
        .as_deref()
        .or_else(|| made_for.map(|release| release.name.as_str()));
    may_find(session, BackupAct::Base, release).await?;
    let target = target(session, &flags.target, release)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    let phases = [Phase::Backup, Phase::TurnBack];
    may_do(session, BackupAct::Base, &target.location, &phases).await?;
    VerifyRequest::like(&session.cluster, &target.location, flags.timeout)
        .await
        .map_err(|error| failed(output, &error))
}
