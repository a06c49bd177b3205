//! Backups, and whether the database could be put back.

use backup::inventory::{freshness, newest_good};
use model::{
    BackupGrade, BackupInventory, Category, Confidence, FoundBackup, Freshness, FreshnessRule, Observation,
    Severity,
};

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
        id: "backup-mechanisms",
        category: Category::Backup,
        title: "whatever backs the database up works",
        severity: Severity::Warn,
        judge: |seen, _, _| mechanisms(seen),
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

/// What is asked of the newest backup: read to its end at least, and no older than a day.
const RULE: FreshnessRule = FreshnessRule {
    max_age_seconds: FRESH_SECONDS,
    min_grade: BackupGrade::B,
};

/// The verdict on what was found, why, and the backup that it rests on.
pub(crate) fn standing(found: &BackupInventory) -> (Freshness, String, Option<FoundBackup>) {
    let mut good = newest_good(found).into_iter();
    let (verdict, reason) = freshness(found, &RULE);
    let enough = |backup: &FoundBackup| backup.grade.is_some_and(|grade| grade <= RULE.min_grade);
    let newest = match verdict {
        Freshness::Fresh => good.find(enough),
        Freshness::Unknown | Freshness::Stale | Freshness::Failing => good.next(),
    };
    (verdict, reason, newest)
}

fn fresh(seen: &Observation) -> Judgement {
    let nothing = BackupInventory::default();
    let found = readable(&seen.backups, "the backups")?.unwrap_or(&nothing);
    let (verdict, reason, newest) = standing(found);
    let said = newest.as_ref().map(|newest| {
        let age = newest.age_seconds.unwrap_or_default();
        let worth = newest.grade.map_or("of no known worth", proven);
        (
            format!("{} from {} ago, {worth}", newest.id, duration(age as f64)),
            age,
        )
    });
    let judged = match (verdict, &said) {
        (Freshness::Fresh, Some((said, _))) => Judged::pass(said),
        (Freshness::Fresh, None) => Judged::pass(reason),
        (Freshness::Unknown, _) => Judged::unknown(reason),
        (Freshness::Failing, _) => Judged::warn(reason),
        (Freshness::Stale, Some((said, age))) if *age > FRESH_SECONDS => Judged::warn(format!(
            "the newest is {said}; safe-upgrade makes its own before it changes anything"
        )),
        (Freshness::Stale, Some((said, _))) => Judged::warn(format!("{said}: nobody has read it")),
        (Freshness::Stale, None) => {
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
        }
    };
    let judged = judged.sure(Confidence::Reported);
    Ok(match newest {
        Some(newest) => judged
            .with("id", newest.id.clone())
            .with("madeBy", newest.mechanism.name())
            .with("ageSeconds", newest.age_seconds)
            .with("grade", serde_json::to_value(newest.grade).unwrap_or_default()),
        None => judged,
    })
}

fn mechanisms(seen: &Observation) -> Judgement {
    let found = needed(&seen.backups, "the backups", NO_DATABASE)?;
    if !found.findings.is_empty() {
        let words: Vec<String> = found
            .findings
            .iter()
            .map(|finding| format!("{}: {}", finding.object, finding.message))
            .collect();
        return Ok(Judged::warn(some_of(&words))
            .sure(Confidence::Reported)
            .with(
                "findings",
                serde_json::to_value(&found.findings).unwrap_or_default(),
            )
            .command(
                "see every backup of it",
                format!(
                    "kubectl pgbackup status {} -n {}",
                    seen.release_name, seen.namespace
                ),
            ));
    }
    if let Some(unread) = found.unread.first() {
        return Ok(Judged::unknown(unread.to_string()));
    }
    let mut names: Vec<&str> = found
        .backups
        .iter()
        .map(|backup| backup.mechanism.name())
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(match names.as_slice() {
        [] => Judged::pass("nothing else backs it up, and nothing is set up to"),
        names => Judged::pass(format!("nothing is wrong with {}", names.join(", "))),
    })
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
