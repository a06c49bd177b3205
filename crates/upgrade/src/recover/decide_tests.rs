//! The table of decisions.

use std::time::Duration;

use model::profile::AfterMigration;
use model::{ReleaseStatus, Seen};

use super::decide::{Refused, Situation, UsableBackup, Way, Wish, decide};
use super::schema::Stand;
use super::sessions::InTheWay;
use super::trouble::Trouble;
use crate::plan::{KnownBackup, WayBack};

fn backup() -> UsableBackup {
    UsableBackup {
        backup: KnownBackup {
            store: "/b".into(),
            id: "20260101T000000Z-0123abcd".into(),
        },
        made_at: "2026-01-01T00:00:00Z".into(),
    }
}

/// Revision 4 crashes since ten minutes, revision 3 was in force before, and the schema has not moved.
fn situation() -> Situation {
    Situation {
        newest: 4,
        status: ReleaseStatus::Deployed,
        age_seconds: Some(600),
        older_than: Duration::from_secs(300),
        older: Some(3),
        unfinished_run: Seen::Absent,
        trouble: Ok(Trouble::Fails("exit code 1".into())),
        schema: Ok(Stand::Older("still 2".into())),
        promise: AfterMigration::Restore,
        backup: Ok(backup()),
        no_chart: None,
        in_the_way: Seen::Present(Vec::new()),
        end_sessions: false,
        wish: None,
    }
}

fn decided(change: impl FnOnce(&mut Situation)) -> String {
    let mut situation = situation();
    change(&mut situation);
    match decide(&situation) {
        Ok(Way::FinishForward { anchor, .. }) => format!("forward, else {anchor}"),
        Ok(Way::TurnBack {
            revision,
            way: WayBack::HelmOnly(_),
            made_at,
        }) => {
            assert_eq!(made_at, None);
            format!("helm back to {revision}")
        }
        Ok(Way::TurnBack {
            revision,
            way: WayBack::Restore(..),
            made_at,
        }) => {
            assert!(made_at.is_some());
            format!("restore back to {revision}")
        }
        Err(Refused::Blocked { .. } | Refused::Unfinished { .. } | Refused::Sessions(_)) => "blocked".into(),
        Err(Refused::Unknown { .. }) => "unknown".into(),
        Err(Refused::Nothing { revision }) => format!("{revision} works"),
    }
}

fn stand(word: &str) -> Result<Stand, String> {
    let words = || "words".to_owned();
    Ok(match word {
        "older" => Stand::Older(words()),
        "newer" => Stand::Newer(words()),
        "between" => Stand::Between(words()),
        "dirty" => Stand::Dirty(words()),
        _ => Stand::Untold(words()),
    })
}

fn trouble(word: &str) -> Result<Trouble, String> {
    let words = || "words".to_owned();
    Ok(match word {
        "killed" => Trouble::Killed(words()),
        "hangs" => Trouble::Hangs(words()),
        "interrupted" => Trouble::Interrupted(words()),
        "fails" => Trouble::Fails(words()),
        _ => Trouble::None,
    })
}

#[test]
fn schema_and_trouble_say_the_way() {
    for (schema, wrong, wanted) in [
        ("older", "killed", "forward, else 3"),
        ("older", "hangs", "forward, else 3"),
        ("older", "interrupted", "forward, else 3"),
        ("older", "fails", "helm back to 3"),
        ("newer", "killed", "forward, else 4"),
        ("newer", "hangs", "forward, else 4"),
        ("newer", "interrupted", "forward, else 4"),
        ("newer", "fails", "restore back to 3"),
        ("between", "killed", "forward, else 4"),
        ("between", "fails", "restore back to 3"),
        ("untold", "killed", "forward, else 4"),
        ("untold", "fails", "restore back to 3"),
        ("dirty", "killed", "restore back to 3"),
        ("dirty", "hangs", "restore back to 3"),
        ("dirty", "fails", "restore back to 3"),
        ("older", "none", "4 works"),
        ("newer", "none", "4 works"),
        ("untold", "none", "4 works"),
        ("dirty", "none", "blocked"),
    ] {
        let found = decided(|seen| {
            (seen.schema, seen.trouble) = (stand(schema), trouble(wrong));
        });
        assert_eq!(found, wanted, "{schema} {wrong}");
    }
}

#[test]
fn without_a_backup_nothing_is_restored_and_nothing_is_guessed() {
    for (schema, promise, wanted) in [
        ("older", AfterMigration::Restore, "helm back to 3"),
        ("newer", AfterMigration::Restore, "blocked"),
        ("between", AfterMigration::Restore, "blocked"),
        ("untold", AfterMigration::Restore, "unknown"),
        ("dirty", AfterMigration::Restore, "blocked"),
        ("newer", AfterMigration::Compatible, "helm back to 3"),
        ("between", AfterMigration::Compatible, "helm back to 3"),
        ("untold", AfterMigration::Compatible, "helm back to 3"),
        ("dirty", AfterMigration::Compatible, "blocked"),
    ] {
        let found = decided(|seen| {
            seen.backup = Err("no backup".into());
            (seen.schema, seen.promise) = (stand(schema), promise);
        });
        assert_eq!(found, wanted, "{schema} {promise:?}");
    }
}

