//! What must be so once traffic is back.

use std::time::Duration;

use engine::StepContext;
use model::{DatabaseLocation, Smoke, causes};
use postgres_room::{AskedAs, Said, SessionOptions, question};

use crate::shell;

/// How long one command may take: a person waits for the end of the upgrade.
const COMMAND_LIMIT: Duration = Duration::from_secs(300);

/// Looks at one thing; both ways in words.
pub(super) async fn smoke(
    context: &StepContext,
    database: Option<&DatabaseLocation>,
    smoke: &Smoke,
) -> Result<String, String> {
    context.progress(format!("smoke: {}", smoke.what()), None);
    match smoke {
        Smoke::Sql { what, sql } => {
            let database = database.ok_or_else(|| format!("{what}: there is no database to ask"))?;
            let untold = |why: String| format!("{what} cannot be told: {why}");
            let connector = context
                .connector(database)
                .await
                .map_err(|failure| untold(failure.text()))?;
            let session = connector.connect(&SessionOptions::default()).await;
            let session = session.map_err(|error| untold(causes(&error)))?;
            let answer = question(&session, sql, AskedAs::Reader).await;
            let answer = answer.map_err(|error| untold(causes(&error)))?;
            match answer.said {
                Said::Yes => Ok(format!("{what}: {}", answer.words)),
                Said::No => Err(format!("not so: {what}: {}", answer.words)),
                Said::Neither | Said::Refused(_) | Said::NoQuestion => Err(untold(answer.words)),
            }
        }
        Smoke::Command { what, command } => {
            let run = context.run();
            let environment = [
                ("SAFE_UPGRADE_RELEASE", run.release.as_str()),
                ("SAFE_UPGRADE_NAMESPACE", run.namespace.as_str()),
                ("SAFE_UPGRADE_RUN", run.id.as_str()),
            ];
            match shell::run(command, &environment, "", COMMAND_LIMIT).await {
                Ok(()) => Ok(format!("smoke {what} passed")),
                Err(why) => Err(format!("smoke {what} failed: {why}")),
            }
        }
    }
}
