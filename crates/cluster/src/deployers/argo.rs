//! Whether an application of Argo CD acts.

use model::DeployerActs;
use serde_json::Value;

use super::Standing;
use crate::{Cluster, ListScope, Listed, ObjectKind, ServedKinds};

const APPLICATION: ObjectKind = ObjectKind {
    group: "argoproj.io",
    kind: "Application",
    versions: &["v1alpha1"],
};

/// The annotation that takes an application out of Argo CD's work.
const SKIP: &str = "argocd.argoproj.io/skip-reconcile";

/// Looks for the application in every namespace: Argo CD may be installed in any. One that is not there may be in another
/// cluster, from which Argo CD can deploy, too.
pub(super) async fn standing(cluster: &Cluster, served: &ServedKinds, name: &str) -> Standing {
    let away = || {
        Standing::unknown(format!(
            "there is no Application {name} in this cluster: it may be in another one, or its marks were left behind"
        ))
    };
    match cluster.list_objects(served, &APPLICATION, &ListScope::All).await {
        Ok(Listed::Objects(found)) => match found.iter().find(|application| is(application, name)) {
            Some(application) => Standing::seen(acts(application)),
            None => away(),
        },
        Ok(Listed::Absent | Listed::Away) => away(),
        Err(error) => Standing::unknown(model::causes(&error)),
    }
}

/// An application outside of Argo CD's own namespace is called `NAMESPACE_NAME` on what it deploys.
fn is(application: &Value, name: &str) -> bool {
    let metadata = &application["metadata"];
    let own = metadata["name"].as_str().unwrap_or_default();
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    own == name || name.split_once('_') == Some((namespace, own))
}

fn acts(application: &Value) -> DeployerActs {
    if application["metadata"]["annotations"][SKIP] == "true" {
        return DeployerActs::Suspended;
    }
    let automated = &application["spec"]["syncPolicy"]["automated"];
    if automated.is_null() || automated["enabled"] == false {
        DeployerActs::WhenRun
    } else if automated["selfHeal"] == true {
        DeployerActs::ByItself
    } else {
        DeployerActs::OnChange
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_application_of_any_namespace_is_known_by_what_it_writes() {
        let application = json!({"metadata": {"name": "web", "namespace": "team"}});
        assert!(is(&application, "web") && is(&application, "team_web"));
        assert!(!is(&application, "other_web"));
    }

    #[test]
    fn one_that_is_left_alone_is_suspended() {
        let application = json!({"metadata": {"annotations": {SKIP: "true"}},
            "spec": {"syncPolicy": {"automated": {"selfHeal": true}}}});
        assert_eq!(acts(&application), DeployerActs::Suspended);
    }
}
