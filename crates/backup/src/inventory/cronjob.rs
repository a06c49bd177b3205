//! CronJobs, and Jobs without one, that run a program known to back Postgres up.

use jiff::Timestamp;
use model::{BackupSubject, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::Finds;
use super::jobs::{CRON_JOB, JOB, judge, judge_job};
use super::objects::{Objects, Reads};
use super::value::Object;
use super::zalando;

pub(super) const READS: &[Reads] = &[CRON_JOB, JOB];

const MECHANISM: Mechanism = Mechanism::CronJob;

/// Words in an image, command or argument that name a program which backs Postgres up.
const PROGRAMS: [&str; 13] = [
    "pg_dump",
    "pg_basebackup",
    "pg-basebackup",
    "pgdump",
    "pg-dump",
    "pg_back",
    "pgbackrest",
    "pgbackup",
    "wal-g",
    "wal-e",
    "barman",
    "postgres-backup",
    "postgresql-backup",
];

/// Programs that back anything up; they count where the environment names a Postgres server.
const GENERAL: [&str; 3] = ["restic", "db-backup", "backup"];

/// Variables that name the server.
const HOSTS: [&str; 8] = [
    "PGHOST",
    "POSTGRES_HOST",
    "POSTGRESQL_HOST",
    "DB_HOST",
    "DATABASE_HOST",
    "DB01_HOST",
    "PG_HOST",
    "POSTGRES_SERVICE_HOST",
];

/// Variables that name the database.
const DATABASES: [&str; 7] = [
    "PGDATABASE",
    "POSTGRES_DATABASE",
    "POSTGRES_DB",
    "POSTGRESQL_DATABASE",
    "DB_NAME",
    "DB01_NAME",
    "DATABASE_NAME",
];

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for cron_job in objects.of(&CRON_JOB) {
        if zalando::is_logical_backup(cron_job) {
            continue;
        }
        if let Some(program) = Program::of(cron_job.at("spec/jobTemplate/spec/template/spec")) {
            let mut judged = judge(
                cron_job,
                objects,
                now,
                MECHANISM,
                &program.subject(),
                &program.notes(),
            );
            if is_ours(cron_job) {
                judged.backups.clear();
            }
            finds.extend(judged);
        }
    }
    for job in objects.of(&JOB) {
        let owned = !job.list("metadata/ownerReferences").is_empty();
        if owned || is_ours(job) {
            continue;
        }
        if let Some(program) = Program::of(job.at("spec/template/spec")) {
            finds.backups.push(judge_job(
                job,
                now,
                MECHANISM,
                &program.subject(),
                &program.notes(),
            ));
        }
    }
    finds
}

/// A Job that was made from a CronJob's template, whatever its program is.
pub(super) fn of_template(job: &Value, now: Timestamp) -> FoundBackup {
    let program = Program::of(job.at("spec/template/spec"));
    let (of, notes) = match &program {
        Some(program) => (program.subject(), program.notes()),
        None => (
            BackupSubject::Unknown,
            vec!["its program is none that is known to back Postgres up".into()],
        ),
    };
    judge_job(job, now, MECHANISM, &of, &notes)
}

/// What is of ours writes into a store, which is looked at itself.
fn is_ours(job: &Value) -> bool {
    job.label("app.kubernetes.io/managed-by") == Some("kubectl-pgbackup")
}

/// A program that backs Postgres up, and what its container says of the server.
struct Program {
    host: Option<String>,
    database: Option<String>,
    /// Whether the exit code of the program is lost in a pipe.
    loses_failure: bool,
}

impl Program {
    fn of(pod: &Value) -> Option<Self> {
        let containers = pod.list("containers").iter().chain(pod.list("initContainers"));
        containers.into_iter().find_map(Self::in_container)
    }

