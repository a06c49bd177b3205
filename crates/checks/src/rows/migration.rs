//! What migration tools left in the database, and how that stands to the target.

use model::profile::{AfterMigration, SchemaOf};
use model::{
    Category, Confidence, DatabaseFacts, MigrationEnd, MigrationFacts, MigrationFiles, MigrationHistory,
    MigrationLock, MigrationLockKind, MigrationTool, MigrationTrouble, Observation, Profile, SessionRole,
    Severity, Target, UnreadableMigrations, Version,
};
use postgres_room::{Comparison, compare, mend_migration, release_migration_lock};

use super::postgres::{database, end_session};
use crate::check::{Check, Judged, Judgement, Unjudged, duration, given, needed, some_of};
use crate::words::{age, psql, who};

const NO_TABLE: &str = "no table of a known migration tool was found";

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "migration-state",
        category: Category::Postgres,
        title: "no migration broke off half-way",
        severity: Severity::Block,
        judge: |seen, _, profile| state(seen, profile),
    },
    Check {
        id: "migration-lock",
        category: Category::Postgres,
        title: "nobody holds a migration lock",
        severity: Severity::Block,
        judge: |seen, _, _| lock(seen),
    },
    Check {
        id: "schema-target",
        category: Category::Postgres,
        title: "the target knows every migration that is applied",
        severity: Severity::Block,
        judge: against_target,
    },
];

/// The schema version that an application version brings, by the profile's word.
pub(crate) fn schema_of<'a>(profile: &'a Profile, app_version: Option<&str>) -> Option<&'a SchemaOf> {
    let version = app_version.and_then(Version::parse)?;
    profile
        .migrations
        .schema
        .iter()
        .filter(|schema| Version::parse(&schema.from).is_some_and(|from| from <= version))
        .max_by_key(|schema| Version::parse(&schema.from))
}

pub(super) fn facts(facts: &DatabaseFacts) -> Result<&MigrationFacts, Unjudged> {
    needed(&facts.migrations, "what migration tools recorded", NO_TABLE)
}

/// The histories of the tool that the profile names, else all.
fn meant<'a>(facts: &'a MigrationFacts, profile: &Profile) -> Vec<&'a MigrationHistory> {
    let named = |history: &&MigrationHistory| profile.migrations.tool == Some(history.state.tool);
    let meant: Vec<&MigrationHistory> = facts.histories.iter().filter(named).collect();
    if meant.is_empty() {
        facts.histories.iter().collect()
    } else {
        meant
    }
}

/// The histories that are meant; without any, why there are none.
pub(super) fn known<'a>(
    facts: &'a MigrationFacts,
    profile: &Profile,
) -> Result<Vec<&'a MigrationHistory>, Unjudged> {
    let meant = meant(facts, profile);
    if !meant.is_empty() {
        return Ok(meant);
    }
    Err(match hidden(facts, profile).first() {
        Some(table) => Unjudged::Unknown(format!("{} could not be read: {}", table.table, table.why)),
        None => Unjudged::Skip(NO_TABLE.into()),
    })
}

/// The tables that may be meant and could not be read.
fn hidden<'a>(facts: &'a MigrationFacts, profile: &Profile) -> Vec<&'a UnreadableMigrations> {
    let may_be = |tool: MigrationTool| profile.migrations.tool.is_none_or(|named| named == tool);
    facts
        .unreadable
        .iter()
        .filter(|table| may_be(table.tool))
        .collect()
}

