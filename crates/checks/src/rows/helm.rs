//! The Helm release: its state, who else works on it, its records and hooks.

use model::{Category, Confidence, Observation, ReleaseStatus, Severity, Target};

use crate::check::{Check, Judged, Judgement, bytes, duration, given, listed, needed, readable, some_of};
use crate::rows::owner;
use crate::words::{age, last_good};

/// A record this near to what a Secret may hold leaves no room for the next, larger one.
const RECORD_WARNING_BYTES: u64 = 768 * 1024;
/// What a Secret may hold.
const RECORD_LIMIT_BYTES: u64 = 1024 * 1024;

const NO_RELEASE: &str = "there is no such release";

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "helm-pending",
        category: Category::Helm,
        title: "no other Helm operation is under way",
        severity: Severity::Block,
        judge: |seen, _, _| pending(seen),
    },
    Check {
        id: "helm-release",
        category: Category::Helm,
        title: "the newest revision is the one in force",
        severity: Severity::Block,
        judge: |seen, _, _| state(seen),
    },
    Check {
        id: "helm-removed-kinds",
        category: Category::Helm,
        title: "the cluster still has every kind that the running revision is made of",
        severity: Severity::Block,
        judge: |seen, _, _| removed_kinds(seen),
    },
    Check {
        id: "helm-owner",
        category: Category::Helm,
        title: "nobody else deploys the release",
        severity: Severity::Block,
        judge: |seen, _, profile| owner::judge(seen, profile),
    },
    Check {
        id: "helm-hook-leftover",
        category: Category::Helm,
        title: "no Job stands where a hook of the target will put its own",
        severity: Severity::Block,
        judge: |seen, target, _| hook_leftover(seen, target),
    },
    Check {
        id: "helm-post-upgrade-hooks",
        category: Category::Helm,
        title: "no hook needs running pods before the gate opens",
        severity: Severity::Info,
        judge: |_, target, _| post_upgrade_hooks(target),
    },
    Check {
        id: "helm-record-size",
        category: Category::Helm,
        title: "the release's record leaves room for the next one",
        severity: Severity::Warn,
        judge: |seen, _, _| record_size(seen),
    },
    Check {
        id: "helm-rollback-target",
        category: Category::Helm,
        title: "the revision before this one was in force once",
        severity: Severity::Info,
        judge: |seen, _, _| rollback_target(seen),
    },
];

fn pending(seen: &Observation) -> Judgement {
    let release = needed(&seen.release, "the release's record", NO_RELEASE)?;
    if !release.status.is_pending() {
        return Ok(Judged::pass(format!(
            "revision {} is not pending",
            release.revision
        )));
    }
    let age = age(seen, release.updated.as_deref());
    let since = age.map_or_else(String::new, |age| format!(" for {}", duration(age)));
    let running: Vec<String> = seen
        .hook_jobs
        .present()
        .into_iter()
        .flatten()
        .filter(|job| job.active)
        .map(|job| job.name.clone())
        .collect();
    let hooks = if running.is_empty() {
        String::new()
    } else {
        format!("; Job {} still runs", some_of(&running))
    };
    let mut judged = Judged::fail(format!(
        "revision {} has been pending{since} ({}): another helm works on it or was killed{hooks}",
        release.revision, release.description
    ))
    .sure(Confidence::Observed)
    .with("revision", release.revision)
    .with("description", release.description.clone())
    .with("runningJobs", running);
    if let Some(age) = age {
        judged = judged.with("ageSeconds", age);
    }
    if let Some(run) = seen.unfinished_run.present() {
        return Ok(judged.command(
            format!("run {run} of safe-upgrade left it; take it up again"),
            format!(
                "helm safe-upgrade resume {} -n {}",
                seen.release_name, seen.namespace
            ),
        ));
    }
    judged = judged
        .command(
            "see who works on it; wait for that helm to end",
            format!("helm history {} -n {}", seen.release_name, seen.namespace),
        )
        .command(
            "where that helm was killed: look whether anything still works, and let Helm go on",
            format!(
                "helm safe-upgrade unlock {} -n {}",
                seen.release_name, seen.namespace
            ),
        );
    Ok(match last_good(seen) {
        Some(good) => judged.command(
            "when you are sure that no helm works on it and that its Jobs have ended, put the last good revision back",
            format!("helm rollback {} {good} -n {}", seen.release_name, seen.namespace),
        ),
        None => judged,
    })
}

