//! Where Helm's history stands against what a pass was about to write.

use model::ReleaseStatus;
use serde::{Deserialize, Serialize};

/// What a helm pass records before it starts helm.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PassRecord {
    /// Every revision that this pass wrote or was about to write, in order.
    pub(crate) revisions: Vec<u32>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(revisions: &[u32]) -> PassRecord {
        PassRecord {
            revisions: revisions.to_vec(),
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
