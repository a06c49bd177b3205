//! Who migrates, in a chart that does not run yet.

use std::collections::BTreeMap;

use backup::MigrationBy;
use checks::{Assigned, hook_migrates};
use k8s_openapi::api::core::v1::PodSpec;
use model::profile::RoleKind;
use model::{Profile, RenderedHook, Target, WorkloadKind, WorkloadName};
use serde::Deserialize as _;
use serde_json::Value;

/// A part of the target that may be the one that migrates.
#[derive(Debug, Clone, PartialEq)]
pub struct Migrator {
    /// The hook Job or workload.
    pub name: WorkloadName,
    /// Its pod template.
    pub template: PodSpec,
    /// The claims that a StatefulSet makes, of its first pod.
    pub claims: BTreeMap<String, String>,
    /// How it ends well.
    pub by: MigrationBy,
    /// Its role, where it has one.
    pub role: Option<String>,
    /// The application's version by its label.
    pub version: Option<String>,
}

/// Those that may be meant: the hook Jobs around an upgrade where a hook migrates, else the workloads that migrate when they
/// boot; whatever the user names. `objects` are those of the manifest and those of the hooks; `wanted` is the user's word, `NAME` or `KIND/NAME`.
///
/// # Errors
/// In words, where there is none.
pub fn migrators(
    profile: &Profile,
    target: &Target,
    (objects, hooks): (&[Value], &[Value]),
    members: &[Assigned],
    namespace: &str,
    wanted: Option<&str>,
) -> Result<Vec<Migrator>, String> {
    let by_hook = hook_migrates(profile, Some(target));
    let found = match wanted {
        Some(wanted) => {
            let mut all = of_hooks(&target.hooks, hooks, namespace);
            all.extend(of_workloads(objects, members, namespace, true));
            all.retain(|one| one.name.name == wanted || one.name.to_string() == wanted);
            all
        }
        None if by_hook => of_hooks(&target.hooks, hooks, namespace),
        None => of_workloads(objects, members, namespace, false),
    };
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match (wanted, by_hook) {
        (Some(wanted), _) => {
            format!("the target has no workload {wanted}, and no hook Job of that name around an upgrade")
        }
        (None, true) => "the profile says that a hook Job migrates, and the target has none around an upgrade".into(),
        (None, false) => {
            "nothing says which workload of the target migrates: name it with --migrator KIND/NAME, or in a profile".into()
        }
    })
}

/// The hook Jobs before an upgrade; where there is none, those after.
fn of_hooks(facts: &[RenderedHook], objects: &[Value], namespace: &str) -> Vec<Migrator> {
    let around = |event: &str| -> Vec<Migrator> {
        let hooks = facts
            .iter()
            .zip(objects)
            .filter(|(hook, _)| hook.object.kind == "Job" && hook.events.iter().any(|found| found == event));
        hooks
            .filter_map(|(_, object)| migrator(object, namespace, MigrationBy::Job, None))
            .collect()
    };
    let before = around("pre-upgrade");
    if before.is_empty() {
        around("post-upgrade")
    } else {
        before
    }
}

/// The workloads whose role is to migrate; where the user names one, any that keeps running may be meant.
fn of_workloads(objects: &[Value], members: &[Assigned], namespace: &str, any: bool) -> Vec<Migrator> {
    let of = |object: &Value| {
        let migrator = migrator(object, namespace, MigrationBy::Boot, None)?;
        let member = members
            .iter()
            .find(|member| member.workload.name == migrator.name);
        let migrates = member.is_some_and(|member| member.kind == RoleKind::Migrator);
        (any || migrates).then(|| Migrator {
            role: member.map(|member| member.role.clone()),
            ..migrator
        })
    };
    objects.iter().filter_map(of).collect()
}

