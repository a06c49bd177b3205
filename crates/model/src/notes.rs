//! Release notes between two versions: who told them, what each version says, and what of it matters to an upgrade.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{API_VERSION, ChartIdentity, ExitCode};

/// What a chart says about itself and its changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartDocuments {
    /// What it calls itself.
    pub identity: ChartIdentity,
    /// The page of its project.
    pub home: Option<String>,
    /// Where its sources are.
    pub sources: Vec<String>,
    /// Its annotations; those whose value is no text are left out.
    pub annotations: BTreeMap<String, String>,
    /// The change log that it carries.
    pub changelog: Option<ChartFile>,
}

/// A file of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartFile {
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Which of a release's two versions is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionOf {
    /// The application's.
    App,
    /// The chart's own.
    Chart,
}

impl VersionOf {
    /// Whose version it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::App => "application",
            Self::Chart => "chart",
        }
    }
}

/// Why a piece of a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HighlightKind {
    /// Something that worked before does not any more.
    Breaking,
    /// The schema is migrated, or the upgrade needs a step by hand.
    Migration,
    /// Something will stop to work later.
    Deprecation,
    /// A weakness was mended.
    Security,
    /// The version is known to fail at something.
    KnownIssue,
}

impl HighlightKind {
    /// All of them, the gravest first.
    pub const ALL: [Self; 5] = [
        Self::Breaking,
        Self::Migration,
        Self::Deprecation,
        Self::Security,
        Self::KnownIssue,
    ];

    /// Its word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Migration => "migration",
            Self::Deprecation => "deprecation",
            Self::Security => "security",
            Self::KnownIssue => "known issue",
        }
    }
}

/// A piece of a note that somebody should read before the upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Highlight {
    /// Why, the gravest first; never empty.
    pub kinds: Vec<HighlightKind>,
    /// The piece, as one line without markup.
    pub text: String,
    /// What marked it: a heading or a word.
    pub by: String,
}

/// What is told about one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionNotes {
    /// Whose version.
    pub of: VersionOf,
    /// The version.
    pub version: String,
    /// One line that says what it is about; empty where nothing does.
    pub headline: String,
    /// The day it was published (`2026-05-01`), where told.
    pub date: Option<String>,
    /// Whether it is a prerelease.
    pub prerelease: bool,
    /// Where to read it.
    pub url: Option<String>,
    /// Who tells it.
    pub sources: Vec<String>,
    /// What matters to an upgrade.
    pub highlights: Vec<Highlight>,
    /// The whole note as Markdown, as its first source tells it.
    pub text: String,
}

/// How a source's notes were had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotesState {
    /// It was asked now.
    Read,
    /// It was asked earlier, and what it said then was kept.
    Cached,
    /// It stands in the file of `--notes`.
    Saved,
    /// It could not be had.
    Unreadable,
}

/// One source and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotesSourceReport {
    /// Its name: `GitHub releases of owner/repository`, a file, an address.
    pub source: String,
    /// How it was had.
    pub state: NotesState,
    /// Age of what was kept, in seconds.
    pub age_seconds: Option<i64>,
    /// How many versions on the way it tells about.
    pub versions: usize,
    /// Why it could not be had, or what is missing in it.
    pub reason: Option<String>,
}

/// From which version to which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionChange {
    /// Whose version.
    pub of: VersionOf,
    /// The running one. Its own notes are not told when going up.
    pub from: String,
    /// The target.
    pub to: String,
    /// Whether a source tells every version on the way.
    pub covered: bool,
}

/// Which way the release goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotesDirection {
    /// To a newer version: what is coming, oldest first.
    Upgrade,
    /// To an older version: what is being left, newest first.
    Rollback,
    /// Nowhere: both versions are the same.
    Same,
}

/// Whether the notes of the way are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotesVerdict {
    /// Every version on the way is told.
    Known,
    /// Those of the application are; those of the chart's own versions are not all.
    Partly,
    /// No source tells every version of the application on the way.
    Unknown,
}

