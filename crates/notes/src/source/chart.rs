//! What a chart itself tells: its change log, its annotations for Artifact Hub, and where it sends people.
//!
//! A chart is other people's text. Only repositories on the GitHub that is asked are taken from it; no other address that
//! it names is ever fetched.

use std::collections::BTreeSet;

use model::{ChartDocuments, NotesLink, VersionOf};
use serde_json::Value;

use super::place::repository_at;
use super::{Entry, Place, Reach, Source, SourceNotes};
use crate::gather::Answered;
use crate::text::{changelog, line};

const CHANGES: &str = "artifacthub.io/changes";
const LINKS: &str = "artifacthub.io/links";
const SECURITY: &str = "artifacthub.io/containsSecurityUpdates";
const PRERELEASE: &str = "artifacthub.io/prerelease";

/// The kinds of changes in their order of keep-a-changelog, which the annotation takes over.
const KINDS: [&str; 6] = ["added", "changed", "deprecated", "removed", "fixed", "security"];

/// The most links that are told.
const MOST_LINKS: usize = 20;

/// What a chart tells about changes. `whose` says which chart is meant: `the target's chart`.
pub fn chart_sources(documents: &ChartDocuments, whose: &str) -> Vec<Answered> {
    let identity = &documents.identity;
    let mut told = Vec::new();
    if let Some(file) = &documents.changelog {
        let entries: Vec<Entry> = changelog(&file.text).into_iter().map(Entry::harmless).collect();
        let name = format!("{} in {whose}", file.name);
        told.push(if entries.is_empty() {
            Answered::unreadable(name, None, "no heading in it is that of a version".into())
        } else {
            Answered::now(
                name,
                None,
                SourceNotes {
                    reach: Reach::Whole,
                    entries,
                },
            )
        });
    }
    if let Some(text) = documents.annotations.get(CHANGES) {
        let name = format!("annotations of {whose}");
        told.push(match changes(text) {
            Ok(changes) => {
                let entry = Entry {
                    version: identity.version.clone(),
                    title: None,
                    date: None,
                    prerelease: is_true(documents, PRERELEASE),
                    url: None,
                    text: as_markdown(changes, is_true(documents, SECURITY)),
                };
                Answered::now(
                    name,
                    Some(VersionOf::Chart),
                    SourceNotes {
                        reach: Reach::Own,
                        entries: vec![entry.harmless()],
                    },
                )
            }
            Err(reason) => Answered::unreadable(name, Some(VersionOf::Chart), reason),
        });
    }
    told
}

/// The repositories that a chart names as its home or sources. `host` is the host of the GitHub that is asked.
pub fn chart_repositories(documents: &ChartDocuments, host: &str) -> Vec<Source> {
    let mut seen = BTreeSet::new();
    documents
        .sources
        .iter()
        .chain(&documents.home)
        .filter_map(|address| repository_at(address, host))
        .filter(|repository| seen.insert(repository.to_lowercase()))
        .map(|repository| Source::at(Place::GitHub(repository)))
        .collect()
}

/// Where a chart sends people to read on.
pub fn chart_links(documents: &ChartDocuments) -> Vec<NotesLink> {
    let Some(Value::Array(items)) = documents
        .annotations
        .get(LINKS)
        .and_then(|text| serde_saphyr::from_str(text).ok())
    else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| {
            Some(NotesLink {
                name: line(item.get("name")?.as_str()?),
                url: line(item.get("url")?.as_str()?),
            })
        })
        .filter(|link| link.url.starts_with("https://") || link.url.starts_with("http://"))
        .take(MOST_LINKS)
        .collect()
}

/// Kind and description of every change, in both forms of the annotation: a list of texts, and one of kinds.
fn changes(text: &str) -> Result<Vec<(String, String)>, String> {
    let value: Value = serde_saphyr::from_str(text)
        .map_err(|error| format!("{CHANGES} is no list: {}", error.without_snippet()))?;
    let Value::Array(items) = value else {
        return Err(format!("{CHANGES} is no list"));
    };
    items
        .iter()
        .map(|item| match item {
            Value::String(text) => Ok(("changed".to_owned(), line(text))),
            other => {
                let field = |name: &str| other.get(name).and_then(Value::as_str).map(line);
                let description = field("description")
                    .ok_or_else(|| format!("a change of {CHANGES} has no description"))?;
                Ok((
                    field("kind").unwrap_or_else(|| "changed".into()).to_lowercase(),
                    description,
                ))
            }
        })
        .collect()
}

