//! Strict reading of a profile: one error that names the place and the remedy.

use std::fmt;

use super::{NotesSource, Profile};
use crate::text::only_harmless;
use crate::{API_VERSION, read_strict};

/// Why a text is no profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    /// Where the text came from: a path or the name of a built-in.
    pub source: String,
    /// Line, counted from 1, where known.
    pub line: Option<u64>,
    /// Column, counted from 1, where known.
    pub column: Option<u64>,
    /// What is wrong there.
    pub message: String,
    /// The nearest known key, when a key is unknown.
    pub suggestion: Option<String>,
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            line,
            column,
            message,
            suggestion,
        } = self;
        write!(f, "profile {source}")?;
        if let Some(line) = line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {message}")?;
        if let Some(key) = suggestion {
            write!(f, " (did you mean `{key}`?)")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileError {}

/// Reads a profile. `source` names the text in errors.
///
/// # Errors
/// On anything that is not exactly a profile: wrong YAML, unknown or missing keys, text that would steer a terminal, another
/// `apiVersion` or `kind`.
pub fn parse(source: &str, text: &str) -> Result<Profile, ProfileError> {
    let profile: Profile = read_strict(text).map_err(|error| ProfileError {
        source: source.into(),
        line: error.line,
        column: error.column,
        message: error.message,
        suggestion: error.suggestion,
    })?;
    let refuse = |message: String| {
        Err(ProfileError {
            source: source.into(),
            line: None,
            column: None,
            message,
            suggestion: None,
        })
    };
    // First of all: what else is wrong is told with the file's own words.
    if let Err(message) = only_harmless(&profile) {
        return refuse(message);
    }
    if profile.api_version != API_VERSION {
        return refuse(format!(
            "apiVersion is `{}`, this program reads `{API_VERSION}`",
            profile.api_version
        ));
    }
    if profile.kind != "Profile" {
        return refuse(format!("kind is `{}`, not `Profile`", profile.kind));
    }
    let is_one = |place: &NotesSource| place.github.is_some() != place.changelog.is_some();
    if !profile.notes.sources.iter().all(is_one) {
        return refuse("each of `notes.sources` names either `github` or `changelog`".into());
    }
    if !profile
        .smoke
        .iter()
        .all(|step| step.sql.is_some() != step.command.is_some())
    {
        return refuse("each of `smoke` has either `sql` or `command`".into());
    }
    if let Err(message) = profile.requires.check() {
        return refuse(message);
    }
    if profile.path.is_some() && profile.path_file.is_some() {
        return refuse("it has both `path` and `pathFile`, and only one can be in force".into());
    }
    if let Some(Err(message)) = profile.path.as_ref().map(crate::path::UpgradePath::check) {
        return refuse(message);
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: x\n";

    #[test]
    fn a_small_profile_is_read() {
        assert_eq!(parse("x.yaml", SMALL).unwrap().name, "x");
    }

    #[test]
    fn a_mistyped_key_is_named_with_its_line_and_the_nearest_key() {
        let error = parse("x.yaml", &format!("{SMALL}migrations:\n  tolo: goose\n")).unwrap_err();
        assert_eq!(error.line, Some(5), "{error}");
        assert_eq!(error.suggestion.as_deref(), Some("tool"), "{error}");
        assert_eq!(
            error.to_string(),
            "profile x.yaml, line 5, column 3: unknown key `tolo` (did you mean `tool`?)"
        );
    }

    #[test]
    fn what_is_required_can_be_looked_for() {
        let read = |requires: &str| parse("x.yaml", &format!("{SMALL}requires: {requires}\n"));
        let good = "{ crds: [{ name: pools.example.org, version: v1 }], operators: [{ name: pool, labels: { app: pool }, \
                    version: '>=1.2' }], webhooks: [{ service: pool }] }";
        assert!(!read(good).unwrap().requires.is_empty());
        for (wrong, told) in [
            ("{ crds: [{ name: pools }] }", "no definition's name"),
            ("{ operators: [{ name: pool, labels: {} }] }", "has no labels"),
            (
                "{ operators: [{ name: pool, labels: { a: b }, version: soon }] }",
                "soon",
            ),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.message.contains(told), "{error}");
        }
    }

    #[test]
    fn a_deployer_is_one_that_is_known() {
        let read = |deployer: &str| parse("x.yaml", &format!("{SMALL}deployer: {deployer}\n"));
        let declared = read("{ tool: argo-cd, source: the repository of the shop }").unwrap();
        assert_eq!(declared.deployer.unwrap().tool, crate::DeployerTool::ArgoCd);
        assert!(read("{ tool: ansible }").is_err());
    }

    #[test]
    fn a_source_of_notes_is_one_place() {
        let read = |source: &str| parse("x.yaml", &format!("{SMALL}notes:\n  sources:\n    - {source}\n"));
        assert!(read("{ github: a/b, of: chart, tags: chart- }").is_ok());
        for source in ["{ of: app }", "{ github: a/b, changelog: CHANGELOG.md }"] {
            let error = read(source).unwrap_err();
            assert!(error.message.contains("`notes.sources`"), "{error}");
        }
    }

    #[test]
    fn a_path_is_read_as_strictly_and_only_once() {
        let error = parse("x.yaml", &format!("{SMALL}path:\n  stopps: []\n")).unwrap_err();
        assert_eq!(error.suggestion.as_deref(), Some("stops"), "{error}");
        let both = parse("x.yaml", &format!("{SMALL}path: {{}}\npathFile: x.yaml\n")).unwrap_err();
        assert!(both.message.contains("only one"), "{both}");
        let text = format!("{SMALL}path:\n  running: {{ read: imageTag }}\n");
        assert!(parse("x.yaml", &text).unwrap_err().message.contains("no `image`"));
    }

    #[test]
    fn a_smoke_step_is_a_statement_or_a_command() {
        let read = |step: &str| parse("x.yaml", &format!("{SMALL}smoke:\n  - {step}\n"));
        assert!(read("{ what: it works, sql: select true }").is_ok());
        assert!(read("{ what: it works, command: ./smoke.sh }").is_ok());
        for wrong in ["{ what: it works }", "{ what: x, sql: select true, command: x }"] {
            assert!(read(wrong).unwrap_err().message.contains("`smoke`"), "{wrong}");
        }
    }

    #[test]
    fn another_api_version_is_refused() {
        let text = SMALL.replace("v1alpha1", "v9");
        assert!(parse("x.yaml", &text).unwrap_err().message.contains("v9"));
    }
}
