//! Pods by their labels.

use std::collections::BTreeMap;

/// Labels that must all match. An empty selector matches nothing: waiting for every pod of a namespace is never meant.
pub type Selector = BTreeMap<String, String>;

pub(crate) fn matches(selector: &Selector, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The selector as the API server reads it.
pub(super) fn text(selector: &Selector) -> String {
    let labels: Vec<String> = selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    labels.join(",")
}

#[cfg(test)]
mod tests {
    use super::{Selector, matches};

    #[test]
    fn an_empty_selector_matches_nothing() {
        assert!(!matches(
            &Selector::new(),
            &Selector::from([("app".to_owned(), "web".to_owned())])
        ));
    }

    #[test]
    fn every_label_must_match() {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let selector = Selector::from([label("app", "web"), label("tier", "front")]);
        assert!(matches(
            &selector,
            &Selector::from([label("app", "web"), label("tier", "front"), label("x", "y")])
        ));
        assert!(!matches(&selector, &Selector::from([label("app", "web")])));
    }
}
