//! A revision that a killed helm left pending: its hooks end first, then the record is marked failed.

use std::time::Duration;

use engine::{StepContext, StepFailure};

use crate::Tools;

/// Waits until the hook Jobs of a killed helm have ended, then marks its revision failed so that Helm accepts the next
/// act. A second `helm upgrade` before that would delete the running Job under the migration.
pub(crate) async fn settle(
    context: &StepContext,
    tools: &Tools,
    revision: u32,
    hook_jobs: &[String],
    limit: Duration,
) -> Result<(), StepFailure> {
    wait_for_hooks(context, hook_jobs, limit).await?;
    mark_failed(context, tools, revision).await
}

/// Marks the pending revision of a killed helm failed. Its hook Jobs must have ended.
pub(crate) async fn mark_failed(
    context: &StepContext,
    tools: &Tools,
    revision: u32,
) -> Result<(), StepFailure> {
    let run = context.run();
    let why = format!("helm was ended during run {}", run.id);
    tools.storage.mark_failed(&run.release, revision, &why).await?;
    Ok(())
}

/// Waits until none of the hook Jobs runs any more.
pub(crate) async fn wait_for_hooks(
    context: &StepContext,
    hook_jobs: &[String],
    limit: Duration,
) -> Result<(), StepFailure> {
    if hook_jobs.is_empty() {
        return Ok(());
    }
    let told = |jobs: &[cluster::JobFacts]| {
        let running: Vec<&str> = jobs
            .iter()
            .filter(|job| job.end.is_none())
            .map(|job| job.name.as_str())
            .collect();
        if !running.is_empty() {
            context.progress(
                format!(
                    "waiting up to {} s for hook job {} to end",
                    limit.as_secs(),
                    running.join(", ")
                ),
                None,
            );
        }
    };
    let waiting = context
        .cluster()
        .wait_jobs_ended(&context.run().namespace, hook_jobs, limit, told);
    tokio::select! {
        ended = waiting => ended.map(drop).map_err(StepFailure::from),
        () = context.cancel().cancelled() => Err(StepFailure::new("interrupted while a hook job was waited for")),
    }
}
