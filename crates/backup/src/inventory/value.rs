//! Reading objects of kinds that we have no types for.

use jiff::Timestamp;
use serde_json::Value;

/// Questions to an object as the API server tells it. Paths are JSON pointers without the first slash.
pub(super) trait Object {
    /// What stands at a path.
    fn at(&self, path: &str) -> &Value;

    /// A text that is not empty.
    fn text(&self, path: &str) -> Option<&str> {
        self.at(path).as_str().filter(|text| !text.is_empty())
    }

    /// A text of one's own.
    fn owned(&self, path: &str) -> Option<String> {
        self.text(path).map(str::to_owned)
    }

    /// A time. Go's zero time and the epoch are no times: they are fields that nobody set.
    fn time(&self, path: &str) -> Option<Timestamp> {
        let at: Timestamp = self.text(path)?.parse().ok()?;
        (at.as_second() > 0).then_some(at)
    }

    /// A number.
    fn number(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    /// A switch that is on. What is not there is off.
    fn is_on(&self, path: &str) -> bool {
        self.at(path).as_bool() == Some(true)
    }

    /// The elements of a list; none where there is no list.
    fn list(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map_or(&[], Vec::as_slice)
    }

    /// Its name.
    fn name(&self) -> &str {
        self.text("metadata/name").unwrap_or_default()
    }

    /// Its namespace; empty where it has none.
    fn namespace(&self) -> &str {
        self.text("metadata/namespace").unwrap_or_default()
    }

    /// A label.
    fn label(&self, key: &str) -> Option<&str> {
        self.at("metadata/labels").get(key)?.as_str()
    }

    /// An annotation.
    fn annotation(&self, key: &str) -> Option<&str> {
        self.at("metadata/annotations").get(key)?.as_str()
    }

    /// When it was made.
    fn created(&self) -> Option<Timestamp> {
        self.time("metadata/creationTimestamp")
    }

    /// The condition of a type.
    fn condition(&self, kind: &str) -> Option<&Value> {
        self.list("status/conditions")
            .iter()
            .find(|condition| condition.text("type") == Some(kind))
    }

    /// Whether the condition of a type has this status.
    fn has(&self, kind: &str, status: &str) -> bool {
        self.condition(kind)
            .is_some_and(|condition| condition.text("status") == Some(status))
    }

    /// Whether this is `namespace/name`.
    fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace() == namespace && self.name() == name
    }
}

impl Object for Value {
    fn at(&self, path: &str) -> &Value {
        // Names of labels hold slashes, so those are looked up by `label` and not by a path.
        path.split('/')
            .fold(self, |value, step| match step.parse::<usize>() {
                Ok(index) if value.is_array() => &value[index],
                _ => &value[step],
            })
    }
}

/// The newest of some times.
pub(super) fn newest(times: impl IntoIterator<Item = Option<Timestamp>>) -> Option<Timestamp> {
    times.into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_that_nobody_set_are_none() {
        let object = json!({"a": "0001-01-01T00:00:00Z", "b": "1970-01-01T00:00:00Z", "c": "", "d": null,
                            "e": "2026-11-20T03:00:00Z", "f": "yesterday"});
        for path in ["a", "b", "c", "d", "f", "g", "g/h"] {
            assert_eq!(object.time(path), None, "{path}");
        }
        assert!(object.time("e").is_some());
    }

    #[test]
    fn paths_lead_through_lists_and_past_what_is_not_there() {
        let object = json!({"list": [{"name": "x"}]});
        assert_eq!(object.text("list/0/name"), Some("x"));
        assert_eq!(object.text("list/1/name"), None);
        assert!(object.list("name").is_empty());
    }
}
