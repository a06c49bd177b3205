//! What the upgrade path says of the jump from the running version to the target's.

use model::path::{Hazard, MeetingState, UpgradePath};
use model::{Category, Confidence, Observation, Profile, Remedy, Severity, Target, Version};

use crate::check::{Check, Judged, Judgement, Unjudged, given, some_of};
use crate::path::{
    Gap, Leg, Met, Overlap, Reason, Way, beyond, by_hand, hazards, next_hop, overlaps, reason, running,
    wanted, way,
};

pub(crate) const ROWS: &[Check] = &[
    Check {
        id: "path-known",
        category: Category::Path,
        title: "an upgrade path knows the versions of this application",
        severity: Severity::Info,
        judge: known,
    },
    Check {
        id: "path-stops",
        category: Category::Path,
        title: "the upgrade passes no version by that must be visited",
        severity: Severity::Block,
        judge: stops,
    },
    Check {
        id: "path-hazards",
        category: Category::Path,
        title: "no known hazard lies between the versions",
        severity: Severity::Block,
        judge: hazard,
    },
    Check {
        id: "path-overlap",
        category: Category::Path,
        title: "versions that must not run together do not",
        severity: Severity::Block,
        judge: overlap,
    },
];

/// The path with the versions at its ends.
struct Jump<'a> {
    path: &'a UpgradePath,
    target: &'a Target,
    from: Version,
    to: Version,
}

fn upgrade(target: Option<&Target>) -> Result<&Target, Unjudged> {
    let target = given(target)?;
    if target.is_upgrade {
        Ok(target)
    } else {
        Err(Unjudged::Skip("the running revision itself is judged".into()))
    }
}

fn jump<'a>(
    seen: &Observation,
    target: Option<&'a Target>,
    profile: &'a Profile,
) -> Result<Jump<'a>, Unjudged> {
    let target = upgrade(target)?;
    let path = profile
        .path
        .as_ref()
        .ok_or_else(|| Unjudged::Skip("no path knows this application".into()))?;
    let from = running(&seen.release, &seen.workloads, path).map_err(Unjudged::Unknown)?;
    let to = wanted(target, &seen.release, path).map_err(Unjudged::Unknown)?;
    Ok(Jump {
        path,
        target,
        from,
        to,
    })
}

fn known(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let target = upgrade(target)?;
    let Some(path) = &profile.path else {
        return Ok(Judged::unknown(
            "no path knows this application: which versions must be visited and what lies between them was not judged",
        )
        .advise("read the notes of every version in between; name a path with --path-file, or write it: docs/path.md"));
    };
    let origin = seen
        .path
        .as_ref()
        .map_or("the path", |facts| facts.origin.as_str());
    let to = wanted(target, &seen.release, path).ok();
    let judged = match to.and_then(|to| beyond(path, &to)) {
        Some(words) => Judged::warn(format!("{origin}: {words}"))
            .sure(Confidence::Inferred)
            .advise("read the notes of the versions that the path does not know"),
        None => Judged::pass(origin),
    };
    Ok(judged.with("path", origin))
}

