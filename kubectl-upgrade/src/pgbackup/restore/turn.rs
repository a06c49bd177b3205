//! One act at a time on the database of a release.

use cli::watched;
use model::ExitCode;
use upgrade::flow;

use super::super::ground::Ground;
use super::super::target::Target;
use super::run::other_run;
use crate::session::UNCHANGED;

/// Does an act that is no run while nothing else works on the release. Where the target is no release's, there is no lease.
pub(super) async fn alone<T>(
    ground: &Ground,
    target: &Target,
    name: &str,
    act: impl Future<Output = T>,
) -> Result<T, ExitCode> {
    let (Some(session), Some(release)) = (&ground.session, &target.release) else {
        return Ok(act.await);
    };
    let release = release.name.as_str();
    let taken = watched(&session.output, None, |options| async move {
        flow::take_turn(
            &session.cluster,
            &session.namespace,
            release,
            name,
            &options.events,
        )
        .await
    })
    .await;
    match taken {
        Ok(lease) => {
            let ended = act.await;
            lease.release().await;
            Ok(ended)
        }
        Err(error) => {
            let next = other_run(session, release).await;
            let code = error.exit_code();
            Err(cli::fail(&session.output, &error, UNCHANGED, Some(&next), code))
        }
    }
}