    fn in_container(container: &Value) -> Option<Self> {
        let lists = ["command", "args"]
            .into_iter()
            .flat_map(|field| container.list(field));
        let line: Vec<&str> = lists.filter_map(Value::as_str).collect();
        let image = container.text("image").unwrap_or_default();
        // The registry's and folder's name say nothing of the program.
        let image = image.rsplit('/').next().unwrap_or_default();
        let text = format!("{image} {}", line.join(" "));
        let variable = |names: &[&str]| {
            let mut environment = container.list("env").iter();
            let found =
                environment.find(|variable| names.contains(&variable.text("name").unwrap_or_default()))?;
            Some(found.owned("value"))
        };
        let host = variable(&HOSTS);
        let general = host.is_some() && GENERAL.iter().any(|word| text.contains(word));
        if !general && !PROGRAMS.iter().any(|word| text.contains(word)) {
            return None;
        }
        let url = container.list("env").iter().find_map(|variable| {
            let url = url::Url::parse(variable.text("value")?).ok()?;
            matches!(url.scheme(), "postgres" | "postgresql").then_some(url)
        });
        let words = || {
            text.split([' ', '\n', '\t', '"', '\''])
                .filter(|word| !word.is_empty())
        };
        let flag = |short: &str, long: &str| {
            let mut words = words();
            while let Some(word) = words.next() {
                if word == short || word == long {
                    return words
                        .next()
                        .filter(|value| !value.contains('$'))
                        .map(str::to_owned);
                }
                if let Some(value) = word.strip_prefix(&format!("{long}=")) {
                    return (!value.contains('$')).then(|| value.to_owned());
                }
            }
            None
        };
        let plain = |value: String| (!value.contains("$(")).then_some(value);
        Some(Self {
            host: flag("-h", "--host")
                .or_else(|| host.flatten().and_then(plain))
                .or_else(|| url.as_ref().and_then(|url| Some(url.host_str()?.to_owned()))),
            database: flag("-d", "--dbname")
                .or_else(|| variable(&DATABASES).flatten().and_then(plain))
                .or_else(|| {
                    url.as_ref()
                        .map(|url| url.path().trim_start_matches('/').to_owned())
                })
                .filter(|name| !name.is_empty() && !name.contains(['=', '/'])),
            loses_failure: text.contains("pg_dump") && text.contains(" | ") && !text.contains("pipefail"),
        })
    }

