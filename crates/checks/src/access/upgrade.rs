//! The rights that every later phase needs, as data.
//!
//! The same list is asked of the API server before anything begins and printed as a Role for whoever grants rights.

use std::collections::BTreeSet;

use model::{AccessRequest, Phase, WorkloadKind};

use super::acts::{finding, streams};
use super::need::{Need, flatten, need, subresource};

/// What the list depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessNeeds {
    /// The release's namespace.
    pub namespace: String,
    /// The namespace of the database's pod; `None` where the database is not in a pod of this cluster.
    pub database_namespace: Option<String>,
    /// The kinds of workload that would be stopped.
    pub kinds: BTreeSet<WorkloadKind>,
    /// Whether KEDA scales some of them.
    pub scaled_objects: bool,
    /// Whether Helm keeps its records in ConfigMaps instead of Secrets.
    pub records_in_config_maps: bool,
}

/// Every right that an upgrade of this release may need, phase by phase, without repetition within a phase.
pub fn access_requests(needs: &AccessNeeds) -> Vec<AccessRequest> {
    let own = needs.namespace.as_str();
    let records = if needs.records_in_config_maps {
        "configmaps"
    } else {
        "secrets"
    };
    let mut table = finding(own);
    table.extend(journal(own));
    table.extend([
        need(Phase::Observe, "batch", "jobs", &["list"], own),
        need(
            Phase::Observe,
            "autoscaling",
            "horizontalpodautoscalers",
            &["list"],
            own,
        ),
        need(Phase::Observe, "coordination.k8s.io", "leases", &["get"], own),
        need(Phase::Quiesce, "", "pods", &["list", "watch"], own),
        need(
            Phase::Upgrade,
            "",
            records,
            &["create", "get", "list", "update", "patch", "delete"],
            own,
        ),
        need(Phase::Upgrade, "", "pods", &["get", "list", "watch"], own),
        subresource(Phase::Upgrade, "pods", "log", &["get"], own),
        subresource(Phase::Upgrade, "pods", "status", &["patch"], own),
        subresource(Phase::Upgrade, "pods", "portforward", &["get", "create"], own),
        need(
            Phase::Upgrade,
            "batch",
            "jobs",
            &["create", "get", "list", "watch", "delete"],
            own,
        ),
        need(Phase::TurnBack, "", records, &["get", "update", "delete"], own),
        need(Phase::TurnBack, "", "pods", &["list", "watch"], own),
        need(
            Phase::TurnBack,
            "batch",
            "jobs",
            &["get", "list", "watch", "patch"],
            own,
        ),
    ]);
    for kind in &needs.kinds {
        table.extend(of_kind(*kind, own));
    }
    if needs.scaled_objects {
        table.push(scaled_objects(own));
    }
    if let Some(database) = needs.database_namespace.as_deref() {
        table.extend([
            need(Phase::Observe, "", "pods", &["get", "list"], database),
            subresource(
                Phase::Observe,
                "pods",
                "portforward",
                &["get", "create"],
                database,
            ),
        ]);
        table.extend(streams(Phase::Backup, database));
        table.extend(streams(Phase::TurnBack, database));
    }
    flatten(&table)
}

/// Pausing KEDA, seeing that it has paused, and letting it go.
pub(super) fn scaled_objects(own: &str) -> Need<'_> {
    const PAUSE: &[&str] = &["get", "list", "watch", "patch"];
    need(Phase::Quiesce, "keda.sh", "scaledobjects", PAUSE, own)
}

/// The rights of who brings a quiesced release back and does nothing else. `held` are the resources that are held beside
/// the counts: `cronjobs`, `daemonsets`, `scaledobjects`.
pub fn bring_back_rights(own: &str, held: &BTreeSet<&str>) -> Vec<AccessRequest> {
    let mut table = journal(own);
    table.push(need(Phase::Journal, "", "secrets", &["watch"], own));
    table.push(need(Phase::Quiesce, "", "pods", &["list", "watch"], own));
    for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet] {
        let stops = |need: &Need<'_>| need.phase == Phase::Quiesce;
        table.extend(of_kind(kind, own).into_iter().filter(stops));
    }
    for resource in ["deployments", "statefulsets"] {
        // Waiting for the pods, and leaving no owner of a count behind.
        let verbs = &["get", "list", "watch", "patch"];
        table.push(need(Phase::Quiesce, "apps", resource, verbs, own));
    }
    if held.contains("cronjobs") {
        table.push(need(Phase::Quiesce, "batch", "cronjobs", &["get", "patch"], own));
    }
    if held.contains("daemonsets") {
        table.push(need(Phase::Quiesce, "apps", "daemonsets", &["get", "patch"], own));
    }
    if held.contains("scaledobjects") {
        table.push(scaled_objects(own));
    }
    flatten(&table)
}

/// Writing down what a run does, and that nobody else runs meanwhile.
pub(super) fn journal(own: &str) -> Vec<Need<'_>> {
    vec![
        need(
            Phase::Journal,
            "",
            "secrets",
            &["create", "get", "list", "update", "patch", "delete"],
            own,
        ),
        need(
            Phase::Journal,
            "",
            "configmaps",
            &["create", "get", "update", "patch"],
            own,
        ),
        need(
            Phase::Journal,
            "coordination.k8s.io",
            "leases",
            &["create", "get", "update", "patch", "delete"],
            own,
        ),
    ]
}

