//! Limits, settings and damage of the database that a migration would meet.

use model::{Category, Confidence, DatabaseHealth, IdleSlot, Observation, Profile, Severity, StandbyFacts};

use super::postgres::database;
use crate::check::{Check, Judged, Judgement, Unjudged, bytes, duration, needed, readable, some_of};
use crate::words::psql;

/// What a migration is given where no profile says how long it takes.
const USUAL_SECONDS: f64 = 600.0;
/// From here on the server refuses to begin transactions within a day of hard work.
const AGE_ALARM: i64 = 1_500_000_000;
/// A standby this far behind does not follow.
const FAR_BEHIND: i64 = 1 << 30;
/// WAL that a slot may keep for somebody who was away for a moment.
const SLOT_ROOM: i64 = 1 << 30;
/// What lets a role see other roles' sessions in full.
const MAY_SEE: &str = "grant pg_monitor to the role";
/// Connections that a run of ours needs: the watcher, the dump, and the one that swaps.
const OUR_CONNECTIONS: i32 = 4;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "ddl-rights",
        category: Category::Postgres,
        title: "the application's role may change its tables",
        severity: Severity::Block,
        judge: |seen, _, _| rights(health(seen)?),
    },
    Check {
        id: "role-timeouts",
        category: Category::Postgres,
        title: "no timeout of the role ends a migration half-way",
        severity: Severity::Block,
        judge: |seen, _, profile| timeouts(seen, profile),
    },
    Check {
        id: "connection-pooler",
        category: Category::Postgres,
        title: "no pooler stands between a migration and the server",
        severity: Severity::Warn,
        judge: |seen, _, _| pooler(health(seen)?),
    },
    Check {
        id: "connection-room",
        category: Category::Postgres,
        title: "the server has connections left",
        severity: Severity::Block,
        judge: |seen, _, _| connections(health(seen)?),
    },
    Check {
        id: "standbys",
        category: Category::Postgres,
        title: "standbys follow, and commits do not wait for one that is gone",
        severity: Severity::Block,
        judge: |seen, _, _| standbys(health(seen)?),
    },
    Check {
        id: "idle-slots",
        category: Category::Postgres,
        title: "no forgotten replication slot keeps WAL",
        severity: Severity::Warn,
        judge: |seen, _, _| slots(health(seen)?),
    },
    Check {
        id: "invalid-indexes",
        category: Category::Postgres,
        title: "no index or constraint was left half made",
        severity: Severity::Warn,
        judge: |seen, _, _| half_made(seen),
    },
    Check {
        id: "transaction-age",
        category: Category::Postgres,
        title: "transaction numbers are far from their end",
        severity: Severity::Block,
        judge: |seen, _, _| age(seen),
    },
    Check {
        id: "sequence-room",
        category: Category::Postgres,
        title: "no sequence is about to run out",
        severity: Severity::Warn,
        judge: |seen, _, _| sequences(health(seen)?),
    },
    Check {
        id: "collation-drift",
        category: Category::Postgres,
        title: "text is compared by the rules that indexes were built by",
        severity: Severity::Warn,
        judge: |seen, _, _| collations(health(seen)?),
    },
];

fn health(seen: &Observation) -> Result<&DatabaseHealth, Unjudged> {
    needed(
        &database(seen)?.health,
        "the database's limits and settings",
        "there are none",
    )
}

fn rights(health: &DatabaseHealth) -> Judgement {
    let Some(schema) = &health.schema else {
        return Ok(Judged::fail(
            "no schema of the role's search_path exists: new tables would have nowhere to go",
        )
        .advise("create the schema, or set the role's search_path"));
    };
    if !health.may_create {
        return Ok(Judged::fail(format!(
            "the role may not create anything in schema {schema}: a migration that adds a table fails"
        ))
        .advise(format!(
            "as its owner: grant create on schema {schema} to the role"
        )));
    }
    if health.foreign_tables.is_empty() {
        return Ok(Judged::pass(format!(
            "the role owns them, and may add to schema {schema}"
        )));
    }
    Ok(Judged::warn(format!(
        "others own {}; a migration that alters one fails",
        some_of(&health.foreign_tables)
    ))
    .with("foreign", health.foreign_tables.clone())
    .advise("if the application made them: alter table … owner to its role"))
}

