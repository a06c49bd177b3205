//! From what sources told to what the user is told. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::profile::NotesMarkers;
use model::{
    Highlight, NotesLink, NotesReport, NotesSourceReport, NotesState, NotesSummary, NotesVerdict, Version,
    VersionChange, VersionNotes, VersionOf,
};

use crate::gather::Answered;
use crate::select::{Part, parts};
use crate::source::Entry;
use crate::text::{headline, highlights};
use crate::way::{Step, Way};

/// What to report on.
pub struct ReportRequest<'a> {
    /// The release's name.
    pub release: &'a str,
    /// The way that it goes.
    pub way: &'a Way,
    /// What every source told.
    pub answers: &'a [Answered],
    /// The profile's markers.
    pub markers: &'a NotesMarkers,
    /// Where the chart sends people.
    pub links: Vec<NotesLink>,
    /// Whether prereleases on the way are told.
    pub prereleases: bool,
    /// The time.
    pub now: Timestamp,
}

/// Says what lies on the way, and whether that is all.
pub fn report(request: &ReportRequest<'_>) -> NotesReport {
    let ReportRequest {
        release,
        way,
        answers,
        markers: _,
        links,
        prereleases: _,
        now,
    } = request;
    let told: Vec<(&Answered, Vec<Part<'_>>)> = answers
        .iter()
        .map(|answered| (answered, parts(answered, way)))
        .collect();
    let mut versions = Vec::new();
    let mut left_out = 0;
    let mut changes = Vec::new();
    for step in &way.steps {
        let of_step: Vec<(&Answered, &Part<'_>)> = told
            .iter()
            .flat_map(|(answered, parts)| parts.iter().map(move |part| (*answered, part)))
            .filter(|(_, part)| part.step == step)
            .collect();
        changes.push(VersionChange {
            of: step.of,
            from: step.from.to_string(),
            to: step.to.to_string(),
            covered: of_step.iter().any(|(_, part)| part.covers()),
        });
        let (told, skipped) = on_the_way(request, step, &of_step);
        versions.extend(told);
        left_out += skipped;
    }
    let verdict = verdict(way, &changes);
    NotesReport {
        direction: way.direction(),
        verdict,
        summary: NotesSummary::of(&versions, left_out),
        sources: told
            .iter()
            .map(|(answered, parts)| source(answered, parts, *now))
            .collect(),
        links: links.clone(),
        remarks: remarks(way, answers, verdict),
        changes,
        versions,
        ..NotesReport::new(release)
    }
}

/// The application's versions count first. Where only the chart's change, they are what counts.
fn verdict(way: &Way, changes: &[VersionChange]) -> NotesVerdict {
    let known = changes.first().is_none_or(|change| change.covered);
    let is_lost = way.without_order.contains(&VersionOf::App)
        || (way.steps.is_empty() && !way.without_order.is_empty());
    if !known || is_lost {
        NotesVerdict::Unknown
    } else if changes.iter().all(|change| change.covered) && way.without_order.is_empty() {
        NotesVerdict::Known
    } else {
        NotesVerdict::Partly
    }
}

/// The versions that are met on one part of the way, in order, and how many prereleases are left out.
fn on_the_way(
    request: &ReportRequest<'_>,
    step: &Step,
    told: &[(&Answered, &Part<'_>)],
) -> (Vec<VersionNotes>, usize) {
    let wants_prereleases = request.prereleases || step.from.is_prerelease() || step.to.is_prerelease();
    let mut met: Vec<(Version, VersionNotes)> = Vec::new();
    let mut left_out: Vec<&Version> = Vec::new();
    for (answered, part) in told {
        for (version, entry) in &part.entries {
            if !step.passes(version) {
                continue;
            }
            if entry.prerelease && !wants_prereleases && version != step.high() {
                if !left_out.contains(&version) {
                    left_out.push(version);
                }
                continue;
            }
            let notes = notes(step.of, version, entry, &answered.source, request.markers);
            match met.iter_mut().find(|(there, _)| there == version) {
                Some((_, there)) => join(there, notes),
                None => met.push((version.clone(), notes)),
            }
        }
    }
    // One source may call a version a prerelease that another one does not: it is told then.
    left_out.retain(|version| !met.iter().any(|(there, _)| there == *version));
    let skipped = left_out.len();
    met.sort_by(|(one, _), (other, _)| {
        if step.is_up() {
            one.cmp(other)
        } else {
            other.cmp(one)
        }
    });
    (met.into_iter().map(|(_, notes)| notes).collect(), skipped)
}

fn notes(
    of: VersionOf,
    version: &Version,
    entry: &Entry,
    source: &str,
    markers: &NotesMarkers,
) -> VersionNotes {
    let highlights = highlights(&entry.text, markers);
    VersionNotes {
        of,
        version: version.to_string(),
        headline: entry
            .title
            .clone()
            .unwrap_or_else(|| headline(&entry.text, &highlights)),
        date: entry.date.clone(),
        prerelease: entry.prerelease,
        url: entry.url.clone(),
        sources: vec![source.to_owned()],
        highlights,
        text: entry.text.clone(),
    }
}

/// Two sources on one version: the first one's words, and what only the second one says.
fn join(there: &mut VersionNotes, other: VersionNotes) {
    let VersionNotes {
        of: _,
        version: _,
        headline,
        date,
        prerelease,
        url,
        sources,
        highlights,
        text,
    } = other;
    if there.headline.is_empty() {
        there.headline = headline;
    }
    if there.text.is_empty() {
        there.text = text;
    }
    there.date = there.date.take().or(date);
    there.url = there.url.take().or(url);
    there.prerelease |= prerelease;
    there.sources.extend(sources);
    let known: BTreeSet<String> = there.highlights.iter().map(key).collect();
    there.highlights.extend(
        highlights
            .into_iter()
            .filter(|highlight| !known.contains(&key(highlight))),
    );
}

/// Two sources rarely write the same piece with the same signs.
fn key(highlight: &Highlight) -> String {
    highlight
        .text
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn source(answered: &Answered, parts: &[Part<'_>], now: Timestamp) -> NotesSourceReport {
    let lacks = parts.iter().filter_map(Part::lack);
    let nothing = (answered.notes.is_some() && parts.is_empty())
        .then(|| "tells of no version that is asked about".to_owned());
    let reasons: Vec<String> = answered
        .reason
        .iter()
        .cloned()
        .chain(lacks)
        .chain(nothing)
        .collect();
    let versions: BTreeSet<(VersionOf, &Version)> = parts
        .iter()
        .flat_map(|part| {
            part.entries
                .iter()
                .map(|(version, _)| (part.step.of, version))
                .filter(|(_, version)| part.step.passes(version))
        })
        .collect();
    NotesSourceReport {
        source: answered.source.clone(),
        state: answered.state,
        age_seconds: answered
            .at
            .map(|at| now.as_second().saturating_sub(at.as_second()).max(0)),
        versions: versions.len(),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

fn remarks(way: &Way, answers: &[Answered], verdict: NotesVerdict) -> Vec<String> {
    let mut remarks = way.remarks.clone();
    match verdict {
        NotesVerdict::Known => {}
        NotesVerdict::Partly => {
            remarks.push("no source tells every version of the chart on the way".into());
        }
        NotesVerdict::Unknown if answers.is_empty() => remarks.push(
            "no source of notes is known: name one with --from OWNER/REPOSITORY, or in a profile".into(),
        ),
        NotesVerdict::Unknown
            if answers
                .iter()
                .all(|answered| answered.state == NotesState::Unreadable) =>
        {
            remarks.push(
                "no source could be read: read the notes elsewhere, or bring a file of `notes --save` and name it with \
                 --notes"
                    .into(),
            );
        }
        NotesVerdict::Unknown => remarks.push(
            "no source tells every version on the way: name another one with --from, or read on at theirs"
                .into(),
        ),
    }
    remarks
}

#[cfg(test)]
mod tests;
