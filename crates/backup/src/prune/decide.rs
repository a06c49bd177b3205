//! The decision.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::BackupId;

use super::{Candidate, KeepReason, Policy, PolicyError, RemoveReason, Rule, Series, Standing};

/// What becomes of one backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays, for each of these reasons.
    Keep(Vec<KeepReason>),
    /// It goes.
    Remove(RemoveReason),
}

/// Decides for each backup, in the order given.
///
/// Nothing goes from a series whose newest attempt failed. The newest backup of a series that can be used, the newest one
/// proven by a restore test, pinned ones, and all that a kept one builds on stay whatever the policy says. A backup that
/// a restore test found different, or that builds on one that is gone, fills no place of a rule; it goes once a newer one
/// that can be used is kept.
///
/// # Errors
/// When the policy keeps nothing or its time cannot be counted.
pub fn decide(
    candidates: &[Candidate],
    failed: &BTreeSet<Series>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Decision>, PolicyError> {
    let since = policy.since(now)?;
    let mut series: BTreeMap<&Series, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        series.entry(&candidate.series).or_default().push(candidate);
    }
    let mut decided = BTreeMap::new();
    for (name, mut members) in series {
        members.sort_by(|one, other| (other.at, &other.id).cmp(&(one.at, &one.id)));
        let decisions = of_series(&members, failed.contains(name), policy, since);
        decided.extend(decisions.into_iter().map(|(id, decision)| ((name, id), decision)));
    }
    let decision = |candidate: &Candidate| {
        // Every candidate is in exactly one series; what was not judged would stay.
        let unjudged = || Decision::Keep(Vec::new());
        let key = (&candidate.series, &candidate.id);
        decided.get(&key).cloned().unwrap_or_else(unjudged)
    };
    Ok(candidates.iter().map(decision).collect())
}

/// Decides for one series, newest first.
fn of_series<'a>(
    members: &[&'a Candidate],
    failed: bool,
    policy: &Policy,
    since: Option<Timestamp>,
) -> BTreeMap<&'a BackupId, Decision> {
    let by_id: BTreeMap<&BackupId, &Candidate> = members.iter().map(|member| (&member.id, *member)).collect();
    let broken: BTreeMap<&BackupId, BackupId> = members
        .iter()
        .filter_map(|member| Some((&member.id, missing(member, &by_id)?)))
        .collect();
    let usable: Vec<&Candidate> = members
        .iter()
        .copied()
        .filter(|member| member.standing != Standing::Different && !broken.contains_key(&member.id))
        .collect();

    let mut reasons: BTreeMap<&BackupId, Vec<KeepReason>> = BTreeMap::new();
    let mut keep = |id: &'a BackupId, reason| reasons.entry(id).or_default().push(reason);
    if failed {
        members
            .iter()
            .for_each(|member| keep(&member.id, KeepReason::NewestAttemptFailed));
    }
    if let Some(newest) = usable.first() {
        keep(&newest.id, KeepReason::Newest);
    }
    if let Some(proven) = usable.iter().find(|member| member.standing == Standing::Proven) {
        keep(&proven.id, KeepReason::NewestProven);
    }
    for member in members {
        if let Some(pin) = &member.pin {
            keep(&member.id, KeepReason::Pinned(pin.clone()));
        }
    }
    for (id, rule, place) in counted(&usable, policy) {
        keep(id, KeepReason::Rule { rule, place });
    }
    if let Some(since) = since {
        for member in usable.iter().filter(|member| member.at >= since) {
            keep(&member.id, KeepReason::Within { since });
        }
    }
    // Where nothing newer can be used, even a doubtful one is better than none.
    for member in members.iter().take_while(|member| !usable.contains(member)) {
        keep(&member.id, KeepReason::NothingBetter);
    }
    // Newest first, so that every one that a kept one builds on is met after it.
    for member in members {
        if !reasons.contains_key(&member.id) {
            continue;
        }
        let mut above = member.parent.as_ref().and_then(|parent| by_id.get(parent));
        let mut met = BTreeSet::from([&member.id]);
        while let Some(parent) = above.filter(|parent| met.insert(&parent.id)) {
            let reason = KeepReason::ChainOf(member.id.clone());
            reasons.entry(&parent.id).or_default().push(reason);
            above = parent.parent.as_ref().and_then(|next| by_id.get(next));
        }
    }
    let decision = |member: &&'a Candidate| {
        let decision = match reasons.remove(&member.id) {
            Some(reasons) => Decision::Keep(reasons),
            None => Decision::Remove(match broken.get(&member.id) {
                Some(gone) => RemoveReason::ChainBroken(gone.clone()),
                None if member.standing == Standing::Different => RemoveReason::FoundDifferent,
                None => RemoveReason::NoRule,
            }),
        };
        (&member.id, decision)
    };
    members.iter().map(decision).collect()
}

/// The backup that one builds on and that is not there; also the one where a chain runs in a circle.
fn missing(member: &Candidate, by_id: &BTreeMap<&BackupId, &Candidate>) -> Option<BackupId> {
    let mut met = BTreeSet::from([&member.id]);
    let mut parent = member.parent.as_ref();
    while let Some(id) = parent {
        let Some(above) = by_id.get(id).filter(|_| met.insert(id)) else {
            return Some(id.clone());
        };
        parent = above.parent.as_ref();
    }
    None
}

/// Which backups the counting rules keep, and as the how-many-th of their rule.
fn counted<'a>(usable: &[&'a Candidate], policy: &Policy) -> Vec<(&'a BackupId, Rule, u32)> {
    let mut kept = Vec::new();
    for rule in Rule::ALL {
        let wanted = match rule {
            Rule::Last => policy.last,
            Rule::Hourly => policy.hourly,
            Rule::Daily => policy.daily,
            Rule::Weekly => policy.weekly,
            Rule::Monthly => policy.monthly,
            Rule::Yearly => policy.yearly,
        };
        let (mut place, mut last) = (0, None);
        for candidate in usable {
            if place == wanted {
                break;
            }
            let period = rule.period(&candidate.at.to_zoned(TimeZone::UTC));
            if rule != Rule::Last && last.as_ref() == Some(&period) {
                continue;
            }
            place += 1;
            last = Some(period);
            kept.push((&candidate.id, rule, place));
        }
    }
    kept
}
