//! The database: where it is, what it runs, and who stands in a migration's way.

use model::profile::RoleKind;
use model::{
    BlockedSession, Category, Confidence, DatabaseFacts, Observation, Profile, Session, SessionRole,
    Severity, Target,
};

use crate::assign::assign;
use crate::check::{
    Check, Judged, Judgement, Unjudged, bytes, duration, given, listed, needed, readable, some_of,
};
use crate::image::Image;
use crate::words::{own_pod, psql, who};

/// The oldest server that dumps, restores and swaps are proven on.
const OLDEST_MAJOR: i32 = 13;
/// A wait this long is no passing moment: whoever comes next queues behind it.
const LONG_WAIT_SECONDS: f64 = 5.0;
/// A transaction idle this long has been forgotten, not thought over.
const LONG_IDLE_SECONDS: f64 = 60.0;
/// A transaction open this long may outlive the drain.
const LONG_TRANSACTION_SECONDS: f64 = 300.0;
/// A two-phase commit takes moments; one prepared this long has lost its coordinator.
const LONG_PREPARED_SECONDS: f64 = 60.0;

const NO_DATABASE: &str = "no database was found";

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "database-found",
        category: Category::Postgres,
        title: "the release's database is found",
        severity: Severity::Block,
        judge: |seen, _, _| found(seen),
    },
    Check {
        id: "database-reachable",
        category: Category::Postgres,
        title: "the database answers with the application's own credentials",
        severity: Severity::Block,
        judge: |seen, _, _| reachable(seen),
    },
    Check {
        id: "database-shared",
        category: Category::Postgres,
        title: "nothing but the release uses its database",
        severity: Severity::Warn,
        judge: |seen, _, _| shared(seen),
    },
    Check {
        id: "postgres-version",
        category: Category::Postgres,
        title: "the server is PostgreSQL 13 or newer",
        severity: Severity::Block,
        judge: |seen, _, _| version(seen),
    },
    Check {
        id: "postgres-primary",
        category: Category::Postgres,
        title: "the server takes writes",
        severity: Severity::Block,
        judge: |seen, _, _| primary(seen),
    },
    Check {
        id: "postgres-image-major",
        category: Category::Postgres,
        title: "the target runs the database on the same major version",
        severity: Severity::Block,
        judge: image_major,
    },
    Check {
        id: "postgres-image-tag",
        category: Category::Postgres,
        title: "the database's image cannot become another version by itself",
        severity: Severity::Block,
        judge: image_tag,
    },
    Check {
        id: "lock-waits",
        category: Category::Postgres,
        title: "nobody waits for a lock",
        severity: Severity::Block,
        judge: |seen, _, _| lock_waits(seen),
    },
    Check {
        id: "idle-transactions",
        category: Category::Postgres,
        title: "no forgotten transaction holds a lock",
        severity: Severity::Block,
        judge: |seen, _, _| idle_transactions(seen),
    },
    Check {
        id: "long-transactions",
        category: Category::Postgres,
        title: "no transaction has been open for long",
        severity: Severity::Warn,
        judge: |seen, _, _| long_transactions(seen),
    },
    Check {
        id: "running-dumps",
        category: Category::Postgres,
        title: "no dump is running",
        severity: Severity::Block,
        judge: |seen, _, _| running_dumps(seen),
    },
    Check {
        id: "prepared-transactions",
        category: Category::Postgres,
        title: "no prepared transaction has been left behind",
        severity: Severity::Block,
        judge: |seen, _, _| prepared_transactions(seen),
    },
];

pub(super) fn database(seen: &Observation) -> Result<&DatabaseFacts, Unjudged> {
    needed(&seen.database, "the database", NO_DATABASE)
}

fn found(seen: &Observation) -> Judgement {
    let Some(location) = readable(&seen.location, "where the database is")? else {
        return Ok(Judged::fail(
            "no container of the release names a Postgres in its environment or Secrets",
        )
        .advise(
            "name it: --secret NAME/KEY for a Secret's key with a connection URL, or --dsn for an address",
        ));
    };
    Ok(Judged::pass(format!(
        "{} on {}:{}, by {}",
        location.database, location.host, location.port, location.origin.found_in
    ))
    .with("host", location.host.clone())
    .with("port", location.port)
    .with("database", location.database.clone())
    .with("foundIn", location.origin.found_in.clone()))
}

