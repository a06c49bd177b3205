//! Crunchy's operator: what a `PostgresCluster` says of pgBackRest. `finished` tells neither success nor failure; a
//! completion time is set on success only.

use jiff::Timestamp;
use model::{BackupGrade, BackupState, BackupSubject, FindingLevel, FoundBackup, Mechanism};
use serde_json::Value;

use super::found::{Finds, Say, at_work, found};
use super::objects::{Objects, Reads, beside};
use super::schedule::{Fields, Schedule};
use super::value::{Object, newest};

const GROUP: &str = "postgres-operator.crunchydata.com";
const CLUSTER: Reads = beside(GROUP, "PostgresCluster", &["v1beta1", "v1"]);
pub(super) const READS: &[Reads] = &[CLUSTER];

const MECHANISM: Mechanism = Mechanism::Crunchy;

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for cluster in objects.of(&CLUSTER) {
        let of = BackupSubject::Cluster {
            group: GROUP.to_owned(),
            name: cluster.name().to_owned(),
        };
        if !cluster.at("spec/backups/pgbackrest").is_object() && cluster.at("status/pgbackrest").is_null() {
            let id = ("crunchy-not-configured", FindingLevel::Warn);
            finds.note(
                MECHANISM,
                ("PostgresCluster", cluster),
                &of,
                id,
                "it is configured without backups",
            );
            continue;
        }
        for run in cluster.list("status/pgbackrest/scheduledBackups") {
            let words = [run.text("type"), run.text("repo"), run.text("cronJobName")];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            finds
                .backups
                .push(attempt(cluster, run, &of, &words.join("/"), now));
        }
        let manual = cluster.at("status/pgbackrest/manualBackup");
        if manual.is_object() {
            let words = format!("manual/{}", manual.text("id").unwrap_or_default());
            finds.backups.push(attempt(cluster, manual, &of, &words, now));
        }
        repositories(&mut finds, cluster, &of);
        schedules(&mut finds, cluster, &of, now);
        if cluster.is_on("spec/shutdown") {
            let id = ("crunchy-shut-down", FindingLevel::Warn);
            finds.note(
                MECHANISM,
                ("PostgresCluster", cluster),
                &of,
                id,
                "it is shut down: no backup is made",
            );
        }
    }
    finds
}

fn attempt(cluster: &Value, run: &Value, of: &BackupSubject, words: &str, now: Timestamp) -> FoundBackup {
    let mut made = found(MECHANISM, "PostgresCluster", cluster, of.clone()).began(run.time("startTime"));
    made.id = format!("PostgresCluster/{}/{words}", cluster.name());
    let count = |field: &str| run.number(field).unwrap_or(0);
    match run.time("completionTime") {
        done @ Some(_) => made
            .good(done, BackupGrade::D, "the operator saw its Job complete")
            .noted("the truth is in pgBackRest's catalogue: ask the tool (--ask-tools)"),
        None if count("active") > 0 => at_work(made, run.time("startTime"), now, "active"),
        None if count("failed") > 0 => made.stands(
            BackupState::Failed,
            format!(
                "{} of its pods failed and it has no completion time",
                count("failed")
            ),
        ),
        None if run.is_on("finished") => made.stands(
            BackupState::Unknown,
            "it is finished, which tells neither success nor failure",
        ),
        None => at_work(made, run.time("startTime"), now, "started"),
    }
}

fn repositories(finds: &mut Finds, cluster: &Value, of: &BackupSubject) {
    for repo in cluster.list("status/pgbackrest/repos") {
        let name = repo.text("name").unwrap_or("?");
        if !repo.is_on("stanzaCreated") {
            let id = ("crunchy-no-stanza", FindingLevel::Warn);
            let message = format!("repository {name} has no stanza yet: nothing can be backed up to it");
            finds.note(MECHANISM, ("PostgresCluster", cluster), of, id, message);
        }
    }
}

