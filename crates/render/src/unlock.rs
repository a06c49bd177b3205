//! A stuck release: what is known, and what was done.

use std::io::{self, Write};

use model::{PendingEvidence, Seen, StandingWorkload, Stands, UnlockReport};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;
use crate::words::age;

/// Writes what is known about a pending revision, for whoever has to agree to unlock it.
///
/// # Errors
/// The writer's own.
pub fn pending_evidence(out: &mut dyn Write, style: Style, report: &UnlockReport) -> io::Result<()> {
    let release = &report.release;
    writeln!(
        out,
        "{} in {}  revision {}  {}",
        style.paint(Tone::Strong, &release.name),
        release.namespace,
        release.revision,
        release.chart
    )?;
    let Some(evidence) = &report.evidence else {
        return Ok(());
    };
    for (what, known) in facts(evidence) {
        writeln!(out, "  {what:<28} {known}")?;
    }
    match &evidence.workloads {
        Seen::Present(workloads) => {
            for workload in workloads {
                writeln!(
                    out,
                    "  {:<28} {}",
                    workload.name.to_string(),
                    standing(workload, release.revision)
                )?;
            }
        }
        Seen::Absent => {}
        Seen::Unreadable(why) => writeln!(out, "  {:<28} could not be read: {why}", "workloads")?,
    }
    writeln!(
        out,
        "  note: helm leaves no sign of life in the cluster; one with a longer --timeout may still wait for pods"
    )
}

/// Writes what was done, or why nothing was.
///
/// # Errors
/// The writer's own.
pub fn unlock_report(out: &mut dyn Write, style: Style, report: &UnlockReport) -> io::Result<()> {
    let revision = report.release.revision;
    let refused = !report.refused.is_empty() || !report.unknown.is_empty();
    for why in &report.refused {
        writeln!(out, "{} {why}", style.paint(Tone::Bad, "not unlocked:"))?;
    }
    for what in &report.unknown {
        writeln!(out, "{} {what}", style.paint(Tone::Bad, "cannot tell:"))?;
    }
    if report.changed {
        let words = format!("revision {revision} now says {}", status(report));
        writeln!(out, "{}", style.paint(Tone::Good, &words))?;
    } else if !refused && report.evidence.is_none() {
        writeln!(
            out,
            "revision {revision} says {}: there is nothing to unlock",
            status(report)
        )?;
    }
    next_steps(out, style, &report.next)
}

fn facts(evidence: &PendingEvidence) -> Vec<(&'static str, String)> {
    let pending =
        evidence.age_seconds.map_or(
            "for a time that is not known".to_owned(),
            |seconds| match seconds {
                ..60 => format!("{seconds} s"),
                _ => age(seconds),
            },
        );
    let jobs = match &evidence.running_hooks {
        Seen::Present(jobs) if !jobs.is_empty() => format!("{} still run", jobs.join(", ")),
        Seen::Present(_) | Seen::Absent => "none runs".to_owned(),
        Seen::Unreadable(why) => format!("could not be read: {why}"),
    };
    vec![
        ("pending", format!("{pending} ({})", evidence.description)),
        ("hook jobs", jobs),
        (
            "run of this program",
            fact(&evidence.unfinished_run, "none is unfinished"),
        ),
        ("lease", fact(&evidence.lease_holder, "nobody holds it")),
    ]
}

fn fact(seen: &Seen<String>, otherwise: &str) -> String {
    match seen {
        Seen::Present(text) => text.clone(),
        Seen::Absent => otherwise.to_owned(),
        Seen::Unreadable(why) => format!("could not be read: {why}"),
    }
}

fn standing(workload: &StandingWorkload, revision: u32) -> String {
    let words = match workload.stands {
        Stands::Newest => format!("has the images of revision {revision}"),
        Stands::Before => "has the images of the revision before".to_owned(),
        Stands::Either => "has the images of both revisions".to_owned(),
        Stands::Neither => "has the images of neither revision".to_owned(),
        Stands::Missing => return "is not there".to_owned(),
    };
    match workload.desired {
        Some(desired) => format!("{words}, {} of {desired} pods ready", workload.ready),
        None => words,
    }
}

fn status(report: &UnlockReport) -> String {
    serde_json::to_value(report.status)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