fn reachable(seen: &Observation) -> Judgement {
    let location = needed(&seen.location, "where the database is", NO_DATABASE)?;
    match readable(&seen.database, "the database") {
        Ok(Some(facts)) => Ok(Judged::pass(format!(
            "as {}, {}",
            location.user,
            bytes(facts.size_bytes.max(0) as u64)
        ))
        .with("user", location.user.clone())
        .with("sizeBytes", facts.size_bytes)),
        Ok(None) => Ok(Judged::unknown("the database was not asked")),
        Err(unjudged) => Ok(Judged::fail(unjudged.why())
            .sure(Confidence::Observed)
            .with("user", location.user.clone())
            .advise("see that the server runs and that the Secret's password is the server's")),
    }
}

/// What is named is not stopped with the release: it writes on, and meets the new schema.
fn shared(seen: &Observation) -> Judgement {
    let location = needed(&seen.location, "where the database is", NO_DATABASE)?;
    let sharers = listed(
        &seen.sharers,
        "what else runs around the release and its database",
    )?;
    if sharers.is_empty() {
        return Ok(Judged::pass(format!(
            "nothing else in its namespace names {} on {}",
            location.database, location.host
        ))
        .sure(Confidence::Inferred));
    }
    let names: Vec<String> = sharers.iter().map(ToString::to_string).collect();
    Ok(Judged::warn(format!(
        "not stopped with the release, although it uses the same database: {}",
        some_of(&names)
    ))
    .sure(Confidence::Inferred)
    .with("sharers", names)
    .advise("stop it for the time of the run, or know that it gets along with both schemas; the run does not begin its work while it is connected"))
}

fn version(seen: &Observation) -> Judgement {
    let server = &database(seen)?.server;
    let judged = if major(seen)? >= OLDEST_MAJOR {
        Judged::pass(format!("PostgreSQL {}", server.version))
    } else {
        Judged::fail(format!(
            "PostgreSQL {} is too old to be backed up with proof",
            server.version
        ))
        .advise("bring the server to a supported major version first")
    };
    Ok(judged.with("version", server.version.clone()))
}

fn major(seen: &Observation) -> Result<i32, Unjudged> {
    Ok(database(seen)?.server.version_num / 10_000)
}

fn primary(seen: &Observation) -> Judgement {
    Ok(if database(seen)?.server.in_recovery {
        Judged::fail("the server is a standby: migrations and restores need the primary")
            .advise("point the application, or --dsn, at the primary")
    } else {
        Judged::pass("the server is a primary")
    })
}

/// The images that the target gives the release's own database, with what runs now.
fn database_images<'a>(
    seen: &'a Observation,
    target: Option<&'a Target>,
    profile: &Profile,
) -> Result<Vec<(&'a str, Option<&'a str>)>, Unjudged> {
    let target = given(target)?;
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let members = assign(profile, workloads, Some(target));
    let mut images = Vec::new();
    for rendered in &target.workloads {
        let live = workloads
            .iter()
            .zip(&members)
            .find(|(workload, member)| workload.name == rendered.name && member.kind == RoleKind::Database)
            .map(|(workload, _)| workload);
        let Some(live) = live else {
            continue;
        };
        for container in rendered.containers.iter().filter(|container| !container.init) {
            let running = live
                .containers
                .iter()
                .find(|running| running.name == container.name)
                .map(|running| running.image.as_str());
            let runs_server = Image::parse(&container.image).is_postgres()
                || running.is_some_and(|image| Image::parse(image).is_postgres())
                || rendered.containers.len() == 1;
            if runs_server {
                images.push((container.image.as_str(), running));
            }
        }
    }
    if images.is_empty() {
        return Err(Unjudged::Skip(
            "the target does not run the database itself".into(),
        ));
    }
    Ok(images)
}

fn image_major(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let images = database_images(seen, target, profile)?;
    let running = major(seen)?;
    let mut untold = None;
    for (image, live) in images {
        match Image::parse(image).postgres_major() {
            Some(major) if major != running => {
                return Ok(Judged::fail(format!(
                    "the server is PostgreSQL {running}, the target runs {image}: it cannot read the data folder and \
                     will not start"
                ))
                .with("running", running)
                .with("target", major)
                .advise(format!(
                    "keep the image on major {running} in the values; move to another major by dump and restore"
                )));
            }
            Some(_) => {}
            None if live == Some(image) => {}
            None => untold = Some(image),
        }
    }
    Ok(match untold {
        Some(image) => Judged::unknown(format!(
            "the major version of {image} cannot be read from its tag; the server is PostgreSQL {running}"
        ))
        .advise("name the image by a tag that begins with the major version"),
        None => Judged::pass(format!("PostgreSQL {running} before and after")),
    }
    .with("running", running))
}

