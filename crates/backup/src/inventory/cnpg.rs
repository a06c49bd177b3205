//! CloudNativePG: `Backup`, `ScheduledBackup` and `Cluster`. Facts: the types of its API (1.30) and the real operator.
//!
//! Conditions of a Cluster are believed only when they say that something is wrong: one that has no backup at all says
//! that continuous archiving works, one whose store is gone still says that the last backup succeeded, a hibernated one
//! says that it is healthy.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::schedule::{Fields, Schedule};
use super::value::{Object, newest};

pub(super) const GROUP: &str = "postgresql.cnpg.io";
pub(super) const CLUSTER: Reads = beside(GROUP, "Cluster", &["v1"]);
pub(super) const BACKUP: Reads = beside(GROUP, "Backup", &["v1"]);
pub(super) const SCHEDULED: Reads = beside(GROUP, "ScheduledBackup", &["v1"]).useful();
pub(super) const READS: &[Reads] = &[CLUSTER, BACKUP, SCHEDULED];

const MECHANISM: Mechanism = Mechanism::CloudNativePg;

/// A Backup that nobody has begun after so long will not be begun: the operator picks it up within seconds.
const UNBEGUN_SECONDS: i64 = 15 * 60;

/// What a Backup of a cluster is of.
pub(super) fn subject(name: &str) -> BackupSubject {
    BackupSubject::Cluster {
        group: GROUP.to_owned(),
        name: name.to_owned(),
    }
}

/// The method of a Backup.
pub(super) fn method(backup: &Value) -> &str {
    backup
        .text("status/method")
        .or_else(|| backup.text("spec/method"))
        .unwrap_or("barmanObjectStore")
}

/// Whether the cluster is hibernated. Its phase does not say so.
pub(super) fn is_hibernated(cluster: &Value) -> bool {
    cluster.has("cnpg.io/hibernation", "True") || cluster.annotation("cnpg.io/hibernation") == Some("on")
}

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    let clusters = objects.of(&CLUSTER);
    for object in objects.of(&BACKUP) {
        if method(object) == "volumeSnapshot" {
            continue;
        }
        let name = object.text("spec/cluster/name").unwrap_or_default();
        let cluster = clusters
            .iter()
            .find(|cluster| cluster.is(object.namespace(), name));
        finds.backups.push(backup(object, cluster, now));
    }
    for cluster in clusters {
        judge_cluster(&mut finds, cluster, objects);
    }
    for schedule in objects.of(&SCHEDULED) {
        judge_schedule(&mut finds, schedule, objects, now);
    }
    finds
}

/// One Backup that is no volume snapshot.
pub(super) fn backup(object: &Value, cluster: Option<&Value>, now: Timestamp) -> FoundBackup {
    let made = facts(object);
    let stopped = object.time("status/stoppedAt");
    let error = || {
        object
            .text("status/error")
            .unwrap_or("no reason is given")
            .to_owned()
    };
    let archiving_fails = cluster.is_some_and(|cluster| cluster.has("ContinuousArchiving", "False"));
    match object.text("status/phase").unwrap_or_default() {
        "completed" => made
            .good(stopped, BackupGrade::D, "its phase is completed")
            .noted("the object outlives the data: whether the store still has it was not asked"),
        "failed" => {
            let made = made.stands(BackupState::Failed, error());
            if cluster.is_some_and(is_hibernated) {
                made.noted("the cluster is hibernated: no backup can be made until it wakes")
            } else {
                made
            }
        }
        "invalid backup definition" => {
            made.stands(BackupState::Failed, format!("it was refused: {}", error()))
        }
        "walArchivingFailing" => made.stands(
            BackupState::Stuck,
            "it waits because the cluster's WAL archiving fails",
        ),
        phase @ ("started" | "running" | "finalizing") if archiving_fails => made.stands(
            BackupState::Stuck,
            format!("says {phase}, but the cluster cannot archive its WAL, without which no backup ends"),
        ),
        phase @ ("started" | "running" | "finalizing") => {
            let since = object.time("status/startedAt").or(object.created());
            at_work(made, since, now, phase)
        }
        phase @ ("" | "pending") => match object.created() {
            Some(created) if now.as_second() - created.as_second() > UNBEGUN_SECONDS => made.stands(
                BackupState::Stuck,
                format!("nobody has begun it since {created}: the operator may be away"),
            ),
            _ => made.stands(
                BackupState::Running,
                if phase.is_empty() {
                    "not begun yet"
                } else {
                    "says pending"
                },
            ),
        },
        other => made.stands(
            BackupState::Unknown,
            format!("its phase {other:?} is not known here"),
        ),
    }
}

