//! Who holds up whom in a database.

use std::io::{self, Write};

use model::{
    HeldLock, LockNode, LockParty, LockReport, LockVerdict, LockWait, ProbeOutcome, ProbedTable, Session,
    SessionRole,
};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::{in_lines, seconds};

/// Somebody whose session is not among those that were seen.
const NOT_SEEN: &str = "gone, or not to be seen";

/// Locks of one holder that are named; the rest is counted.
const NAMED: usize = 3;

/// Characters of a statement that are shown.
const STATEMENT: usize = 100;

/// Writes the trees of waits and what else holds locks.
///
/// # Errors
/// The writer's own.
pub fn lock_report(out: &mut dyn Write, style: Style, report: &LockReport) -> io::Result<()> {
    let report = &in_lines(report)?;
    let waiting: usize = report.roots.iter().map(LockNode::waiting).sum();
    let longest = report
        .roots
        .iter()
        .map(LockNode::longest_wait)
        .fold(0.0, f64::max);
    let (words, tone) = match (report.verdict, waiting) {
        (LockVerdict::Held, 0) => ("somebody holds a table".to_owned(), Tone::Bad),
        (LockVerdict::Held, 1) => (format!("1 session waits, for {}", seconds(longest)), Tone::Bad),
        (LockVerdict::Held, many) => (
            format!("{many} sessions wait, the longest for {}", seconds(longest)),
            Tone::Bad,
        ),
        (LockVerdict::Free, _) => ("nobody waits for a lock".to_owned(), Tone::Good),
        (LockVerdict::Unknown, _) => (
            "nobody is seen to wait, and not all can be seen".to_owned(),
            Tone::Care,
        ),
    };
    writeln!(
        out,
        "{}: {}",
        style.paint(Tone::Strong, &report.database.escape_debug().to_string()),
        style.paint(tone, &words)
    )?;
    for root in &report.roots {
        writeln!(out)?;
        node(out, style, root, "", "")?;
    }
    let mut others = Others { out, begun: false };
    others.parties("dumps that run", &report.dumps)?;
    others.parties("vacuums that give way to nobody", &report.wraparound)?;
    for prepared in &report.prepared {
        others.line(&format!(
            "prepared transaction {} of {}, for {}: it holds its locks until it is committed or rolled back",
            prepared.gid.escape_debug(),
            prepared.owner.escape_debug(),
            seconds(prepared.age_seconds)
        ))?;
    }
    probed(out, style, &report.probed)?;
    for unread in &report.unread {
        writeln!(out, "{} {unread}", style.paint(Tone::Care, "not seen:"))?;
    }
    next_steps(out, style, &report.next)
}

/// What is told beside the trees, below one empty line.
struct Others<'a> {
    out: &'a mut dyn Write,
    begun: bool,
}

impl Others<'_> {
    fn line(&mut self, words: &str) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            writeln!(self.out)?;
        }
        writeln!(self.out, "{words}")
    }

    fn parties(&mut self, title: &str, parties: &[LockParty]) -> io::Result<()> {
        for party in parties {
            self.line(&format!("{title}: pid {}, {}", party.pid, who(party)))?;
        }
        Ok(())
    }
}

fn node(out: &mut dyn Write, style: Style, node: &LockNode, first: &str, rest: &str) -> io::Result<()> {
    let party = &node.party;
    let name = match party.pid {
        0 => "a prepared transaction".to_owned(),
        pid => format!("pid {pid}"),
    };
    let waits = node.waits.as_ref().map(waited).unwrap_or_default();
    writeln!(
        out,
        "{first}{}  {}{waits}",
        style.paint(Tone::Strong, &name),
        who(party)
    )?;
    let bar = if node.waiters.is_empty() {
        "  "
    } else {
        style.glyph("│ ", "| ")
    };
    if node.waits.is_none() && !node.holds.is_empty() {
        writeln!(out, "{rest}{bar}holds {}", holds(&node.holds))?;
    }
    if let Some(session) = party
        .session
        .as_ref()
        .filter(|session| !session.statement.is_empty())
    {
        let text: String = session.statement.escape_debug().take(STATEMENT).collect();
        writeln!(out, "{rest}{bar}{}", style.paint(Tone::Faint, &text))?;
    }
    let last = node.waiters.len().saturating_sub(1);
    for (place, waiter) in node.waiters.iter().enumerate() {
        let (branch, below) = if place == last {
            (style.glyph("└─ ", "`- "), "   ")
        } else {
            (style.glyph("├─ ", "|- "), style.glyph("│  ", "|  "))
        };
        self::node(
            out,
            style,
            waiter,
            &format!("{rest}{branch}"),
            &format!("{rest}{below}"),
        )?;
    }
    Ok(())
}