fn schedules(finds: &mut Finds, cluster: &Value, of: &BackupSubject, now: Timestamp) {
    let at = ("PostgresCluster", cluster);
    for repo in cluster.list("spec/backups/pgbackrest/repos") {
        let name = repo.text("name").unwrap_or("?");
        for (field, kind) in [
            ("full", "full"),
            ("differential", "diff"),
            ("incremental", "incr"),
        ] {
            let Some(text) = repo.text(&format!("schedules/{field}")) else {
                continue;
            };
            let runs = cluster.list("status/pgbackrest/scheduledBackups").iter();
            let own = runs.filter(|run| {
                run.text("type") == Some(kind) && run.text("repo").is_none_or(|repo| repo == name)
            });
            let last = newest(own.map(|run| run.time("startTime")));
            match Schedule::parse(text, Fields::Five, None) {
                Ok(parsed) => {
                    let since = newest([last, cluster.created()]);
                    if let Some(due) = since.and_then(|since| parsed.missed(since, now)) {
                        let id = ("schedule-overdue", FindingLevel::Warn);
                        let message =
                            format!("the {field} backup to {name} should have run at {due} and has not");
                        finds.note(MECHANISM, at, of, id, message);
                    }
                }
                Err(error) => {
                    finds.note(
                        MECHANISM,
                        at,
                        of,
                        ("schedule-unreadable", FindingLevel::Warn),
                        error.to_string(),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use BackupState::{Failed, Good, Running, Stuck, Unknown};
    use serde_json::json;

    fn seen(spec: Value, status: Value) -> Finds {
        let cluster = json!({"metadata": {"name": "hippo", "namespace": "shop", "creationTimestamp": "2026-11-01T00:00:00Z"},
                             "spec": spec, "status": {"pgbackrest": status}});
        find(&objects(&[(&CLUSTER, vec![cluster])]), now())
    }

    fn spec(schedules: Value) -> Value {
        json!({"backups": {"pgbackrest": {"repos": [{"name": "repo1", "schedules": schedules}]}}})
    }

    #[test]
    fn finished_is_not_succeeded() {
        for (run, state, finished) in [
            (
                json!({"completionTime": "2026-11-20T01:02:03Z", "succeeded": 1}),
                Good,
                Some("2026-11-20T01:02:03Z"),
            ),
            (
                json!({"finished": true, "failed": 2, "startTime": "2026-11-20T01:00:00Z"}),
                Failed,
                None,
            ),
            (
                json!({"finished": true, "startTime": "2026-11-20T01:00:00Z"}),
                Unknown,
                None,
            ),
            (
                json!({"active": 1, "startTime": "2026-11-20T11:00:00Z"}),
                Running,
                None,
            ),
            (
                json!({"active": 1, "startTime": "2026-11-18T11:00:00Z"}),
                Stuck,
                None,
            ),
        ] {
            let mut manual = run.clone();
            manual["id"] = json!("now");
            let finds = seen(spec(json!({})), json!({"manualBackup": manual}));
            assert_eq!(
                states(&finds),
                [("PostgresCluster/hippo/manual/now", state, finished)],
                "{run}"
            );
        }
    }

    #[test]
    fn scheduled_runs_are_found_and_missed_ones_told() {
        let run = json!({"type": "full", "repo": "repo1", "cronJobName": "hippo-repo1-full",
                         "startTime": "2026-11-15T01:00:00Z", "completionTime": "2026-11-15T01:02:03Z"});
        let daily = seen(
            spec(json!({"full": "0 1 * * *"})),
            json!({"scheduledBackups": [run]}),
        );
        assert_eq!(
            states(&daily)[0].0,
            "PostgresCluster/hippo/full/repo1/hippo-repo1-full"
        );
        assert_eq!(findings(&daily), ["schedule-overdue"]);
        let weekly = seen(
            spec(json!({"full": "0 1 * * 0"})),
            json!({"scheduledBackups": [run]}),
        );
        assert!(findings(&weekly).is_empty(), "{weekly:?}");
    }

    #[test]
    fn a_repository_without_a_stanza_and_a_cluster_without_backups_are_told() {
        let repos = json!({"repos": [{"name": "repo1", "stanzaCreated": false}]});
        assert_eq!(findings(&seen(spec(json!({})), repos)), ["crunchy-no-stanza"]);
        let cluster = json!({"metadata": {"name": "hippo", "namespace": "shop"}, "spec": {}});
        assert_eq!(
            findings(&find(&objects(&[(&CLUSTER, vec![cluster])]), now())),
            ["crunchy-not-configured"]
        );
    }
}
