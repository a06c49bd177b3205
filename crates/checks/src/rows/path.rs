//! The way from version to version: what the target changes, what the API server says to it, who is on the way already.

use std::collections::BTreeSet;

use model::profile::{QuiesceNeed, RoleKind};
use model::{
    Category, Confidence, DryRunOutcome, FieldConflict, ObjectDryRun, Observation, Profile, Severity, Target,
    Version,
};

use crate::assign::assign;
use crate::check::{Check, Judged, Judgement, Unjudged, duration, given, listed, needed, readable, some_of};
use crate::image::Image;
use crate::profiles::GENERIC;
use crate::rows::migration::schema_of;
use crate::words::age;

/// How long a run's lease is good for without renewal, in seconds.
const LEASE_SECONDS: f64 = 60.0;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "run-lease",
        category: Category::Path,
        title: "no other run of safe-upgrade holds the release",
        severity: Severity::Block,
        judge: |seen, _, _| lease(seen),
    },
    Check {
        id: "run-unfinished",
        category: Category::Path,
        title: "no earlier run of safe-upgrade waits to be ended",
        severity: Severity::Block,
        judge: |seen, _, _| unfinished(seen),
    },
    Check {
        id: "profile",
        category: Category::Path,
        title: "a profile knows this application",
        severity: Severity::Info,
        judge: |_, _, profile| Ok(profile_known(profile)),
    },
    Check {
        id: "version-jump",
        category: Category::Path,
        title: "the target is a newer version of the same chart",
        severity: Severity::Warn,
        judge: |seen, target, _| version_jump(seen, target),
    },
    Check {
        id: "image-change",
        category: Category::Path,
        title: "no image goes back to an older version",
        severity: Severity::Warn,
        judge: |seen, target, _| image_change(seen, target),
    },
    Check {
        id: "schema-known",
        category: Category::Path,
        title: "the schema is the one that the running version brings",
        severity: Severity::Warn,
        judge: |seen, _, profile| schema_known(seen, profile),
    },
    Check {
        id: "apply-conflicts",
        category: Category::Path,
        title: "nobody else owns a field that the target sets",
        severity: Severity::Block,
        judge: conflicts,
    },
    Check {
        id: "apply-refused",
        category: Category::Path,
        title: "the API server accepts every object of the target",
        severity: Severity::Block,
        judge: |_, target, _| refused(target),
    },
    Check {
        id: "values-kept",
        category: Category::Path,
        title: "the upgrade keeps your values and the chart's new defaults",
        severity: Severity::Warn,
        judge: |_, target, _| values(target),
    },
    Check {
        id: "secret-change",
        category: Category::Path,
        title: "the upgrade leaves the database's credentials as they are",
        severity: Severity::Block,
        judge: secret_change,
    },
];

fn lease(seen: &Observation) -> Judgement {
    let Some(lease) = readable(&seen.lease, "the lease of runs")? else {
        return Ok(Judged::pass("nobody holds the lease"));
    };
    let quiet = age(seen, lease.renewed.as_deref());
    let judged = match quiet {
        Some(quiet) if quiet > LEASE_SECONDS => Judged::warn(format!(
            "{} held the lease and has been silent for {}: it has ended or lost the cluster",
            lease.holder,
            duration(quiet)
        )),
        Some(_) | None => Judged::fail(format!("{} is upgrading this release now", lease.holder)).command(
            "watch it, or wait until it has ended",
            format!(
                "helm safe-upgrade status {} -n {}",
                seen.release_name, seen.namespace
            ),
        ),
    };
    // Its holder's clock wrote the time, ours read it.
    Ok(judged
        .sure(Confidence::Observed)
        .with("holder", lease.holder.clone()))
}

fn unfinished(seen: &Observation) -> Judgement {
    let Some(run) = readable(&seen.unfinished_run, "the journals of runs")? else {
        return Ok(Judged::pass("every earlier run has ended"));
    };
    let name = &seen.release_name;
    Ok(Judged::fail(format!(
        "run {run} is not over: it stopped half-way, or holds the release stopped, and waits for a person"
    ))
    .with("run", run.clone())
    .command(
        "carry it on",
        format!("helm safe-upgrade resume {name} -n {}", seen.namespace),
    )
    .command(
        "or put everything back",
        format!("helm safe-upgrade abort {name} -n {}", seen.namespace),
    ))
}

