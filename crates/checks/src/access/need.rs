//! One line of the table of rights, and how it becomes questions.

use model::{AccessRequest, Phase};

/// A resource and the verbs on it.
pub(super) struct Need<'a> {
    pub(super) phase: Phase,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: Option<&'a str>,
    /// The one object that is meant, where only one is.
    pub(super) name: Option<&'a str>,
    pub(super) verbs: &'a [&'a str],
    /// Empty for what lives in no namespace.
    pub(super) namespace: &'a str,
}

pub(super) fn need<'a>(
    phase: Phase,
    group: &'a str,
    resource: &'a str,
    verbs: &'a [&'a str],
    namespace: &'a str,
) -> Need<'a> {
    Need {
        phase,
        group,
        resource,
        subresource: None,
        name: None,
        verbs,
        namespace,
    }
}

/// A need on a subresource of the core group.
pub(super) fn subresource<'a>(
    phase: Phase,
    resource: &'a str,
    name: &'a str,
    verbs: &'a [&'a str],
    namespace: &'a str,
) -> Need<'a> {
    Need {
        subresource: Some(name),
        ..need(phase, "", resource, verbs, namespace)
    }
}

/// One question a verb, without repetition within a phase, phase by phase.
pub(super) fn flatten(table: &[Need<'_>]) -> Vec<AccessRequest> {
    let mut requests: Vec<AccessRequest> = Vec::new();
    for need in table {
        for verb in need.verbs {
            let request = AccessRequest {
                phase: need.phase,
                verb: (*verb).to_owned(),
                group: need.group.to_owned(),
                resource: need.resource.to_owned(),
                subresource: need.subresource.map(ToOwned::to_owned),
                name: need.name.map(ToOwned::to_owned),
                namespace: need.namespace.to_owned(),
            };
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
    }
    requests.sort_by_key(|request| request.phase);
    requests
}