fn stops(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let Jump {
        path,
        target,
        from,
        to,
    } = jump(seen, target, profile)?;
    let (legs, gap) = match way(path, &from, &to) {
        Way::Here => return Ok(Judged::pass(format!("{to} runs already"))),
        Way::Back => {
            return Err(Unjudged::Skip(
                "the target is older: no path leads back, and version-jump tells of it".into(),
            ));
        }
        Way::Along { legs, gap } => (legs, gap),
    };
    let (bound, doubt) = bound(path, &from, &to);
    let must_stop = match (bound.as_slice(), doubt) {
        ([], Some(doubt)) => return Ok(untold(doubt)),
        ([] | [_], None) => false,
        // Whatever comes after it: the first stop is passed by.
        ([_], Some(_)) | ([_, _, ..], _) => true,
    };
    let first = match legs.as_slice() {
        [first, _, ..] => first,
        [first] if must_stop => first,
        [] | [_] => {
            return Ok(gap.map_or_else(|| Judged::pass(format!("{from} to {to} in one upgrade")), untold));
        }
    };
    let visits: Vec<String> = legs.iter().map(|leg| leg.to.to_string()).collect();
    let (goes, doubt) = match &gap {
        Some(gap) if gap.severity == Severity::Block => (
            format!("begins with {}", some_of(&visits)),
            format!("; after that: {}", gap.why),
        ),
        Some(gap) => (format!("is {}", visits.join(", then ")), format!("; {}", gap.why)),
        None => (format!("is {}", visits.join(", then ")), String::new()),
    };
    // What binds goes before what is only advised.
    let mut because: Vec<&Reason> = Vec::new();
    for cause in bound
        .first()
        .into_iter()
        .chain([first])
        .flat_map(|leg| &leg.because)
    {
        if !because.contains(&cause) {
            because.push(cause);
        }
    }
    let why: Vec<String> = because.into_iter().map(reason).collect();
    let message = format!("the way from {from} {goes}: {}{doubt}", why.join("; "));
    let judged = if must_stop {
        Judged::fail(message).sure(least_sure(&bound))
    } else {
        Judged::warn(message).sure(least_sure(&legs))
    };
    let judged = judged.with("visits", visits);
    Ok(match next_hop(seen, path, Some(target), first) {
        Some(next) => match next.command {
            Some(command) => judged.command(next.text, command),
            None => judged.advise(next.text),
        },
        None => judged,
    })
}

/// Where a step is only advised, not knowing the steps is no reason to stop.
fn untold(gap: Gap) -> Judged {
    let judged = match gap.severity {
        Severity::Block => Judged::unknown(gap.why),
        Severity::Warn | Severity::Info => Judged::warn(gap.why),
    };
    judged
        .sure(Confidence::Reported)
        .advise("see the application's own list of versions, and visit those that lie between: docs/path.md")
}

/// The way by the rules that bind alone: what is only advised must not stand in for them, nor be taken for one.
fn bound(path: &UpgradePath, from: &Version, to: &Version) -> (Vec<Leg>, Option<Gap>) {
    let binding = UpgradePath {
        largest_jump: path
            .largest_jump
            .clone()
            .filter(|jump| jump.severity == Severity::Block),
        known: path.known.clone(),
        stops: path
            .stops
            .iter()
            .filter(|stop| stop.severity == Severity::Block)
            .cloned()
            .collect(),
        ..UpgradePath::default()
    };
    match way(&binding, from, to) {
        Way::Along { legs, gap } => (legs, gap),
        Way::Here | Way::Back => (Vec::new(), None),
    }
}

fn least_sure(legs: &[Leg]) -> Confidence {
    let mut reasons = legs.iter().flat_map(|leg| &leg.because);
    if reasons.any(|reason| reason.confidence == Confidence::Inferred) {
        Confidence::Inferred
    } else {
        Confidence::Reported
    }
}

/// Whether the way leads to a newer version; hazards and overlaps are those of going forward.
fn forward(from: &Version, to: &Version) -> Result<bool, Unjudged> {
    if to < from {
        return Err(Unjudged::Skip(
            "the target is older: version-jump tells of it".into(),
        ));
    }
    Ok(to > from)
}

