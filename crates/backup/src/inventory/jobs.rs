//! CronJobs and their Jobs. A Job's end is the word of a controller: whether anything was written, nobody looked.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::schedule::{Fields, Schedule};
use super::value::{Object, newest};

pub(super) const CRON_JOB: Reads = beside("batch", "CronJob", &["v1"]);
pub(super) const JOB: Reads = beside("batch", "Job", &["v1"]);

/// The Jobs that a CronJob made, or that were made from it by hand.
pub(super) fn jobs_of<'a>(cron_job: &Value, objects: &'a Objects) -> Vec<&'a Value> {
    let owned = |job: &&Value| {
        job.namespace() == cron_job.namespace()
            && job.list("metadata/ownerReferences").iter().any(|owner| {
                owner.text("kind") == Some("CronJob") && owner.text("name") == Some(cron_job.name())
            })
    };
    objects.of(&JOB).iter().filter(owned).collect()
}

/// What the Jobs of a CronJob left, and what is wrong with its schedule.
pub(super) fn judge(
    cron_job: &Value,
    objects: &Objects,
    now: Timestamp,
    mechanism: Mechanism,
    of: &BackupSubject,
    notes: &[String],
) -> Finds {
    let mut finds = Finds::default();
    let jobs = jobs_of(cron_job, objects);
    for job in &jobs {
        finds.backups.push(judge_job(job, now, mechanism, of, notes));
    }
    let said = cron_job.time("status/lastSuccessfulTime");
    let seen = newest(jobs.iter().map(|job| job.time("status/completionTime")));
    if let Some(said) = said
        && seen.is_none_or(|seen| seen < said)
    {
        // Its Job is gone by its history limit or time to live, or Jobs may not be read.
        let mut made = found(mechanism, "CronJob", cron_job, of.clone());
        made.notes.extend_from_slice(notes);
        finds.backups.push(made.good(
            Some(said),
            BackupGrade::D,
            "the CronJob says that a Job of it succeeded; the Job is gone",
        ));
    }
    let good = newest([said, seen]);
    judge_schedule(&mut finds, cron_job, now, (mechanism, of), good, &jobs);
    finds
}

/// One Job.
pub(super) fn judge_job(
    job: &Value,
    now: Timestamp,
    mechanism: Mechanism,
    of: &BackupSubject,
    notes: &[String],
) -> FoundBackup {
    let mut made = found(mechanism, "Job", job, of.clone()).began(job.time("status/startTime"));
    made.notes.extend_from_slice(notes);
    if job.has("Complete", "True") {
        return made.good(
            job.time("status/completionTime"),
            BackupGrade::D,
            "its program ended with 0; nobody has looked at what it wrote",
        );
    }
    if let Some(failed) = job
        .condition("Failed")
        .filter(|condition| condition.text("status") == Some("True"))
    {
        let words: Vec<&str> = [failed.text("reason"), failed.text("message")]
            .into_iter()
            .flatten()
            .collect();
        return made.stands(BackupState::Failed, words.join(": "));
    }
    if job.has("Suspended", "True") {
        return made.stands(BackupState::Unknown, "it is suspended");
    }
    let failures = job.number("status/failed").unwrap_or(0);
    let since = job.time("status/startTime").or(job.created());
    let made = at_work(made, since, now, "active");
    if failures > 0 {
        made.noted(format!("{failures} of its pods have failed already"))
    } else {
        made
    }
}

fn judge_schedule(
    finds: &mut Finds,
    cron_job: &Value,
    now: Timestamp,
    (mechanism, of): (Mechanism, &BackupSubject),
    good: Option<Timestamp>,
    jobs: &[&Value],
) {
    let at = ("CronJob", cron_job);
    let mut note = |id, words: String| finds.note(mechanism, at, of, (id, FindingLevel::Warn), words);
    if cron_job.is_on("spec/suspend") {
        note("schedule-suspended", "it is suspended: no backup is made".into());
        return;
    }
    let last = cron_job.time("status/lastScheduleTime");
    let text = cron_job.text("spec/schedule").unwrap_or_default();
    match Schedule::parse(text, Fields::Five, cron_job.text("spec/timeZone")) {
        Ok(parsed) => {
            let since = newest([last, cron_job.created()]);
            if let Some(due) = since.and_then(|since| parsed.missed(since, now)) {
                let words = format!("it should have run at {due} and has not");
                note("schedule-overdue", words);
            }
        }
        Err(error) => note("schedule-unreadable", error.to_string()),
    }
    let at_work = cron_job.list("status/active").len();
    if let Some(last) = last
        && at_work == 0
        && good.is_none_or(|good| good < last)
    {
        let reason = jobs
            .iter()
            .filter_map(|job| {
                let failed = job.condition("Failed")?;
                Some((job.created(), failed.text("message").or(failed.text("reason"))?))
            })
            .max_by_key(|(created, _)| *created)
            .map_or_else(String::new, |(_, why)| format!(": {why}"));
        note(
            "scheduled-not-succeeded",
            format!("it ran at {last} and has not succeeded since{reason}"),
        );
    }
}
