//! Strict reading of a path file: one error that names the place and the remedy.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReadFrom, UpgradePath};
use crate::profile::Match;
use crate::text::only_harmless;
use crate::{API_VERSION, StrictError, read_strict};

/// An upgrade path in a file of its own, which any vendor can publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathFile {
    /// `safe-upgrade.dev/v1alpha1`.
    pub api_version: String,
    /// `Path`.
    pub kind: String,
    /// The application's name, for messages.
    pub name: String,
    /// One line about it.
    #[serde(default)]
    pub description: String,
    /// Which releases it fits; read of built-in files only.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// The path itself.
    pub path: UpgradePath,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathFileError {
    /// Where the text came from: a file, an address, a built-in's name, a profile.
    pub source: String,
    /// What is wrong, and where.
    pub wrong: StrictError,
}

impl fmt::Display for PathFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, wrong } = self;
        let StrictError {
            line,
            column: _,
            message,
            suggestion,
        } = wrong;
        write!(f, "path {source}")?;
        if let Some(line) = line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {message}")?;
        if let Some(key) = suggestion {
            write!(f, " (did you mean `{key}`?)")?;
        }
        Ok(())
    }
}

impl std::error::Error for PathFileError {}

impl PathFile {
    /// The word of [`Self::kind`].
    pub const KIND: &str = "Path";
}

/// Reads a path file. `source` names the text in errors.
///
/// # Errors
/// On anything that is not exactly a path file: wrong YAML, unknown or missing keys, versions and ranges that are none,
/// names that stand twice, text that would steer a terminal, another `apiVersion` or `kind`.
pub fn parse_path(source: &str, text: &str) -> Result<PathFile, PathFileError> {
    let refuse = |wrong: StrictError| PathFileError {
        source: source.into(),
        wrong,
    };
    let plainly = |message: String| {
        refuse(StrictError {
            line: None,
            column: None,
            message,
            suggestion: None,
        })
    };
    let file: PathFile = read_strict(text).map_err(refuse)?;
    // First of all: what else is wrong is told with the file's own words.
    only_harmless(&file).map_err(plainly)?;
    if file.api_version != API_VERSION {
        return Err(plainly(format!(
            "apiVersion is `{}`, this program reads `{API_VERSION}`",
            file.api_version
        )));
    }
    if file.kind != PathFile::KIND {
        return Err(plainly(format!(
            "kind is `{}`, not `{}`",
            file.kind,
            PathFile::KIND
        )));
    }
    file.path.check().map_err(plainly)?;
    Ok(file)
}

impl UpgradePath {
    /// What the shape alone does not tell.
    ///
    /// # Errors
    /// In words, what contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        let mut ids = BTreeSet::new();
        let hazards = self.hazards.iter().map(|hazard| (&hazard.id, &hazard.sql));
        let overlaps = self
            .must_not_overlap
            .iter()
            .map(|overlap| (&overlap.id, &overlap.sql));
        for (id, sql) in hazards.chain(overlaps) {
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if id.is_empty() || !id.chars().all(is_plain) {
                return Err(format!(
                    "the id `{id}` has other characters than small letters, digits and dashes"
                ));
            }
            if !ids.insert(id) {
                return Err(format!("the id `{id}` stands twice"));
            }
            if sql.as_ref().is_some_and(|sql| sql.trim().is_empty()) {
                return Err(format!("the sql of `{id}` is empty"));
            }
        }
        if self.largest_jump.as_ref().is_some_and(|jump| jump.count == 0) {
            return Err("largestJump has count 0, which allows no upgrade at all".into());
        }
        if self.running.read == ReadFrom::ImageTag && self.running.image.is_none() {
            return Err("running reads `imageTag` and names no `image`".into());
        }
        if self.running.read == ReadFrom::Label && self.running.label.is_none() {
            return Err("running reads `label` and names no `label`".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: x\npath:\n";

    fn read(text: &str) -> Result<PathFile, String> {
        parse_path("x.yaml", &format!("{HEAD}{text}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_path_is_read_with_its_versions_as_they_are_written() {
        let file = read(
            "  stops:\n    - { visit: 2.30, why: w, source: s }\n  known:\n    - { version: 2026-01-27 }\n",
        )
        .unwrap();
        assert_eq!(file.path.stops[0].visit.to_string(), "2.30");
        assert_eq!(file.path.known[0].version.to_string(), "2026-01-27");
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_line_and_the_nearest_key() {
        assert_eq!(
            read("  hazzards: []\n").unwrap_err(),
            "path x.yaml, line 5: unknown key `hazzards` (did you mean `hazards`?)"
        );
    }

    #[test]
    fn a_version_or_range_that_is_none_is_named_with_its_line() {
        let told = read("  reviewedTo: newest\n").unwrap_err();
        assert!(
            told.starts_with("path x.yaml, line 5:") && told.contains("newest"),
            "{told}"
        );
        let told = read("  stops:\n    - visit: 1.2.0\n      from: about 1\n      why: w\n      source: s\n")
            .unwrap_err();
        assert!(told.contains("about 1") && told.contains(">=1.2.0"), "{told}");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let hazard = "    - { id: a, what: w, do: d, source: s }\n";
        for (text, word) in [
            (format!("  hazards:\n{hazard}{hazard}"), "stands twice"),
            (
                "  hazards:\n    - { id: A b, what: w, do: d, source: s }\n".into(),
                "small letters",
            ),
            (
                "  hazards:\n    - { id: a, what: w, do: d, source: s, sql: ' ' }\n".into(),
                "is empty",
            ),
            (
                "  largestJump: { count: 0, of: minor, why: w, source: s }\n".into(),
                "count 0",
            ),
            ("  running: { read: imageTag }\n".into(), "names no `image`"),
            ("  running: { read: label }\n".into(), "names no `label`"),
        ] {
            let told = read(&text).unwrap_err();
            assert!(told.contains(word), "{word}: {told}");
        }
    }

    #[test]
    fn a_fact_without_its_source_is_refused() {
        let told = read("  hazards:\n    - { id: a, what: w, do: d }\n").unwrap_err();
        assert!(told.contains("source"), "{told}");
    }

    #[test]
    fn a_text_that_would_steer_a_terminal_is_refused_and_not_shown_raw() {
        for text in [
            r#"  hazards: [{ id: a, what: "\e[2Jgone", do: d, source: s }]"#,
            r#"  hazards: [{ id: "\e[2J", what: w, do: d, source: s }]"#,
            r#"  stops: [{ visit: 1.0.0, why: "a\u202eb", source: s }]"#,
            r#"  "\e[2J": []"#,
        ] {
            let told = read(&format!("{text}\n")).unwrap_err();
            assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
        }
    }

    #[test]
    fn another_kind_or_api_version_is_refused() {
        let text = format!("{HEAD}  known: []\n");
        for (changed, word) in [
            (text.replace("kind: Path", "kind: Profile"), "not `Path`"),
            (text.replace("v1alpha1", "v9"), "v9"),
        ] {
            let told = parse_path("x.yaml", &changed).unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