fn hazard(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let Jump { path, from, to, .. } = jump(seen, target, profile)?;
    if !forward(&from, &to)? {
        return Ok(Judged::pass(format!("{to} runs already")));
    }
    let met = hazards(path, seen, &from, &to);
    if met.is_empty() {
        return Ok(Judged::pass(format!("none is known between {from} and {to}")));
    }
    let stands = |severity: Severity, state: MeetingState| -> Vec<&Met<'_, Hazard>> {
        met.iter()
            .filter(|met| met.said.severity == severity && met.state == state)
            .collect()
    };
    let line = |met: &&Met<'_, Hazard>| {
        let evidence = met.evidence.as_ref().map(|words| format!(" ({words})"));
        format!(
            "{}: {}{}",
            met.said.id,
            met.said.what,
            evidence.unwrap_or_default()
        )
    };
    let lines = |met: &[&Met<'_, Hazard>]| some_of(&met.iter().map(line).collect::<Vec<_>>());
    let blocking = stands(Severity::Block, MeetingState::Applies);
    let untold = stands(Severity::Block, MeetingState::Unknown);
    let mut milder = stands(Severity::Warn, MeetingState::Applies);
    milder.extend(stands(Severity::Warn, MeetingState::Unknown));
    let (judged, told) = if !blocking.is_empty() {
        (Judged::fail(lines(&blocking)), blocking)
    } else if !untold.is_empty() {
        (
            Judged::unknown(format!(
                "it could not be told whether this applies: {}",
                lines(&untold)
            )),
            untold,
        )
    } else if !milder.is_empty() {
        (Judged::warn(lines(&milder)), milder)
    } else {
        let none = met
            .iter()
            .filter(|met| met.state == MeetingState::DoesNotApply)
            .count();
        let words = format!("{} known, {none} of them not of this database", met.len());
        (Judged::pass(words), Vec::new())
    };
    let judged = told.iter().fold(judged, |judged, met| {
        let Hazard {
            remedy, command, sql, ..
        } = met.said;
        let by_hand = by_hand(seen, sql.as_deref()).filter(|_| met.state == MeetingState::Unknown);
        let judged = match by_hand {
            Some(Remedy {
                text,
                command: Some(command),
            }) => judged.command(text, command),
            Some(Remedy { .. }) | None => judged,
        };
        match command {
            Some(command) => judged.command(remedy, command),
            None => judged.advise(remedy),
        }
    });
    let sources: Vec<String> = told.iter().map(|met| met.said.source.clone()).collect();
    Ok(judged
        .sure(
            told.first()
                .map_or(Confidence::Reported, |met| met.said.confidence),
        )
        .with("sources", sources))
}

fn overlap(seen: &Observation, target: Option<&Target>, profile: &Profile) -> Judgement {
    let Jump {
        path,
        target,
        from,
        to,
    } = jump(seen, target, profile)?;
    if !forward(&from, &to)? {
        return Ok(Judged::pass(format!("{to} runs already")));
    }
    let met = overlaps(path, seen, Some(target), profile, &from, &to);
    if met.is_empty() {
        return Ok(Judged::pass(format!("{from} and {to} may, as far as is known")));
    }
    let stands = |severity: Severity, state: MeetingState| -> Vec<&Overlap<'_>> {
        met.iter()
            .filter(|overlap| overlap.severity == severity && overlap.state == state)
            .collect()
    };
    let lines = |told: &[&Overlap<'_>]| {
        let line = |overlap: &&Overlap<'_>| {
            let evidence = overlap.evidence.as_ref().map(|words| format!(" ({words})"));
            format!("{}{}", overlap.said.why, evidence.unwrap_or_default())
        };
        some_of(&told.iter().map(line).collect::<Vec<_>>())
    };
    let certain = stands(Severity::Block, MeetingState::Applies);
    let untold = stands(Severity::Block, MeetingState::Unknown);
    let mut milder = stands(Severity::Warn, MeetingState::Applies);
    milder.extend(stands(Severity::Warn, MeetingState::Unknown));
    // What is certain is told before what is not known.
    let (judged, told) = if !certain.is_empty() {
        let words = format!(
            "old and new pods must not run together, and would: {}",
            lines(&certain)
        );
        (Judged::fail(words), certain)
    } else if !untold.is_empty() {
        let words = format!(
            "it could not be told whether old and new pods may run together: {}",
            lines(&untold)
        );
        (Judged::unknown(words), untold)
    } else if !milder.is_empty() {
        let words = format!("old and new pods must not run together: {}", lines(&milder));
        (Judged::warn(words), milder)
    } else {
        let none: Vec<String> = met
            .iter()
            .map(|overlap| {
                format!(
                    "{}: {}",
                    overlap.said.id,
                    overlap.evidence.as_deref().unwrap_or_default()
                )
            })
            .collect();
        let words = format!("none that is known applies here: {}", some_of(&none));
        return Ok(Judged::pass(words).sure(Confidence::Reported));
    };
    let why: Vec<String> = told.iter().map(|overlap| overlap.said.why.clone()).collect();
    let judged = match told.first() {
        Some(overlap) => judged.advise(overlap.remedy),
        None => judged,
    };
    Ok(judged.sure(Confidence::Reported).with("why", why))
}