fn migrator(object: &Value, namespace: &str, by: MigrationBy, role: Option<String>) -> Option<Migrator> {
    let kind = match (object["kind"].as_str()?, by) {
        ("Job", MigrationBy::Job) => WorkloadKind::Job,
        ("Deployment", MigrationBy::Boot) => WorkloadKind::Deployment,
        ("StatefulSet", MigrationBy::Boot) => WorkloadKind::StatefulSet,
        ("DaemonSet", MigrationBy::Boot) => WorkloadKind::DaemonSet,
        _ => return None,
    };
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str()?;
    let spec = &object["spec"];
    let claim = |template: &Value| {
        let volume = template["metadata"]["name"].as_str()?;
        Some((volume.to_owned(), format!("{volume}-{name}-0")))
    };
    let claims = spec["volumeClaimTemplates"].as_array();
    Some(Migrator {
        name: WorkloadName {
            kind,
            namespace: metadata["namespace"].as_str().unwrap_or(namespace).to_owned(),
            name: name.to_owned(),
        },
        template: PodSpec::deserialize(&spec["template"]["spec"]).ok()?,
        claims: claims.into_iter().flatten().filter_map(claim).collect(),
        by,
        role,
        version: metadata["labels"]["app.kubernetes.io/version"]
            .as_str()
            .map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use model::profile::QuiesceNeed;
    use model::{ChartIdentity, ObjectName, Seen, UpdateStrategy, Workload};
    use serde_json::json;

    use super::*;

    fn object(kind: &str, name: &str) -> Value {
        json!({
            "kind": kind,
            "metadata": { "name": name, "labels": { "app.kubernetes.io/version": "2" } },
            "spec": {
                "template": { "spec": { "containers": [{ "name": "main", "image": "x:2" }] } },
                "volumeClaimTemplates": [{ "metadata": { "name": "data" } }],
            },
        })
    }

    fn hook(kind: &str, name: &str, event: &str) -> RenderedHook {
        RenderedHook {
            object: ObjectName {
                api_version: "batch/v1".into(),
                kind: kind.into(),
                namespace: "shop".into(),
                name: name.into(),
            },
            events: vec![event.into()],
            active_deadline_seconds: None,
            images: Vec::new(),
            delete_policies: Vec::new(),
        }
    }

    fn member(kind: WorkloadKind, name: &str, part: RoleKind) -> Assigned {
        Assigned {
            workload: Workload {
                name: WorkloadName {
                    kind,
                    namespace: "shop".into(),
                    name: name.into(),
                },
                labels: BTreeMap::new(),
                selector: BTreeMap::new(),
                desired: Some(1),
                ready: 1,
                updated: 1,
                suspended: None,
                strategy: UpdateStrategy::None,
                containers: Vec::new(),
                grace_seconds: 30,
                paused: false,
                is_database: false,
            },
            role: name.into(),
            kind: part,
            quiesce: QuiesceNeed::Required,
            order: 0,
            reason: String::new(),
        }
    }

    fn found(hooks: &[(&str, &str, &str)], wanted: Option<&str>) -> Result<Vec<String>, String> {
        let profile = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: shop\n";
        let profile = model::profile::parse("shop", profile).unwrap();
        let target = Target {
            reference: "./shop".into(),
            chart: ChartIdentity {
                name: "shop".into(),
                version: "2".into(),
                app_version: None,
            },
            workloads: Vec::new(),
            hooks: hooks
                .iter()
                .map(|(kind, name, event)| hook(kind, name, event))
                .collect(),
            values: Seen::Absent,
            dry_run: Seen::Absent,
            changed_secrets: Seen::Absent,
            definitions: Seen::Absent,
            claims: Seen::Absent,
            timeout_seconds: 300,
            migrations: None,
            notes: None,
            is_upgrade: true,
        };
        let hook_objects: Vec<Value> = hooks.iter().map(|(kind, name, _)| object(kind, name)).collect();
        let objects = [
            object("Service", "web"),
            object("Deployment", "web"),
            object("StatefulSet", "worker"),
        ];
        let members = [
            member(WorkloadKind::Deployment, "web", RoleKind::Migrator),
            member(WorkloadKind::StatefulSet, "worker", RoleKind::Writer),
        ];
        let found = migrators(
            &profile,
            &target,
            (&objects, &hook_objects),
            &members,
            "shop",
            wanted,
        )?;
        Ok(found
            .into_iter()
            .map(|one| {
                format!(
                    "{} {:?} {:?}",
                    one.name,
                    one.by,
                    one.role.as_deref().unwrap_or_default()
                )
            })
            .collect())
    }

    #[test]
    fn hook_jobs_before_the_upgrade_come_before_all_else() {
        let hooks = [
            ("ConfigMap", "conf", "pre-upgrade"),
            ("Job", "migrate", "pre-upgrade"),
            ("Job", "seed", "pre-upgrade"),
            ("Job", "after", "post-upgrade"),
        ];
        let both = vec!["job/migrate Job \"\"".to_owned(), "job/seed Job \"\"".to_owned()];
        assert_eq!(found(&hooks, None), Ok(both.clone()));
        assert_eq!(found(&hooks, Some("seed")), Ok(both[1..].to_vec()));
        assert_eq!(found(&hooks, Some("job/migrate")), Ok(both[..1].to_vec()));
        // Whoever names a workload means it.
        let named = vec!["deployment/web Boot \"web\"".to_owned()];
        assert_eq!(found(&hooks, Some("web")), Ok(named));
        assert!(
            found(&hooks, Some("after"))
                .unwrap_err()
                .contains("no hook Job of that name")
        );
    }

    #[test]
    fn without_a_hook_the_workload_that_migrates_is_meant_or_the_one_that_is_named() {
        assert_eq!(
            found(&[], None),
            Ok(vec!["deployment/web Boot \"web\"".to_owned()])
        );
        assert_eq!(
            found(&[], Some("statefulset/worker")),
            Ok(vec!["statefulset/worker Boot \"worker\"".to_owned()])
        );
        assert!(found(&[], Some("db")).unwrap_err().contains("no workload db"));
    }

    #[test]
    fn a_stateful_set_has_the_claims_of_its_first_pod() {
        let found = migrator(&object("StatefulSet", "web"), "shop", MigrationBy::Boot, None).unwrap();
        assert_eq!(
            found.claims,
            [("data".to_owned(), "data-web-0".to_owned())].into()
        );
        assert_eq!(found.version.as_deref(), Some("2"));
    }
}
