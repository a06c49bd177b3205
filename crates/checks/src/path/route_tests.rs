//! Where ways lead.

use model::path::UpgradePath;
use model::{Severity, Version};

use super::route::{Way, way};

fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

fn path(text: &str) -> UpgradePath {
    let text = format!("apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: x\npath:\n{text}");
    model::path::parse_path("x.yaml", &text).unwrap().path
}

/// The versions that are visited, with `?` at the end where the rest cannot be told.
fn goes(path: &UpgradePath, from: &str, to: &str) -> Vec<String> {
    match way(path, &version(from), &version(to)) {
        Way::Here => vec!["here".into()],
        Way::Back => vec!["back".into()],
        Way::Along { legs, gap } => {
            let mut at = version(from);
            for leg in &legs {
                assert_eq!(leg.from, at, "each upgrade leaves where the last one ended");
                at = leg.to.clone();
            }
            let visits = legs.iter().map(|leg| leg.to.to_string());
            visits.chain(gap.map(|_| "?".to_owned())).collect()
        }
    }
}

const STOPS: &str = "  stops:
    - { visit: 1.4.0, why: four, source: notes }
    - { visit: 2.0.0, why: two, source: notes }
    - { visit: 2.26.6, from: '>=2.26.0 <2.26.6', to: '>=2.27.0', why: locks, source: notes }
";

#[test]
fn stops_are_visited_in_order_and_only_where_they_lie_on_the_way() {
    let path = path(STOPS);
    for (from, to, visits) in [
        ("1.3.0", "1.3.0", "here"),
        ("v1.3.0", "1.3", "here"),
        ("1.3.0", "1.2.9", "back"),
        ("1.3.0", "1.3.7", "1.3.7"),
        ("1.3.0", "1.4.0", "1.4.0"),
        ("1.3.0", "1.9.0", "1.4.0 1.9.0"),
        ("1.3.0", "3.0.0", "1.4.0 2.0.0 3.0.0"),
        ("1.4.0", "1.9.0", "1.9.0"),
        ("1.4.0-rc.1", "1.9.0", "1.4.0 1.9.0"),
        ("1.9.0", "2.0.0-rc.1", "2.0.0-rc.1"),
        ("2.26.0", "2.27.8", "2.26.6 2.27.8"),
        ("2.26.7", "2.27.8", "2.27.8"),
        ("2.25.0", "2.27.8", "2.27.8"),
        ("2.26.0", "2.26.9", "2.26.9"),
    ] {
        assert_eq!(goes(&path, from, to).join(" "), visits, "{from} to {to}");
    }
}

#[test]
fn the_way_has_as_few_upgrades_as_the_stops_allow() {
    let path = path(
        "  stops:
    - { visit: 1.5.0, to: '>=2.0.0', why: a, source: s }
    - { visit: 1.9.0, to: '>=3.0.0', why: b, source: s }
",
    );
    assert_eq!(goes(&path, "1.0.0", "3.0.0").join(" "), "1.9.0 3.0.0");
    assert_eq!(goes(&path, "1.0.0", "2.5.0").join(" "), "1.5.0 2.5.0");
}

#[test]
fn every_minor_or_major_version_is_visited_at_its_newest_known() {
    let listed = "  known:
    - { version: 1.0.0 }
    - { version: 1.1.0 }
    - { version: 1.1.4 }
    - { version: 1.2.0-rc.1 }
    - { version: 1.3.2 }
    - { version: 2.0.1 }
    - { version: 3.1.0 }
";
    let every = |unit: &str, count: usize| {
        path(&format!(
            "  largestJump: {{ count: {count}, of: {unit}, why: w, source: s }}\n{listed}"
        ))
    };
    for (unit, count, from, to, visits) in [
        ("minor", 1, "1.0.0", "1.0.9", "1.0.9"),
        ("minor", 1, "1.0.0", "1.3.2", "1.1.4 1.2.0 1.3.2"),
        ("minor", 1, "1.0.0", "2.0.1", "1.1.4 1.3.2 2.0.1"),
        ("minor", 2, "1.0.0", "2.0.1", "1.3.2 2.0.1"),
        ("major", 1, "1.0.0", "3.1.0", "2.0.1 3.1.0"),
        ("major", 2, "1.0.0", "3.1.0", "3.1.0"),
        ("version", 1, "1.1.0", "2.0.1", "1.1.4 1.2.0-rc.1 1.3.2 2.0.1"),
        // Beyond the list.
        ("version", 1, "1.1.0", "3.2.0", "?"),
        ("minor", 1, "3.1.0", "3.4.0", "3.2.0 3.3.0 3.4.0"),
        ("minor", 1, "3.1.0", "4.0.0", "?"),
        ("major", 1, "3.1.0", "6.0.0", "4.0.0 5.0.0 6.0.0"),
    ] {
        let visited = goes(&every(unit, count), from, to).join(" ");
        assert_eq!(visited, visits, "{count} {unit}: {from} to {to}");
    }
}

