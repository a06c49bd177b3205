//! From a rendered chart to what the checks judge.

use cluster::Cluster;
use futures::stream::{self, StreamExt};
use helm::{HelmError, HelmMajor, TargetParts, target_parts, values_hazard};
use model::{ApplyMethod, ObjectDryRun, ObjectName, Seen, Target, ValuesHazard};
use serde_json::Value;

use super::TargetRequest;
use super::claims::claims;
use super::definitions::definitions;
use super::secrets::changed_secrets;

/// Helm's own field manager for server-side apply.
const FIELD_MANAGER: &str = "helm";
/// Helm's own default for `--timeout`, in seconds.
const HELM_TIMEOUT_SECONDS: u64 = 300;
/// How many objects are asked about at once: enough to hide the way there, few enough for a busy API server.
const AT_ONCE: usize = 8;

/// Asks the API server about every object of a rendered target, without changing any, and compares values and Secrets
/// with what runs.
///
/// # Errors
/// When helm rendered something that is no YAML. What cannot be asked is `Unreadable` in its place.
pub async fn target(request: &TargetRequest<'_>) -> Result<Target, HelmError> {
    let TargetRequest {
        cluster,
        namespace,
        line,
        major,
        chart,
        rendered,
        stored,
    } = request;
    let TargetParts {
        workloads,
        hooks,
        objects,
    } = target_parts(rendered, namespace)?;
    let apply_method = stored.map(|stored| stored.release.apply_method);
    let force = conflicts_out_of_question(apply_method, *major, &line.passed);
    let (dry_run, changed_secrets, definitions, claims) = tokio::join!(
        dry_run(cluster, namespace, &objects, force),
        changed_secrets(cluster, namespace, &objects),
        definitions(cluster, chart),
        claims(cluster, namespace, &objects),
    );
    Ok(Target {
        reference: line.chart.clone().unwrap_or_default(),
        chart: rendered.chart.clone(),
        workloads,
        hooks,
        values: hazard(request),
        dry_run: Seen::Present(dry_run),
        changed_secrets,
        definitions,
        claims,
        timeout_seconds: line
            .timeout
            .map_or(HELM_TIMEOUT_SECONDS, |timeout| timeout.as_secs()),
        migrations: None,
        notes: None,
        is_upgrade: true,
    })
}

fn hazard(request: &TargetRequest<'_>) -> Seen<ValuesHazard> {
    let Some(stored) = request.stored else {
        return Seen::Unreadable("the running revision's values could not be read".into());
    };
    let hazard = values_hazard(
        &stored.values,
        request.rendered,
        request.chart,
        request.line.reuse,
    );
    Seen::from_result(hazard.map(Some))
}

/// Whether field owners do not matter: client-side apply never asks for them, and `--force-conflicts` overrules them.
///
/// Helm 3 knows only the client side. Helm 4 repeats the previous revision's method unless told otherwise.
fn conflicts_out_of_question(running: Option<ApplyMethod>, major: HelmMajor, flags: &[String]) -> bool {
    let says = |name: &str| {
        let with_value = format!("{name}=");
        flags.iter().enumerate().find_map(|(index, flag)| {
            if let Some(value) = flag.strip_prefix(&with_value) {
                Some(value)
            } else if flag == name {
                let next = flags.get(index + 1).map(String::as_str);
                Some(next.filter(|next| !next.starts_with('-')).unwrap_or("true"))
            } else {
                None
            }
        })
    };
    if says("--force-conflicts").is_some_and(|value| value != "false") {
        return true;
    }
    match (major, says("--server-side")) {
        (HelmMajor::Three, _) | (HelmMajor::Four, Some("false")) => true,
        // What this Helm would migrate from the client side conflicts with Helm's own earlier entry in a dry run only.
        (HelmMajor::Four, _) => running != Some(ApplyMethod::ServerSide),
    }
}

async fn dry_run(
    cluster: &Cluster,
    namespace: &str,
    objects: &[(ObjectName, Value)],
    force: bool,
) -> Vec<ObjectDryRun> {
    stream::iter(objects)
        .map(|(name, object)| async move {
            ObjectDryRun {
                object: name.clone(),
                outcome: cluster
                    .dry_run_apply(object, namespace, FIELD_MANAGER, force)
                    .await,
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(running: ApplyMethod, major: HelmMajor, flags: &[&str]) -> bool {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        conflicts_out_of_question(Some(running), major, &flags)
    }

    #[test]
    fn only_a_server_side_release_under_helm_4_meets_conflicts() {
        assert!(!out(ApplyMethod::ServerSide, HelmMajor::Four, &[]));
        assert!(out(ApplyMethod::ServerSide, HelmMajor::Three, &[]));
        assert!(out(ApplyMethod::ClientSide, HelmMajor::Four, &[]));
    }

    #[test]
    fn flags_that_overrule_owners_are_heard() {
        assert!(out(
            ApplyMethod::ServerSide,
            HelmMajor::Four,
            &["--force-conflicts"]
        ));
        assert!(!out(
            ApplyMethod::ServerSide,
            HelmMajor::Four,
            &["--force-conflicts=false"]
        ));
        assert!(out(
            ApplyMethod::ServerSide,
            HelmMajor::Four,
            &["--server-side=false"]
        ));
        assert!(out(
            ApplyMethod::ServerSide,
            HelmMajor::Four,
            &["--server-side", "false"]
        ));
    }
}
