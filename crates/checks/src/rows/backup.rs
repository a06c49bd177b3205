//! Backups, and whether the database could be put back.

use model::{BackupGrade, BackupSummary, Category, Confidence, Observation, Severity};

use crate::check::{Check, Judged, Judgement, Unjudged, bytes, duration, listed, needed, readable, some_of};

/// Older than a day, a backup no longer holds what today's users wrote.
const FRESH_SECONDS: i64 = 24 * 60 * 60;
/// The restored database stands beside the old one, with indexes being built in it: some more than the size again.
const ROOM_PERCENT: u64 = 120;

const NO_DATABASE: &str = "no database was found";

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "backup-fresh",
        category: Category::Backup,
        title: "a proven backup is no older than a day",
        severity: Severity::Warn,
        judge: |seen, _, _| fresh(seen),
    },
    Check {
        id: "way-back-swap",
        category: Category::Backup,
        title: "the database can be put back by swapping it",
        severity: Severity::Warn,
        judge: |seen, _, _| swap(seen),
    },
    Check {
        id: "way-back-room",
        category: Category::Backup,
        title: "the database's volume has room for a second copy",
        severity: Severity::Warn,
        judge: |seen, _, _| room(seen),
    },
    Check {
        id: "way-back-replication",
        category: Category::Backup,
        title: "no replication hangs on the database itself",
        severity: Severity::Warn,
        judge: |seen, _, _| replication(seen),
    },
];

fn proven(grade: BackupGrade) -> &'static str {
    match grade {
        BackupGrade::A => "restored and compared",
        BackupGrade::B => "read to its end",
        BackupGrade::C => "listed by its tool",
        BackupGrade::D => "claimed by a controller",
    }
}

fn fresh(seen: &Observation) -> Judgement {
    let backups = listed(&seen.backups, "the backups")?;
    // A backup of another server says nothing about this one; where either is unknown the database's name must do.
    let identity = seen
        .database
        .present()
        .and_then(|facts| facts.server.system_identifier.as_ref());
    let own = |backup: &&BackupSummary| match (identity, &backup.system_identifier) {
        (Some(server), Some(backup)) => server == backup,
        (_, _) => true,
    };
    let Some(newest) = backups.iter().filter(own).min_by_key(|backup| backup.age_seconds) else {
        return Ok(Judged::warn(
            "no backup was found; safe-upgrade makes its own before it changes anything",
        )
        .command(
            "make one now",
            format!(
                "kubectl pgbackup create {} -n {}",
                seen.release_name, seen.namespace
            ),
        ));
    };
    let said = format!(
        "{} from {} ago, {}",
        newest.id,
        duration(newest.age_seconds as f64),
        proven(newest.grade)
    );
    let weak = matches!(newest.grade, BackupGrade::C | BackupGrade::D);
    let judged = if newest.age_seconds > FRESH_SECONDS {
        Judged::warn(format!(
            "the newest is {said}; safe-upgrade makes its own before it changes anything"
        ))
    } else if weak {
        Judged::warn(format!("{said}: nobody has read it"))
    } else {
        Judged::pass(said)
    };
    Ok(judged
        .sure(Confidence::Reported)
        .with("id", newest.id.clone())
        .with("ageSeconds", newest.age_seconds)
        .with("grade", serde_json::to_value(newest.grade).unwrap_or_default()))
}

fn swap(seen: &Observation) -> Judgement {
    let database = needed(&seen.database, "the database", NO_DATABASE)?;
    let can = readable(&database.can_swap, "who may create and rename databases")?
        .ok_or_else(|| Unjudged::Unknown("nobody was asked who may create and rename databases".into()))?;
    Ok(if *can {
        Judged::pass("an identity at hand may create and rename databases")
    } else {
        Judged::warn(
            "nobody at hand may create and rename databases: after a failed migration the data stays as it is",
        )
        .advise("give the application's role CREATEDB, or the right to exec into the database's pod")
    })
}

fn room(seen: &Observation) -> Judgement {
    let database = needed(&seen.database, "the database", NO_DATABASE)?;
    let free = *needed(
        &database.free_bytes,
        "the free space under the data folder",
        "the server is not in a pod, so its volume cannot be asked",
    )?;
    let size = database.size_bytes.max(0) as u64;
    let wanted = size.saturating_mul(ROOM_PERCENT) / 100;
    let judged = if free >= wanted {
        Judged::pass(format!("{} free for {}", bytes(free), bytes(size)))
    } else {
        Judged::warn(format!(
            "{} are free, a second copy of the database needs {}: it cannot be put back beside the old one",
            bytes(free),
            bytes(wanted)
        ))
        .advise("make the volume larger before the upgrade")
    };
    Ok(judged
        .sure(Confidence::Observed)
        .with("freeBytes", free)
        .with("wantedBytes", wanted))
}

fn replication(seen: &Observation) -> Judgement {
    let database = needed(&seen.database, "the database", NO_DATABASE)?;
    let names = listed(&database.replication, "slots and subscriptions")?;
    Ok(if names.is_empty() {
        Judged::pass("there is no logical slot and no subscription")
    } else {
        Judged::warn(format!(
            "{} belongs to this very database and would not follow a swap",
            some_of(names)
        ))
        .advise("know how you would set the replication up anew, should the database be put back")
    }
    .with("names", names))
}