#[test]
fn what_a_sparse_list_leaves_out_is_counted() {
    let every = |unit: &str, known: &str| {
        path(&format!(
            "  largestJump: {{ count: 1, of: {unit}, why: w, source: s }}\n  known: [{known}]\n"
        ))
    };
    let minor = every(
        "minor",
        "{ version: 1.0.0 }, { version: 1.2.7 }, { version: 1.4.0 }",
    );
    assert_eq!(
        goes(&minor, "1.0.0", "1.4.0").join(" "),
        "1.1.0 1.2.7 1.3.0 1.4.0"
    );
    let major = every("major", "{ version: 1.0.0 }, { version: 4.0.0 }");
    assert_eq!(goes(&major, "1.0.0", "4.0.0").join(" "), "2.0.0 3.0.0 4.0.0");
}

#[test]
fn date_versions_are_visited_one_by_one() {
    let path = path(
        "  largestJump: { count: 1, of: version, why: w, source: s }
  known:
    - { version: 2026.05.01 }
    - { version: 2025.11.12 }
    - { version: 2026-01-27 }
",
    );
    assert_eq!(
        goes(&path, "2025.11.12", "2026.5.1").join(" "),
        "2026-01-27 2026.5.1"
    );
    assert_eq!(goes(&path, "2025.10.1", "2026.5.1"), ["?"]);
}

#[test]
fn steps_that_are_only_advised_leave_a_doubt_and_a_way() {
    let path = path(
        "  largestJump: { count: 1, of: version, severity: warn, why: one by one, source: notes }
  stops:
    - { visit: 2026-01-27, why: moves, source: s }
",
    );
    let Way::Along { legs, gap } = way(&path, &version("2025.11.12"), &version("2026.8.20")) else {
        panic!("there is a way");
    };
    let visits: Vec<String> = legs.iter().map(|leg| leg.to.to_string()).collect();
    assert_eq!(visits, ["2026-01-27", "2026.8.20"]);
    let gap = gap.unwrap();
    assert_eq!(gap.severity, Severity::Warn);
    assert!(gap.why.contains("one by one (notes)"), "{}", gap.why);
}

#[test]
fn stops_hold_within_the_largest_jump() {
    let path = path(
        "  largestJump: { count: 1, of: major, why: step, source: s }
  stops:
    - { visit: 1.9.0, why: stop, source: s }
",
    );
    let Way::Along { legs, gap } = way(&path, &version("1.2.0"), &version("3.0.0")) else {
        panic!("there is a way");
    };
    assert_eq!(gap, None);
    let told: Vec<(String, &str)> = legs
        .iter()
        .map(|leg| {
            let why = leg.because.first().map_or("", |reason| reason.why.as_str());
            (leg.to.to_string(), why)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("1.9.0".into(), "stop"),
            ("2.0.0".into(), "step"),
            ("3.0.0".into(), "")
        ]
    );
}

#[test]
fn a_way_without_end_is_none() {
    let path = path("  largestJump: { count: 1, of: major, why: w, source: s }\n");
    assert_eq!(
        goes(&path, "1.0.0", "20260101.0.0").last().map(String::as_str),
        Some("?")
    );
}

#[test]
fn without_stops_every_version_is_one_upgrade_away() {
    assert_eq!(goes(&UpgradePath::default(), "1.0.0", "99.0.0"), ["99.0.0"]);
}
