//! Waiting for a database's answer, which no watch tells of.

use std::time::Duration;

use async_trait::async_trait;
use model::DatabaseLocation;
use postgres_room::{Database, SessionOptions};
use tokio::time::Instant;

use crate::{StepContext, StepFailure};

/// The pause between two looks at a database: a look costs the server next to nothing, and a person waits.
const LOOK: Duration = Duration::from_secs(1);

/// Ends `work` when the user interrupts the run.
pub(super) async fn interruptible<T>(
    context: &StepContext,
    work: impl Future<Output = Result<T, StepFailure>>,
) -> Result<T, StepFailure> {
    tokio::select! {
        biased;
        () = context.cancel().cancelled() => Err(StepFailure::new("it was interrupted while it waited")),
        result = work => result,
    }
}

/// What is asked of a database again and again.
#[async_trait]
pub(super) trait Question: Sync {
    /// One look.
    async fn ask(&self, database: &Database) -> Result<Look, StepFailure>;
}

/// What a look at a database says.
pub(super) enum Look {
    /// It is as wanted.
    Well,
    /// It is not yet, and why.
    NotYet(String),
}

/// Looks at a database until it is as wanted. A lost session is opened again; progress says what is waited for.
///
/// # Errors
/// The time is up: `expectation` and the last reason; or a look itself fails.
pub(super) async fn look_until_well(
    context: &StepContext,
    location: &DatabaseLocation,
    expectation: &str,
    limit: Duration,
    question: &dyn Question,
) -> Result<(), StepFailure> {
    let begun = Instant::now();
    let mut told = String::new();
    let mut session: Option<Database> = None;
    loop {
        let database = match session.take() {
            Some(database) => database,
            None => connect(context, location).await?,
        };
        let why = match question.ask(&database).await {
            Ok(Look::Well) => return Ok(()),
            Ok(Look::NotYet(why)) => {
                session = Some(database);
                why
            }
            // A session may be lost for reasons of the road; whether the next one can be opened decides.
            Err(_) if database.client().is_closed() => "the session was lost".to_owned(),
            Err(failure) => return Err(failure),
        };
        if begun.elapsed() >= limit {
            return Err(StepFailure::new(format!(
                "{expectation} within {} s: {why}",
                limit.as_secs()
            )));
        }
        if why != told {
            context.progress(why.as_str(), None);
            told = why;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn connect(context: &StepContext, location: &DatabaseLocation) -> Result<Database, StepFailure> {
    let connector = context.connector(location).await?;
    Ok(connector.connect(&SessionOptions::default()).await?)
}