/// Who somebody is, in a line.
fn who(party: &LockParty) -> String {
    let Some(session) = &party.session else {
        return match party.pid {
            0 => "it has no session".into(),
            _ => NOT_SEEN.into(),
        };
    };
    let mut words = vec![state(session)];
    if let Some(user) = &session.user {
        let superuser = if party.superuser { " (superuser)" } else { "" };
        words.push(format!("user {}{superuser}", user.escape_debug()));
    }
    if !session.application.is_empty() {
        words.push(session.application.escape_debug().to_string());
    }
    match (&party.pod, &session.client) {
        (Some(pod), _) => words.push(format!("pod {pod}")),
        (None, Some(client)) => words.push(format!("from {client}")),
        (None, None) => words.push("from the server's own machine".into()),
    }
    words.join(", ")
}

fn state(session: &Session) -> String {
    let state = session.state.as_deref().unwrap_or("state not to be seen");
    let since = session.transaction_seconds.or(session.state_seconds);
    match since {
        Some(since) => format!("{state}, transaction open for {}", seconds(since)),
        None => state.to_owned(),
    }
}

fn waited(wait: &LockWait) -> String {
    let what = wait.relation.as_deref().unwrap_or("a lock that is on no table");
    let also = if wait.also_for.is_empty() {
        String::new()
    } else {
        let pids: Vec<String> = wait.also_for.iter().map(i32::to_string).collect();
        format!(", also behind {}", pids.join(", "))
    };
    format!("; waits {} for {what}{also}", seconds(wait.seconds))
}

fn holds(locks: &[HeldLock]) -> String {
    let named: Vec<String> = locks
        .iter()
        .take(NAMED)
        .map(|lock| format!("{} on {}", lock.mode, lock.relation))
        .collect();
    match locks.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn probed(out: &mut dyn Write, style: Style, tables: &[ProbedTable]) -> io::Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let free = tables
        .iter()
        .filter(|table| table.outcome == ProbeOutcome::Free)
        .count();
    writeln!(out)?;
    writeln!(out, "{free} of {} tables could be changed at once", tables.len())?;
    for table in tables {
        let words = match &table.outcome {
            ProbeOutcome::Free => continue,
            ProbeOutcome::Held if table.holders.is_empty() => "held; by whom is not known".to_owned(),
            ProbeOutcome::Held => {
                let pids: Vec<String> = table.holders.iter().map(i32::to_string).collect();
                format!("held by pid {}", pids.join(", "))
            }
            ProbeOutcome::Unknown(why) => format!("not known: {why}"),
        };
        let tone = match &table.outcome {
            ProbeOutcome::Held => Tone::Bad,
            ProbeOutcome::Free | ProbeOutcome::Unknown(_) => Tone::Care,
        };
        writeln!(out, "  {}  {}", table.table, style.paint(tone, &words))?;
    }
    Ok(())
}

