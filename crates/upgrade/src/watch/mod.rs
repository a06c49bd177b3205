//! Looking at a migration while it runs: what the database does, what the containers say, what keeps a pod from
//! starting. It only looks; nothing here decides or changes anything.

mod last_words;
mod logs;
mod samples;
mod start;

pub(crate) use start::{Start, judge_start};

use std::sync::{Arc, Mutex, PoisonError};

use engine::StepContext;
use model::{HelmPass, MigrationSample};
use tokio::task::JoinSet;

/// The last look at the database, if there was one.
type LastSample = Arc<Mutex<Option<MigrationSample>>>;

/// A running watch. Dropping it ends it.
pub(crate) struct Watch {
    tasks: JoinSet<()>,
    last: LastSample,
}

impl Watch {
    /// Begins to follow the logs of hook Jobs and new pods and to sample the database.
    pub(crate) async fn begin(context: &StepContext, pass: &HelmPass) -> Self {
        let mut tasks = JoinSet::new();
        let last = LastSample::default();
        tasks.spawn(logs::follow(
            context.clone(),
            logs::Subject::of(context, pass).await,
        ));
        if let Some(database) = &pass.database {
            tasks.spawn(samples::take(
                context.clone(),
                database.clone(),
                Arc::clone(&last),
            ));
        }
        Self { tasks, last }
    }

    /// What the database did at the last look, for the error that ends a pass.
    pub(crate) fn last_words(&self) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last_words::last_words(last.as_ref()?)
    }

    /// Ends the watch and waits until it has ended.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}
