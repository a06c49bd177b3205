//! An act on a release's database that is no run: nothing else works on the release meanwhile.

use std::sync::Arc;

use cluster::Cluster;
use engine::journal::ClusterStore;
use engine::lease::{Acquire, ClusterLeases};
use engine::{Events, Holder, JournalError, Lease, RunHead};
use model::UpgradeOutcome;

use super::FlowError;

/// Takes the lease of a release, the one that runs take. `act` names what is done to whoever is refused meanwhile, in one word.
/// The caller gives the lease back.
///
/// # Errors
/// Somebody else is at work, or a run has not ended: it may need what the act changes. One that has stopped the release for other
/// work is in nobody's way.
pub async fn take_turn(
    cluster: &Cluster,
    namespace: &str,
    release: &str,
    act: &str,
    events: &Events,
) -> Result<Lease, FlowError> {
    let leases = Arc::new(ClusterLeases::new(cluster, namespace));
    let holder = Holder::of_this_process(act);
    let lease = Lease::acquire(leases, release, &holder, Acquire::NewRun, events)
        .await
        .map_err(FlowError::Lease)?;
    let store = ClusterStore::new(cluster, namespace);
    let free = engine::unfinished(&store, release)
        .await
        .and_then(|runs| none_at_work(&runs));
    match free {
        Ok(()) => Ok(lease),
        Err(error) => {
            lease.release().await;
            Err(FlowError::Journal(error))
        }
    }
}

fn none_at_work(unfinished: &[RunHead]) -> Result<(), JournalError> {
    let mut at_work = unfinished
        .iter()
        .filter(|run| run.outcome != Some(UpgradeOutcome::Quiesced));
    at_work.next().map_or(Ok(()), |run| {
        Err(JournalError::Unfinished {
            release: run.release.clone(),
            run: run.run.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcome: Option<UpgradeOutcome>) -> RunHead {
        RunHead {
            run: "r1".into(),
            release: "shop".into(),
            outcome,
            document: Err("not needed".into()),
        }
    }

    #[test]
    fn a_run_that_has_not_ended_is_in_the_way_and_a_quiesced_release_is_not() {
        assert!(none_at_work(&[]).is_ok());
        assert!(none_at_work(&[run(Some(UpgradeOutcome::Quiesced))]).is_ok());
        for outcome in [None, Some(UpgradeOutcome::Stopped)] {
            let refused = none_at_work(&[run(Some(UpgradeOutcome::Quiesced)), run(outcome)]);
            assert!(
                matches!(refused, Err(JournalError::Unfinished { .. })),
                "{outcome:?}"
            );
        }
    }
}
