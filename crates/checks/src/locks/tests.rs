//! Trees of waits and their verdicts.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    BlockedSession, HeldLock, LockEdge, LockNode, LockVerdict, PreparedTransaction, ProbeOutcome,
    ProbedTable, Seen, Session, SessionRole,
};

use super::{Ending, LockFacts, find_party, judge_locks, may_end};

fn session(pid: i32) -> Session {
    Session {
        pid,
        user: Some("shop".into()),
        application: format!("app-{pid}"),
        client: Some(format!("10.0.0.{pid}")),
        state: Some("active".into()),
        transaction_seconds: Some(60.0),
        state_seconds: Some(60.0),
        waiting_for: None,
        statement: "update orders set x = $1".into(),
        role: SessionRole::Writer,
    }
}

/// Somebody who has waited some seconds for these.
fn waits(pid: i32, seconds: f64, holders: &[i32]) -> BlockedSession {
    BlockedSession {
        session: session(pid),
        waited_seconds: seconds,
        blocked_by: holders
            .iter()
            .map(|holder| LockEdge {
                holder: *holder,
                relation: Some("public.orders".into()),
                mode: "AccessExclusiveLock".into(),
            })
            .collect(),
        root: None,
    }
}

fn held(holder: i32, mode: &str) -> HeldLock {
    HeldLock {
        holder,
        relation: "public.orders".into(),
        mode: mode.into(),
    }
}

fn facts(pids: &[i32], blocked: Vec<BlockedSession>) -> LockFacts {
    LockFacts {
        database: "shop".into(),
        role: "shop".into(),
        sessions: Seen::Present(pids.iter().map(|pid| session(*pid)).collect()),
        masked: None,
        blocked: Seen::Present(blocked),
        held: Seen::Present(Vec::new()),
        prepared: Seen::Present(Vec::new()),
        superusers: Seen::Present(BTreeSet::new()),
        pods: Seen::Present(BTreeMap::new()),
        probed: Vec::new(),
        unprobed: None,
    }
}

