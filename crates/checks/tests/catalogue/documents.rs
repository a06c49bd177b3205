//! The documents and files that must follow the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use checks::registry;
use model::Profile;
use model::path::PathFile;

pub(crate) fn project(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub(crate) fn text(path: &str) -> String {
    let path = project(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_row_has_its_heading_and_every_heading_its_row() {
    let documents = text("docs/checks.md");
    let headings: Vec<&str> = documents
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let unique: BTreeSet<&str> = headings.iter().copied().collect();
    assert_eq!(unique.len(), headings.len(), "a heading stands twice");
    let ids: BTreeSet<&str> = registry().map(|check| check.id).collect();
    let missing: Vec<_> = ids.difference(&unique).collect();
    let left_over: Vec<_> = unique.difference(&ids).collect();
    assert!(missing.is_empty(), "no heading in docs/checks.md: {missing:?}");
    assert!(left_over.is_empty(), "no row for these headings: {left_over:?}");
}

#[test]
fn every_heading_tells_what_the_row_means_for_an_upgrade() {
    let documents = text("docs/checks.md");
    for check in registry() {
        let section = documents
            .split(&format!("### {}\n", check.id))
            .nth(1)
            .and_then(|rest| rest.split("\n### ").next())
            .unwrap_or_default();
        let word = match check.severity {
            model::Severity::Block => "**blocks**",
            model::Severity::Warn => "**warns**",
            model::Severity::Info => "**informs**",
        };
        assert!(section.contains(word), "{} should say {word}", check.id);
        assert!(section.contains("*Do:*"), "{} says nothing to do", check.id);
    }
}

#[test]
fn the_schemas_are_those_that_the_code_reads() {
    for (file, schema) in [
        ("profiles/schema.json", schemars::schema_for!(Profile)),
        ("profiles/path.schema.json", schemars::schema_for!(PathFile)),
    ] {
        let schema = serde_json::to_value(schema).unwrap();
        let mut wanted = serde_json::to_string_pretty(&schema).unwrap();
        wanted.push('\n');
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(project(file), &wanted).unwrap();
        }
        assert!(
            text(file) == wanted,
            "{file} is old: run UPDATE_SCHEMA=1 cargo test -p checks"
        );
    }
}

#[test]
fn every_key_of_a_profile_and_a_path_is_described() {
    let documents = text("docs/profiles.md") + &text("docs/path.md");
    let mut keys = BTreeSet::new();
    for schema in [schemars::schema_for!(Profile), schemars::schema_for!(PathFile)] {
        collect(&serde_json::to_value(schema).unwrap(), &mut keys);
    }
    let missing: Vec<_> = keys
        .iter()
        .filter(|key| !documents.contains(&format!("`{key}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/profiles.md or docs/path.md: {missing:?}"
    );
}

#[test]
fn every_fault_of_a_backup_names_tests_that_exist() {
    let faults = faults_of("docs/backup-faults.md", |fault| panic!("{fault} names no test"));
    assert!(faults > 40, "only {faults} faults are read");
}

#[test]
fn every_fault_of_an_upgrade_names_tests_that_exist_or_says_that_there_is_none() {
    let mut missing = Vec::new();
    let faults = faults_of("docs/faults.md", |fault| missing.push(fault.to_owned()));
    assert!(faults > 20, "only {faults} faults are read");
    let rows = text("docs/faults.md");
    let said = rows.lines().filter(|row| row.ends_with("| not yet |")).count();
    assert_eq!(said, missing.len(), "these name no test: {missing:?}");
}

/// Reads the rows of a table of faults and fails where a test that one names is gone. Gives how many there are, and those
/// without a test.
fn faults_of(document: &str, mut without: impl FnMut(&str)) -> usize {
    let documents = text(document);
    let mut sources = Vec::new();
    for folder in ["crates", "tests", "kubectl-upgrade"] {
        sources_below(&project(folder), &mut sources);
    }
    let mut faults = BTreeSet::new();
    for row in documents
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(": "))
    {
        let fault = row.trim_start_matches("| ").split(':').next().unwrap_or_default();
        assert!(faults.insert(fault), "{fault} stands twice");
        let cell = row
            .trim_end_matches(" |")
            .rsplit(" | ")
            .next()
            .unwrap_or_default();
        let tests: Vec<&str> = cell.split('`').filter(|word| word.contains("::")).collect();
        if tests.is_empty() {
            without(fault);
        }
        for test in tests {
            let (file, name) = test.split_once("::").expect("a test is named FILE::NAME");
            let found = sources
                .iter()
                .any(|(path, source)| path.ends_with(file) && has_test(source, name));
            assert!(found, "{fault}: no test {name} in a file {file}");
        }
    }
    faults.len()
}

/// Every Rust file below a folder with its text.
pub(crate) fn sources_below(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let source =
                std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((path, source));
        }
    }
}

/// Whether a function of this name is a test.
pub(crate) fn has_test(source: &str, name: &str) -> bool {
    let Some((before, _)) = source.split_once(&format!("fn {name}(")) else {
        return false;
    };
    let attributes = before.trim_end_matches("async ").lines().rev();
    attributes
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .any(|line| line.contains("test]") || line.contains("tokio::test("))
}

/// The names of all properties anywhere in a schema.
fn collect(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            if let Some(serde_json::Value::Object(properties)) = map.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| collect(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}
