//! How a release stands before a run, for the comparison afterwards.

use checks::{Assigned, Observed};
use cluster::Cluster;
use engine::Clock;
use model::profile::RoleKind;
use model::{Before, ServiceEndpoints, Workload, causes};

use crate::error_lines::is_error;
use crate::steps::LOG_WINDOW;

/// Looks. What cannot be read is not compared afterwards, and the plan says so by the notices that come with it.
pub(super) async fn before(
    cluster: &Cluster,
    namespace: &str,
    observed: &Observed,
    members: &[Assigned],
    clock: &Clock,
) -> (Before, Vec<String>) {
    let mut before = Before::default();
    let mut notices = Vec::new();
    for name in services(observed, namespace) {
        match cluster.ready_endpoints(namespace, &name).await {
            Ok(None | Some(0)) => {}
            Ok(Some(ready)) => before.services.push(ServiceEndpoints {
                namespace: namespace.to_owned(),
                name,
                ready,
            }),
            Err(error) => {
                notices.push(format!(
                    "endpoints are not compared afterwards: {}",
                    causes(&error)
                ));
                break;
            }
        }
    }
    let workloads: Vec<Workload> = members
        .iter()
        .filter(|member| member.kind != RoleKind::Database && !member.workload.is_database)
        .map(|member| member.workload.clone())
        .collect();
    let markers = &observed.profile.compare.error_markers;
    let counted = cluster.log_errors(&workloads, clock.now(), LOG_WINDOW, |line| {
        is_error(line, markers)
    });
    match counted.await {
        Ok(errors) => before.errors = Some(errors),
        Err(error) => {
            notices.push(format!(
                "errors in logs are not compared afterwards: {}",
                causes(&error)
            ));
        }
    }
    (before, notices)
}

/// The Services of the running revision's manifest.
fn services(observed: &Observed, namespace: &str) -> Vec<String> {
    let Some(stored) = &observed.stored else {
        return Vec::new();
    };
    let is_here = |object: &serde_json::Value| {
        let of = object["metadata"]["namespace"].as_str();
        object["kind"] == "Service" && of.is_none_or(|of| of == namespace)
    };
    helm::manifest::objects(&stored.manifest)
        .unwrap_or_default()
        .iter()
        .filter(|object| is_here(object))
        .filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned))
        .collect()
}
