//! The cluster and our rights in it.

use model::{Category, Confidence, Observation, Phase, Severity, Version};

use crate::check::{Check, Judged, Judgement, listed, some_of};

/// The first version that speaks the exec protocol with a close signal for standard input, which backups rest on.
const OLDEST_MINOR: u64 = 30;

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "cluster-version",
        category: Category::Cluster,
        title: "the cluster runs Kubernetes 1.30 or newer",
        severity: Severity::Block,
        judge: |seen, _, _| version(seen),
    },
    Check {
        id: "access-observe",
        category: Category::Cluster,
        title: "you may read every fact that the checks need",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::Observe),
    },
    Check {
        id: "access-journal",
        category: Category::Cluster,
        title: "you may keep the run's journal and lease",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::Journal),
    },
    Check {
        id: "access-quiesce",
        category: Category::Cluster,
        title: "you may stop the writers and bring them back",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::Quiesce),
    },
    Check {
        id: "access-backup",
        category: Category::Cluster,
        title: "you may back up the database",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::Backup),
    },
    Check {
        id: "access-upgrade",
        category: Category::Cluster,
        title: "you may upgrade the release and open the gate",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::Upgrade),
    },
    Check {
        id: "access-turn-back",
        category: Category::Cluster,
        title: "you may put the database and the revision back",
        severity: Severity::Block,
        judge: |seen, _, _| access(seen, Phase::TurnBack),
    },
];

fn version(seen: &Observation) -> Judgement {
    let text = seen.cluster.version.as_str();
    let Some(version) = Version::parse(text) else {
        return Ok(Judged::unknown(format!("the API server calls itself {text}")));
    };
    let judged = if version.major() > 1 || version.minor() >= OLDEST_MINOR {
        Judged::pass(format!("Kubernetes {text}"))
    } else {
        Judged::fail(format!(
            "Kubernetes {text} cannot carry a dump out of a pod and prove that it is whole"
        ))
        .advise("upgrade the cluster to Kubernetes 1.30 or newer first")
    };
    Ok(judged.with("version", text))
}

fn access(seen: &Observation, phase: Phase) -> Judgement {
    let decisions = listed(&seen.access, "your rights")?;
    let asked: Vec<_> = decisions
        .iter()
        .filter(|decision| decision.request.phase == phase)
        .collect();
    let denied: Vec<_> = asked.iter().filter(|decision| !decision.allowed).collect();
    if asked.is_empty() {
        return Err(crate::check::Unjudged::Skip(
            "this release needs no right for it".into(),
        ));
    }
    let Some(first) = denied.first() else {
        return Ok(Judged::pass(format!("all {} rights are yours", asked.len()))
            .sure(Confidence::Reported)
            .with("asked", asked.len()));
    };
    let names: Vec<String> = denied
        .iter()
        .map(|decision| decision.request.to_string())
        .collect();
    let request = &first.request;
    let mut resource = request.resource.clone();
    if !request.group.is_empty() {
        resource = format!("{resource}.{}", request.group);
    }
    let subresource = request
        .subresource
        .as_ref()
        .map(|name| format!(" --subresource={name}"))
        .unwrap_or_default();
    Ok(Judged::fail(format!("you may not {}", some_of(&names)))
        .sure(Confidence::Reported)
        .with("denied", names)
        .with("reason", first.reason.clone().unwrap_or_default())
        .command(
            "ask whoever grants rights for it, then see that you have it",
            format!(
                "kubectl auth can-i {} {resource}{subresource} -n {}",
                request.verb, request.namespace
            ),
        ))
}
