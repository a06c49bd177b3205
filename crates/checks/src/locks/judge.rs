//! What a look at locks comes to.

use model::{
    API_VERSION, LockNode, LockParty, LockReport, LockVerdict, NextStep, ProbeOutcome, Session, SessionRole,
};

use super::LockFacts;
use super::tree::{alone, party, trees};

/// Makes the report. `at` is the time of the look, RFC 3339; `again` the command that looks once more.
pub fn judge_locks(facts: &LockFacts, at: &str, again: &str) -> LockReport {
    let roots = trees(facts);
    let sessions: &[Session] = facts.sessions.present().map_or(&[], Vec::as_slice);
    let those = |wanted: &dyn Fn(&Session) -> bool| -> Vec<LockParty> {
        let pids = sessions.iter().filter(|session| wanted(session));
        pids.map(|session| party(facts, session.pid)).collect()
    };
    let unread = unread(facts);
    let taken = facts
        .probed
        .iter()
        .any(|table| table.outcome == ProbeOutcome::Held);
    let unasked = facts
        .probed
        .iter()
        .any(|table| matches!(table.outcome, ProbeOutcome::Unknown(_)));
    let verdict = if !roots.is_empty() || taken {
        LockVerdict::Held
    } else if !unread.is_empty() || unasked {
        LockVerdict::Unknown
    } else {
        LockVerdict::Free
    };
    LockReport {
        api_version: API_VERSION.into(),
        kind: "LockReport".into(),
        at: at.to_owned(),
        database: facts.database.clone(),
        verdict,
        next: next(&roots, again),
        roots,
        dumps: those(&|session| session.role == SessionRole::Dump),
        wraparound: those(&Session::is_against_wraparound),
        prepared: facts.prepared.present().cloned().unwrap_or_default(),
        probed: facts.probed.clone(),
        unread,
    }
}

/// What was not seen, and why. That pods could not be listed hides nobody who waits.
fn unread(facts: &LockFacts) -> Vec<String> {
    use model::Seen::Unreadable;
    let mut unread: Vec<String> = facts.masked.iter().cloned().collect();
    if let Unreadable(why) = &facts.sessions {
        unread.push(format!("sessions: {why}"));
    }
    if let Unreadable(why) = &facts.superusers {
        unread.push(format!("which sessions are superusers': {why}"));
    }
    if let Unreadable(why) = &facts.blocked {
        unread.push(format!("who waits: {why}"));
    }
    if let Unreadable(why) = &facts.held {
        unread.push(format!("locks on tables: {why}"));
    }
    if let Unreadable(why) = &facts.prepared {
        unread.push(format!("prepared transactions: {why}"));
    }
    unread.extend(
        facts
            .unprobed
            .iter()
            .map(|why| format!("whether tables could be changed: {why}")),
    );
    unread
}

fn next(roots: &[LockNode], again: &str) -> Vec<NextStep> {
    let Some(root) = roots.first() else {
        return Vec::new();
    };
    let pid = root.party.pid;
    if pid == 0 {
        return vec![NextStep {
            text:
                "a prepared transaction is ended by whoever prepared it: ROLLBACK PREPARED or COMMIT PREPARED"
                    .into(),
            command: None,
        }];
    }
    vec![NextStep {
        text: "who that is, and what ending it would cost".into(),
        command: Some(format!("{again} --explain {pid}")),
    }]
}

/// A process by its id: from the trees with all that hangs on it, else from the sessions.
pub fn find_party(facts: &LockFacts, report: &LockReport, pid: i32) -> Option<LockNode> {
    fn below(nodes: &[LockNode], pid: i32) -> Option<&LockNode> {
        nodes.iter().find_map(|node| {
            (node.party.pid == pid)
                .then_some(node)
                .or_else(|| below(&node.waiters, pid))
        })
    }
    below(&report.roots, pid).cloned().or_else(|| {
        let node = alone(facts, pid);
        node.party.session.is_some().then_some(node)
    })
}