/// Counts over all versions. A piece that is of two kinds counts in both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotesSummary {
    /// Versions that are told.
    pub versions: usize,
    /// Prereleases on the way that are left out.
    pub prereleases_left_out: usize,
    /// [`HighlightKind::Breaking`].
    pub breaking: usize,
    /// [`HighlightKind::Migration`].
    pub migrations: usize,
    /// [`HighlightKind::Deprecation`].
    pub deprecations: usize,
    /// [`HighlightKind::Security`].
    pub security: usize,
    /// [`HighlightKind::KnownIssue`].
    pub known_issues: usize,
}

impl NotesSummary {
    /// Counts the pieces of these versions.
    pub fn of(versions: &[VersionNotes], prereleases_left_out: usize) -> Self {
        let mut summary = Self {
            versions: versions.len(),
            prereleases_left_out,
            ..Self::default()
        };
        let highlights = versions.iter().flat_map(|version| &version.highlights);
        for kind in highlights.flat_map(|highlight| &highlight.kinds) {
            *summary.count_mut(*kind) += 1;
        }
        summary
    }

    /// The count of a kind.
    pub fn count(&self, kind: HighlightKind) -> usize {
        match kind {
            HighlightKind::Breaking => self.breaking,
            HighlightKind::Migration => self.migrations,
            HighlightKind::Deprecation => self.deprecations,
            HighlightKind::Security => self.security,
            HighlightKind::KnownIssue => self.known_issues,
        }
    }

    fn count_mut(&mut self, kind: HighlightKind) -> &mut usize {
        match kind {
            HighlightKind::Breaking => &mut self.breaking,
            HighlightKind::Migration => &mut self.migrations,
            HighlightKind::Deprecation => &mut self.deprecations,
            HighlightKind::Security => &mut self.security,
            HighlightKind::KnownIssue => &mut self.known_issues,
        }
    }
}

/// A place that the chart names for people to read. Nothing is fetched from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotesLink {
    /// What is there.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// The notes of the way from the running version to the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotesReport {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `ReleaseNotes`.
    pub kind: String,
    /// The release's name.
    pub release: String,
    /// Which way it goes.
    pub direction: NotesDirection,
    /// From where to where, the application first.
    pub changes: Vec<VersionChange>,
    /// Whether the notes are known.
    pub verdict: NotesVerdict,
    /// The counts.
    pub summary: NotesSummary,
    /// Who was asked.
    pub sources: Vec<NotesSourceReport>,
    /// What is told, in the order in which the versions are met.
    pub versions: Vec<VersionNotes>,
    /// Where the chart sends people to read on.
    pub links: Vec<NotesLink>,
    /// What could not be put in order, and what to do where the notes are not known.
    pub remarks: Vec<String>,
}

impl NotesReport {
    /// The word of [`Self::kind`].
    pub const KIND: &str = "ReleaseNotes";

    /// A report about nothing yet.
    pub fn new(release: &str) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: Self::KIND.into(),
            release: release.to_owned(),
            direction: NotesDirection::Same,
            changes: Vec::new(),
            verdict: NotesVerdict::Unknown,
            summary: NotesSummary::default(),
            sources: Vec::new(),
            versions: Vec::new(),
            links: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// The code to end with. `fail_on_breaking` makes a breaking change a blocking finding, which wins over what is not
    /// known.
    pub fn exit_code(&self, fail_on_breaking: bool) -> ExitCode {
        if fail_on_breaking && self.summary.breaking > 0 {
            return ExitCode::Blocked;
        }
        match self.verdict {
            NotesVerdict::Known | NotesVerdict::Partly => ExitCode::Done,
            NotesVerdict::Unknown => ExitCode::CannotTell,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_never_ends_well() {
        let mut report = NotesReport::new("shop");
        assert_eq!(report.exit_code(false), ExitCode::CannotTell);
        report.verdict = NotesVerdict::Partly;
        assert_eq!(report.exit_code(true), ExitCode::Done);
        report.summary.breaking = 1;
        assert_eq!(report.exit_code(false), ExitCode::Done);
        assert_eq!(report.exit_code(true), ExitCode::Blocked);
        report.verdict = NotesVerdict::Unknown;
        assert_eq!(report.exit_code(true), ExitCode::Blocked);
    }
}