/// What a Backup's status holds besides its end.
pub(super) fn facts(object: &Value) -> FoundBackup {
    let name = object.text("spec/cluster/name").unwrap_or_default();
    let mut made = found(MECHANISM, "Backup", object, subject(name)).began(object.time("status/startedAt"));
    made.end_lsn = object.owned("status/endLSN");
    made.timeline = object
        .text("status/endWal")
        .or_else(|| object.text("status/beginWal"))
        .and_then(|segment| u32::from_str_radix(segment.get(..8)?, 16).ok());
    made.server_major = object
        .number("status/majorVersion")
        .and_then(|major| i32::try_from(major).ok());
    made.uri = object.owned("status/destinationPath");
    if object.at("status/online") == &Value::Bool(false) {
        made = made.noted("taken while its instance was stopped");
    }
    made
}

/// What a Cluster says of itself, held against its Backup objects.
fn judge_cluster(finds: &mut Finds, cluster: &Value, objects: &Objects) {
    let of = subject(cluster.name());
    let at = ("Cluster", cluster);
    let own: Vec<&Value> = objects
        .of(&BACKUP)
        .iter()
        .filter(|backup| {
            backup.namespace() == cluster.namespace()
                && backup.text("spec/cluster/name") == Some(cluster.name())
        })
        .collect();
    let configured = cluster.at("spec/backup").is_object()
        || cluster
            .list("spec/plugins")
            .iter()
            .any(|plugin| plugin.at("enabled") != &Value::Bool(false));
    let completed = newest(
        own.iter()
            .filter(|backup| backup.text("status/phase") == Some("completed"))
            .map(|backup| backup.time("status/stoppedAt")),
    );
    if !configured {
        let archiving = if cluster.has("ContinuousArchiving", "True") {
            "; that it says ContinuousArchiving=True means nothing"
        } else {
            ""
        };
        finds.note(
            MECHANISM,
            at,
            &of,
            ("cnpg-not-configured", FindingLevel::Warn),
            format!("no backup section and no plug-in: it is not backed up by its operator{archiving}"),
        );
    } else if objects.knows(&BACKUP) && completed.is_none() {
        finds.note(
            MECHANISM,
            at,
            &of,
            ("cnpg-never-completed", FindingLevel::Warn),
            "backups are configured and no Backup has ever completed",
        );
    }
    if configured
        && let Some(condition) = cluster.condition("ContinuousArchiving")
        && condition.text("status") == Some("False")
    {
        let why = condition.text("message").unwrap_or("no reason is given");
        finds.note(
            MECHANISM,
            at,
            &of,
            ("cnpg-archiving-fails", FindingLevel::Fail),
            format!("WAL is not archived: {why}"),
        );
    }
    let attempts = own
        .iter()
        .map(|backup| (backup.time("status/startedAt").or(backup.created()), backup));
    let last = attempts.max_by_key(|(began, _)| *began);
    if let Some((_, last)) = last
        && cluster.has("LastBackupSucceeded", "True")
        && last.text("status/phase") != Some("completed")
    {
        finds.note(
            MECHANISM,
            at,
            &of,
            ("cnpg-condition-lies", FindingLevel::Warn),
            format!(
                "it says LastBackupSucceeded=True, but the newest attempt {} is {:?}",
                last.name(),
                last.text("status/phase").unwrap_or("not begun")
            ),
        );
    }
    if is_hibernated(cluster) {
        finds.note(
            MECHANISM,
            at,
            &of,
            ("cnpg-hibernated", FindingLevel::Warn),
            format!(
                "it is hibernated, whatever its phase {:?} says: every backup fails until it wakes",
                cluster.text("status/phase").unwrap_or_default()
            ),
        );
    }
    said_without_object(finds, cluster, &of, objects, completed);
}