/// Changes as a note of keep-a-changelog, so that they are judged like every other.
fn as_markdown(changes: Vec<(String, String)>, has_security: bool) -> String {
    let mut text = String::new();
    let others = |kind: &str| !KINDS.contains(&kind);
    for kind in KINDS {
        let of_kind: Vec<&str> = changes
            .iter()
            .filter(|(of, _)| of == kind || (kind == "changed" && others(of)))
            .map(|(_, description)| description.as_str())
            .chain(
                (kind == "security" && has_security)
                    .then_some("The chart says that it contains security updates."),
            )
            .collect();
        if !of_kind.is_empty() {
            let (first, rest) = kind.split_at(1);
            text.push_str(&format!(
                "### {}{rest}\n- {}\n\n",
                first.to_uppercase(),
                of_kind.join("\n- ")
            ));
        }
    }
    text.trim_end().to_owned()
}

fn is_true(documents: &ChartDocuments, annotation: &str) -> bool {
    documents
        .annotations
        .get(annotation)
        .is_some_and(|value| value.trim() == "true")
}

#[cfg(test)]
mod tests {
    use model::{ChartFile, ChartIdentity, NotesState};

    use super::*;

    fn chart(annotations: &[(&str, &str)]) -> ChartDocuments {
        ChartDocuments {
            identity: ChartIdentity {
                name: "web".into(),
                version: "0.3.0".into(),
                app_version: Some("1.2.0".into()),
            },
            home: Some("https://www.example.com".into()),
            sources: vec![
                "https://github.com/shop/web".into(),
                "https://github.com/Shop/Web.git".into(),
                "https://elsewhere.example/shop/other".into(),
            ],
            annotations: annotations
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            changelog: None,
        }
    }

    fn text(answers: &[Answered]) -> &str {
        &answers[0].notes.as_ref().unwrap().entries[0].text
    }

    #[test]
    fn both_forms_of_the_annotation_are_read() {
        let plain = chart_sources(&chart(&[(CHANGES, "- one\n- two\n")]), "the chart");
        assert_eq!(text(&plain), "### Changed\n- one\n- two");
        let kinds = "- kind: removed\n  description: the port\n  links:\n    - name: why\n      url: https://x.example\n- \
                     kind: added\n  description: lists\n- description: more\n";
        let answers = chart_sources(
            &chart(&[(CHANGES, kinds), (SECURITY, "true"), (PRERELEASE, "true")]),
            "the chart",
        );
        assert_eq!(
            text(&answers),
            "### Added\n- lists\n\n### Changed\n- more\n\n### Removed\n- the port\n\n### Security\n- The chart says that it \
             contains security updates."
        );
        let notes = answers[0].notes.as_ref().unwrap();
        assert_eq!(notes.reach, Reach::Own);
        assert!(notes.entries[0].prerelease);
        assert_eq!(notes.entries[0].version, "0.3.0");
    }

    #[test]
    fn a_damaged_annotation_or_log_is_told_and_not_passed_over() {
        for damaged in ["a: [", "just text", "- kind: added"] {
            let answers = chart_sources(&chart(&[(CHANGES, damaged)]), "the chart");
            assert_eq!(answers[0].state, NotesState::Unreadable, "{damaged}");
        }
        let mut documents = chart(&[]);
        documents.changelog = Some(ChartFile {
            name: "CHANGELOG.md".into(),
            text: "Moved to our site.".into(),
        });
        let answers = chart_sources(&documents, "the chart");
        assert!(
            answers[0].reason.as_deref().unwrap().contains("no heading"),
            "{answers:?}"
        );
    }

    #[test]
    fn only_repositories_of_the_github_that_is_asked_are_taken() {
        let found = chart_repositories(&chart(&[]), "api.github.com");
        assert_eq!(found, [Source::at(Place::GitHub("shop/web".into()))]);
    }

    #[test]
    fn links_are_told_and_what_is_none_is_not() {
        let links = "- name: Notes\n  url: https://x.example/notes\n- name: bad\n  url: javascript:alert(1)\n- nothing\n";
        assert_eq!(
            chart_links(&chart(&[(LINKS, links)])),
            [NotesLink {
                name: "Notes".into(),
                url: "https://x.example/notes".into()
            }]
        );
        assert!(chart_links(&chart(&[(LINKS, "{")])).is_empty());
    }
}
