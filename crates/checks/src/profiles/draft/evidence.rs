//! What part each workload plays, by what is seen of it.

use std::collections::BTreeSet;

use model::profile::{RoleKind, Selector};
use model::{Observation, Profile, SessionRole, Workload, WorkloadKind};

use super::select::selector;
use crate::assign::{Assigned, assign, selects};

/// A workload with its part.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) workload: &'a Workload,
    pub(super) role: String,
    pub(super) kind: RoleKind,
    pub(super) select: Selector,
    /// The role whose selector selects this workload, too.
    pub(super) same_as: Option<String>,
    /// What was seen of it.
    pub(super) evidence: String,
    /// Why its kind is only guessed.
    pub(super) guess: Option<String>,
    pub(super) order: i32,
}

/// The part of every workload: the database by what it runs, the migrator where only one can be meant and no hook migrates,
/// writers else.
pub(super) fn parts<'a>(
    generic: &Profile,
    seen: &Observation,
    workloads: &'a [Workload],
    hook_migrates: bool,
) -> Vec<Part<'a>> {
    let (release, chart) = match seen.release.present() {
        Some(release) => (release.name.as_str(), release.chart.name.as_str()),
        None => (seen.release_name.as_str(), ""),
    };
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut names = BTreeSet::new();
    for (workload, mut assigned) in workloads.iter().zip(assign(generic, workloads, None)) {
        if hook_migrates && assigned.kind == RoleKind::Migrator {
            assigned.kind = RoleKind::Writer;
        }
        let same_as = parts
            .iter()
            .find(|part| part.same_as.is_none() && selects(&part.select, workload))
            .map(|part| part.role.clone());
        let (evidence, guess) = evidence(seen, &assigned);
        parts.push(Part {
            role: free_name(role_name(workload, release), &mut names),
            kind: assigned.kind,
            select: selector(workload, workloads, release, chart),
            same_as,
            evidence,
            guess,
            order: order(&assigned),
            workload,
        });
    }
    parts
}

/// The component's name, else the workload's without the release's.
fn role_name(workload: &Workload, release: &str) -> String {
    let component = ["app.kubernetes.io/component", "component"]
        .iter()
        .find_map(|key| workload.selector.get(*key));
    let own = workload.name.name.as_str();
    let without = own
        .strip_prefix(release)
        .map(|rest| rest.trim_start_matches('-'))
        .filter(|rest| !rest.is_empty());
    component
        .map(String::as_str)
        .or(without)
        .unwrap_or(own)
        .to_owned()
}

fn free_name(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut free = name.clone();
    let mut number = 2;
    while !taken.insert(free.clone()) {
        free = format!("{name}-{number}");
        number += 1;
    }
    free
}

/// Lower stops first: what begins by itself, then workers, then what migrates and comes back first.
fn order(assigned: &Assigned) -> i32 {
    match (assigned.kind, assigned.workload.name.kind) {
        (RoleKind::Database, _) => 0,
        (RoleKind::Migrator, _) => 20,
        (RoleKind::Writer | RoleKind::Reader, WorkloadKind::CronJob | WorkloadKind::Job) => 5,
        (
            RoleKind::Writer | RoleKind::Reader,
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet,
        ) => 10,
    }
}

/// What is seen of its use of the database, and what of its kind is only guessed.
fn evidence(seen: &Observation, assigned: &Assigned) -> (String, Option<String>) {
    if assigned.kind == RoleKind::Database {
        return (assigned.reason.clone(), None);
    }
    let mut signs = Vec::new();
    if let Some(secret) = secret(seen)
        && assigned
            .workload
            .containers
            .iter()
            .any(|container| container.secrets.iter().any(|one| one == secret))
    {
        signs.push(format!("reads the database's Secret {secret}"));
    }
    match sessions(seen, &assigned.workload) {
        0 => {}
        1 => signs.push("1 session of its pods is on the database".into()),
        many => signs.push(format!("{many} sessions of its pods are on the database")),
    }
    let uses = !signs.is_empty();
    let evidence = if uses {
        signs.join(", ")
    } else {
        "no sign that it uses the database".to_owned()
    };
    let guess = match (assigned.kind, uses) {
        (RoleKind::Migrator, _) => Some(format!("that it migrates: {}.", assigned.reason)),
        (_, false) => Some(
            "that it writes, so that nothing is left running by mistake; `reader` if it never does.".into(),
        ),
        (_, true) => Some("that it writes, and does not only read.".into()),
    };
    (evidence, guess)
}

/// The Secret with the database's credentials: `NAME key KEY` without its key.
fn secret(seen: &Observation) -> Option<&str> {
    seen.location
        .present()?
        .origin
        .secret
        .as_deref()?
        .split_whitespace()
        .next()
}

fn sessions(seen: &Observation, workload: &Workload) -> usize {
    let own: BTreeSet<&str> = seen
        .pods
        .present()
        .into_iter()
        .flatten()
        .filter(|pod| pod.owner.as_ref() == Some(&workload.name))
        .filter_map(|pod| pod.ip.as_deref())
        .collect();
    seen.database
        .present()
        .and_then(|facts| facts.sessions.present())
        .into_iter()
        .flatten()
        .filter(|session| session.role == SessionRole::Writer)
        .filter(|session| {
            session
                .client
                .as_deref()
                .is_some_and(|client| own.contains(client))
        })
        .count()
}