/// A success that only the Cluster tells of: the Backup object may have been deleted while the data lives, or the store
/// may be gone while the words stay.
fn said_without_object(
    finds: &mut Finds,
    cluster: &Value,
    of: &BackupSubject,
    objects: &Objects,
    completed: Option<Timestamp>,
) {
    /// The Cluster's word and the Backup's are of the same backup when they are so close.
    const SAME_SECONDS: i64 = 60;
    let Some(said) = cluster.time("status/lastSuccessfulBackup") else {
        return;
    };
    if completed.is_some_and(|completed| completed.as_second() + SAME_SECONDS >= said.as_second()) {
        return;
    }
    let why = if objects.knows(&BACKUP) {
        format!("the cluster says that a backup succeeded at {said}, and no Backup object is there for it")
    } else {
        format!("the cluster says that a backup succeeded at {said}; its Backup objects may not be read")
    };
    let mut made = found(MECHANISM, "Cluster", cluster, of.clone()).stands(BackupState::Unknown, why);
    made.notes
        .push("a cluster says this also after its store is gone".into());
    finds.backups.push(made);
}

/// Scheduled is not succeeded: the schedule's times are those of attempts.
fn judge_schedule(finds: &mut Finds, schedule: &Value, objects: &Objects, now: Timestamp) {
    let of = subject(schedule.text("spec/cluster/name").unwrap_or_default());
    let at = ("ScheduledBackup", schedule);
    let mut note = |id, level, words: String| finds.note(MECHANISM, at, &of, (id, level), words);
    if schedule.is_on("spec/suspend") {
        note(
            "schedule-suspended",
            FindingLevel::Warn,
            "it is suspended: no backup is made".into(),
        );
        return;
    }
    let text = schedule.text("spec/schedule").unwrap_or_default();
    let parsed = match Schedule::parse(text, Fields::Six, None) {
        Ok(parsed) => parsed,
        Err(error) => {
            note(
                "schedule-unreadable",
                FindingLevel::Warn,
                format!("{error}; CloudNativePG counts seconds first"),
            );
            return;
        }
    };
    let last = schedule.time("status/lastScheduleTime");
    if let Some(due) = newest([last, schedule.created()]).and_then(|since| parsed.missed(since, now)) {
        note(
            "schedule-overdue",
            FindingLevel::Warn,
            format!("it should have run at {due} and has not: the operator may be away"),
        );
    }
    let Some(last) = last else { return };
    let own = || {
        objects.of(&BACKUP).iter().filter(|backup| {
            backup.namespace() == schedule.namespace()
                && backup.label("cnpg.io/scheduled-backup") == Some(schedule.name())
        })
    };
    let good = newest(
        own()
            .filter(|backup| backup.text("status/phase") == Some("completed"))
            .map(|backup| backup.time("status/stoppedAt")),
    );
    let at_work = own().any(|backup| {
        matches!(
            backup.text("status/phase"),
            None | Some("pending" | "started" | "running" | "finalizing")
        )
    });
    if objects.knows(&BACKUP) && !at_work && good.is_none_or(|good| good < last) {
        note(
            "scheduled-not-succeeded",
            FindingLevel::Warn,
            format!("it ran at {last}, and no backup of it has completed since"),
        );
    }
}

#[cfg(test)]
#[path = "cnpg_tests.rs"]
mod tests;