fn state(seen: &Observation, profile: &Profile) -> Judgement {
    let database = database(seen)?;
    let facts = facts(database)?;
    let (meant, hidden) = (meant(facts, profile), hidden(facts, profile));
    let lines: Vec<String> = facts.histories.iter().map(line).collect();
    let troubles: Vec<(&MigrationHistory, &MigrationTrouble)> = meant
        .iter()
        .flat_map(|history| history.troubles.iter().map(move |trouble| (*history, trouble)))
        .collect();
    let judged = if let Some((history, trouble)) = troubles.first() {
        broken_off(seen, history, trouble, troubles.len() - 1)
    } else if let Some(table) = hidden.first() {
        unread(database, table)
    } else {
        let Some(first) = meant.first() else {
            return Err(Unjudged::Skip(NO_TABLE.into()));
        };
        let branched = meant.iter().find(|history| history.heads.len() > 1);
        match profile.migrations.tool {
            Some(tool) if tool != first.state.tool => Judged::warn(format!(
                "{}; {tool}, which profile {} names, left no table",
                some_of(&lines),
                profile.name
            )),
            Some(_) | None => match branched {
                Some(history) => Judged::warn(format!(
                    "{} has {} heads in {}: {}; whoever asks it for the newest one is refused until they are merged",
                    history.state.tool,
                    history.heads.len(),
                    history.state.table,
                    some_of(&history.heads)
                ))
                .advise("ask the application's vendor whether several heads are meant"),
                None => Judged::pass(some_of(&lines)),
            },
        }
    };
    let judged = match meant.first() {
        Some(history) => judged
            .with("tool", history.state.tool.to_string())
            .with("version", history.state.version.as_deref().unwrap_or("none")),
        None => judged,
    };
    Ok(judged.with("dirty", !troubles.is_empty()).with("tables", lines))
}

/// A history in a line.
fn line(history: &MigrationHistory) -> String {
    let state = &history.state;
    format!(
        "{} at {}, {} applied, in {}",
        state.tool,
        state.version.as_deref().unwrap_or("none"),
        state.applied,
        state.table
    )
}

fn broken_off(
    seen: &Observation,
    history: &MigrationHistory,
    trouble: &MigrationTrouble,
    more: usize,
) -> Judged {
    let (tool, table) = (history.state.tool, &history.state.table);
    let MigrationTrouble {
        migration,
        end,
        since,
        said,
    } = trouble;
    let ended = match end {
        MigrationEnd::Unfinished => "broke off half-way",
        MigrationEnd::Failed => "failed",
    };
    let since = ago(seen, since.as_deref())
        .map(|ago| format!(", begun {ago} ago"))
        .unwrap_or_default();
    let said = said
        .as_deref()
        .map(|said| format!(": {said}"))
        .unwrap_or_default();
    let more = match more {
        0 => String::new(),
        more => format!(" ({more} more like it)"),
    };
    let judged = Judged::fail(format!(
        "{tool} says in {table} that migration {migration} {ended}{since}{said}{more}"
    ))
    .advise(format!(
        "find out what {migration} did, finish or undo it by hand, and only then mark it: marking alone hides the damage"
    ))
    .with("migration", migration.clone());
    match mend_migration(tool, migration) {
        Some(command) => judged.command("mark it, where the application's migrations are at hand", command),
        None => judged,
    }
}

fn unread(database: &DatabaseFacts, table: &UnreadableMigrations) -> Judged {
    Judged::unknown(format!(
        "{} of {} could not be read: {}",
        table.table, table.tool, table.why
    ))
    .advise(format!(
        "let {} read {}, or name the application's own tool in a profile",
        database.location.user, table.table
    ))
}

/// How long ago, in words.
fn ago(seen: &Observation, then: Option<&str>) -> Option<String> {
    age(seen, then).map(duration)
}

fn lock(seen: &Observation) -> Judgement {
    let database = database(seen)?;
    let facts = facts(database)?;
    if facts.histories.is_empty() && facts.locks.is_empty() && facts.unreadable.is_empty() {
        return Err(Unjudged::Skip(NO_TABLE.into()));
    }
    let mut judged: Vec<Judged> = facts
        .locks
        .iter()
        .map(|lock| held(seen, database, lock))
        .collect();
    judged.extend(facts.unreadable.iter().map(|table| unread(database, table)));
    // What blocks for certain goes before what could not be read, and that before what only warns.
    judged.sort_by_key(|judged| match judged.verdict {
        model::Verdict::Fail(_) => 0,
        model::Verdict::Unknown(_) => 1,
        model::Verdict::Warn(_) | model::Verdict::Pass(_) | model::Verdict::Skip(_) => 2,
    });
    let count = facts.locks.len();
    let judged = judged
        .into_iter()
        .next()
        .unwrap_or_else(|| Judged::pass("no migrator holds its lock"));
    Ok(judged.sure(Confidence::Observed).with("locks", count))
}

