//! Rights as objects that can be applied.

use std::collections::{BTreeMap, BTreeSet};

use model::AccessRequest;
use serde_json::{Value, json};

/// Who gets the rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grantee {
    /// The ServiceAccount's name.
    pub account: String,
    /// The ServiceAccount's namespace.
    pub namespace: String,
}

const API_VERSION: &str = "rbac.authorization.k8s.io/v1";
const API_GROUP: &str = "rbac.authorization.k8s.io";

/// What stands together in one rule: all of a resource in one group, or of its one named object.
type RuleKey = (String, String, Option<String>);

/// A Role with its binding for every namespace, a ClusterRole with its binding for what lives in none. All are called
/// `name`; those of the cluster carry the grantee's namespace too, so that two grantees do not share one.
pub fn roles(name: &str, requests: &[AccessRequest], grantee: &Grantee) -> Vec<Value> {
    let mut namespaces: BTreeMap<&str, BTreeMap<RuleKey, BTreeSet<&str>>> = BTreeMap::new();
    for request in requests {
        let resource = match &request.subresource {
            Some(subresource) => format!("{}/{subresource}", request.resource),
            None => request.resource.clone(),
        };
        namespaces
            .entry(&request.namespace)
            .or_default()
            .entry((request.group.clone(), resource, request.name.clone()))
            .or_default()
            .insert(&request.verb);
    }
    namespaces
        .into_iter()
        .flat_map(|(namespace, rules)| pair(name, namespace, rules, grantee))
        .collect()
}

fn pair(
    name: &str,
    namespace: &str,
    rules: BTreeMap<RuleKey, BTreeSet<&str>>,
    grantee: &Grantee,
) -> [Value; 2] {
    let (role, binding, metadata) = if namespace.is_empty() {
        let name = format!("{}-{name}", grantee.namespace);
        ("ClusterRole", "ClusterRoleBinding", json!({ "name": name }))
    } else {
        let metadata = json!({ "name": name, "namespace": namespace });
        ("Role", "RoleBinding", metadata)
    };
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    [
        json!({ "apiVersion": API_VERSION, "kind": role, "metadata": metadata, "rules": rules }),
        json!({
            "apiVersion": API_VERSION,
            "kind": binding,
            "metadata": metadata,
            "roleRef": { "apiGroup": API_GROUP, "kind": role, "name": metadata["name"] },
            "subjects": [{
                "kind": "ServiceAccount",
                "name": grantee.account,
                "namespace": grantee.namespace,
            }],
        }),
    ]
}

fn rule(((group, resource, object), verbs): (RuleKey, BTreeSet<&str>)) -> Value {
    let mut rule = json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs });
    if let Some(object) = object {
        rule["resourceNames"] = json!([object]);
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ActNeeds, BackupAct, act_rights};

    fn printed() -> (Vec<AccessRequest>, Vec<Value>) {
        let needs = ActNeeds {
            namespace: "shop".into(),
            database_namespace: Some("data".into()),
            with_app: false,
        };
        let rights = act_rights(&BTreeSet::from(BackupAct::ALL), &needs);
        let all = [rights.needed, rights.helpful].concat();
        let grantee = Grantee {
            account: "backup".into(),
            namespace: "ops".into(),
        };
        let objects = roles("pgbackup", &all, &grantee);
        (all, objects)
    }

    /// The pairs of verb and resource that a rule grants in a namespace.
    fn granted(objects: &[Value]) -> BTreeSet<(String, String, String, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut found = BTreeSet::new();
        for role in objects.iter().filter(|object| !object["rules"].is_null()) {
            let namespace = text(&role["metadata"]["namespace"]);
            for rule in role["rules"].as_array().unwrap() {
                for verb in rule["verbs"].as_array().unwrap() {
                    found.insert((
                        namespace.clone(),
                        text(&rule["apiGroups"][0]),
                        text(&rule["resources"][0]),
                        text(&rule["resourceNames"][0]),
                        text(verb),
                    ));
                }
            }
        }
        found
    }

    #[test]
    fn the_objects_grant_what_is_asked_for_and_nothing_more() {
        let (asked, objects) = printed();
        let asked: BTreeSet<_> = asked
            .into_iter()
            .map(|request| {
                let resource = match request.subresource {
                    Some(subresource) => format!("{}/{subresource}", request.resource),
                    None => request.resource,
                };
                let name = request.name.unwrap_or_default();
                (request.namespace, request.group, resource, name, request.verb)
            })
            .collect();
        assert_eq!(granted(&objects), asked);
    }

    #[test]
    fn every_role_is_bound_where_it_is() {
        let (_, objects) = printed();
        assert_eq!(objects.len(), 6, "shop, data and the cluster");
        for pair in objects.chunks(2) {
            assert_eq!(pair[1]["metadata"], pair[0]["metadata"]);
            assert_eq!(pair[1]["roleRef"]["name"], pair[0]["metadata"]["name"]);
            assert_eq!(pair[1]["subjects"][0]["namespace"], "ops");
        }
    }

    #[test]
    fn nothing_is_granted_by_a_star() {
        let (_, objects) = printed();
        assert!(!serde_json::to_string(&objects).unwrap().contains('*'));
    }
}
