//! The logical backups of Zalando's operator: a CronJob that runs `pg_dumpall`. Its WAL-G backups leave no object at
//! all; they are seen by asking the tool.

use jiff::Timestamp;
use model::{BackupSubject, FindingLevel, Mechanism};
use serde_json::Value;

use super::found::Finds;
use super::jobs::{CRON_JOB, JOB, judge};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const GROUP: &str = "acid.zalan.do";
const POSTGRESQL: Reads = beside(GROUP, "postgresql", &["v1"]).useful();
pub(super) const READS: &[Reads] = &[CRON_JOB, JOB, POSTGRESQL];

const MECHANISM: Mechanism = Mechanism::Zalando;

/// Whether a CronJob is a logical backup of the operator.
pub(super) fn is_logical_backup(cron_job: &Value) -> bool {
    cron_job.label("application") == Some("spilo-logical-backup")
}

fn subject(name: &str) -> BackupSubject {
    BackupSubject::Cluster {
        group: GROUP.to_owned(),
        name: name.to_owned(),
    }
}

pub(super) fn find(objects: &Objects, now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    for cron_job in objects
        .of(&CRON_JOB)
        .iter()
        .filter(|cron_job| is_logical_backup(cron_job))
    {
        let name = cron_job
            .label("cluster-name")
            .or_else(|| cron_job.name().strip_prefix("logical-backup-"))
            .unwrap_or_default();
        let of = subject(name);
        finds.extend(judge(cron_job, objects, now, MECHANISM, &of, &[]));
        let cluster = objects
            .of(&POSTGRESQL)
            .iter()
            .find(|cluster| cluster.is(cron_job.namespace(), name));
        if let Some(cluster) = cluster {
            versions(&mut finds, cron_job, cluster, &of);
        }
    }
    for cluster in objects.of(&POSTGRESQL) {
        let of = subject(cluster.name());
        let dumped = objects.of(&CRON_JOB).iter().any(|cron_job| {
            is_logical_backup(cron_job)
                && cron_job.namespace() == cluster.namespace()
                && (cron_job.label("cluster-name") == Some(cluster.name())
                    || cron_job.name() == format!("logical-backup-{}", cluster.name()))
        });
        if !cluster.is_on("spec/enableLogicalBackup") && !dumped {
            let id = ("zalando-no-logical-backup", FindingLevel::Warn);
            let message = "logical backups are off; WAL-G's, if there are any, leave no object: ask the tool (--ask-tools)";
            finds.note(MECHANISM, ("postgresql", cluster), &of, id, message);
        } else if cluster.is_on("spec/enableLogicalBackup") && !dumped && objects.knows(&CRON_JOB) {
            let id = ("zalando-no-cron-job", FindingLevel::Warn);
            let message = "logical backups are switched on, and the operator has made no CronJob for them";
            finds.note(MECHANISM, ("postgresql", cluster), &of, id, message);
        }
    }
    finds
}

/// After a major upgrade the CronJob keeps the version it was made with, and the next dump fails.
fn versions(finds: &mut Finds, cron_job: &Value, cluster: &Value, of: &BackupSubject) {
    let containers = cron_job.list("spec/jobTemplate/spec/template/spec/containers");
    let env = containers.iter().flat_map(|container| container.list("env"));
    let dump = env
        .filter(|variable| variable.text("name") == Some("PG_VERSION"))
        .find_map(|variable| variable.text("value"));
    let server = cluster.text("spec/postgresql/version");
    if let (Some(dump), Some(server)) = (dump, server)
        && dump != server
    {
        let id = ("zalando-dump-version", FindingLevel::Warn);
        let message = format!(
            "it dumps with version {dump}, and the server is {server}: the next dump fails or cannot be trusted"
        );
        finds.note(MECHANISM, ("CronJob", cron_job), of, id, message);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use model::BackupState::{Failed, Good};
    use serde_json::json;

    fn cron_job(version: &str) -> Value {
        json!({"metadata": {"name": "logical-backup-orders", "namespace": "shop",
                            "labels": {"application": "spilo-logical-backup", "cluster-name": "orders"}},
               "spec": {"schedule": "30 0 * * *", "jobTemplate": {"spec": {"template": {"spec": {"containers": [
                   {"name": "logical-backup", "image": "registry.opensource.zalan.do/acid/logical-backup", "env": [{"name": "PG_VERSION", "value": version}]}]}}}}},
               "status": {"lastScheduleTime": "2026-11-20T00:30:00Z", "lastSuccessfulTime": "2026-11-20T00:31:00Z"}})
    }

    fn cluster(spec: Value) -> Value {
        json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": spec})
    }

    fn seen(cron_jobs: Vec<Value>, clusters: Vec<Value>, jobs: Vec<Value>) -> Finds {
        find(
            &objects(&[(&CRON_JOB, cron_jobs), (&POSTGRESQL, clusters), (&JOB, jobs)]),
            now(),
        )
    }

    #[test]
    fn a_dump_of_the_servers_own_version_is_good_and_one_of_another_is_told() {
        let on =
            |version: &str| cluster(json!({"enableLogicalBackup": true, "postgresql": {"version": version}}));
        let good = seen(vec![cron_job("17")], vec![on("17")], vec![]);
        assert_eq!(
            states(&good),
            [(
                "CronJob/logical-backup-orders",
                Good,
                Some("2026-11-20T00:31:00Z")
            )]
        );
        assert!(findings(&good).is_empty());
        assert_eq!(good.backups[0].of, subject("orders"));
        let upgraded = seen(vec![cron_job("15")], vec![on("17")], vec![]);
        assert_eq!(findings(&upgraded), ["zalando-dump-version"]);
    }

    #[test]
    fn a_failed_dump_is_failed() {
        let job = json!({"metadata": {"name": "j", "namespace": "shop", "ownerReferences": [{"kind": "CronJob", "name": "logical-backup-orders"}]},
                         "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
        assert_eq!(
            states(&seen(vec![cron_job("17")], vec![], vec![job]))[1],
            ("Job/j", Failed, None)
        );
    }

    #[test]
    fn a_cluster_without_a_dump_is_told() {
        assert_eq!(
            findings(&seen(vec![], vec![cluster(json!({}))], vec![])),
            ["zalando-no-logical-backup"]
        );
        assert_eq!(
            findings(&seen(
                vec![],
                vec![cluster(json!({"enableLogicalBackup": true}))],
                vec![]
            )),
            ["zalando-no-cron-job"]
        );
    }
}