    fn subject(&self) -> BackupSubject {
        match &self.host {
            Some(host) => BackupSubject::Address {
                host: host.clone(),
                database: self.database.clone(),
            },
            None => BackupSubject::Unknown,
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.loses_failure {
            notes.push(
                "pg_dump stands in a pipe without `pipefail`: the Job also succeeds when the dump fails half-way".into(),
            );
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use model::BackupState::{Failed, Good, Running, Stuck};
    use serde_json::json;

    fn pod(line: &str, env: Value) -> Value {
        json!({"spec": {"containers": [{"name": "dump", "image": "registry.example/postgres:17", "command": ["sh", "-c", line], "env": env}]}})
    }

    fn cron_job(line: &str, env: Value, spec: Value, status: Value) -> Value {
        let mut spec = spec;
        spec["jobTemplate"] = json!({"spec": {"template": pod(line, env)}});
        json!({"metadata": {"name": "nightly", "namespace": "shop", "creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": spec, "status": status})
    }

    fn job(name: &str, status: Value) -> Value {
        json!({"metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-20T03:00:00Z",
                            "ownerReferences": [{"kind": "CronJob", "name": "nightly", "apiVersion": "batch/v1", "uid": "1"}]},
               "spec": {"template": pod("pg_dump", json!([]))}, "status": status})
    }

    fn daily(status: Value) -> Value {
        cron_job(
            "pg_dump -Fc > /backup/x",
            json!([{"name": "PGHOST", "value": "db"}]),
            json!({"schedule": "0 3 * * *"}),
            status,
        )
    }

    fn seen(cron_jobs: Vec<Value>, jobs: Vec<Value>) -> Finds {
        find(&objects(&[(&CRON_JOB, cron_jobs), (&JOB, jobs)]), now())
    }

    fn ended(kind: &str) -> Value {
        let mut status = json!({"startTime": "2026-11-20T03:00:00Z", "conditions": [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "too many failures"}]});
        if kind == "Complete" {
            status["completionTime"] = json!("2026-11-20T03:00:40Z");
        }
        status
    }

    #[test]
    fn every_end_of_a_job_is_told_apart() {
        for (status, state, finished) in [
            (ended("Complete"), Good, Some("2026-11-20T03:00:40Z")),
            (ended("Failed"), Failed, None),
            (
                json!({"active": 1, "startTime": "2026-11-20T11:59:00Z"}),
                Running,
                None,
            ),
            (
                json!({"active": 1, "startTime": "2026-11-19T03:00:00Z"}),
                Stuck,
                None,
            ),
        ] {
            let finds = seen(vec![daily(json!({}))], vec![job("j", status.clone())]);
            let jobs: Vec<_> = states(&finds)
                .into_iter()
                .filter(|(id, _, _)| id.starts_with("Job/"))
                .collect();
            assert_eq!(jobs, [("Job/j", state, finished)], "{status}");
        }
    }

    #[test]
    fn a_success_outlives_its_job() {
        let status =
            json!({"lastScheduleTime": "2026-11-20T03:00:00Z", "lastSuccessfulTime": "2026-11-20T03:00:40Z"});
        let finds = seen(vec![daily(status)], vec![]);
        assert_eq!(
            states(&finds),
            [("CronJob/nightly", Good, Some("2026-11-20T03:00:40Z"))]
        );
        assert!(findings(&finds).is_empty());
    }

    #[test]
    fn a_schedule_that_fails_sleeps_or_was_missed_is_told() {
        let ran = |success: &str| json!({"lastScheduleTime": "2026-11-20T03:00:00Z", "lastSuccessfulTime": success});
        let failing = seen(
            vec![daily(ran("2026-11-19T03:00:40Z"))],
            vec![job("j", ended("Failed"))],
        );
        assert_eq!(findings(&failing), ["scheduled-not-succeeded"]);
        assert!(failing.findings[0].message.contains("too many failures"));
        let missed =
            json!({"lastScheduleTime": "2026-11-18T03:00:00Z", "lastSuccessfulTime": "2026-11-18T03:00:40Z"});
        assert_eq!(findings(&seen(vec![daily(missed)], vec![])), ["schedule-overdue"]);
        let suspended = cron_job(
            "pg_dumpall",
            json!([]),
            json!({"schedule": "0 3 * * *", "suspend": true}),
            json!({}),
        );
        assert_eq!(findings(&seen(vec![suspended], vec![])), ["schedule-suspended"]);
    }

    #[test]
    fn the_server_is_read_from_where_it_stands() {
        let address = |host: &str, database: Option<&str>| BackupSubject::Address {
            host: host.into(),
            database: database.map(str::to_owned),
        };
        for (line, env, expected) in [
            (
                "pg_dump -h db -d orders -Fc",
                json!([]),
                address("db", Some("orders")),
            ),
            (
                "pg_dump --host=db.shop.svc orders",
                json!([]),
                address("db.shop.svc", None),
            ),
            (
                "pg_dump -h $PGHOST",
                json!([{"name": "PGHOST", "value": "db"}, {"name": "PGDATABASE", "value": "orders"}]),
                address("db", Some("orders")),
            ),
            (
                "pg_dump \"$DATABASE_URL\"",
                json!([{"name": "DATABASE_URL", "value": "postgres://app@db:5432/orders"}]),
                address("db", Some("orders")),
            ),
            (
                "restic backup /dump",
                json!([{"name": "PGHOST", "value": "db"}]),
                address("db", None),
            ),
            (
                "pg_dumpall",
                json!([{"name": "PGHOST", "valueFrom": {"secretKeyRef": {"name": "s", "key": "host"}}}]),
                BackupSubject::Unknown,
            ),
        ] {
            let finds = seen(
                vec![cron_job(
                    line,
                    env,
                    json!({"schedule": "0 3 * * *"}),
                    json!({"lastSuccessfulTime": "2026-11-20T03:00:40Z"}),
                )],
                vec![],
            );
            assert_eq!(finds.backups[0].of, expected, "{line}");
        }
    }

    #[test]
    fn other_programs_are_no_backups() {
        for line in ["python manage.py tidy", "restic backup /home", "psql -c vacuum"] {
            let other = cron_job(
                line,
                json!([]),
                json!({"schedule": "0 3 * * *"}),
                json!({"lastSuccessfulTime": "2026-11-20T03:00:40Z"}),
            );
            assert_eq!(seen(vec![other], vec![]), Finds::default(), "{line}");
        }
    }

    #[test]
    fn a_failure_that_a_pipe_swallows_is_told() {
        let notes = |line: &str| {
            let cron_job = cron_job(
                line,
                json!([]),
                json!({"schedule": "0 3 * * *"}),
                json!({"lastSuccessfulTime": "2026-11-20T03:00:40Z"}),
            );
            seen(vec![cron_job], vec![]).backups.remove(0).notes
        };
        assert!(notes("pg_dump x | gzip > /b/x")[0].contains("pipefail"));
        assert!(notes("set -o pipefail; pg_dump x | gzip > /b/x").is_empty());
        assert!(notes("pg_dump -Fc -f /b/x").is_empty());
    }

    #[test]
    fn a_job_without_a_cron_job_counts_too() {
        let mut alone = job("before-deploy", ended("Complete"));
        alone["metadata"]["ownerReferences"] = json!([]);
        assert_eq!(
            states(&seen(vec![], vec![alone])),
            [("Job/before-deploy", Good, Some("2026-11-20T03:00:40Z"))]
        );
    }
}