fn state(seen: &Observation) -> Judgement {
    let release = needed(&seen.release, "the release's record", NO_RELEASE)?;
    let number = release.revision;
    let judged = match release.status {
        ReleaseStatus::Deployed => Judged::pass(format!("revision {number} is deployed")),
        ReleaseStatus::PendingInstall | ReleaseStatus::PendingUpgrade | ReleaseStatus::PendingRollback => {
            return Err(crate::check::Unjudged::Skip(format!(
                "revision {number} is pending: see helm-pending"
            )));
        }
        ReleaseStatus::Failed => match last_good(seen) {
            Some(good) => Judged::warn(format!(
                "revision {number} failed ({}) and may be partly applied; revision {good} was the last in force",
                release.description
            ))
            .command(
                "see what it left behind before going on",
                format!("helm status {} -n {}", seen.release_name, seen.namespace),
            ),
            None => Judged::fail(format!(
                "revision {number} failed ({}) and no revision was ever in force: there is nothing to turn back to",
                release.description
            ))
            .advise("bring the first installation to an end by plain helm, then upgrade"),
        },
        ReleaseStatus::Superseded => Judged::fail(format!(
            "revision {number} is the newest, yet marked as replaced: its successor's record is gone"
        ))
        .command(
            "put the revision that runs in force again by its number",
            format!("helm rollback {} {number} -n {}", seen.release_name, seen.namespace),
        ),
        ReleaseStatus::Uninstalled | ReleaseStatus::Uninstalling | ReleaseStatus::Unknown => {
            Judged::fail(format!("revision {number} is not in force ({})", release.description))
                .advise("an upgrade needs a release that runs")
        }
    };
    Ok(judged.with("revision", number).with(
        "applyMethod",
        serde_json::to_value(release.apply_method).unwrap_or_default(),
    ))
}

/// Helm builds the objects of the running revision before it replaces any, so that a new chart alone does not help.
fn removed_kinds(seen: &Observation) -> Judgement {
    let what = "which kinds of the running revision the cluster has";
    let gone = needed(&seen.unserved, what, NO_RELEASE)?;
    if gone.is_empty() {
        return Ok(Judged::pass(
            "the cluster still has every kind of the running revision",
        ));
    }
    let names: Vec<String> = gone
        .iter()
        .map(|object| format!("{object} of {}", object.api_version))
        .collect();
    Ok(Judged::fail(format!(
        "the cluster does not have the kind of {}: Helm cannot read what it has to replace, and refuses",
        some_of(&names)
    ))
    .sure(Confidence::Observed)
    .with("objects", names)
    .command(
        "where a newer version of the kind is there: bring the record to it by Helm's plugin mapkubeapis",
        format!("helm mapkubeapis {} -n {}", seen.release_name, seen.namespace),
    )
    .advise("where a definition is missing (a CustomResourceDefinition, an API server beside the cluster's own), bring it back"))
}

