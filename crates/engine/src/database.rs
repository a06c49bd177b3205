//! The run's database as the steps meet it.

use std::time::Duration;

use model::DatabaseLocation;
use postgres_room::{Connector, Credentials};

use crate::{StepContext, StepFailure};

/// How long a server whose pod is being replaced is waited for: an image is there and a volume comes back in this time,
/// and a crash recovery of usual length is over. Longer is for a person to judge.
const BACK_AGAIN: Duration = Duration::from_secs(180);

impl StepContext {
    /// The database with the pod that runs its server now, and its credentials read anew: pods are replaced and
    /// passwords rotated while a run goes on.
    ///
    /// # Errors
    /// No pod runs the server, or the credentials cannot be read.
    pub async fn database(
        &self,
        planned: &DatabaseLocation,
    ) -> Result<(DatabaseLocation, Credentials), StepFailure> {
        let location = postgres_room::find_again(self.cluster(), planned, BACK_AGAIN).await?;
        let credentials = postgres_room::credentials(self.cluster(), &location).await?;
        Ok((location, credentials))
    }

    /// Opens sessions on the database as [`StepContext::database`] finds it.
    ///
    /// # Errors
    /// As there.
    pub async fn connector(&self, planned: &DatabaseLocation) -> Result<Connector, StepFailure> {
        let (location, credentials) = self.database(planned).await?;
        Ok(Connector::new(
            self.cluster(),
            &location,
            &credentials,
            &self.run().id,
        ))
    }
}