fn profile_known(profile: &Profile) -> Judged {
    if profile.name == GENERIC {
        Judged::warn(
            "no profile knows this application: the generic one works from what is observed, and every workload is held to write",
        )
        .sure(Confidence::Inferred)
        .advise("write a profile to say who migrates and who writes: docs/profiles.md")
    } else {
        Judged::pass(format!("profile {}", profile.name))
    }
    .with("profile", profile.name.clone())
}

fn version_jump(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let release = needed(&seen.release, "the release's record", "there is no such release")?;
    if !target.is_upgrade {
        return Err(Unjudged::Skip("the running revision itself is judged".into()));
    }
    let (from, to) = (&release.chart, &target.chart);
    let version =
        |chart: &model::ChartIdentity| chart.app_version.clone().unwrap_or_else(|| chart.version.clone());
    let (old, new) = (version(from), version(to));
    let jump = format!("{old} to {new} (chart {} to {})", from.version, to.version);
    let judged = if from.name != to.name {
        Judged::warn(format!(
            "chart {} would be replaced by chart {}",
            from.name, to.name
        ))
        .advise("see that the chart you named is the one you mean")
    } else {
        match (Version::parse(&old), Version::parse(&new)) {
            (Some(a), Some(b)) if b < a => Judged::warn(format!(
                "this goes back from {jump}: an older version seldom understands a newer schema"
            ))
            .advise(
                "put the database back to a backup of that version instead of going back over a newer schema",
            ),
            (Some(a), Some(b)) if a == b => Judged::pass(format!(
                "the same version {old}, chart {} to {}",
                from.version, to.version
            )),
            (Some(a), Some(b)) if b.major() > a.major() => {
                Judged::pass(format!("{jump}, over a major version: read its notes"))
            }
            (Some(_), Some(_)) => Judged::pass(jump),
            (None, _) | (_, None) => {
                Judged::pass(format!("{jump}, which cannot be put in order")).sure(Confidence::Inferred)
            }
        }
    };
    Ok(judged.with("from", old).with("to", new))
}

fn image_change(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let workloads = listed(&seen.workloads, "the release's workloads")?;
    let mut changes = BTreeSet::new();
    let mut older = BTreeSet::new();
    for rendered in &target.workloads {
        let Some(live) = workloads.iter().find(|live| live.name == rendered.name) else {
            continue;
        };
        for container in &rendered.containers {
            let Some(running) = live.containers.iter().find(|c| c.name == container.name) else {
                continue;
            };
            if running.image == container.image {
                continue;
            }
            let change = format!("{} to {}", running.image, container.image);
            let (a, b) = (Image::parse(&running.image), Image::parse(&container.image));
            let version = |image: Image<'_>| image.tag.and_then(Version::parse);
            if a.repository == b.repository
                && let (Some(a), Some(b)) = (version(a), version(b))
                && b < a
            {
                older.insert(change.clone());
            }
            changes.insert(change);
        }
    }
    let changes: Vec<String> = changes.into_iter().collect();
    let older: Vec<String> = older.into_iter().collect();
    let judged = if !older.is_empty() {
        Judged::warn(format!("an older image would run: {}", some_of(&older)))
            .advise("see that the tag you set is the one you mean")
    } else if changes.is_empty() {
        Judged::pass("no image changes")
    } else {
        Judged::pass(some_of(&changes))
    };
    Ok(judged.with("changes", changes))
}

