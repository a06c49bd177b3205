//! The ground on which a pass may start helm, and what is written down before it does. Both passes share it.

use std::time::Duration;

use engine::{StepContext, StepFailure};

use super::exposure::generations;
use super::roll_back::newest;
use super::settle::{settle, wait_for_hooks};
use crate::Tools;
use crate::standing::{PassRecord, Standing, standing, wrote_nothing};

/// Brings the history to where helm may be started, and says on top of which revision; `None` when this pass's revision
/// is deployed already.
///
/// # Errors
/// Somebody else wrote a revision, or the hook Jobs of a killed helm do not end within `limit`.
pub(crate) async fn ground(
    context: &StepContext,
    tools: &Tools,
    base: u32,
    record: &PassRecord,
    hook_jobs: &[String],
    limit: Duration,
) -> Result<Option<u32>, StepFailure> {
    let latest = newest(context, tools).await?;
    match standing(base, record, latest.revision, latest.status) {
        Standing::Begin(on) => Ok(Some(on)),
        Standing::BeginAgain(on) => {
            // A helm that was told to end marks its revision failed and leaves its hook Job at work, which the next helm
            // would delete under the migration.
            wait_for_hooks(context, hook_jobs, limit).await?;
            Ok(Some(on))
        }
        Standing::Deployed(_) => Ok(None),
        Standing::Pending(revision) => {
            settle(context, tools, revision, hook_jobs, limit).await?;
            Ok(Some(revision))
        }
        Standing::Foreign(revision) => Err(StepFailure::new(format!(
            "revision {revision} of {} was written by somebody else since this run began",
            context.run().release
        ))),
    }
}

/// Journals the revision that helm is about to write, and how the workloads stood before its first start; `opens` says
/// that pods behind the gate are about to be let through.
pub(crate) async fn announce(
    context: &StepContext,
    record: &mut PassRecord,
    on: u32,
    opens: bool,
) -> Result<(), StepFailure> {
    if record.newest() != Some(on + 1) {
        record.revisions.push(on + 1);
    }
    if record.begun_at.is_none() {
        record.generations = generations(context).await?;
        record.begun_at = Some(context.now());
    }
    record.opened |= opens;
    context.record(record).await
}

/// Takes an announced revision out of the record where helm gave way before it wrote one.
pub(crate) async fn gave_way(
    context: &StepContext,
    record: &mut PassRecord,
    failure: StepFailure,
) -> StepFailure {
    if !wrote_nothing(&failure.text()) {
        return failure;
    }
    record.revisions.pop();
    match context.record(record).await {
        Ok(()) => failure,
        Err(other) => other,
    }
}
