//! From waits to trees.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use model::{BlockedSession, HeldLock, LOCK_MODES, LockNode, LockParty, LockWait, Session};

use super::LockFacts;

/// Whoever holds others up, each with those who wait for it below. Who waits for several stands below the first of them.
/// In a circle, which the server breaks up by itself, one of it stands at the root.
pub(super) fn trees(facts: &LockFacts) -> Vec<LockNode> {
    let blocked: &[BlockedSession] = facts.blocked.present().map_or(&[], Vec::as_slice);
    let wood = Wood {
        facts,
        waits: blocked.iter().map(|wait| (wait.session.pid, wait)).collect(),
    };
    let mut placed = BTreeSet::new();
    let holders: BTreeSet<i32> = blocked
        .iter()
        .flat_map(|wait| wait.blocked_by.iter().map(|edge| edge.holder))
        .filter(|holder| !wood.waits.contains_key(holder))
        .collect();
    let mut roots: Vec<LockNode> = holders
        .into_iter()
        .map(|holder| wood.grow(holder, &mut placed))
        .collect();
    for pid in wood.waits.keys() {
        if !placed.contains(pid) {
            roots.push(wood.grow(*pid, &mut placed));
        }
    }
    roots.sort_by(|one, other| other.longest_wait().total_cmp(&one.longest_wait()));
    roots
}

struct Wood<'a> {
    facts: &'a LockFacts,
    waits: BTreeMap<i32, &'a BlockedSession>,
}

impl Wood<'_> {
    fn grow(&self, pid: i32, placed: &mut BTreeSet<i32>) -> LockNode {
        placed.insert(pid);
        let mut below: Vec<&BlockedSession> = self
            .waits
            .values()
            .filter(|wait| wait.blocked_by.first().is_some_and(|edge| edge.holder == pid))
            .copied()
            .collect();
        below.sort_by(|one, other| other.waited_seconds.total_cmp(&one.waited_seconds));
        let mut waiters = Vec::new();
        for wait in below {
            if !placed.contains(&wait.session.pid) {
                waiters.push(self.grow(wait.session.pid, placed));
            }
        }
        LockNode {
            party: party(self.facts, pid),
            holds: holds(self.facts, pid),
            waits: self.waits.get(&pid).map(|wait| awaited(wait)),
            waiters,
        }
    }
}

fn awaited(wait: &BlockedSession) -> LockWait {
    let first = wait.blocked_by.first();
    LockWait {
        seconds: wait.waited_seconds,
        relation: first.and_then(|edge| edge.relation.clone()),
        against: first.map(|edge| edge.mode.clone()).unwrap_or_default(),
        also_for: wait.blocked_by.iter().skip(1).map(|edge| edge.holder).collect(),
    }
}

/// The locks of a process, the strongest first.
fn holds(facts: &LockFacts, pid: i32) -> Vec<HeldLock> {
    let held: &[HeldLock] = facts.held.present().map_or(&[], Vec::as_slice);
    let mut own: Vec<HeldLock> = held.iter().filter(|lock| lock.holder == pid).cloned().collect();
    own.sort_by_key(|lock| Reverse(LOCK_MODES.iter().position(|mode| *mode == lock.mode)));
    own
}

/// Who a process is.
pub(super) fn party(facts: &LockFacts, pid: i32) -> LockParty {
    let sessions: &[Session] = facts.sessions.present().map_or(&[], Vec::as_slice);
    let session = sessions.iter().find(|session| session.pid == pid).cloned();
    let address = session.as_ref().and_then(|session| session.client.as_ref());
    LockParty {
        pid,
        pod: address
            .and_then(|address| facts.pods.present()?.get(address))
            .cloned(),
        superuser: facts.superusers.present().is_some_and(|pids| pids.contains(&pid)),
        session,
    }
}

/// A process on its own, without those who wait for it.
pub(super) fn alone(facts: &LockFacts, pid: i32) -> LockNode {
    LockNode {
        party: party(facts, pid),
        holds: holds(facts, pid),
        waits: None,
        waiters: Vec::new(),
    }
}
