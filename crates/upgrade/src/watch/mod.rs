//! Looking at a migration while it runs: what the database does, what the containers say, what keeps a pod from
//! starting. It only looks; nothing here decides or changes anything.

mod logs;
mod samples;
mod start;

pub(crate) use start::{Start, judge_start};

use engine::StepContext;
use model::HelmPass;
use tokio::task::JoinSet;

/// A running watch. Dropping it ends it.
pub(crate) struct Watch {
    tasks: JoinSet<()>,
}

impl Watch {
    /// Begins to follow the logs of hook Jobs and new pods and to sample the database.
    pub(crate) async fn begin(context: &StepContext, pass: &HelmPass) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(logs::follow(
            context.clone(),
            logs::Subject::of(context, pass).await,
        ));
        if let Some(database) = &pass.database {
            tasks.spawn(samples::take(
                context.clone(),
                database.clone(),
                pass.usual_seconds,
            ));
        }
        Self { tasks }
    }

    /// Ends the watch and waits until it has ended.
    pub(crate) async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}
