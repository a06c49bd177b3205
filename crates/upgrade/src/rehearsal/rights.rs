//! Whether we may make what a rehearsal takes, asked before anything is made.

use std::collections::BTreeSet;

use backup::AppRequest;
use checks::{ActNeeds, BackupAct, act_rights};
use model::{AccessRequest, DatabaseLocation, DatabaseRoute, Phase};

use super::{RehearsalError, RehearsalRequest};

/// Asks, and names what is missing.
pub(super) async fn may_rehearse(
    request: &RehearsalRequest,
    location: &DatabaseLocation,
    app: &AppRequest,
) -> Result<(), RehearsalError> {
    let wanted = wanted(&request.namespace, location, &app.copied());
    let decisions = request
        .cluster
        .can_i(&wanted)
        .await
        .map_err(RehearsalError::Unasked)?;
    let denied: Vec<String> = decisions
        .into_iter()
        .filter(|decision| !decision.allowed)
        .map(|decision| decision.request.to_string())
        .collect();
    if denied.is_empty() {
        Ok(())
    } else {
        Err(RehearsalError::Denied(denied))
    }
}

/// What a restore test with an application takes, and what is copied beside it.
fn wanted(namespace: &str, location: &DatabaseLocation, copied: &[&str]) -> Vec<AccessRequest> {
    let needs = ActNeeds {
        namespace: namespace.to_owned(),
        database_namespace: match &location.route {
            DatabaseRoute::Pod { namespace, .. } => Some(namespace.clone()),
            DatabaseRoute::Direct => None,
        },
        with_app: true,
    };
    let table = act_rights(&BTreeSet::from([BackupAct::Verify]), &needs).needed;
    let mut wanted: Vec<AccessRequest> = table
        .into_iter()
        .filter(|request| request.phase == Phase::TurnBack)
        .collect();
    wanted.extend(copied.iter().map(|resource| AccessRequest {
        phase: Phase::TurnBack,
        verb: "create".into(),
        group: String::new(),
        resource: (*resource).to_owned(),
        subresource: None,
        name: None,
        namespace: namespace.to_owned(),
    }));
    wanted
}

#[cfg(test)]
mod tests {
    use model::{CredentialSource, DatabaseOrigin};

    use super::*;

    #[test]
    fn what_is_copied_is_asked_for_and_nothing_else_of_its_kind() {
        let location = DatabaseLocation {
            host: "db".into(),
            port: 5432,
            database: "shop".into(),
            user: "shop".into(),
            sslmode: None,
            origin: DatabaseOrigin {
                found_in: "env".into(),
                secret: None,
                source: CredentialSource::Given,
            },
            route: DatabaseRoute::Direct,
        };
        let words = |copied: &[&str]| -> Vec<String> {
            wanted("shop", &location, copied)
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        let plain = words(&[]);
        assert!(
            plain.contains(&"create networkpolicies.networking.k8s.io in shop".to_owned()),
            "{plain:?}"
        );
        assert!(!plain.iter().any(|line| line.contains("secrets")), "{plain:?}");
        let copied = words(&["secrets"]);
        assert_eq!(copied.len(), plain.len() + 1);
        assert!(
            copied.contains(&"create secrets in shop".to_owned()),
            "{copied:?}"
        );
    }
}
