//! The report on a way: every upgrade of it, the first one judged.

use model::path::{
    ChartVersions, Hop, HopJudged, Meeting, MeetingKind, MeetingState, PathReport, PathState, UpgradePath,
};
use model::text::{line, shell_word};
use model::{CheckVerdict, Confidence, NextStep, Observation, Profile, Remedy, Severity, Target, Version};

use super::meet::{by_hand, hazards, overlaps};
use super::route::{Leg, Reason, Way, way};
use super::versions::{running, wanted};
use crate::evaluate::identity;
use crate::target::unreadable_records;
use crate::words::is_local;

/// Tells the way of a release to the version of `target`, or to `version` where only that was named. Pure: the same
/// facts give the same report.
pub fn path_report(
    seen: &Observation,
    profile: &Profile,
    target: Option<&Target>,
    version: Option<&str>,
) -> PathReport {
    let origin = seen.path.as_ref().map(|facts| facts.origin.clone());
    let named = match (version, target) {
        (Some(version), _) => version.to_owned(),
        (None, Some(target)) => line(
            target
                .chart
                .app_version
                .as_deref()
                .unwrap_or(&target.chart.version),
        ),
        (None, None) => String::new(),
    };
    let Some(path) = &profile.path else {
        let from = seen
            .release
            .present()
            .and_then(|release| release.chart.app_version.as_deref())
            .map(line);
        let mut report = PathReport::new(identity(seen), None, from, named);
        report.unknown.push(
            "no path knows this application, so nobody can tell which versions must be visited on the way"
                .into(),
        );
        report.next.push(NextStep {
            text: "name one with --path-file, or write it: docs/path.md".into(),
            command: None,
        });
        return report;
    };
    let from = running(&seen.release, &seen.workloads, path);
    let to = match (version, target) {
        (Some(text), _) => {
            Version::parse(text).ok_or_else(|| format!("`{text}` is no version that can be put in order"))
        }
        (None, Some(target)) => wanted(target, &seen.release, path),
        (None, None) => Err(match unreadable_records(seen) {
            Some(right) => {
                format!("the chart was not rendered (you may not {right}): name the VERSION instead")
            }
            None => "no version and no chart was named".into(),
        }),
    };
    let mut report = PathReport::new(
        identity(seen),
        origin,
        from.as_ref().ok().map(Version::to_string),
        to.as_ref().map_or(named, Version::to_string),
    );
    match (from, to) {
        (Ok(from), Ok(to)) => {
            let look = Look {
                seen,
                profile,
                path,
                target,
            };
            look.tell(&mut report, &from, &to);
        }
        (from, to) => report.unknown.extend(from.err().into_iter().chain(to.err())),
    }
    report
}

/// Everything that a way is judged by.
struct Look<'a> {
    seen: &'a Observation,
    profile: &'a Profile,
    path: &'a UpgradePath,
    target: Option<&'a Target>,
}

impl Look<'_> {
    fn tell(&self, report: &mut PathReport, from: &Version, to: &Version) {
        match way(self.path, from, to) {
            Way::Here => {
                report.state = PathState::NothingToDo;
                report.verdict = CheckVerdict::Ready;
            }
            Way::Back => {
                report.state = PathState::Downgrade;
                report.verdict = CheckVerdict::Blocked;
                report.notes.push(format!(
                    "{to} is older than {from}: no path leads back, and an older version seldom understands a newer \
                     schema"
                ));
                report.next.push(NextStep {
                    text: "go back to an earlier revision, with its data where the schema has moved".into(),
                    command: Some(format!(
                        "helm safe-upgrade rollback {} -n {}",
                        shell_word(&self.seen.release_name),
                        shell_word(&self.seen.namespace)
                    )),
                });
            }
            Way::Along { legs, gap } => {
                report.hops = legs
                    .iter()
                    .enumerate()
                    .map(|(number, leg)| self.hop(leg, number == 0))
                    .collect();
                report.state = match legs.len() {
                    1 => PathState::Direct,
                    _ => PathState::Stops,
                };
                match gap {
                    Some(gap) if gap.severity == Severity::Block => {
                        report.state = PathState::Unknown;
                        report.unknown.push(gap.why);
                    }
                    Some(gap) => report.notes.push(gap.why),
                    None => {}
                }
                report.notes.extend(beyond(self.path, to));
                report.verdict = verdict(report);
                report.next.extend(
                    legs.first()
                        .and_then(|leg| next_hop(self.seen, self.path, self.target, leg)),
                );
            }
        }
    }

    fn hop(&self, leg: &Leg, is_first: bool) -> Hop {
        let mut meets: Vec<Meeting> = hazards(self.path, self.seen, &leg.from, &leg.to)
            .into_iter()
            .map(|met| Meeting {
                id: met.said.id.clone(),
                kind: MeetingKind::Hazard,
                severity: met.said.severity,
                what: met.said.what.clone(),
                state: met.state,
                evidence: met.evidence,
                remedy: vec![Remedy {
                    text: met.said.remedy.clone(),
                    command: met.said.command.clone(),
                }],
                source: met.said.source.clone(),
                confidence: met.said.confidence,
            })
            .collect();
        meets.extend(self.overlaps(leg));
        for meeting in meets
            .iter_mut()
            .filter(|met| is_first && met.state == MeetingState::Unknown)
        {
            let sql = self
                .path
                .questions(None)
                .into_iter()
                .find(|(id, _)| *id == meeting.id);
            meeting
                .remedy
                .splice(0..0, by_hand(self.seen, sql.map(|(_, sql)| sql)));
        }
        if !is_first {
            // What the database says now says nothing of what it will say then.
            for meeting in &mut meets {
                meeting.state = MeetingState::Later;
                meeting.evidence = None;
            }
        }
        let known = self.path.known(&leg.to);
        Hop {
            from: leg.from.to_string(),
            to: leg.to.to_string(),
            released: known.and_then(|known| known.released.clone()),
            chart_version: chart_version(self.path, &leg.to),
            because: leg.because.iter().map(reason).collect(),
            judged: if is_first {
                HopJudged::Now
            } else {
                HopJudged::Later
            },
            meets,
        }
    }

    fn overlaps(&self, leg: &Leg) -> Vec<Meeting> {
        overlaps(
            self.path,
            self.seen,
            self.target,
            self.profile,
            &leg.from,
            &leg.to,
        )
        .into_iter()
        .map(|overlap| Meeting {
            id: overlap.said.id.clone(),
            kind: MeetingKind::Overlap,
            severity: overlap.severity,
            what: overlap.said.why.clone(),
            state: overlap.state,
            evidence: overlap.evidence,
            remedy: vec![Remedy {
                text: overlap.remedy.into(),
                command: None,
            }],
            source: overlap.said.source.clone(),
            confidence: overlap.said.confidence,
        })
        .collect()
    }
}