/// Writes who a process is, what hangs on it, and what ending it would cost. `again` is the command that looks once more.
///
/// # Errors
/// The writer's own.
pub fn lock_explanation(out: &mut dyn Write, style: Style, found: &LockNode, again: &str) -> io::Result<()> {
    let found = &in_lines(found)?;
    node(out, style, found, "", "")?;
    writeln!(out)?;
    for line in cost(found, again) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What ending somebody would cost, and how it is done.
fn cost(node: &LockNode, again: &str) -> Vec<String> {
    let pid = node.party.pid;
    let Some(session) = &node.party.session else {
        return vec![match pid {
            0 => "There is no session to end. A prepared transaction ends by COMMIT PREPARED or ROLLBACK PREPARED of whoever \
                  prepared it."
                .into(),
            _ => format!("It is {NOT_SEEN}: nothing is known of what ending it costs."),
        }];
    };
    let waiting = node.waiting();
    let mut lines = vec![match waiting {
        0 => "Nobody waits for it.".to_owned(),
        1 => "1 session waits for it, directly or behind another.".to_owned(),
        many => format!("{many} sessions wait for it, directly or behind another."),
    }];
    let idle = session
        .state
        .as_deref()
        .is_some_and(|state| state.starts_with("idle in transaction"));
    lines.push(
        match session.role {
            SessionRole::Ours => "It is ours: end the run or the command that opened it, and it goes.",
            SessionRole::Dump => "It is a dump: ended, that backup fails and has to be made again.",
            SessionRole::Replication => "It feeds a replica or a subscriber: ended, it is opened again by itself.",
            SessionRole::Exporter => "It reads statistics for monitoring: ended, it is opened again by itself.",
            SessionRole::Server if session.is_against_wraparound() => {
                "It is a vacuum against the wraparound of transaction numbers: ended, it comes back, and it has to finish \
                 one day. Let it."
            }
            SessionRole::Server => "It is a process of the server itself. Let it be.",
            SessionRole::Writer if idle => {
                "It runs no statement: its application has left a transaction open. What that did and did not commit is \
                 lost when it ends; cancelling changes nothing."
            }
            SessionRole::Writer => {
                "Cancelling takes back the running statement; ending the session takes back its whole transaction. An \
                 index that is being built concurrently is left behind invalid."
            }
        }
        .to_owned(),
    );
    if session.role == SessionRole::Writer {
        if node.party.superuser {
            lines.push(
                "Its role is a superuser: unless that is the application's own, ask whoever runs it.".into(),
            );
        }
        if !idle {
            lines.push(format!(
                "To take back its statement: {again} --cancel {pid} --yes"
            ));
        }
        lines.push(format!("To end it: {again} --terminate {pid} --yes"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style {
        colour: false,
        glyphs: crate::Glyphs::Ascii,
    };

    fn node(pid: i32, state: Option<&str>) -> LockNode {
        let session = state.map(|state| Session {
            pid,
            user: Some("shop".into()),
            application: "web".into(),
            client: None,
            state: Some(state.into()),
            transaction_seconds: Some(60.0),
            state_seconds: Some(60.0),
            waiting_for: None,
            statement: String::new(),
            role: SessionRole::Writer,
        });
        LockNode {
            party: LockParty {
                pid,
                session,
                pod: None,
                superuser: false,
            },
            holds: Vec::new(),
            waits: None,
            waiters: Vec::new(),
        }
    }

    #[test]
    fn what_ending_costs_is_said_only_of_who_is_seen_and_with_whole_commands() {
        let told = |pid, state| cost(&node(pid, state), "kubectl upgrade-check locks shop").join("\n");
        let gone = told(7, None);
        assert!(
            gone.contains("gone, or not to be seen: nothing is known") && !gone.contains("PREPARED"),
            "{gone}"
        );
        assert!(told(0, None).contains("ROLLBACK PREPARED"));
        let cancel = "To take back its statement: kubectl upgrade-check locks shop --cancel 7 --yes";
        let end = "To end it: kubectl upgrade-check locks shop --terminate 7 --yes";
        let active = told(7, Some("active"));
        assert!(active.contains(cancel) && active.contains(end), "{active}");
        let idle = told(7, Some("idle in transaction"));
        assert!(!idle.contains(cancel) && idle.contains(end), "{idle}");
    }

    #[test]
    fn names_of_tables_and_pods_stay_on_their_line() {
        let told = |words: &str| {
            let mut found = node(7, Some("active"));
            found.party.pod = Some(format!("web{words}"));
            found.waits = Some(LockWait {
                seconds: 1.0,
                relation: Some(format!("orders{words}")),
                against: "ShareLock".into(),
                also_for: Vec::new(),
            });
            let mut out = Vec::new();
            lock_explanation(&mut out, STYLE, &found, "again").unwrap();
            String::from_utf8(out).unwrap()
        };
        let hostile = told("\n\u{1b}[2Jpid 8");
        assert_eq!(hostile.lines().count(), told("").lines().count(), "{hostile}");
        assert!(!hostile.contains('\u{1b}'), "{hostile}");
    }

    #[test]
    fn a_table_that_is_held_by_nobody_in_sight_is_held_all_the_same() {
        let table = ProbedTable {
            table: "public.orders".into(),
            outcome: ProbeOutcome::Held,
            holders: Vec::new(),
        };
        let mut out = Vec::new();
        probed(&mut out, STYLE, &[table]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("held; by whom is not known"), "{text}");
    }
}
