//! What a decision never does, whatever is there and whatever the policy says.

use std::collections::BTreeSet;

use jiff::{Span, Timestamp, ToSpan};
use proptest::prelude::*;

use crate::BackupId;

use super::*;

const NOW: &str = "2026-03-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn id(at: Timestamp, number: u32) -> BackupId {
    let time = at.strftime("%Y%m%dT%H%M%SZ");
    format!("{time}-{number:08x}").parse().unwrap()
}

fn series(database: &str) -> Series {
    Series {
        cluster: "c".into(),
        namespace: "n".into(),
        server: "s".into(),
        database: database.into(),
        format: "custom".into(),
    }
}

fn candidate(database: &str, at: &str) -> Candidate {
    let at: Timestamp = at.parse().unwrap();
    Candidate {
        id: id(at, 1),
        series: series(database),
        at,
        standing: Standing::Untested,
        pin: None,
        parent: None,
    }
}

fn decided(candidates: &[Candidate], policy: &Policy) -> Vec<Decision> {
    decide(candidates, &BTreeSet::new(), policy, now()).unwrap()
}

fn kept(decisions: &[Decision]) -> Vec<bool> {
    decisions
        .iter()
        .map(|decision| matches!(decision, Decision::Keep(_)))
        .collect()
}

fn last(last: u32) -> Policy {
    Policy {
        last,
        ..Policy::default()
    }
}

#[test]
fn rules_are_a_union_of_the_newest_of_each_period() {
    let times = [
        "2026-03-01T10:50:00Z",
        "2026-03-01T10:10:00Z",
        "2026-02-28T23:59:59Z",
        "2026-02-28T01:00:00Z",
        "2026-02-22T12:00:00Z",
        "2026-01-31T12:00:00Z",
        "2025-12-31T12:00:00Z",
    ];
    let backups: Vec<Candidate> = times.iter().map(|at| candidate("db", at)).collect();
    let policy = Policy {
        daily: 2,
        monthly: 3,
        yearly: 2,
        ..Policy::default()
    };
    let decisions = decided(&backups, &policy);
    assert_eq!(kept(&decisions), [true, false, true, false, false, true, true]);
    let Decision::Keep(reasons) = &decisions[2] else {
        panic!("kept");
    };
    let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["daily 2", "monthly 2"]);
}

#[test]
fn weeks_are_those_of_the_calendar_also_across_a_year_s_end() {
    // Monday 2025-12-29 to Sunday 2026-01-04 is one week.
    let times = [
        "2026-01-04T23:00:00Z",
        "2025-12-29T00:00:00Z",
        "2025-12-28T23:59:59Z",
    ];
    let backups: Vec<Candidate> = times.iter().map(|at| candidate("db", at)).collect();
    let policy = Policy {
        weekly: 2,
        ..Policy::default()
    };
    assert_eq!(kept(&decided(&backups, &policy)), [true, false, true]);
}

#[test]
fn a_time_keeps_what_is_younger_and_the_newest_whatever_its_age() {
    let policy = Policy {
        within: Some(14.days()),
        ..Policy::default()
    };
    let backups = [
        candidate("db", "2026-02-15T12:00:00Z"),
        candidate("db", "2026-02-15T11:59:59Z"),
        candidate("old", "2020-01-01T00:00:00Z"),
    ];
    assert_eq!(kept(&decided(&backups, &policy)), [true, false, true]);
}

#[test]
fn a_policy_that_keeps_nothing_is_an_error() {
    let empty = decide(&[], &BTreeSet::new(), &Policy::default(), now());
    assert_eq!(empty, Err(PolicyError::Empty));
    let backwards = Policy {
        within: Some(Span::new().days(-1)),
        ..Policy::default()
    };
    assert!(decide(&[], &BTreeSet::new(), &backwards, now()).is_err());
}

#[test]
fn what_a_restore_test_found_different_fills_no_place_and_goes_only_when_a_newer_one_stays() {
    let mut backups = [
        candidate("db", "2026-02-28T00:00:00Z"),
        candidate("db", "2026-02-27T00:00:00Z"),
        candidate("db", "2026-02-26T00:00:00Z"),
    ];
    backups[1].standing = Standing::Different;
    let decisions = decided(&backups, &last(2));
    assert_eq!(kept(&decisions), [true, false, true]);
    assert_eq!(decisions[1], Decision::Remove(RemoveReason::FoundDifferent));
    backups[0].standing = Standing::Different;
    let decisions = decided(&backups, &last(1));
    assert_eq!(kept(&decisions), [true, true, true]);
}

#[test]
fn a_chain_without_its_middle_cannot_be_used() {
    let mut backups = [
        candidate("db", "2026-02-28T00:00:00Z"),
        candidate("db", "2026-02-27T00:00:00Z"),
        candidate("db", "2026-02-26T00:00:00Z"),
    ];
    let gone = id("2026-02-25T00:00:00Z".parse().unwrap(), 7);
    backups[1].parent = Some(gone.clone());
    assert_eq!(
        decided(&backups, &last(5))[1],
        Decision::Remove(RemoveReason::ChainBroken(gone))
    );
    // Two that name each other are no chain either.
    backups[1].parent = Some(backups[2].id.clone());
    backups[2].parent = Some(backups[1].id.clone());
    assert_eq!(kept(&decided(&backups, &last(5))), [true, false, false]);
}

