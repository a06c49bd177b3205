//! `helm rollback` to a named revision, for the way back and for a rollback that was asked for.

use std::time::Duration;

use engine::{StepContext, StepFailure};
use helm::RollbackRequest;
use model::{Release, ReleaseStatus};

use super::run_helm::{expect_success, follow};
use super::settle::settle;
use crate::Tools;
use crate::standing::PassRecord;

/// helm's `--timeout` for a rollback. Hooks are left out, so helm only sends objects.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Puts `revision` in force, unless it or this step's own rollback to it is already. Returns the newest revision then.
pub(crate) async fn roll_back_to(
    context: &StepContext,
    tools: &Tools,
    revision: u32,
) -> Result<u32, StepFailure> {
    let mut record: PassRecord = context.recorded()?.unwrap_or_default();
    let before = newest(context, tools).await?;
    if is_in_force(&before, revision, &record) {
        return Ok(before.revision);
    }
    if before.status.is_pending() {
        // Only a rollback that was killed is found here, and rollbacks of ours run no hooks.
        settle(context, tools, before.revision, &[], Duration::ZERO).await?;
    }
    record.revisions.push(before.revision + 1);
    context.record(&record).await?;
    let run = context.run();
    let running = tools
        .helm
        .rollback(RollbackRequest {
            release: &run.release,
            namespace: &run.namespace,
            revision,
            flags: &context.plan().helm_flags,
            force_conflicts: false,
            timeout: TIMEOUT,
        })
        .await?;
    expect_success("rollback", &follow(context, running).await?)?;
    let after = newest(context, tools).await?;
    if is_in_force(&after, revision, &record) {
        Ok(after.revision)
    } else {
        Err(StepFailure::new(format!(
            "helm said it rolled back, but revision {} is the newest and not deployed",
            after.revision
        )))
    }
}

/// The newest revision.
pub(crate) async fn newest(context: &StepContext, tools: &Tools) -> Result<Release, StepFailure> {
    let release = &context.run().release;
    let latest = tools.storage.latest(release).await?;
    latest
        .map(|stored| stored.release)
        .ok_or_else(|| StepFailure::new(format!("release {release} is gone from helm's records")))
}

fn is_in_force(newest: &Release, revision: u32, record: &PassRecord) -> bool {
    let meant = newest.revision == revision || record.revisions.contains(&newest.revision);
    meant && newest.status == ReleaseStatus::Deployed
}