/// What stopping, upgrading and bringing back one kind of workload takes.
pub(super) fn of_kind(kind: WorkloadKind, own: &str) -> Vec<Need<'_>> {
    const HELM: &[&str] = &["get", "list", "watch", "create", "patch"];
    let scaled = |resource| {
        let scale = |phase| Need {
            subresource: Some("scale"),
            ..need(phase, "apps", resource, &["get", "patch"], own)
        };
        vec![
            scale(Phase::Quiesce),
            need(Phase::Upgrade, "apps", resource, HELM, own),
            scale(Phase::TurnBack),
        ]
    };
    match kind {
        WorkloadKind::Deployment => scaled("deployments"),
        WorkloadKind::StatefulSet => scaled("statefulsets"),
        WorkloadKind::DaemonSet => vec![
            need(Phase::Quiesce, "apps", "daemonsets", &["get", "patch"], own),
            need(Phase::Upgrade, "apps", "daemonsets", HELM, own),
            need(Phase::TurnBack, "apps", "daemonsets", &["get", "patch"], own),
        ],
        WorkloadKind::CronJob => vec![
            need(Phase::Quiesce, "batch", "cronjobs", &["get", "patch"], own),
            need(Phase::Upgrade, "batch", "cronjobs", HELM, own),
            need(Phase::TurnBack, "batch", "cronjobs", &["get", "patch"], own),
        ],
        // Jobs are asked for whatever runs: hooks need them.
        WorkloadKind::Job => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs() -> AccessNeeds {
        AccessNeeds {
            namespace: "shop".into(),
            database_namespace: Some("data".into()),
            kinds: BTreeSet::from([WorkloadKind::Deployment, WorkloadKind::CronJob]),
            scaled_objects: false,
            records_in_config_maps: false,
        }
    }

    fn lines(needs: &AccessNeeds, phase: Phase) -> Vec<String> {
        let requests = access_requests(needs);
        requests
            .iter()
            .filter(|request| request.phase == phase)
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_stopped_deployment_needs_its_scale_and_nothing_wider() {
        let quiesce = lines(&needs(), Phase::Quiesce);
        assert!(
            quiesce.contains(&"patch deployments/scale.apps in shop".to_owned()),
            "{quiesce:?}"
        );
        assert!(
            !quiesce.contains(&"patch deployments.apps in shop".to_owned()),
            "{quiesce:?}"
        );
        assert!(
            !quiesce.iter().any(|line| line.contains("statefulsets")),
            "{quiesce:?}"
        );
    }

    #[test]
    fn a_daemon_set_and_keda_need_their_own_rights_and_only_where_they_are() {
        let quiesce = lines(&needs(), Phase::Quiesce);
        let others = ["daemonsets", "scaledobjects"];
        assert!(
            !quiesce
                .iter()
                .any(|line| others.iter().any(|other| line.contains(other))),
            "{quiesce:?}"
        );
        let more = AccessNeeds {
            kinds: BTreeSet::from([WorkloadKind::DaemonSet]),
            scaled_objects: true,
            ..needs()
        };
        let quiesce = lines(&more, Phase::Quiesce);
        for line in [
            "patch daemonsets.apps in shop",
            "patch scaledobjects.keda.sh in shop",
        ] {
            assert!(quiesce.contains(&line.to_owned()), "{quiesce:?}");
        }
    }

    #[test]
    fn who_brings_back_may_do_nothing_else() {
        let rights = bring_back_rights("shop", &BTreeSet::new());
        let lines: Vec<String> = rights.iter().map(ToString::to_string).collect();
        assert!(
            lines.contains(&"patch deployments/scale.apps in shop".to_owned()),
            "{lines:?}"
        );
        assert!(
            !lines
                .iter()
                .any(|line| line.contains("exec") || line.contains("cronjobs")),
            "{lines:?}"
        );
        assert!(
            !lines.iter().any(|line| line.starts_with("create deployments")),
            "{lines:?}"
        );
    }

    #[test]
    fn streams_into_the_database_pod_are_asked_for_where_the_pod_is() {
        let backup = lines(&needs(), Phase::Backup);
        assert!(
            backup.contains(&"create pods/exec in data".to_owned()),
            "{backup:?}"
        );
        assert!(backup.contains(&"get pods/exec in data".to_owned()), "{backup:?}");
    }

    #[test]
    fn a_database_outside_the_cluster_needs_no_stream() {
        let outside = AccessNeeds {
            database_namespace: None,
            ..needs()
        };
        assert_eq!(lines(&outside, Phase::Backup), Vec::<String>::new());
    }

    #[test]
    fn no_right_is_asked_twice_in_a_phase() {
        let same = AccessNeeds {
            database_namespace: Some("shop".into()),
            ..needs()
        };
        let requests = access_requests(&same);
        let unique: std::collections::HashSet<_> = requests.iter().collect();
        assert_eq!(unique.len(), requests.len());
    }
}