fn held(seen: &Observation, database: &DatabaseFacts, lock: &MigrationLock) -> Judged {
    let MigrationLock {
        tool,
        table,
        kind,
        holder,
        since,
        expires,
        session,
    } = lock;
    if let Some(session) = session {
        let what = match kind {
            MigrationLockKind::Advisory => format!("{tool}'s lock for {table}"),
            MigrationLockKind::Table | MigrationLockKind::Row => format!("a lock on {tool}'s table {table}"),
        };
        let open = session.transaction_seconds.or(session.state_seconds);
        let since = open
            .map(|seconds| format!(" for {}", duration(seconds)))
            .unwrap_or_default();
        let judged = Judged::fail(format!(
            "{} holds {what}{since}: a migration runs, or whoever began it left its session behind",
            who(seen, session)
        ))
        .with("pid", session.pid);
        return end_session(judged, seen, database, session);
    }
    let taken = match ago(seen, since.as_deref()) {
        Some(ago) => format!("was taken {ago} ago"),
        None => "was taken, nobody knows when".to_owned(),
    };
    let by = holder
        .as_deref()
        .map(|holder| format!(" by {holder}"))
        .unwrap_or_default();
    let said = format!("{tool}'s lock in {table} {taken}{by}");
    if let Some(ended) = age(seen, expires.as_deref()).filter(|seconds| *seconds > 0.0) {
        return Judged::warn(format!(
            "{said}; its lease ended {} ago, so the next migration takes it over",
            duration(ended)
        ));
    }
    let (who_is_it, when) = match alive(seen, database, holder.as_deref()) {
        Alive::Yes(whom) => (format!("{whom} is still there"), "once nobody migrates any more"),
        Alive::No(why) => (format!("{why}, so it was left behind"), "take it away"),
        Alive::Maybe => (
            "a migration may be running".to_owned(),
            "once nobody migrates any more",
        ),
    };
    let judged = Judged::fail(format!("{said}; {who_is_it}. Every migration waits for it"));
    match release_migration_lock(lock) {
        Some(statement) => judged.command(when, psql(&database.location, &statement)),
        None => judged.advise("end whoever holds it"),
    }
}

/// Whether whoever wrote a lock's row is still at work.
enum Alive {
    Yes(String),
    No(String),
    Maybe,
}

fn alive(seen: &Observation, database: &DatabaseFacts, holder: Option<&str>) -> Alive {
    let nobody = database
        .sessions
        .present()
        .is_some_and(|sessions| !sessions.iter().any(|session| session.role == SessionRole::Writer));
    if nobody {
        return Alive::No("no session is there that could migrate".into());
    }
    let (Some(holder), Some(pods), Some(jobs)) = (holder, seen.pods.present(), seen.hook_jobs.present())
    else {
        return Alive::Maybe;
    };
    // `web-1.web.shop.svc.cluster.local (10.88.0.7)`: names may be those of the whole cluster.
    let words: Vec<&str> = holder.split([' ', '(', ')', ',', '@']).collect();
    let named = |name: &str| words.iter().any(|word| word.split('.').next() == Some(name));
    let pod = pods
        .iter()
        .find(|pod| named(&pod.name) || pod.ip.as_deref().is_some_and(|ip| words.contains(&ip)));
    // A Job's pod is named after it; hooks migrate, too.
    let job = jobs
        .iter()
        .find(|job| job.active && words.iter().any(|word| word.starts_with(&job.name)));
    match (pod, job) {
        (Some(pod), _) => Alive::Yes(format!("pod {}", pod.name)),
        (None, Some(job)) => Alive::Yes(format!("a pod of Job {}", job.name)),
        (None, None) => Alive::No("no pod of the release is that".into()),
    }
}

