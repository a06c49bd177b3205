//! Reading the migration state of the run's database.

use engine::{StepContext, StepFailure};
use model::{DatabaseLocation, MigrationState, Seen};
use postgres_room::SessionOptions;

/// The migration state now; `None` where no known tool left a table.
pub(crate) async fn schema_now(
    context: &StepContext,
    database: &DatabaseLocation,
) -> Result<Option<MigrationState>, StepFailure> {
    let session = context
        .connector(database)
        .await?
        .connect(&SessionOptions::default())
        .await?;
    match postgres_room::migration_state(&session, None).await {
        Seen::Present(state) => Ok(Some(state)),
        Seen::Absent => Ok(None),
        Seen::Unreadable(why) => Err(StepFailure::new(format!(
            "failed to read the migration state: {why}"
        ))),
    }
}