/// A store: some databases, some backups each at distinct seconds, in any order.
fn stores() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (
        0..3_u8,
        0..(3 * 365 * 86_400_i64),
        0..3_u8,
        proptest::bool::weighted(0.1),
        proptest::option::weighted(0.3, any::<prop::sample::Index>()),
    );
    proptest::collection::vec(one, 0..40).prop_map(|rows| {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (number, (database, age, standing, pinned, parent)) in rows.into_iter().enumerate() {
            let at = now() - age.seconds();
            let series = series(&database.to_string());
            let older: Vec<BackupId> = candidates
                .iter()
                .filter(|other| other.series == series && other.at < at)
                .map(|other| other.id.clone())
                .collect();
            candidates.push(Candidate {
                id: id(at, u32::try_from(number).unwrap()),
                series,
                at,
                standing: [Standing::Proven, Standing::Different, Standing::Untested][usize::from(standing)],
                pin: pinned.then(|| Pin::Said {
                    reason: String::new(),
                }),
                parent: parent
                    .filter(|_| !older.is_empty())
                    .map(|index| index.get(&older).clone()),
            });
        }
        candidates
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let counts = proptest::array::uniform6(0..5_u32);
    let within = proptest::option::of(1..800_i64);
    (counts, within)
        .prop_map(
            |([last, hourly, daily, weekly, monthly, yearly], within)| Policy {
                last,
                hourly,
                daily,
                weekly,
                monthly,
                yearly,
                within: within.map(ToSpan::days),
            },
        )
        .prop_filter("keeps something", |policy| policy.since(now()).is_ok())
}

/// Whether everything that it builds on is there.
fn whole(candidate: &Candidate, all: &[Candidate]) -> bool {
    candidate.parent.as_ref().is_none_or(|parent| {
        all.iter()
            .find(|other| other.id == *parent)
            .is_some_and(|parent| whole(parent, all))
    })
}

proptest! {
    #[test]
    fn the_newest_usable_and_the_newest_proven_of_each_database_stay(all in stores(), policy in policies()) {
        let kept = kept(&decided(&all, &policy));
        for database in ["0", "1", "2"].map(series) {
            let usable = |wanted: fn(Standing) -> bool| {
                (0..all.len())
                    .filter(|at| all[*at].series == database && wanted(all[*at].standing))
                    .filter(|at| whole(&all[*at], &all))
                    .max_by_key(|at| (all[*at].at, all[*at].id.clone()))
            };
            for newest in [
                usable(|standing| standing != Standing::Different),
                usable(|standing| standing == Standing::Proven),
            ].into_iter().flatten() {
                prop_assert!(kept[newest]);
            }
            // Where there is anything, something stays.
            if all.iter().any(|one| one.series == database) {
                prop_assert!((0..all.len()).any(|at| all[at].series == database && kept[at]));
            }
        }
    }

    #[test]
    fn pinned_ones_stay(all in stores(), policy in policies()) {
        for (one, kept) in all.iter().zip(kept(&decided(&all, &policy))) {
            prop_assert!(kept || one.pin.is_none());
        }
    }

    #[test]
    fn no_kept_one_loses_what_it_builds_on(all in stores(), policy in policies()) {
        let kept = kept(&decided(&all, &policy));
        for (at, one) in all.iter().enumerate().filter(|(at, _)| kept[*at]) {
            if let Some(parent) = &one.parent {
                let parent = all.iter().position(|other| other.id == *parent).unwrap();
                prop_assert!(kept[parent], "{} lost {}", at, parent);
            }
        }
    }

    #[test]
    fn nothing_goes_where_the_newest_attempt_failed(all in stores(), policy in policies()) {
        let failed = BTreeSet::from([series("1")]);
        let decisions = decide(&all, &failed, &policy, now()).unwrap();
        for (one, kept) in all.iter().zip(kept(&decisions)) {
            prop_assert!(kept || one.series != series("1"));
        }
        // And the other databases are judged as ever.
        let others = |one: &Candidate| one.series != series("1");
        let as_ever = decided(&all, &policy);
        for at in (0..all.len()).filter(|at| others(&all[*at])) {
            prop_assert_eq!(&decisions[at], &as_ever[at]);
        }
    }

    #[test]
    fn databases_do_not_weigh_on_each_other(all in stores(), policy in policies()) {
        let together = decided(&all, &policy);
        for database in ["0", "1", "2"].map(series) {
            let alone: Vec<Candidate> = all.iter().filter(|one| one.series == database).cloned().collect();
            let expected: Vec<&Decision> = all.iter().zip(&together)
                .filter(|(one, _)| one.series == database)
                .map(|(_, decision)| decision)
                .collect();
            let decisions = decided(&alone, &policy);
            prop_assert_eq!(decisions.iter().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn pruning_twice_removes_nothing_more(all in stores(), policy in policies()) {
        let left: Vec<Candidate> = all.iter().zip(kept(&decided(&all, &policy)))
            .filter(|(_, kept)| *kept)
            .map(|(one, _)| one.clone())
            .collect();
        prop_assert!(kept(&decided(&left, &policy)).into_iter().all(|kept| kept));
    }

    #[test]
    fn more_is_kept_by_a_policy_that_asks_for_more(all in stores(), policy in policies(), more in 1..5_u32) {
        let wider = Policy { daily: policy.daily + more, last: policy.last + more, ..policy.clone() };
        for (narrow, wide) in kept(&decided(&all, &policy)).into_iter().zip(kept(&decided(&all, &wider))) {
            prop_assert!(wide || !narrow);
        }
    }
}