fn schema_known(seen: &Observation, profile: &Profile) -> Judgement {
    let release = needed(&seen.release, "the release's record", "there is no such release")?;
    let expected = schema_of(profile, release.chart.app_version.as_deref()).ok_or_else(|| {
        Unjudged::Skip(format!(
            "profile {} does not say which schema the running version brings",
            profile.name
        ))
    })?;
    let database = needed(&seen.database, "the database", "no database was found")?;
    let state = needed(
        &database.migration,
        "the migration tool's state",
        "no table of a known migration tool was found",
    )?;
    let found = state.version.clone().unwrap_or_default();
    let judged = if found == expected.version {
        Judged::pass(format!("schema {found}"))
    } else {
        let ahead = match (found.parse::<i64>(), expected.version.parse::<i64>()) {
            (Ok(found), Ok(expected)) if found > expected => {
                "is ahead: an upgrade was rolled back without its data, or a newer version runs elsewhere"
            }
            (Ok(_), Ok(_)) => "is behind: a migration did not run",
            (_, _) => "is another one",
        };
        Judged::warn(format!(
            "the schema is {found}, the running version brings {}: it {ahead}",
            expected.version
        ))
        .advise("find out which version wrote to this database last before going on")
    };
    Ok(judged
        .with("found", found)
        .with("expected", expected.version.clone()))
}

fn dry_run(target: Option<&Target>) -> Result<&[ObjectDryRun], Unjudged> {
    let target = given(target)?;
    readable(&target.dry_run, "the API server's dry run")?
        .map(Vec::as_slice)
        .ok_or_else(|| Unjudged::Unknown("no dry run was made".into()))
}

fn conflicts(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let objects = dry_run(target)?;
    let found: Vec<(&ObjectDryRun, &FieldConflict)> = objects
        .iter()
        .flat_map(|object| match &object.outcome {
            DryRunOutcome::Conflicts { fields } => fields.iter().map(|field| (object, field)).collect(),
            DryRunOutcome::Accepted | DryRunOutcome::Refused { .. } | DryRunOutcome::Unknown { .. } => {
                Vec::new()
            }
        })
        .collect();
    if found.is_empty() {
        return Ok(Judged::pass(format!("{} objects, no conflict", objects.len())));
    }
    let stopped = stopped(seen, target, profile);
    // Bringing a workload to 0 through its scale takes `spec.replicas` from every owner.
    let (cured, standing): (Vec<_>, Vec<_>) = found.into_iter().partition(|(object, field)| {
        field.field == ".spec.replicas"
            && stopped.contains(&(object.object.kind.as_str(), object.object.name.as_str()))
    });
    let line = |(object, field): &(&ObjectDryRun, &FieldConflict)| {
        format!("{} {} is owned by {}", object.object, field.field, field.manager)
    };
    let lines: Vec<String> = standing.iter().chain(&cured).map(line).collect();
    let judged = match standing.first() {
        Some((object, field)) => {
            let judged = Judged::fail(format!("Helm would stop half-way: {}", some_of(&lines))).command(
                "see who owns what",
                format!(
                    "kubectl get {} {} -n {} -o yaml --show-managed-fields",
                    object.object.kind.to_lowercase(),
                    object.object.name,
                    seen.namespace
                ),
            );
            if field.field == ".spec.replicas" {
                judged.advise("leave `replicas` out of the values where an autoscaler or a person sets it")
            } else {
                judged.advise(
                    "set the same value in the chart's values, or pass --force-conflicts if Helm's value shall win",
                )
            }
        }
        None => Judged::warn(format!(
            "{}: a plain `helm upgrade` fails on it; safe-upgrade stops the workload through its scale, which frees \
             the field, and the chart's count comes into force",
            some_of(&lines)
        ))
        .advise("put the count you want into the values, or leave `replicas` to the autoscaler"),
    };
    Ok(judged.with("conflicts", lines))
}

/// Kind and name of the workloads that a run brings to 0 through their scale.
fn stopped<'a>(
    seen: &'a Observation,
    target: Option<&Target>,
    profile: &Profile,
) -> BTreeSet<(&'static str, &'a str)> {
    let Some(workloads) = seen.workloads.present() else {
        return BTreeSet::new();
    };
    let members = assign(profile, workloads, target);
    workloads
        .iter()
        .zip(members)
        .filter(|(_, member)| {
            matches!(member.kind, RoleKind::Writer | RoleKind::Migrator)
                && member.quiesce == QuiesceNeed::Required
        })
        .filter_map(|(workload, _)| match workload.name.kind {
            model::WorkloadKind::Deployment => Some(("Deployment", workload.name.name.as_str())),
            model::WorkloadKind::StatefulSet => Some(("StatefulSet", workload.name.name.as_str())),
            model::WorkloadKind::DaemonSet | model::WorkloadKind::CronJob | model::WorkloadKind::Job => None,
        })
        .collect()
}

