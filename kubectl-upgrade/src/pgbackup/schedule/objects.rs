//! The objects that a schedule is made of.

use std::collections::BTreeSet;

use backup::Schedule;
use checks::{ActNeeds, BackupAct, Grantee, act_rights, roles};
use serde_json::Value;

/// All objects of a schedule: the account, what it may do, and when.
pub(super) fn objects_of(schedule: &Schedule, act: BackupAct, needs: &ActNeeds) -> Vec<Value> {
    let rights = act_rights(&BTreeSet::from([act]), needs);
    let grantee = Grantee {
        account: schedule.name.clone(),
        namespace: schedule.namespace.clone(),
    };
    let mut granted = roles(
        &schedule.name,
        &[rights.needed, rights.helpful].concat(),
        &grantee,
    );
    for object in &mut granted {
        object["metadata"]["labels"] = schedule.labels();
    }
    let mut objects = schedule.objects();
    objects.splice(1..1, granted);
    objects
}

/// An object as people name it: `cronjob/NAME`.
pub(super) fn in_words(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]).to_ascii_lowercase(),
        text(&object["metadata"]["name"])
    )
}
