//! Names of Secrets, wherever an object or a chart's values refer to one.

use std::collections::BTreeSet;

use serde_json::Value;

/// Ends of names under which the name of a Secret stands. `clientSecret` is none of them: a secret itself may stand there,
/// and would be asked for by its value.
const NAMES: [&str; 4] = ["secretname", "existingsecret", "secretref", "pullsecrets"];

/// The longest name of an object.
const LONGEST: usize = 253;

/// The Secrets that a structure refers to.
pub(super) fn referred(structure: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    walk("", structure, &mut names);
    names
}

fn walk(field: &str, value: &Value, names: &mut BTreeSet<String>) {
    let field = field.to_ascii_lowercase();
    match value {
        Value::Object(fields) => {
            if field.contains("secret") {
                let name = ["name", "secretName"]
                    .iter()
                    .find_map(|name| fields.get(*name).and_then(Value::as_str));
                names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
            }
            for (field, value) in fields {
                walk(field, value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(&field, item, names)),
        Value::String(name) => {
            if NAMES.iter().any(|end| field.ends_with(end)) && is_name(name) {
                names.insert(name.clone());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether an object can be called that.
fn is_name(name: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_in_pods_and_values() {
        let pod = json!({"spec": {
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [{"name": "web", "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "by-key", "key": "url"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "no-secret", "key": "b"}}}],
                "envFrom": [{"secretRef": {"name": "whole"}}]}],
            "volumes": [{"name": "v", "secret": {"secretName": "mounted"}},
                {"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}]}}]}});
        let names: Vec<String> = referred(&pod).into_iter().collect();
        assert_eq!(names, ["by-key", "mounted", "projected", "registry", "whole"]);
        let values = json!({"auth": {"existingSecret": "from-values"}, "imagePullSecrets": ["pull"]});
        let names: Vec<String> = referred(&values).into_iter().collect();
        assert_eq!(names, ["from-values", "pull"]);
    }

    #[test]
    fn a_secret_itself_is_never_asked_for_by_its_value() {
        let values = json!({"clientSecret": "hush", "secret": "hush", "auth": {"secretName": "Not a name"}});
        assert!(referred(&values).is_empty());
    }
}
