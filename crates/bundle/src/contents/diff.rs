//! What an upgrade to the target would change, object by object. Secrets are compared and never shown.

use std::collections::{BTreeMap, BTreeSet};

use helm::manifest::objects;
use model::causes;
use serde_json::Value;
use similar::TextDiff;

use super::Part;
use crate::request::BundleRequest;
use crate::secrets::is_secret;

const PATH: &str = "target.diff";
const ABOUT: &str = "what the target would change in the running revision's manifest";

/// Lines of what stays the same around a change.
const CONTEXT: usize = 3;

pub(crate) fn part(request: &BundleRequest<'_>) -> Part {
    let Some((renderable, _)) = request.target else {
        return Part::unavailable(PATH, ABOUT, "no target was named, or it could not be rendered");
    };
    let Some(stored) = &request.observed.stored else {
        return Part::unread(
            PATH,
            ABOUT,
            "the running revision's record could not be read".to_owned(),
        );
    };
    let compared = objects(&stored.manifest).and_then(|running| {
        let target = objects(&renderable.rendered.manifest)?;
        Ok(compare(&running, &target))
    });
    match compared {
        Ok(text) if text.is_empty() => Part::text(PATH, ABOUT, "Nothing changes.\n".to_owned()),
        Ok(text) => Part::text(PATH, ABOUT, text),
        Err(error) => Part::unread(PATH, ABOUT, causes(&error)),
    }
}

/// The changes as a unified diff, one section for each object.
fn compare(running: &[Value], target: &[Value]) -> String {
    let (before, after) = (by_name(running), by_name(target));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut text = String::new();
    for name in names {
        let (old, new) = (before.get(name).copied(), after.get(name).copied());
        let (old, new) = (yaml(old, None), yaml(new, old));
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let mut unified = diff.unified_diff();
        unified
            .context_radius(CONTEXT)
            .header(&format!("running/{name}"), &format!("target/{name}"));
        text.push_str(&unified.to_string());
    }
    text
}

fn by_name(objects: &[Value]) -> BTreeMap<String, &Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects
        .iter()
        .map(|object| {
            let metadata = &object["metadata"];
            let name = [
                text(&object["kind"]),
                text(&metadata["namespace"]),
                text(&metadata["name"]),
            ];
            let parts: Vec<String> = name.into_iter().filter(|part| !part.is_empty()).collect();
            (parts.join("/"), object)
        })
        .collect()
}

/// An object as YAML; of a Secret only whether a value is the one of before.
fn yaml(object: Option<&Value>, before: Option<&Value>) -> String {
    let Some(object) = object else {
        return String::new();
    };
    let mut shown = object.clone();
    if is_secret(object) {
        for field in ["data", "stringData"] {
            let values = shown.get_mut(field).and_then(Value::as_object_mut);
            for (key, value) in values.into_iter().flatten() {
                let same = before.is_none_or(|before| before[field][key] == *value);
                *value = if same {
                    "***".into()
                } else {
                    "*** (another value)".into()
                };
            }
        }
    }
    let mut bytes = Vec::new();
    // Writing into memory cannot fail, and what was read as YAML can be written as such.
    let _ = render::manifests(&mut bytes, &[shown]);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_by_object_and_those_of_secrets_without_a_value() {
        let web = |image: &str| json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"image": image}});
        let secret = |password: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"},
                "stringData": {"password": password, "user": "app"}})
        };
        let new = json!({"kind": "Service", "metadata": {"name": "new"}});
        let told = compare(
            &[web("web:1"), secret("old-hush")],
            &[web("web:2"), secret("new-hush"), new],
        );
        for line in [
            "--- running/Deployment/web",
            "web:2",
            "+++ target/Service/new",
            "another value",
        ] {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(!told.contains("hush") && !told.contains("app"), "{told}");
        assert_eq!(
            compare(&[web("web:1"), secret("a")], &[secret("a"), web("web:1")]),
            ""
        );
    }
}
