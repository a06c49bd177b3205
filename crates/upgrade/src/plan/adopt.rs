//! What a run does first with an upgrade that somebody else began: stop it, whatever still works on it, and see that
//! nobody is left.

use std::collections::BTreeMap;

use checks::Assigned;
use model::{
    DatabaseLocation, EndSessions, NamedSession, QuiesceTarget, RenderedWorkload, Reversal, SettleRevision,
    StepSpec, SuspendTarget, Workload, WorkloadName,
};

use super::build::Steps;
use super::pause::{drain, take_down};

/// What somebody else's upgrade left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The newest revision, which that upgrade wrote.
    pub revision: u32,
    /// Whether its record is pending, so that Helm refuses the next act.
    pub pending: bool,
    /// Its hook Jobs that still run.
    pub hook_jobs: Vec<String>,
    /// How long these may take to end by themselves, in seconds.
    pub settle_seconds: u64,
    /// Sessions of others that a person has agreed to end.
    pub sessions: Vec<NamedSession>,
    /// Addresses of the pods that are stopped.
    pub addresses: Vec<String>,
    /// Counts to give in the end where the live ones are not those that are meant.
    pub counts: BTreeMap<WorkloadName, i32>,
    /// What is known of it and why the run goes the way that it goes, for the user.
    pub notices: Vec<String>,
}

/// Takes the writers to 0, ends the hooks of the adopted revision, lets Helm go on, and ends the sessions that would stay.
pub(super) fn stop_adopted(
    steps: &mut Steps,
    adopted: &Adopted,
    counts: &[QuiesceTarget],
    held: &[SuspendTarget],
    database: Option<&DatabaseLocation>,
    members: &[Assigned],
) {
    take_down(steps, counts);
    settle(steps, adopted);
    let Some(database) = database else {
        return drain(steps, counts, held, None, members);
    };
    // Sessions are ended when their pods are gone, or these would open new ones.
    drain(steps, counts, held, None, members);
    end_sessions(steps, adopted, database);
    drain(steps, counts, held, Some(database), members);
}

fn settle(steps: &mut Steps, adopted: &Adopted) {
    let Adopted {
        revision,
        pending,
        hook_jobs,
        settle_seconds,
        ..
    } = adopted;
    if !pending && hook_jobs.is_empty() {
        return;
    }
    let mut acts = Vec::new();
    if !hook_jobs.is_empty() {
        acts.push(format!(
            "let hook job {} end, at most {settle_seconds} s, then end it",
            hook_jobs.join(", ")
        ));
    }
    if *pending {
        acts.push("mark it failed, so that Helm goes on".to_owned());
    }
    steps.push(
        "settle-revision",
        Reversal::Automatic,
        format!("take revision {revision} over: {}", acts.join("; ")),
        StepSpec::SettleRevision(SettleRevision {
            revision: *revision,
            hook_jobs: hook_jobs.clone(),
            timeout_seconds: *settle_seconds,
        }),
    );
}

fn end_sessions(steps: &mut Steps, adopted: &Adopted, database: &DatabaseLocation) {
    let agreed: Vec<String> = adopted
        .sessions
        .iter()
        .map(|session| session.pid.to_string())
        .collect();
    let others = match agreed.as_slice() {
        [] => String::new(),
        pids => format!(", and those of pid {}", pids.join(", ")),
    };
    steps.push(
        "end-sessions",
        Reversal::NotNeeded,
        format!("end the sessions that the stopped pods left in the database{others}"),
        StepSpec::EndSessions(EndSessions {
            database: database.clone(),
            sessions: adopted.sessions.clone(),
            addresses: adopted.addresses.clone(),
        }),
    );
}

/// The counts to give in the end, in the same order.
pub(super) fn given(adopted: Option<&Adopted>, counts: &[QuiesceTarget]) -> Vec<QuiesceTarget> {
    counts
        .iter()
        .map(|target| QuiesceTarget {
            replicas: adopted
                .and_then(|adopted| adopted.counts.get(&target.workload))
                .copied()
                .unwrap_or(target.replicas),
            ..target.clone()
        })
        .collect()
}

/// Which counts are to be given although the live ones are others: `wanted` is the manifest of the version that will run,
/// `left` that of the upgrade which was left behind. A workload that somebody has taken to 0 by hand, as one does with an
/// upgrade that crashes, is to run again; and a number that the two manifests disagree on is that of the version that will run.
pub fn counts_to_give(
    workloads: &[Workload],
    left: &[RenderedWorkload],
    wanted: &[RenderedWorkload],
) -> BTreeMap<WorkloadName, i32> {
    let count = |manifest: &[RenderedWorkload], name: &WorkloadName| {
        let of = manifest.iter().find(|rendered| rendered.name == *name);
        of.and_then(|rendered| rendered.replicas)
    };
    workloads
        .iter()
        .filter_map(|workload| {
            let name = &workload.name;
            let (live, wanted) = (workload.desired?, count(wanted, name)?);
            let disagree = count(left, name).is_some_and(|left| left != wanted);
            (live != wanted && (live == 0 || disagree)).then(|| (name.clone(), wanted))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::profile::RoleKind;
    use model::{UpdateStrategy, WorkloadKind};

    use super::super::tests::{member, name};
    use super::*;

    fn manifest(replicas: Option<i32>) -> Vec<RenderedWorkload> {
        vec![RenderedWorkload {
            name: name(WorkloadKind::Deployment, "web"),
            replicas,
            labels: BTreeMap::new(),
            strategy: UpdateStrategy::None,
            containers: Vec::new(),
            progress_deadline_seconds: None,
        }]
    }

    #[test]
    fn a_count_is_the_live_one_unless_somebody_took_it_to_0_or_the_manifests_disagree() {
        let given = |live: i32, left: Option<i32>, wanted: Option<i32>| {
            let live = [member(WorkloadKind::Deployment, "web", RoleKind::Writer, live, 1).workload];
            counts_to_give(&live, &manifest(left), &manifest(wanted))
                .into_values()
                .next()
        };
        assert_eq!(
            given(5, Some(2), Some(2)),
            None,
            "somebody scaled it, which stays"
        );
        assert_eq!(given(0, Some(2), Some(2)), Some(2), "somebody stopped it by hand");
        assert_eq!(
            given(3, Some(3), Some(2)),
            Some(2),
            "the other version has another count"
        );
        assert_eq!(
            given(2, Some(3), Some(2)),
            None,
            "the new count never came into force"
        );
        assert_eq!(
            given(0, Some(2), None),
            None,
            "an autoscaler's, or nobody's, to say"
        );
        assert_eq!(given(0, None, Some(0)), None);
    }
}
