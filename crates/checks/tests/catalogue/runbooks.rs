//! The documents on the runbooks of other people's systems: their rows, the tests that they name, and their counts.

use crate::documents::{has_test, project, sources_below, text};

/// A row of a runbook: its number, what is done today, and the tests that show it.
struct Row {
    number: usize,
    today: String,
    shown: String,
}

fn rows(document: &str) -> Vec<Row> {
    let lines = text(&format!("docs/runbooks/{document}.md"));
    let cells = lines.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .collect();
        match cells.as_slice() {
            [number, _says, today, _wrong, shown] => Some(Row {
                number: number.parse().ok()?,
                today: (*today).to_owned(),
                shown: (*shown).to_owned(),
            }),
            _ => None,
        }
    });
    cells.collect()
}

fn documents() -> Vec<String> {
    let folder = std::fs::read_dir(project("docs/runbooks")).expect("docs/runbooks is there");
    let mut names: Vec<String> = folder
        .map(|entry| entry.expect("the folder is read").path())
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .filter(|name| name != "README")
        .collect();
    names.sort();
    names
}

#[test]
fn every_covered_instruction_names_tests_that_exist_or_says_that_there_is_none() {
    let mut sources = Vec::new();
    for folder in ["crates", "tests", "kubectl-upgrade"] {
        sources_below(&project(folder), &mut sources);
    }
    for document in documents() {
        for (index, row) in rows(&document).iter().enumerate() {
            let place = format!("{document}, row {}", row.number);
            assert_eq!(row.number, index + 1, "{place} is not in its place");
            let is_covered = !row.today.starts_with("not ");
            let names = row.shown.split('`').filter(|word| word.contains("::"));
            let names: Vec<&str> = names.collect();
            assert_eq!(
                is_covered && row.shown != "no test",
                !names.is_empty(),
                "{place}: {}",
                row.shown
            );
            for name in names {
                let (file, test) = name.split_once("::").unwrap();
                let found = sources
                    .iter()
                    .any(|(path, source)| path.ends_with(file) && has_test(source, test));
                assert!(found, "{place}: no test {test} in a file {file}");
            }
        }
    }
}

#[test]
fn the_table_of_runbooks_counts_their_rows() {
    let table = text("docs/runbooks/README.md");
    let names = documents();
    assert_eq!(names, ["coder", "gocdnext", "nodepad", "opschain"]);
    for name in names {
        let rows = rows(&name);
        let count = |matching: &dyn Fn(&&Row) -> bool| rows.iter().filter(matching).count();
        let yet = count(&|row| row.today.starts_with("not yet"));
        let ours = count(&|row| row.today.starts_with("not ours"));
        let shown = count(&|row| row.shown.contains("::"));
        let covered = rows.len() - yet - ours;
        let wanted = format!(
            "| [{name}]({name}.md) | {} | {covered} | {shown} | {yet} | {ours} |",
            rows.len()
        );
        assert!(
            table.contains(&wanted),
            "docs/runbooks/README.md should say {wanted}"
        );
    }
}