fn timeouts(seen: &Observation, profile: &Profile) -> Judgement {
    let health = health(seen)?;
    let usual = profile
        .budgets
        .usual_seconds
        .map_or(USUAL_SECONDS, |seconds| seconds as f64);
    let in_words = |milliseconds: i64| match milliseconds {
        0 => "none".to_owned(),
        set => duration(set as f64 / 1000.0),
    };
    let short = |milliseconds: i64| milliseconds > 0 && (milliseconds as f64) < usual * 1000.0;
    let evidence = |judged: Judged| {
        judged
            .with("statementTimeoutMs", health.statement_timeout_ms)
            .with("lockTimeoutMs", health.lock_timeout_ms)
            .with("idleInTransactionMs", health.idle_timeout_ms)
    };
    let judged = if short(health.statement_timeout_ms) {
        let words = format!(
            "statement_timeout is {}: a statement of a migration that takes longer is taken back",
            in_words(health.statement_timeout_ms)
        );
        // Only where a profile knows that migrations take longer is it sure to happen.
        match profile.budgets.usual_seconds {
            Some(_) => Judged::fail(words),
            None => Judged::warn(words),
        }
        .advise("see whether the migration sets its own; else alter role … set statement_timeout = 0 for the upgrade")
    } else if short(health.idle_timeout_ms) {
        Judged::warn(format!(
            "idle_in_transaction_session_timeout is {}: a migration that thinks between two statements is cut off",
            in_words(health.idle_timeout_ms)
        ))
        .advise("see whether the migration tool keeps its transaction busy")
    } else {
        Judged::pass(format!(
            "statement_timeout {}, lock_timeout {}",
            in_words(health.statement_timeout_ms),
            in_words(health.lock_timeout_ms)
        ))
    };
    Ok(evidence(judged))
}

fn pooler(health: &DatabaseHealth) -> Judgement {
    Ok(match readable(&health.pooler, "who answers at the database's address")? {
        Some(pooler) => Judged::warn(format!(
            "{pooler} answers at the database's address: in transaction mode a migration loses its advisory lock and its \
             settings between two statements"
        ))
        .sure(Confidence::Observed)
        .advise("give the migration the server's own address"),
        None => Judged::pass("no pooler is seen at the database's address").sure(Confidence::Observed),
    })
}

fn connections(health: &DatabaseHealth) -> Judgement {
    let DatabaseHealth {
        connections,
        connected,
        own,
        ..
    } = health;
    let left = connections - connected;
    let words = format!("{left} of {connections} are left, the application has {own}");
    let judged = if left < OUR_CONNECTIONS {
        Judged::fail(format!("{words}; an upgrade needs {OUR_CONNECTIONS}"))
            .advise("end idle sessions, or raise max_connections")
    } else if left < *own {
        Judged::warn(format!("{words}: old and new pods do not fit beside each other"))
            .advise("stop the old pods first, make the pools smaller, or raise max_connections")
    } else {
        Judged::pass(words)
    };
    Ok(judged
        .sure(Confidence::Observed)
        .with("left", left)
        .with("own", *own))
}

fn standbys(health: &DatabaseHealth) -> Judgement {
    let DatabaseHealth {
        synchronous,
        standbys,
        ..
    } = health;
    if synchronous.is_empty() && standbys.is_empty() {
        return Err(Unjudged::Skip("nobody follows this server".into()));
    }
    let masked = standbys.iter().filter(|standby| standby.sync.is_none()).count();
    if !synchronous.is_empty() {
        let waited_for = |standby: &&StandbyFacts| matches!(standby.sync.as_deref(), Some("sync" | "quorum"));
        let (wanted, there) = (wanted(synchronous), standbys.iter().filter(waited_for).count());
        if there < wanted {
            if there + masked >= wanted {
                return Ok(Judged::unknown(format!(
                    "commits wait for {synchronous}, and our role may not see whether it is there"
                ))
                .advise(MAY_SEE));
            }
            let words = match there {
                0 => "no such standby is connected".to_owned(),
                _ => format!("only {there} of {wanted} are connected"),
            };
            return Ok(Judged::fail(format!(
                "every commit waits for {synchronous}, and {words}: a migration never ends"
            ))
            .with("synchronousStandbyNames", synchronous.clone())
            .advise("bring the standby back, or take it out of synchronous_standby_names"));
        }
    }
    let far: Vec<String> = standbys
        .iter()
        .filter_map(|standby| {
            let behind = standby.behind_bytes.filter(|behind| *behind > FAR_BEHIND)?;
            Some(format!("{} by {}", standby.name, bytes(behind.unsigned_abs())))
        })
        .collect();
    if far.is_empty() && masked > 0 {
        return Ok(Judged::unknown("our role may not see whether the standbys follow").advise(MAY_SEE));
    }
    if far.is_empty() {
        let names: Vec<String> = standbys.iter().map(|standby| standby.name.clone()).collect();
        return Ok(Judged::pass(some_of(&names)).sure(Confidence::Observed));
    }
    Ok(Judged::warn(format!(
        "behind: {}; a migration that writes much adds to it, and a failover would lose it",
        some_of(&far)
    ))
    .sure(Confidence::Observed)
    .advise("let the standby catch up first"))
}

