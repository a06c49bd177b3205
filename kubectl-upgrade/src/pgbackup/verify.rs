//! `kubectl pgbackup verify`.

use backup::{Backup, VerifyRequest, verify_until};
use checks::BackupAct;
use cli::Environment;
use model::{ExitCode, Phase};

use super::act::act_until;
use super::arguments::VerifyFlags;
use super::failure::failed;
use super::rights::{may_do, may_find};
use super::stored::backup_of;
use super::target::target;
use crate::session::{Session, could_not_begin};

/// Restores into a throw-away server and compares. A difference is a finding: it ends with 2.
pub(crate) async fn run(flags: &VerifyFlags, environment: &Environment) -> ExitCode {
    let session = match Session::open(&flags.common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let output = &session.output;
    let backup = match backup_of(&flags.id, &flags.store, output, environment).await {
        Ok(backup) => backup,
        Err(code) => return code,
    };
    let backup = match flags.identity.open(backup, output).await {
        Ok(backup) => backup,
        Err(code) => return code,
    };
    let request = match request(&session, flags, &backup).await {
        Ok(request) => request,
        Err(code) => return code,
    };
    let title = format!("restore {} into a throw-away server", flags.id);
    let tested = act_until(output, &title, async |progress, cancel| {
        verify_until(&session.cluster, &backup, &request, progress, cancel.cancelled()).await
    })
    .await;
    match tested {
        Ok(found) => {
            let written = output.result(&found, |out, style| render::verification(out, style, &found));
            let equal = found.differences.is_empty();
            cli::end_with(
                output,
                written,
                if equal { ExitCode::Done } else { ExitCode::Blocked },
            )
        }
        Err(error) => failed(output, &error),
    }
}

/// Where to restore: as the flags say, else like the server in use.
async fn request(session: &Session, flags: &VerifyFlags, backup: &Backup) -> Result<VerifyRequest, ExitCode> {
    let output = &session.output;
    if let Some(image) = &flags.image {
        return Ok(VerifyRequest {
            namespace: session.namespace.clone(),
            image: image.clone(),
            user: flags.run_as,
            deadline: flags.timeout,
        });
    }
    let made_for = backup.manifest.release.as_ref();
    let release = match &flags.target.release {
        Some(release) => Some(release.as_str()),
        None => made_for.map(|release| release.name.as_str()),
    };
    may_find(session, BackupAct::Verify, release).await?;
    let target = target(session, &flags.target, release)
        .await
        .map_err(|error| could_not_begin(output, &error))?;
    may_do(session, BackupAct::Verify, &target.location, &[Phase::TurnBack]).await?;
    VerifyRequest::like(&session.cluster, &target.location, flags.timeout)
        .await
        .map_err(|error| failed(output, &error))
}