/// A reason with where it is known from.
pub(crate) fn reason(reason: &Reason) -> String {
    format!(
        "{} ({}{})",
        reason.why,
        reason.source,
        match reason.confidence {
            Confidence::Certain | Confidence::Observed | Confidence::Reported => "",
            Confidence::Inferred => "; inferred, not stated there",
        }
    )
}

/// What is to be said where the path was not looked at as far as that.
pub(crate) fn beyond(path: &UpgradePath, to: &Version) -> Option<String> {
    let reviewed = path.reviewed_to.as_ref().filter(|reviewed| to > *reviewed)?;
    Some(format!(
        "the path was looked at up to {reviewed} and {to} is newer: read the notes of what lies between"
    ))
}

fn verdict(report: &PathReport) -> CheckVerdict {
    let first = report
        .hops
        .first()
        .map(|hop| hop.meets.as_slice())
        .unwrap_or_default();
    let untold =
        |meeting: &Meeting| meeting.severity == Severity::Block && meeting.state == MeetingState::Unknown;
    if first.iter().any(Meeting::blocks) {
        CheckVerdict::Blocked
    } else if !report.unknown.is_empty() || first.iter().any(untold) {
        CheckVerdict::Incomplete
    } else if !report.notes.is_empty() || first.iter().any(Meeting::is_finding) {
        CheckVerdict::Warnings
    } else {
        CheckVerdict::Ready
    }
}

/// The version of the chart that brings a version of the application.
fn chart_version(path: &UpgradePath, version: &Version) -> Option<String> {
    match path.chart.as_ref().map(|chart| chart.versions) {
        Some(ChartVersions::SameAsApp) => Some(version.to_string()),
        Some(ChartVersions::Listed) | None => path.known(version).and_then(|known| known.chart.clone()),
    }
}

/// How the next upgrade is judged.
pub(crate) fn next_hop(
    seen: &Observation,
    path: &UpgradePath,
    target: Option<&Target>,
    leg: &Leg,
) -> Option<NextStep> {
    let text = if leg.because.is_empty() {
        format!("judge the upgrade to {}", leg.to)
    } else {
        format!("go to {} first; judge that upgrade", leg.to)
    };
    let command = command(seen, path, target, &leg.to);
    Some(NextStep { text, command })
}

/// The command that judges the upgrade to a version, where chart and version are known.
fn command(seen: &Observation, path: &UpgradePath, target: Option<&Target>, to: &Version) -> Option<String> {
    let version = chart_version(path, to)?;
    let named = target.map(|target| target.reference.as_str());
    let known = path.chart.as_ref().map(|chart| chart.reference.as_str());
    // The user's own registry goes before the vendor's; a name of a repository may mean something else elsewhere.
    let chart = named
        .filter(|name| name.starts_with("oci://"))
        .or(known)
        .or_else(|| named.filter(|name| is_in_a_repository(name)))?;
    Some(format!(
        "kubectl upgrade-check {} {} --version {} -n {}",
        shell_word(&seen.release_name),
        shell_word(chart),
        shell_word(&version),
        shell_word(&seen.namespace)
    ))
}

/// Whether a chart of another version can be had under the same name: a folder or an archive holds one alone.
fn is_in_a_repository(name: &str) -> bool {
    !is_local(name) && name.split('/').count() == 2
}