/// How many standbys a commit waits for: the number before the names in parentheses, else one.
fn wanted(names: &str) -> usize {
    names
        .split_once('(')
        .map(|(before, _)| before)
        // A name may hold a parenthesis within quotes.
        .filter(|before| !before.contains(['"', ',']))
        .and_then(|before| before.split_whitespace().next_back()?.parse().ok())
        .unwrap_or(1)
}

fn slots(health: &DatabaseHealth) -> Judgement {
    let keeping: Vec<&IdleSlot> = health
        .idle_slots
        .iter()
        .filter(|slot| slot.kept_bytes > SLOT_ROOM)
        .collect();
    if keeping.is_empty() {
        return Ok(Judged::pass(match health.idle_slots.len() {
            0 => "no replication slot is idle".to_owned(),
            idle => format!(
                "{idle} idle, none keeps more than {}",
                bytes(SLOT_ROOM.unsigned_abs())
            ),
        }));
    }
    let words: Vec<String> = keeping
        .iter()
        .map(|slot| format!("{} keeps {}", slot.name, bytes(slot.kept_bytes.unsigned_abs())))
        .collect();
    Ok(Judged::warn(format!(
        "nobody reads {}; what a migration writes is kept for it as well, until the volume is full",
        some_of(&words)
    ))
    .advise("start its reader, or drop the slot if that is gone for good"))
}

fn half_made(seen: &Observation) -> Judgement {
    let health = health(seen)?;
    if let Some(first) = health.invalid_indexes.first() {
        return Ok(Judged::warn(format!(
            "{} are invalid: a concurrent build broke off; they slow every write and serve no read, and a migration that \
             makes them again finds the name taken",
            some_of(&health.invalid_indexes)
        ))
        .with("invalid", health.invalid_indexes.clone())
        .command(
            "build it anew",
            psql(
                &database(seen)?.location,
                &format!("reindex index concurrently {first}"),
            ),
        ));
    }
    if health.unvalidated.is_empty() {
        return Ok(Judged::pass(
            "no index was left half-built, no constraint unvalidated",
        ));
    }
    Ok(Judged::warn(format!(
        "{} never validated: a migration that does so fails on the first row that does not fit",
        some_of(&health.unvalidated)
    ))
    .with("notValidated", health.unvalidated.clone())
    .advise("validate them beforehand: alter table … validate constraint …"))
}

fn age(seen: &Observation) -> Judgement {
    let health = health(seen)?;
    let millions = |count: i64| format!("{} million", count / 1_000_000);
    let words = format!(
        "the oldest row is {} transactions old",
        millions(health.transaction_age)
    );
    let judged = if health.transaction_age >= AGE_ALARM {
        Judged::fail(format!(
            "{words}; at 2147 million the server takes no more writes"
        ))
    } else if health.transaction_age > health.freeze_max_age.saturating_mul(2) {
        Judged::warn(format!(
            "{words}, twice of what autovacuum lets it be: something keeps it from freezing"
        ))
    } else {
        return Ok(Judged::pass(words).with("age", health.transaction_age));
    };
    Ok(judged.with("age", health.transaction_age).command(
        "freeze it, once nothing holds it back",
        psql(&database(seen)?.location, "vacuum (freeze, verbose)"),
    ))
}

fn sequences(health: &DatabaseHealth) -> Judgement {
    Ok(if health.sequences.is_empty() && health.hidden_sequences > 0 {
        Judged::unknown(format!(
            "{} sequences may not be read by our role",
            health.hidden_sequences
        ))
        .advise("grant select on all sequences in their schema to the role")
    } else if health.sequences.is_empty() {
        Judged::pass("no sequence has used up nine tenths")
    } else {
        Judged::warn(format!(
            "nearly used up: {}; after that every insert fails",
            some_of(&health.sequences)
        ))
        .with("sequences", health.sequences.clone())
        .advise("make the column and its sequence bigint")
    })
}

fn collations(health: &DatabaseHealth) -> Judgement {
    Ok(if health.collations.is_empty() {
        Judged::pass("collations are of the versions that the system has")
    } else {
        Judged::warn(format!(
            "other rules than before: {}; an index on text may miss rows, and a unique one may hold a value twice",
            some_of(&health.collations)
        ))
        .with("collations", health.collations.clone())
        .advise(
            "build the indexes on text anew (reindex … concurrently), then note the version: alter database … refresh \
             collation version, or alter collation … refresh version",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn commits_wait_for_as_many_standbys_as_stand_before_the_names() {
        for (names, count) in [
            ("replica", 1),
            ("a, b", 1),
            ("*", 1),
            ("2 (a, b, c)", 2),
            ("FIRST 2 (a,b)", 2),
            ("any 3(a, b, c)", 3),
            ("ANY 1 (\"x (y\")", 1),
            ("\"a 2 (b\"", 1),
            ("a, \"b 2 (c\"", 1),
        ] {
            assert_eq!(wanted(names), count, "{names}");
        }
    }
}