/// Helm 4 applies a hook Job over a finished one of the same specification, which changes nothing: the migration is
/// taken as done and never runs. A Job that still runs is deleted in mid-work by the default delete policy.
fn hook_leftover(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let jobs = listed(&seen.hook_jobs, "the Jobs of hooks")?;
    let hooks: Vec<_> = target
        .hooks
        .iter()
        .filter(|hook| {
            hook.object.kind == "Job"
                && hook
                    .events
                    .iter()
                    .any(|event| event == "pre-upgrade" || event == "post-upgrade")
        })
        .collect();
    if hooks.is_empty() {
        return Err(crate::check::Unjudged::Skip(
            "the target has no upgrade hook Job".into(),
        ));
    }
    let mut running = Vec::new();
    let mut in_the_way = Vec::new();
    for hook in &hooks {
        let Some(job) = jobs.iter().find(|job| job.name == hook.object.name) else {
            continue;
        };
        let replaced = hook.delete_policies.is_empty()
            || hook
                .delete_policies
                .iter()
                .any(|policy| policy == "before-hook-creation");
        if job.active {
            running.push(job.name.clone());
        } else if !replaced {
            in_the_way.push(job.name.clone());
        }
    }
    if let Some(name) = running.first() {
        return Ok(Judged::fail(format!(
            "hook Job {name} of an earlier upgrade still runs; Helm would delete it in mid-work"
        ))
        .sure(Confidence::Observed)
        .with("running", running.clone())
        .command(
            "wait until it has ended",
            format!(
                "kubectl wait --for=condition=Complete job/{name} -n {} --timeout=10m",
                seen.namespace
            ),
        ));
    }
    if let Some(name) = in_the_way.first() {
        return Ok(Judged::fail(format!(
            "Job {name} is left over and its hook does not replace it: Helm 4 may take the old Job for the new one and \
             migrate nothing, Helm 3 stops half-way"
        ))
        .with("leftover", in_the_way.clone())
        .command(
            "delete the finished Job",
            format!("kubectl delete job {name} -n {}", seen.namespace),
        ));
    }
    Ok(Judged::pass(format!("{} hook Jobs start fresh", hooks.len())))
}

fn post_upgrade_hooks(target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let hooks: Vec<String> = target
        .hooks
        .iter()
        .filter(|hook| hook.events.iter().any(|event| event == "post-upgrade"))
        .map(|hook| hook.object.to_string())
        .collect();
    if hooks.is_empty() {
        return Ok(Judged::pass("the target has no post-upgrade hook"));
    }
    Ok(Judged::warn(format!(
        "{} expects running pods: the new version serves before it is judged (gate `after`)",
        some_of(&hooks)
    ))
    .with("hooks", hooks)
    .advise("read in the plan what turning back costs with gate `after`"))
}

fn record_size(seen: &Observation) -> Judgement {
    let release = needed(&seen.release, "the release's record", NO_RELEASE)?;
    let size = release.stored_bytes as u64;
    let judged = if size < RECORD_WARNING_BYTES {
        Judged::pass(format!("{} of {}", bytes(size), bytes(RECORD_LIMIT_BYTES)))
    } else {
        Judged::warn(format!(
            "the newest record takes {} of the {} that a Secret holds; a larger one stops the upgrade",
            bytes(size),
            bytes(RECORD_LIMIT_BYTES)
        ))
        .advise("take large files out of the chart, or keep them in ConfigMaps of their own")
    };
    Ok(judged.with("bytes", size))
}

fn rollback_target(seen: &Observation) -> Judgement {
    let release = needed(&seen.release, "the release's record", NO_RELEASE)?;
    let history = listed(&seen.history, "the release's history")?;
    let before = history
        .iter()
        .filter(|line| line.revision < release.revision)
        .max_by_key(|line| line.revision);
    let Some(before) = before else {
        return Err(crate::check::Unjudged::Skip("this is the first revision".into()));
    };
    match before.status {
        ReleaseStatus::Deployed | ReleaseStatus::Superseded => Ok(Judged::pass(format!(
            "`helm rollback` without a number would go to revision {}",
            before.revision
        ))),
        ReleaseStatus::Failed
        | ReleaseStatus::Unknown
        | ReleaseStatus::Uninstalled
        | ReleaseStatus::Uninstalling
        | ReleaseStatus::PendingInstall
        | ReleaseStatus::PendingUpgrade
        | ReleaseStatus::PendingRollback => {
            let judged = Judged::warn(format!(
                "`helm rollback` without a number would go to revision {}, which never came into force",
                before.revision
            ))
            .with("revision", before.revision);
            Ok(
                match readable(&seen.history, "the release's history")?.and(last_good(seen)) {
                    Some(good) => judged.command(
                        "name the revision when you roll back by hand",
                        format!("helm rollback {} {good} -n {}", seen.release_name, seen.namespace),
                    ),
                    None => judged.advise("name the revision when you roll back by hand"),
                },
            )
        }
    }
}
