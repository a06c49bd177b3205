//! Where Helm's history stands against what a pass was about to write.

use std::collections::BTreeMap;

use engine::steps::CountsLeft;
use model::ReleaseStatus;
use serde::{Deserialize, Serialize};

/// What a helm pass records before it starts helm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassRecord {
    /// Every revision that this pass wrote or was about to write, in order.
    pub(crate) revisions: Vec<u32>,
    /// When helm was about to be started first (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun_at: Option<String>,
    /// What the specs of the workloads were then ([`cluster::Cluster::generation`]), by workload.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) generations: BTreeMap<String, Option<String>>,
    /// Whether pods behind the gate were about to be let through.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) opened: bool,
    /// Addresses of the pods that the way back stopped.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    /// Hook Jobs that did not end by themselves and that the way back was about to end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ended_hooks: Vec<String>,
    /// The counts that the way back met and left.
    #[serde(flatten)]
    pub(crate) counts: CountsLeft,
}

impl PassRecord {
    /// The revision that was about to be written last.
    pub(crate) fn newest(&self) -> Option<u32> {
        self.revisions.last().copied()
    }
}

/// What to do about the newest revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing of this pass is in the history: begin, on top of this revision.
    Begin(u32),
    /// This pass wrote a revision that failed: begin again on top of it.
    BeginAgain(u32),
    /// This pass's helm was killed: its hooks may still run, and Helm refuses the next act.
    Pending(u32),
    /// This pass's revision is deployed.
    Deployed(u32),
    /// Somebody else wrote a revision.
    Foreign(u32),
}

/// Judges the newest revision. `base` is the newest revision when the plan was made.
pub(crate) fn standing(base: u32, record: &PassRecord, latest: u32, status: ReleaseStatus) -> Standing {
    let ours = record.revisions.contains(&latest);
    if !ours {
        // A revision that was announced and never written leaves the one before it as the newest.
        let before = record.newest().map_or(base, |announced| announced - 1);
        return if latest == before {
            Standing::Begin(latest)
        } else {
            Standing::Foreign(latest)
        };
    }
    if record.newest() != Some(latest) && record.newest() != Some(latest + 1) {
        return Standing::Foreign(latest);
    }
    match status {
        ReleaseStatus::Deployed => Standing::Deployed(latest),
        ReleaseStatus::PendingInstall | ReleaseStatus::PendingUpgrade | ReleaseStatus::PendingRollback => {
            Standing::Pending(latest)
        }
        ReleaseStatus::Failed => Standing::BeginAgain(latest),
        ReleaseStatus::Superseded
        | ReleaseStatus::Unknown
        | ReleaseStatus::Uninstalled
        | ReleaseStatus::Uninstalling => Standing::Foreign(latest),
    }
}

/// Whether the newest revision is the one that the plan was made for or one that a pass of this run wrote.
pub(crate) fn is_known(base: u32, passes: &[&PassRecord], latest: u32) -> bool {
    latest == base || passes.iter().any(|pass| pass.revisions.contains(&latest))
}

/// Whether helm's words say that it gave way to another helm before it wrote a revision: the number that was announced
/// is the other's then.
pub(crate) fn wrote_nothing(words: &str) -> bool {
    words.contains("another operation (install/upgrade/rollback) is in progress")
        || (words.contains("sh.helm.release.v1.") && words.contains("already exists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(revisions: &[u32]) -> PassRecord {
        PassRecord {
            revisions: revisions.to_vec(),
            ..PassRecord::default()
        }
    }

    #[test]
    fn a_pass_begins_on_the_revision_the_plan_was_made_for() {
        assert_eq!(
            standing(3, &record(&[]), 3, ReleaseStatus::Deployed),
            Standing::Begin(3)
        );
        assert_eq!(
            standing(3, &record(&[4]), 3, ReleaseStatus::Deployed),
            Standing::Begin(3)
        );
    }

    #[test]
    fn a_killed_helm_is_found_pending_and_a_failed_one_is_tried_again() {
        assert_eq!(
            standing(3, &record(&[4]), 4, ReleaseStatus::PendingUpgrade),
            Standing::Pending(4)
        );
        assert_eq!(
            standing(3, &record(&[4]), 4, ReleaseStatus::Failed),
            Standing::BeginAgain(4)
        );
        assert_eq!(
            standing(3, &record(&[4, 5]), 4, ReleaseStatus::Failed),
            Standing::BeginAgain(4)
        );
        assert_eq!(
            standing(3, &record(&[4, 5]), 5, ReleaseStatus::Deployed),
            Standing::Deployed(5)
        );
    }

    #[test]
    fn a_helm_that_gave_way_wrote_nothing_and_one_that_failed_did() {
        assert!(wrote_nothing(
            "helm upgrade failed: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"
        ));
        assert!(wrote_nothing(
            "UPGRADE FAILED: create: failed to create: secrets \"sh.helm.release.v1.led.v4\" already exists"
        ));
        assert!(!wrote_nothing(
            "UPGRADE FAILED: jobs.batch \"migrate\" already exists"
        ));
    }

    #[test]
    fn only_the_base_and_what_the_passes_wrote_is_known() {
        let (first, second) = (record(&[4, 5]), record(&[6]));
        assert!([3, 4, 5, 6].iter().all(|n| is_known(3, &[&first, &second], *n)));
        assert!(!is_known(3, &[&first, &second], 7));
        assert!(!is_known(3, &[&record(&[]), &record(&[])], 4));
    }

    #[test]
    fn a_revision_of_somebody_else_is_never_built_upon() {
        assert_eq!(
            standing(3, &record(&[]), 4, ReleaseStatus::Deployed),
            Standing::Foreign(4)
        );
        assert_eq!(
            standing(3, &record(&[4]), 5, ReleaseStatus::Deployed),
            Standing::Foreign(5)
        );
        assert_eq!(
            standing(3, &record(&[4]), 4, ReleaseStatus::Superseded),
            Standing::Foreign(4)
        );
    }
}