/// A tree as `1(2(3) 4)`.
fn shape(nodes: &[LockNode]) -> String {
    let one = |node: &LockNode| {
        let below = if node.waiters.is_empty() {
            String::new()
        } else {
            format!("({})", shape(&node.waiters))
        };
        format!("{}{below}", node.party.pid)
    };
    nodes.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn whoever_waits_stands_below_the_first_that_is_in_its_way() {
    for (blocked, wanted) in [
        (vec![], ""),
        (vec![waits(2, 1.0, &[1])], "1(2)"),
        // A chain, and two who wait for one: the longest wait first.
        (
            vec![waits(2, 9.0, &[1]), waits(3, 5.0, &[2]), waits(4, 10.0, &[1])],
            "1(4 2(3))",
        ),
        // The root below which somebody has waited longest comes first.
        (vec![waits(3, 1.0, &[1]), waits(4, 2.0, &[2])], "2(4) 1(3)"),
        // Two in the way: told once, below the first.
        (vec![waits(3, 1.0, &[1, 2])], "1(3) 2"),
        // A circle stands somewhere and ends.
        (vec![waits(1, 2.0, &[2]), waits(2, 1.0, &[1])], "1(2)"),
        // A prepared transaction has no session.
        (vec![waits(2, 1.0, &[0])], "0(2)"),
    ] {
        let report = judge_locks(&facts(&[1, 2, 3, 4], blocked), "now", "again");
        assert_eq!(shape(&report.roots), wanted);
    }
    let report = judge_locks(&facts(&[1, 2, 3], vec![waits(3, 1.0, &[1, 2])]), "now", "again");
    assert_eq!(report.roots[0].waiters[0].waits.as_ref().unwrap().also_for, [2]);
}

#[test]
fn a_node_says_who_it_is_and_what_it_holds() {
    let mut seen = facts(&[1, 2], vec![waits(2, 1.0, &[1])]);
    seen.held = Seen::Present(vec![
        held(1, "AccessShareLock"),
        held(1, "AccessExclusiveLock"),
        held(2, "RowShareLock"),
    ]);
    seen.pods = Seen::Present(BTreeMap::from([("10.0.0.1".to_owned(), "web-1".to_owned())]));
    seen.superusers = Seen::Present(BTreeSet::from([1]));
    let report = judge_locks(&seen, "now", "kubectl upgrade-check locks shop");
    let root = &report.roots[0];
    assert_eq!(root.party.pod.as_deref(), Some("web-1"));
    assert!(root.party.superuser);
    assert_eq!(root.holds[0].mode, "AccessExclusiveLock");
    assert_eq!((root.waiting(), root.longest_wait()), (1, 1.0));
    let next = report.next[0].command.as_deref();
    assert_eq!(next, Some("kubectl upgrade-check locks shop --explain 1"));
    assert_eq!(
        find_party(&seen, &report, 2).unwrap().holds[0].mode,
        "RowShareLock"
    );
    assert_eq!(find_party(&seen, &report, 9), None);
}

#[test]
fn what_cannot_be_seen_is_never_free() {
    let verdict = |change: fn(&mut LockFacts)| {
        let mut seen = facts(&[1], Vec::new());
        change(&mut seen);
        judge_locks(&seen, "now", "again").verdict
    };
    assert_eq!(verdict(|_| {}), LockVerdict::Free);
    assert_eq!(
        verdict(|seen| seen.masked = Some("no".into())),
        LockVerdict::Unknown
    );
    assert_eq!(
        verdict(|seen| seen.blocked = Seen::Unreadable("no".into())),
        LockVerdict::Unknown
    );
    assert_eq!(
        verdict(|seen| seen.prepared = Seen::Unreadable("no".into())),
        LockVerdict::Unknown
    );
    assert_eq!(
        verdict(|seen| seen.sessions = Seen::Unreadable("no".into())),
        LockVerdict::Unknown
    );
    assert_eq!(
        verdict(|seen| seen.superusers = Seen::Unreadable("no".into())),
        LockVerdict::Unknown
    );
    // Whose pods they are is said where it is known; nobody hides behind it.
    assert_eq!(
        verdict(|seen| seen.pods = Seen::Unreadable("no".into())),
        LockVerdict::Free
    );
    let probed = |outcome: ProbeOutcome| ProbedTable {
        table: "public.orders".into(),
        outcome,
        holders: Vec::new(),
    };
    let mut seen = facts(&[1], Vec::new());
    seen.probed = vec![probed(ProbeOutcome::Free)];
    assert_eq!(judge_locks(&seen, "now", "again").verdict, LockVerdict::Free);
    seen.probed.push(probed(ProbeOutcome::Unknown("may not".into())));
    assert_eq!(judge_locks(&seen, "now", "again").verdict, LockVerdict::Unknown);
    seen.probed.push(probed(ProbeOutcome::Held));
    assert_eq!(judge_locks(&seen, "now", "again").verdict, LockVerdict::Held);
}

#[test]
fn dumps_vacuums_and_prepared_transactions_are_told() {
    let mut seen = facts(&[1, 2, 3], Vec::new());
    if let Seen::Present(sessions) = &mut seen.sessions {
        sessions[0].role = SessionRole::Dump;
        sessions[1].role = SessionRole::Server;
        sessions[1].statement = "autovacuum: VACUUM public.orders (to prevent wraparound)".into();
    }
    seen.prepared = Seen::Present(vec![PreparedTransaction {
        gid: "two".into(),
        owner: "shop".into(),
        age_seconds: 9.0,
    }]);
    let report = judge_locks(&seen, "now", "again");
    assert_eq!(report.dumps[0].pid, 1);
    assert_eq!(report.wraparound[0].pid, 2);
    assert_eq!(report.prepared[0].gid, "two");
}

#[test]
fn only_who_is_named_and_nobody_s_superuser_may_be_ended() {
    let mut seen = facts(&[1, 2, 3, 4, 5, 6], Vec::new());
    seen.superusers = Seen::Present(BTreeSet::from([1, 2]));
    if let Seen::Present(sessions) = &mut seen.sessions {
        sessions[1].user = Some("postgres".into());
        sessions[2].role = SessionRole::Ours;
        sessions[3].role = SessionRole::Server;
        sessions[4].state = Some("idle in transaction".into());
        sessions[5].state = None;
    }
    let why = |pid, ending| may_end(&seen, pid, ending).unwrap_err();
    assert_eq!(may_end(&seen, 1, Ending::Statement), Ok(()));
    assert!(why(2, Ending::Session).contains("superuser"));
    assert!(why(3, Ending::Session).contains("ours"));
    assert!(why(4, Ending::Session).contains("server itself"));
    assert!(why(5, Ending::Statement).contains("--terminate"));
    assert_eq!(may_end(&seen, 5, Ending::Session), Ok(()));
    assert!(why(9, Ending::Session).contains("no session on database shop"));
    for ending in [Ending::Statement, Ending::Session] {
        assert!(why(6, ending).contains("grant pg_read_all_stats"));
    }
    seen.superusers = Seen::Unreadable("no".into());
    assert!(may_end(&seen, 1, Ending::Session).is_err());
}
