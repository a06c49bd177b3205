//! Asking once for every right that any phase needs.

use cluster::Cluster;
use model::{AccessDecision, AccessRequest, Seen};

use crate::{AccessNeeds, access_requests};

pub(super) async fn rights(cluster: &Cluster, needs: &AccessNeeds) -> Seen<Vec<AccessDecision>> {
    let wanted = access_requests(needs);
    let asked = without_repetition(&wanted);
    match cluster.can_i(&asked).await {
        Ok(decisions) => Seen::Present(spread(wanted, &decisions)),
        Err(error) => Seen::Unreadable(model::causes(&error)),
    }
}

/// Whether two requests are the same question, whichever phase asks.
fn same(a: &AccessRequest, b: &AccessRequest) -> bool {
    let AccessRequest {
        phase: _,
        verb,
        group,
        resource,
        subresource,
        name,
        namespace,
    } = a;
    *verb == b.verb
        && *group == b.group
        && *resource == b.resource
        && *subresource == b.subresource
        && *name == b.name
        && *namespace == b.namespace
}

fn without_repetition(wanted: &[AccessRequest]) -> Vec<AccessRequest> {
    let mut asked: Vec<AccessRequest> = Vec::new();
    for request in wanted {
        if !asked.iter().any(|other| same(other, request)) {
            asked.push(request.clone());
        }
    }
    asked
}

/// Gives each phase the answer to its question.
fn spread(wanted: Vec<AccessRequest>, decisions: &[AccessDecision]) -> Vec<AccessDecision> {
    wanted
        .into_iter()
        .filter_map(|request| {
            let decision = decisions
                .iter()
                .find(|decision| same(&decision.request, &request))?;
            Some(AccessDecision {
                request,
                allowed: decision.allowed,
                reason: decision.reason.clone(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use model::Phase;

    use super::*;

    fn request(phase: Phase, verb: &str) -> AccessRequest {
        AccessRequest {
            phase,
            verb: verb.into(),
            group: String::new(),
            resource: "secrets".into(),
            subresource: None,
            name: None,
            namespace: "shop".into(),
        }
    }

    #[test]
    fn one_answer_serves_every_phase_that_asked() {
        let wanted = vec![
            request(Phase::Journal, "update"),
            request(Phase::Upgrade, "update"),
            request(Phase::Upgrade, "get"),
        ];
        let asked = without_repetition(&wanted);
        assert_eq!(asked.len(), 2);
        let decisions: Vec<AccessDecision> = asked
            .into_iter()
            .map(|request| AccessDecision {
                allowed: request.verb == "get",
                request,
                reason: None,
            })
            .collect();
        let spread = spread(wanted, &decisions);
        let allowed: Vec<(Phase, bool)> = spread
            .iter()
            .map(|decision| (decision.request.phase, decision.allowed))
            .collect();
        assert_eq!(
            allowed,
            [
                (Phase::Journal, false),
                (Phase::Upgrade, false),
                (Phase::Upgrade, true)
            ]
        );
    }
}
