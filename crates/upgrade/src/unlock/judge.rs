//! Whether a pending revision is stuck. Pure.

use std::time::Duration;

use model::{PendingEvidence, Seen};

/// What speaks against an unlock; both empty where nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Something still works on the release.
    pub refused: Vec<String>,
    /// What could not be read.
    pub unknown: Vec<String>,
}

/// Judges. What is not known is not taken for dead.
pub fn judge(evidence: &PendingEvidence, older_than: Duration) -> Judgement {
    let mut judged = Judgement::default();
    match evidence.age_seconds {
        None => judged
            .unknown
            .push("the record does not say when it was written".into()),
        Some(age) if u64::try_from(age).unwrap_or(0) < older_than.as_secs() => judged.refused.push(format!(
            "it has been pending for {age} s only: a helm may be at work on it for {} s (--older-than)",
            older_than.as_secs()
        )),
        Some(_) => {}
    }
    match &evidence.running_hooks {
        Seen::Present(jobs) if !jobs.is_empty() => judged
            .refused
            .push(format!("hook job {} still runs", jobs.join(", "))),
        Seen::Present(_) | Seen::Absent => {}
        Seen::Unreadable(why) => judged
            .unknown
            .push(format!("whether its hook jobs have ended: {why}")),
    }
    match &evidence.unfinished_run {
        Seen::Present(run) => judged.refused.push(format!(
            "run {run} of this program left it and is not over: resume or abort takes it up"
        )),
        Seen::Absent => {}
        Seen::Unreadable(why) => judged
            .unknown
            .push(format!("whether a run of this program is not over: {why}")),
    }
    match &evidence.lease_holder {
        Seen::Present(holder) => judged
            .refused
            .push(format!("{holder} holds this program's lease on the release")),
        Seen::Absent => {}
        Seen::Unreadable(why) => judged.unknown.push(format!("who holds the lease: {why}")),
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead() -> PendingEvidence {
        PendingEvidence {
            age_seconds: Some(1000),
            description: "Preparing upgrade".into(),
            running_hooks: Seen::Present(Vec::new()),
            unfinished_run: Seen::Absent,
            lease_holder: Seen::Absent,
            workloads: Seen::Absent,
        }
    }

    fn judged(change: impl FnOnce(&mut PendingEvidence)) -> Judgement {
        let mut evidence = dead();
        change(&mut evidence);
        judge(&evidence, Duration::from_secs(300))
    }

    #[test]
    fn an_old_revision_on_which_nothing_works_is_stuck() {
        assert_eq!(judged(|_| {}), Judgement::default());
    }

    #[test]
    fn whatever_still_works_refuses() {
        let refused = |change: fn(&mut PendingEvidence)| judged(change).refused.join("; ");
        assert!(refused(|seen| seen.age_seconds = Some(40)).contains("40 s only"));
        assert!(
            refused(|seen| seen.age_seconds = Some(-5)).contains("only"),
            "a clock that is ahead"
        );
        assert!(
            refused(|seen| seen.running_hooks = Seen::Present(vec!["migrate".into()])).contains("migrate")
        );
        assert!(refused(|seen| seen.unfinished_run = Seen::Present("r1".into())).contains("r1"));
        assert!(refused(|seen| seen.lease_holder = Seen::Present("ann".into())).contains("ann"));
    }

    #[test]
    fn what_is_not_known_is_not_taken_for_dead() {
        let unknown = |change: fn(&mut PendingEvidence)| judged(change).unknown.len();
        assert_eq!(unknown(|seen| seen.age_seconds = None), 1);
        assert_eq!(
            unknown(|seen| seen.running_hooks = Seen::Unreadable("no".into())),
            1
        );
        assert_eq!(
            unknown(|seen| seen.unfinished_run = Seen::Unreadable("no".into())),
            1
        );
        assert_eq!(
            unknown(|seen| seen.lease_holder = Seen::Unreadable("no".into())),
            1
        );
    }
}