#[test]
fn an_older_version_that_runs_on_the_newer_schema_is_what_a_failed_finish_turns_back_to() {
    let found = decided(|seen| {
        (seen.schema, seen.trouble) = (stand("newer"), trouble("killed"));
        seen.promise = AfterMigration::Compatible;
    });
    assert_eq!(found, "forward, else 3");
}

#[test]
fn a_wish_chooses_among_what_is_safe_and_nothing_else() {
    let wished = |wish: Wish, schema: &str, change: fn(&mut Situation)| {
        decided(|seen| {
            (seen.wish, seen.schema) = (Some(wish), stand(schema));
            change(seen);
        })
    };
    assert_eq!(wished(Wish::Forward, "older", |_| {}), "forward, else 3");
    assert_eq!(wished(Wish::Forward, "newer", |_| {}), "forward, else 4");
    assert_eq!(wished(Wish::Forward, "dirty", |_| {}), "blocked");
    assert_eq!(wished(Wish::Back, "older", |_| {}), "helm back to 3");
    let slow: fn(&mut Situation) = |seen| seen.trouble = trouble("killed");
    assert_eq!(wished(Wish::Back, "newer", slow), "restore back to 3");
    let no_backup: fn(&mut Situation) = |seen| seen.backup = Err("none".into());
    assert_eq!(wished(Wish::Back, "newer", no_backup), "blocked");
    let no_chart: fn(&mut Situation) = |seen| seen.no_chart = Some("it lacks its sub-charts".into());
    assert_eq!(wished(Wish::Forward, "older", no_chart), "blocked");
    assert_eq!(wished(Wish::Back, "older", no_chart), "helm back to 3");
}

#[test]
fn what_may_still_be_at_work_is_left_alone() {
    let pending = |age: Option<i64>| {
        decided(|seen| {
            seen.status = ReleaseStatus::PendingUpgrade;
            seen.trouble = trouble("interrupted");
            seen.age_seconds = age;
        })
    };
    assert_eq!(pending(Some(600)), "forward, else 3");
    assert_eq!(pending(Some(40)), "blocked");
    assert_eq!(pending(Some(-40)), "blocked", "a clock that is ahead");
    assert_eq!(pending(None), "unknown");
    let young = |wrong: &str| {
        decided(|seen| {
            seen.age_seconds = Some(40);
            seen.trouble = trouble(wrong);
        })
    };
    assert_eq!(young("hangs"), "blocked", "a migration may be at work");
    assert_eq!(
        young("killed"),
        "forward, else 3",
        "what is killed is not at work"
    );
    assert_eq!(young("fails"), "helm back to 3");
}

type Change = fn(&mut Situation);

#[test]
fn what_must_be_known_and_whoever_is_connected_keep_it_from_beginning() {
    let change: [(Change, &str); 12] = [
        (|seen| seen.unfinished_run = Seen::Present("r1".into()), "blocked"),
        (
            |seen| seen.unfinished_run = Seen::Unreadable("no".into()),
            "unknown",
        ),
        (
            |seen| seen.in_the_way = Seen::Present(vec![InTheWay::example()]),
            "blocked",
        ),
        (|seen| seen.in_the_way = Seen::Unreadable("no".into()), "unknown"),
        (|seen| seen.trouble = Err("no".into()), "unknown"),
        (|seen| seen.schema = Err("no".into()), "unknown"),
        (
            |seen| (seen.schema, seen.trouble) = (Err("no".into()), Ok(Trouble::None)),
            "unknown",
        ),
        (|seen| seen.older = None, "blocked"),
        (|seen| seen.status = ReleaseStatus::PendingInstall, "blocked"),
        (|seen| seen.status = ReleaseStatus::Uninstalled, "blocked"),
        (
            |seen| {
                seen.in_the_way = Seen::Present(vec![InTheWay::example()]);
                seen.end_sessions = true;
            },
            "helm back to 3",
        ),
        (
            |seen| {
                let kept = Some("is a superuser's".to_owned());
                seen.in_the_way = Seen::Present(vec![InTheWay {
                    kept,
                    ..InTheWay::example()
                }]);
                seen.end_sessions = true;
            },
            "blocked",
        ),
    ];
    for (index, (change, wanted)) in change.into_iter().enumerate() {
        assert_eq!(decided(change), wanted, "row {index}");
    }
}

#[test]
fn a_refusal_names_the_run_and_who_is_connected() {
    let mut seen = situation();
    seen.in_the_way = Seen::Present(vec![InTheWay::example()]);
    let words = decide(&seen).unwrap_err().to_string();
    assert!(words.contains("pid 77"), "{words}");
    seen.unfinished_run = Seen::Present("r1".into());
    let words = decide(&seen).unwrap_err().to_string();
    assert!(words.contains("run r1") && words.contains("resume"), "{words}");
}