fn refused(target: Option<&Target>) -> Judgement {
    let objects = dry_run(target)?;
    let mut refused = Vec::new();
    let mut unasked = Vec::new();
    for object in objects {
        match &object.outcome {
            DryRunOutcome::Refused { reason } => refused.push(format!("{}: {reason}", object.object)),
            DryRunOutcome::Unknown { reason } => unasked.push(format!("{}: {reason}", object.object)),
            DryRunOutcome::Accepted | DryRunOutcome::Conflicts { .. } => {}
        }
    }
    Ok(if !refused.is_empty() {
        Judged::fail(format!("refused: {}", some_of(&refused)))
            .with("refused", refused)
            .advise(
                "an immutable field needs the object deleted first (a StatefulSet with --cascade=orphan); a quota or \
                 policy needs its owner",
            )
    } else if !unasked.is_empty() {
        Judged::unknown(format!("could not be asked: {}", some_of(&unasked)))
            .with("unasked", unasked)
            .advise("get the right to patch these objects, or see to the webhook that allows no dry run")
    } else {
        Judged::pass(format!("{} objects accepted", objects.len()))
    }
    .with("objects", objects.len()))
}

fn values(target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let Some(hazard) = readable(&target.values, "the values")? else {
        return Err(Unjudged::Skip("the release has no values of its own".into()));
    };
    let judged = match (hazard.dropped.is_empty(), hazard.missing_defaults.is_empty()) {
        (true, true) => Judged::pass(format!("with {}", hazard.mode)),
        (false, _) => Judged::warn(format!(
            "with {} these values of yours are dropped: {}",
            hazard.mode,
            some_of(&hazard.dropped)
        ))
        .advise("give them again with -f, or keep them with --reset-then-reuse-values"),
        (true, false) => Judged::warn(format!(
            "with {} these new defaults of the chart are left out: {}",
            hazard.mode,
            some_of(&hazard.missing_defaults)
        ))
        .advise("use --reset-then-reuse-values, which keeps your values over the new defaults"),
    };
    Ok(judged
        .with("mode", hazard.mode.clone())
        .with("dropped", hazard.dropped.clone())
        .with("missingDefaults", hazard.missing_defaults.clone()))
}

/// A password that a chart makes anew on each rendering reaches the application, never the server.
fn secret_change(seen: &Observation, target: Option<&Target>, _: &Profile) -> Judgement {
    let target = given(target)?;
    let changed = listed(&target.changed_secrets, "the release's Secrets")?;
    if changed.is_empty() {
        return Ok(Judged::pass("no Secret changes"));
    }
    let of_database = database_secrets(seen);
    let names: Vec<String> = changed
        .iter()
        .map(|secret| format!("{} ({})", secret.name, secret.keys.join(", ")))
        .collect();
    let credentials: Vec<String> = changed
        .iter()
        .zip(&names)
        .filter(|(secret, _)| of_database.contains(secret.name.as_str()))
        .map(|(_, name)| name.clone())
        .collect();
    let judged = if credentials.is_empty() {
        Judged::warn(format!("the upgrade changes Secret {}", some_of(&names)))
            .advise("see that this is what you want: a chart may make new random values on each rendering")
    } else {
        Judged::fail(format!(
            "the upgrade changes the database's Secret {}, and the server will not know of it",
            some_of(&credentials)
        ))
        .advise("set the present password in the values, so that the chart does not make a new one")
    };
    Ok(judged.with("changed", names))
}

/// Secrets that hold the database's credentials: where they were found, and what the server's own pods read.
fn database_secrets(seen: &Observation) -> BTreeSet<&str> {
    let found = seen
        .location
        .present()
        .and_then(|location| location.origin.secret.as_deref())
        .into_iter()
        // The origin is told as a name with its keys.
        .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '.')));
    let own = seen
        .workloads
        .present()
        .into_iter()
        .flatten()
        .filter(|workload| workload.is_database)
        .flat_map(|workload| &workload.containers)
        .flat_map(|container| container.secrets.iter().map(String::as_str));
    found.chain(own).filter(|name| !name.is_empty()).collect()
}
