//! What the release notes on the way to the target mark.

use model::{
    Category, Confidence, HighlightKind, NotesDirection, NotesReport, NotesVerdict, Observation, Severity,
    Target,
};

use crate::check::{Check, Judged, Judgement, Unjudged, given, some_of};
use crate::words::chart;

pub(crate) const ROWS: &[Check] = &[Check {
    id: "release-notes",
    category: Category::Path,
    title: "the notes of the versions on the way mark nothing that breaks",
    severity: Severity::Info,
    judge: |seen, target, _| notes(seen, target),
}];

fn notes(seen: &Observation, target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let report = target
        .notes
        .as_ref()
        .ok_or_else(|| Unjudged::Skip("no notes were looked for".into()))?;
    if report.sources.is_empty() && report.verdict == NotesVerdict::Unknown {
        return Err(Unjudged::Skip(
            "neither the chart nor the profile names a source of notes".into(),
        ));
    }
    if report.verdict == NotesVerdict::Known && report.direction == NotesDirection::Same {
        return Ok(Judged::pass("no version changes"));
    }
    let breaking: Vec<String> = report
        .versions
        .iter()
        .flat_map(|notes| notes.highlights.iter().map(move |piece| (notes, piece)))
        .filter(|(_, piece)| piece.kinds.contains(&HighlightKind::Breaking))
        .map(|(notes, piece)| format!("{}: {}", notes.version, piece.text))
        .collect();
    let judged = if !breaking.is_empty() {
        Judged::warn(format!("{}: {}", counts(report), some_of(&breaking)))
    } else {
        match report.verdict {
            NotesVerdict::Known => Judged::pass(counts(report)),
            NotesVerdict::Partly => {
                Judged::unknown("what was read so far does not tell every version of the chart on the way")
            }
            NotesVerdict::Unknown => {
                Judged::unknown("what was read so far does not tell every version on the way")
            }
        }
    };
    let summary = &report.summary;
    Ok(judged
        .sure(Confidence::Reported)
        .with("versions", summary.versions)
        .with("breaking", summary.breaking)
        .with("migrations", summary.migrations)
        .with("deprecations", summary.deprecations)
        .with("security", summary.security)
        .with("knownIssues", summary.known_issues)
        .command(
            "read the notes; what was read is judged here, too",
            format!(
                "kubectl upgrade-check notes {} {} -n {}",
                seen.release_name,
                chart(target),
                seen.namespace
            ),
        ))
}

fn counts(report: &NotesReport) -> String {
    let summary = &report.summary;
    let whole = match report.verdict {
        NotesVerdict::Known => "",
        NotesVerdict::Partly | NotesVerdict::Unknown => " as far as they are told",
    };
    format!(
        "{} and {} in {}{whole}",
        counted(summary.breaking, "breaking change"),
        counted(summary.migrations, "migration"),
        counted(summary.versions, "version")
    )
}

fn counted(number: usize, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}