fn against_target(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = given(target)?;
    let database = database(seen)?;
    let meant = known(facts(database)?, profile)?;
    if let Some(files) = &target.migrations {
        return Ok(by_files(&meant, files, profile));
    }
    let Some(expected) = schema_of(profile, target.chart.app_version.as_deref()) else {
        return Err(Unjudged::Skip(
            "nothing tells which migrations the target brings; --migrations names their files".into(),
        ));
    };
    Ok(by_profile(meant[0], &expected.version, profile))
}

fn by_files(meant: &[&MigrationHistory], files: &MigrationFiles, profile: &Profile) -> Judged {
    let compared = meant
        .iter()
        .find_map(|history| Some((*history, compare(history, &files.files)?)));
    let Some((history, comparison)) = compared else {
        let tools: Vec<String> = meant
            .iter()
            .map(|history| history.state.tool.to_string())
            .collect();
        return Judged::unknown(format!(
            "{} lists no migration of {}",
            files.source,
            some_of(&tools)
        ))
        .advise("name the folder of the target's migrations, or a list of their files");
    };
    let tool = history.state.tool;
    let Comparison {
        known,
        pending,
        ahead,
    } = comparison;
    let judged =
        if !ahead.is_empty() {
            is_ahead(
                &format!(
                    "{tool} applied {}, which the target does not have",
                    some_of(&ahead)
                ),
                profile,
            )
        } else {
            match &pending {
            Some(pending) if pending.len() == known && !history.applied.is_empty() => Judged::unknown(format!(
                "none of the {known} migrations in {} is applied: they are those of another application",
                files.source
            ))
            .advise("name the folder of the target's migrations, or a list of their files"),
            Some(pending) if pending.is_empty() => Judged::pass(format!("all {known} of {tool} are applied")),
            Some(pending) => Judged::pass(format!("{} pending: {}", pending.len(), some_of(pending))),
            None => Judged::pass(format!(
                "it knows what {tool} applied; its table does not tell what is pending"
            )),
        }
        };
    let judged = match pending {
        Some(pending) => judged.with("pending", pending),
        None => judged,
    };
    judged.with("ahead", ahead).with("source", files.source.clone())
}

fn by_profile(history: &MigrationHistory, expected: &str, profile: &Profile) -> Judged {
    let found = history.state.version.as_deref().unwrap_or("none");
    let later = match (found.parse::<i64>(), expected.parse::<i64>()) {
        (Ok(found), Ok(expected)) => found > expected,
        // Names without order: what is applied after the target's newest is unknown to it.
        (_, _) => found != expected && history.applied.iter().any(|name| name == expected),
    };
    let judged = if found == expected {
        Judged::pass(format!("schema {found} before and after"))
    } else if later {
        is_ahead(
            &format!("the schema is at {found}, the target brings {expected}"),
            profile,
        )
    } else {
        Judged::pass(format!("the schema goes from {found} to {expected}"))
    };
    judged.with("found", found).with("expected", expected)
}

/// The database has been migrated by a newer version than the target.
fn is_ahead(said: &str, profile: &Profile) -> Judged {
    match profile.rollback.after_migration {
        AfterMigration::Restore => Judged::fail(format!(
            "{said}: it was written for an older schema, and may refuse to start or damage what it does not know"
        ))
        .advise("go to a version that has these migrations, or restore the backup from before them with it"),
        AfterMigration::Compatible => Judged::warn(format!(
            "{said}; profile {} says that an older version runs on a newer schema",
            profile.name
        ))
        .sure(Confidence::Reported)
        .advise("see that this holds for these two versions, and what the older one does with what it does not know"),
    }
}
