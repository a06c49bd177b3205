//! Which workload plays which part.

use model::profile::{QuiesceNeed, Role, RoleKind, RunBy, Selector};
use model::{Profile, Target, Workload, WorkloadKind};

use crate::image::Image;

/// A workload with the part it plays.
#[derive(Debug, Clone, PartialEq)]
pub struct Assigned {
    /// The workload as it runs.
    pub workload: Workload,
    /// The role's name.
    pub role: String,
    /// What the role is.
    pub kind: RoleKind,
    /// Whether it must stop.
    pub quiesce: QuiesceNeed,
    /// Lower stops first and resumes last.
    pub order: i32,
    /// Why it has this part, for the user.
    pub reason: String,
}

/// Gives every workload its part.
///
/// The database comes first, by what runs: whatever a profile says, a server is never stopped. Then the profile's roles
/// in their order. What no role selects is a writer that must stop. Where nothing names a migrator and no hook
/// migrates, the one workload that can be meant becomes it; where several can, none does.
pub fn assign(profile: &Profile, workloads: &[Workload], target: Option<&Target>) -> Vec<Assigned> {
    let mut members: Vec<Assigned> = workloads
        .iter()
        .map(|workload| {
            database(workload)
                .or_else(|| by_profile(profile, workload))
                .unwrap_or_else(|| unnamed(workload))
        })
        .collect();
    if !members.iter().any(|member| member.kind == RoleKind::Migrator)
        && !hook_migrates(profile, target)
        && let Some((index, reason)) = likely_migrator(&members)
    {
        members[index].kind = RoleKind::Migrator;
        members[index].reason = reason;
    }
    members
}

fn database(workload: &Workload) -> Option<Assigned> {
    let reason = if workload.is_database {
        "its pods run the database's server".to_owned()
    } else {
        // A CronJob or Job with a server's image is a client: a backup, a script.
        let serves = matches!(
            workload.name.kind,
            WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet
        );
        let container = workload
            .containers
            .iter()
            .find(|container| !container.init && Image::parse(&container.image).is_postgres())
            .filter(|_| serves)?;
        format!("it runs {}", container.image)
    };
    Some(Assigned {
        workload: workload.clone(),
        role: "database".into(),
        kind: RoleKind::Database,
        quiesce: QuiesceNeed::Never,
        order: 0,
        reason,
    })
}

fn by_profile(profile: &Profile, workload: &Workload) -> Option<Assigned> {
    let role = profile
        .roles
        .iter()
        .find(|role| selects(&role.select, workload))?;
    let Role {
        name,
        kind,
        select: _,
        quiesce,
        order,
    } = role;
    Some(Assigned {
        workload: workload.clone(),
        role: name.clone(),
        kind: *kind,
        quiesce: match kind {
            RoleKind::Database => QuiesceNeed::Never,
            RoleKind::Writer | RoleKind::Migrator | RoleKind::Reader => *quiesce,
        },
        order: *order,
        reason: format!("profile {} says so", profile.name),
    })
}

fn unnamed(workload: &Workload) -> Assigned {
    Assigned {
        workload: workload.clone(),
        role: workload.name.name.clone(),
        kind: RoleKind::Writer,
        quiesce: QuiesceNeed::Required,
        order: 0,
        reason: "no role names it, so it is held to write".into(),
    }
}

pub(crate) fn selects(selector: &Selector, workload: &Workload) -> bool {
    let Selector { labels, image, kind } = selector;
    let says_nothing = labels.is_empty() && image.is_none() && kind.is_none();
    // A pod template carries its selector's labels, so both places are looked at.
    let has_label = |(key, value): (&String, &String)| {
        workload.labels.get(key) == Some(value) || workload.selector.get(key) == Some(value)
    };
    !says_nothing
        && labels.iter().all(has_label)
        && kind
            .as_ref()
            .is_none_or(|kind| *kind == workload.name.kind.to_string())
        && image.as_ref().is_none_or(|wanted| {
            workload
                .containers
                .iter()
                .any(|container| Image::parse(&container.image).is_repository(wanted))
        })
}

/// Whether a hook Job migrates: by the profile's word, else by the target's pre-upgrade hooks.
pub fn hook_migrates(profile: &Profile, target: Option<&Target>) -> bool {
    match profile.migrations.run {
        Some(RunBy::Hook) => true,
        Some(RunBy::Boot) => false,
        None => target.is_some_and(|target| {
            target.hooks.iter().any(|hook| {
                hook.object.kind == "Job" && hook.events.iter().any(|event| event == "pre-upgrade")
            })
        }),
    }
}

/// The writer that can only be meant: it has a container named for migrations, or is the only one that keeps running,
/// or the only Deployment among those.
fn likely_migrator(members: &[Assigned]) -> Option<(usize, String)> {
    let candidates: Vec<(usize, &Assigned)> = members
        .iter()
        .enumerate()
        .filter(|(_, member)| {
            member.kind == RoleKind::Writer
                && matches!(
                    member.workload.name.kind,
                    WorkloadKind::Deployment | WorkloadKind::StatefulSet
                )
        })
        .collect();
    let named_for_it = |member: &Assigned| {
        member
            .workload
            .containers
            .iter()
            .any(|container| container.name.contains("migrat"))
    };
    let only = |chosen: Vec<usize>| match chosen.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let those = |condition: &dyn Fn(&Assigned) -> bool| -> Option<usize> {
        only(
            candidates
                .iter()
                .filter(|(_, member)| condition(member))
                .map(|(index, _)| *index)
                .collect(),
        )
    };
    those(&named_for_it)
        .map(|index| (index, "one of its containers is named for migrations".to_owned()))
        .or_else(|| {
            those(&|_| true).map(|index| (index, "it is the only workload that keeps running".to_owned()))
        })
        .or_else(|| {
            those(&|member| member.workload.name.kind == WorkloadKind::Deployment)
                .map(|index| (index, "it is the only Deployment that writes".to_owned()))
        })
}