fn image_tag(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let images = database_images(seen, target, profile)?;
    let floating: Vec<String> = images
        .iter()
        .filter(|(image, _)| Image::parse(image).floats())
        .map(|(image, _)| (*image).to_owned())
        .collect();
    if floating.is_empty() {
        let names: Vec<String> = images.iter().map(|(image, _)| (*image).to_owned()).collect();
        return Ok(Judged::pass(some_of(&names)));
    }
    Ok(Judged::fail(format!(
        "{} names no version: the next pull may bring a server that cannot read the data folder",
        some_of(&floating)
    ))
    .with("floating", floating)
    .advise("name the image by a tag with the major version, or by its digest"))
}

fn lock_waits(seen: &Observation) -> Judgement {
    let facts = database(seen)?;
    let blocked = listed(&facts.blocked, "who waits for whom")?;
    let long: Vec<&BlockedSession> = blocked
        .iter()
        .filter(|blocked| blocked.waited_seconds > LONG_WAIT_SECONDS)
        .collect();
    let Some(worst) = long
        .iter()
        .max_by(|a, b| a.waited_seconds.total_cmp(&b.waited_seconds))
    else {
        let message = match blocked.len() {
            0 => "nobody waits for a lock".to_owned(),
            count => format!(
                "{count} sessions, none longer than {}",
                duration(LONG_WAIT_SECONDS)
            ),
        };
        return Ok(Judged::pass(message).sure(Confidence::Observed));
    };
    let relation = worst
        .blocked_by
        .iter()
        .find_map(|edge| edge.relation.as_deref())
        .map(|relation| format!(" on {relation}"))
        .unwrap_or_default();
    let holder = match &worst.root {
        Some(root) => who(seen, root),
        None if worst.blocked_by.iter().any(|edge| edge.holder == 0) => "a prepared transaction".to_owned(),
        None => "somebody who cannot be seen".to_owned(),
    };
    let waiting: Vec<i32> = long.iter().map(|blocked| blocked.session.pid).collect();
    let judged = Judged::fail(format!(
        "{} has waited {} for a lock{relation} that {holder} holds; a migration would queue behind it",
        who(seen, &worst.session),
        duration(worst.waited_seconds)
    ))
    .sure(Confidence::Observed)
    .with("waiting", waiting);
    Ok(match &worst.root {
        Some(root) => end_session(judged.with("root", root.pid), seen, facts, root),
        None => judged.command(
            "see who holds what",
            psql(
                &facts.location,
                "select pid, pg_blocking_pids(pid), state, query from pg_stat_activity",
            ),
        ),
    })
}

/// Says how to end a session: by its own pod where it is the release's, else by its process id.
pub(super) fn end_session(
    judged: Judged,
    seen: &Observation,
    facts: &DatabaseFacts,
    session: &Session,
) -> Judged {
    let judged = match own_pod(seen, session) {
        Some(pod) => judged.command(
            format!("it belongs to pod {pod}: start that pod anew"),
            format!("kubectl delete pod {pod} -n {}", seen.namespace),
        ),
        None => judged,
    };
    judged.command(
        format!(
            "ask whoever runs it to end it; its uncommitted work is lost when you end pid {} yourself",
            session.pid
        ),
        psql(
            &facts.location,
            &format!("select pg_terminate_backend({})", session.pid),
        ),
    )
}

