//! Databases of a cloud that an object in the cluster manages (ACK, Crossplane). Whether the cloud backs them up is its
//! own word, and nothing in SQL shows it: it is unknown, never good.

use jiff::Timestamp;
use model::{BackupState, BackupSubject, FindingLevel, Mechanism};

use super::found::{Finds, Say, found};
use super::objects::{Objects, Reads, beside};
use super::value::Object;

const ACK: Reads = beside("rds.services.k8s.aws", "DBInstance", &["v1alpha1"]);
const CROSSPLANE: Reads = beside(
    "rds.aws.upbound.io",
    "Instance",
    &["v1beta3", "v1beta2", "v1beta1"],
)
.elsewhere();
pub(super) const READS: &[Reads] = &[ACK, CROSSPLANE];

const MECHANISM: Mechanism = Mechanism::Managed;

pub(super) fn find(objects: &Objects, _now: Timestamp) -> Finds {
    let mut finds = Finds::default();
    let shapes = [
        (
            &ACK,
            "DBInstance",
            "status/endpoint/address",
            "status/latestRestorableTime",
            "spec/backupRetentionPeriod",
        ),
        (
            &CROSSPLANE,
            "Instance.rds.aws.upbound.io",
            "status/atProvider/address",
            "status/atProvider/latestRestorableTime",
            "spec/forProvider/backupRetentionPeriod",
        ),
    ];
    for (reads, kind, address, restorable, retention) in shapes {
        for instance in objects.of(reads) {
            let engine = instance
                .text("spec/engine")
                .or(instance.text("spec/forProvider/engine"));
            if !engine.is_some_and(|engine| engine.contains("postgres")) {
                continue;
            }
            let of = match instance.text(address) {
                Some(host) => BackupSubject::Address {
                    host: host.to_owned(),
                    database: None,
                },
                None => BackupSubject::Unknown,
            };
            let why = match instance.time(restorable) {
                Some(at) => format!(
                    "the cloud says that it can restore any moment up to {at}; nobody here can see its backups"
                ),
                None => "the cloud says nothing of backups here".into(),
            };
            finds
                .backups
                .push(found(MECHANISM, kind, instance, of.clone()).stands(BackupState::Unknown, why));
            if instance.number(retention) == Some(0) {
                let id = ("managed-no-backups", FindingLevel::Warn);
                finds.note(
                    MECHANISM,
                    (kind, instance),
                    &of,
                    id,
                    "its backups are switched off: they are kept for 0 days",
                );
            }
        }
    }
    finds
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{findings, now, objects, states};
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_cloud_says_is_never_good() {
        let instance = json!({"metadata": {"name": "orders", "namespace": "shop"}, "spec": {"engine": "postgres", "backupRetentionPeriod": 0},
                              "status": {"endpoint": {"address": "orders.x.rds.amazonaws.com"}, "latestRestorableTime": "2026-11-20T11:55:00Z"}});
        let mysql = json!({"metadata": {"name": "other", "namespace": "shop"}, "spec": {"engine": "mysql"}});
        let finds = find(&objects(&[(&ACK, vec![instance, mysql])]), now());
        assert_eq!(
            states(&finds),
            [("DBInstance/orders", BackupState::Unknown, None)]
        );
        assert_eq!(findings(&finds), ["managed-no-backups"]);
    }
}
