//! Runs that fail, stop and succeed, judged by what they leave in the cluster.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use engine::{Act, Events, Faults, Journal, unfinished};
use model::{Quiesce, Resume, Reversal, RollOut, StepSpec, UpgradeOutcome};
use tokio_util::sync::CancellationToken;

use super::stage::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_gives_back_the_exact_counts_and_holds_and_leaves_only_its_head() -> Result<()> {
    let place = installed("engine-back").await?;
    let before = application(&place)?;
    let plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        nothing(),
    ]);
    let end = place.run(plan, "error:03-step").await?;
    ensure!(end.outcome == UpgradeOutcome::Restored, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(!before.2, "no field belongs to us");
    let left = place.left()?;
    ensure!(
        left.len() == 1 && left[0].starts_with("secret/safe-upgrade.shop."),
        "{left:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_keeps_writers_down_until_somebody_aborts_it_from_elsewhere() -> Result<()> {
    let place = installed("engine-abort").await?;
    let before = application(&place)?;
    let mut plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        nothing(),
    ]);
    plan.priced_from = Some(2);
    let end = place.run(plan, "error:03-step").await?;
    ensure!(end.outcome == UpgradeOutcome::Stopped, "{end:?}");
    let (counts, held, _) = application(&place)?;
    ensure!(counts == "web=0/ worker=0/" && held == "true", "{counts} {held}");
    ensure!(
        place.kubectl(&["get", "pods", "-o", "name"])?.is_empty(),
        "drained"
    );

    // Another process, which knows nothing but the cluster.
    let store = place.store();
    let open = unfinished(&store, RELEASE).await?;
    let [head] = open.as_slice() else {
        anyhow::bail!("one unfinished run, not {open:?}")
    };
    let lease = place.lease(&head.run, "bob@elsewhere").await?;
    let journal = Journal::open(Arc::new(store), lease.clone(), Faults::none(), RELEASE, &head.run).await?;
    ensure!(
        journal
            .get_part("chart")
            .await?
            .context("a stopped run keeps its parts")?
            == [7; 10]
    );
    let plan = journal.document().plan;
    let act = Act {
        cluster: place.cluster.clone(),
        journal,
        lease,
        steps: plan.steps.iter().map(step).collect(),
        events: Events::nowhere(),
        cancel: CancellationToken::new(),
        hurry: CancellationToken::new(),
        clock: engine::Clock::machine(),
        asking: engine::Asking::nobody(),
        faults: Faults::none(),
    };
    let end = engine::abort(act, engine::AbortConsent::Price).await?;
    ensure!(end.outcome == UpgradeOutcome::Restored, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(place.left()?.len() == 1, "{:?}", place.left()?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_succeeds_resumes_rolls_out_and_lets_go() -> Result<()> {
    let place = installed("engine-forth").await?;
    let before = application(&place)?;
    let workloads = vec![place.workload("web"), place.workload("worker")];
    let plan = place.plan(vec![
        (Reversal::Automatic, StepSpec::Suspend(suspend(&place))),
        (
            Reversal::Automatic,
            StepSpec::Quiesce(Quiesce {
                targets: targets(&place),
            }),
        ),
        drain(&place, None, 60),
        (
            Reversal::Automatic,
            StepSpec::Resume(Resume {
                targets: targets(&place),
            }),
        ),
        (
            Reversal::NotNeeded,
            StepSpec::RollOut(RollOut {
                workloads,
                timeout_seconds: 120,
            }),
        ),
        (Reversal::Automatic, StepSpec::Unsuspend(suspend(&place))),
    ]);
    let end = place.run(plan, "").await?;
    ensure!(end.outcome == UpgradeOutcome::Upgraded, "{end:?}");
    ensure!(
        application(&place)? == before,
        "before {before:?}, after {:?}",
        application(&place)?
    );
    ensure!(
        end.downtime_seconds.is_some_and(|seconds| seconds > 0.0),
        "{end:?}"
    );
    ensure!(place.left()?.len() == 1, "{:?}", place.left()?);
    Ok(())
}