fn idle_transactions(seen: &Observation) -> Judgement {
    let facts = database(seen)?;
    let sessions = listed(&facts.sessions, "the sessions")?;
    let forgotten: Vec<&Session> = sessions
        .iter()
        .filter(|session| {
            session.role != SessionRole::Ours
                && session
                    .state
                    .as_deref()
                    .is_some_and(|state| state.starts_with("idle in transaction"))
                && session
                    .state_seconds
                    .or(session.transaction_seconds)
                    .is_some_and(|seconds| seconds > LONG_IDLE_SECONDS)
        })
        .collect();
    let Some(first) = forgotten.first() else {
        return Ok(Judged::pass("no transaction is idle for longer than a minute").sure(Confidence::Observed));
    };
    let held = listed(&facts.held_locks, "the locks")?;
    let locks_of = |session: &Session| -> Vec<String> {
        held.iter()
            .filter(|lock| lock.holder == session.pid)
            .map(|lock| format!("{} ({})", lock.relation, lock.mode))
            .collect()
    };
    let idle = |session: &Session| {
        duration(
            session
                .state_seconds
                .or(session.transaction_seconds)
                .unwrap_or_default(),
        )
    };
    let holding: Vec<(&Session, Vec<String>)> = forgotten
        .iter()
        .map(|session| (*session, locks_of(session)))
        .filter(|(_, locks)| !locks.is_empty())
        .collect();
    let pids: Vec<i32> = forgotten.iter().map(|session| session.pid).collect();
    let judged = match holding.first() {
        Some((session, locks)) => {
            let more = match holding.len() {
                1 => String::new(),
                count => format!(" ({} more like it)", count - 1),
            };
            let judged = Judged::fail(format!(
                "{} has been idle in a transaction for {} and holds {}{more}",
                who(seen, session),
                idle(session),
                some_of(locks)
            ))
            .with("locks", locks.clone());
            end_session(judged, seen, facts, session)
        }
        None => Judged::warn(format!(
            "{} has been idle in a transaction for {}; it holds no lock on a table",
            who(seen, first),
            idle(first)
        )),
    };
    Ok(judged.sure(Confidence::Observed).with("pids", pids))
}

fn long_transactions(seen: &Observation) -> Judgement {
    let facts = database(seen)?;
    let sessions = listed(&facts.sessions, "the sessions")?;
    let long: Vec<&Session> = sessions
        .iter()
        .filter(|session| {
            session.role == SessionRole::Writer
                && session
                    .transaction_seconds
                    .is_some_and(|seconds| seconds > LONG_TRANSACTION_SECONDS)
        })
        .collect();
    let lines: Vec<String> = long
        .iter()
        .map(|session| {
            format!(
                "{} for {}",
                who(seen, session),
                duration(session.transaction_seconds.unwrap_or_default())
            )
        })
        .collect();
    Ok(if lines.is_empty() {
        Judged::pass(format!("{} sessions", sessions.len()))
    } else {
        Judged::warn(some_of(&lines))
            .advise("let them end first: what a stopped writer has not committed is done again or lost")
    }
    .sure(Confidence::Observed)
    .with("transactions", lines))
}

fn running_dumps(seen: &Observation) -> Judgement {
    let facts = database(seen)?;
    let sessions = listed(&facts.sessions, "the sessions")?;
    let dumps: Vec<String> = sessions
        .iter()
        .filter(|session| session.role == SessionRole::Dump)
        .map(|session| who(seen, session))
        .collect();
    Ok(if dumps.is_empty() {
        Judged::pass("no dump is under way")
    } else {
        Judged::fail(format!(
            "{} holds a lock on every table until it ends; a migration waits behind it, and everyone else behind that",
            some_of(&dumps)
        ))
        .advise("wait until the dump has ended, and keep the next one from starting during the upgrade")
    }
    .sure(Confidence::Observed)
    .with("dumps", dumps))
}

fn prepared_transactions(seen: &Observation) -> Judgement {
    let facts = database(seen)?;
    let prepared = listed(&facts.prepared, "prepared transactions")?;
    let Some(oldest) = prepared
        .iter()
        .max_by(|a, b| a.age_seconds.total_cmp(&b.age_seconds))
    else {
        return Ok(Judged::pass("no prepared transaction is left open").sure(Confidence::Observed));
    };
    let said = format!(
        "{} by {} was prepared {} ago",
        oldest.gid,
        oldest.owner,
        duration(oldest.age_seconds)
    );
    let judged = if oldest.age_seconds > LONG_PREPARED_SECONDS {
        let gid = oldest.gid.replace('\'', "''");
        Judged::fail(format!("{said} and holds its locks until somebody ends it")).command(
            "ask its coordinator first; then end it",
            psql(&facts.location, &format!("rollback prepared '{gid}'")),
        )
    } else {
        Judged::warn(said)
    };
    Ok(judged.sure(Confidence::Observed).with("prepared", prepared.len()))
}
