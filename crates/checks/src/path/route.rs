//! The way between two versions. Pure: the same path and versions give the same way.

use model::path::{JumpUnit, LargestJump, Stop, UpgradePath};
use model::{Confidence, Severity, Version};

/// A way of more upgrades is none that a person would go; the list of versions is wrong then.
const MOST: usize = 100;

/// The way between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The wanted version runs.
    Here,
    /// The wanted version is older.
    Back,
    /// Every upgrade in order, and what could not be told of the way.
    Along {
        /// The upgrades.
        legs: Vec<Leg>,
        /// Why the way ends before the wanted version, or may have more upgrades where they are only advised.
        gap: Option<Gap>,
    },
}

/// Something of a way that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// In words.
    pub why: String,
    /// What going on without knowing means.
    pub severity: Severity,
}

/// One upgrade of a way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// The version it leaves.
    pub from: Version,
    /// The version it goes to.
    pub to: Version,
    /// Why it ends there; nothing where that is the wanted version.
    pub because: Vec<Reason>,
}

/// Why an upgrade must end at a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In words.
    pub why: String,
    /// Where it is known from.
    pub source: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// What passing the version by means.
    pub severity: Severity,
}

/// Tells the way, in as few upgrades as the path allows.
pub fn way(path: &UpgradePath, from: &Version, to: &Version) -> Way {
    if to == from {
        return Way::Here;
    }
    if to < from {
        return Way::Back;
    }
    let mut legs: Vec<Leg> = Vec::new();
    let mut gap = None;
    let mut at = from.clone();
    while at < *to {
        if legs.len() == MOST {
            gap = Some(Gap {
                why: format!("the way would have more than {MOST} upgrades"),
                severity: Severity::Block,
            });
            break;
        }
        let (leg, doubt) = leg(path, &at, to);
        let ends_here = doubt
            .as_ref()
            .is_some_and(|doubt| doubt.severity == Severity::Block);
        gap = gap.or(doubt);
        if ends_here {
            break;
        }
        at = leg.to.clone();
        legs.push(leg);
    }
    Way::Along { legs, gap }
}

/// The farthest upgrade from a version that passes nothing by, and what could not be told about it.
fn leg(path: &UpgradePath, at: &Version, to: &Version) -> (Leg, Option<Gap>) {
    let (mut end, mut because) = before_stops(path, at, to.clone(), Vec::new());
    let mut doubt = None;
    if let Some(jump) = &path.largest_jump {
        match farthest(path, jump, at, &end) {
            Ok(Some(nearer)) => {
                (end, because) = before_stops(path, at, nearer, vec![Reason::of_jump(jump)]);
            }
            Ok(None) => {}
            Err(why) => doubt = Some(Gap::of_jump(jump, &why)),
        }
    }
    let leg = Leg {
        from: at.clone(),
        to: end,
        because,
    };
    (leg, doubt)
}

/// Where an upgrade must end that would go to `end` for the reasons given: at a stop that it would pass by.
fn before_stops(
    path: &UpgradePath,
    at: &Version,
    mut end: Version,
    mut because: Vec<Reason>,
) -> (Version, Vec<Reason>) {
    // Each stop lies before the end found so far, so that this ends; what is skipped depends on where the upgrade ends.
    while let Some(visit) = skipped(path, at, &end).map(|stop| &stop.visit).max() {
        because = skipped(path, at, &end)
            .filter(|stop| stop.visit == *visit)
            .map(Reason::of_stop)
            .collect();
        end = visit.clone();
    }
    (end, because)
}

fn skipped<'a>(path: &'a UpgradePath, from: &Version, to: &Version) -> impl Iterator<Item = &'a Stop> {
    path.stops.iter().filter(move |stop| stop.is_skipped(from, to))
}

/// Where the largest jump ends, `None` where it reaches the wanted version.
fn farthest(
    path: &UpgradePath,
    jump: &LargestJump,
    at: &Version,
    to: &Version,
) -> Result<Option<Version>, String> {
    let between = match jump.of {
        JumpUnit::Version => versions_between(path, at, to)?,
        JumpUnit::Major | JumpUnit::Minor => lines_between(path, jump.of, at, to)?,
    };
    // The wanted version is the step after the last of these.
    Ok(between.get(jump.count.saturating_sub(1)).cloned())
}

/// Every known version between two.
fn versions_between(path: &UpgradePath, at: &Version, to: &Version) -> Result<Vec<Version>, String> {
    let known = || path.known.iter().map(|known| &known.version);
    if !known().any(|version| version <= at) || !known().any(|version| version >= to) {
        return Err(unlisted(at, to));
    }
    let mut between: Vec<Version> = known()
        .filter(|version| at < *version && *version < to)
        .cloned()
        .collect();
    between.sort();
    between.dedup();
    Ok(between)
}

/// A major version, or a minor version of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    major: u64,
    minor: u64,
}

impl Line {
    fn of(unit: JumpUnit, version: &Version) -> Self {
        Self {
            major: version.major(),
            minor: match unit {
                JumpUnit::Major => 0,
                JumpUnit::Minor | JumpUnit::Version => version.minor(),
            },
        }
    }

    fn first_release(self) -> Option<Version> {
        Version::parse(&format!("{}.{}.0", self.major, self.minor))
    }
}

/// The newest version of every line between those of two versions.
fn lines_between(
    path: &UpgradePath,
    unit: JumpUnit,
    at: &Version,
    to: &Version,
) -> Result<Vec<Version>, String> {
    let known = || {
        path.known
            .iter()
            .map(|known| (Line::of(unit, &known.version), &known.version))
    };
    let newest = |wanted: Line| {
        known()
            .filter(|(line, version)| *line == wanted && !version.is_prerelease())
            .map(|(_, version)| version)
            .max()
            .cloned()
    };
    let (first, last) = (Line::of(unit, at), Line::of(unit, to));
    // Numbers that follow each other are counted, because a list may leave some out. Where a major version ends only a
    // list can tell.
    let counted: Vec<Line> = match unit {
        JumpUnit::Major => (first.major + 1..last.major)
            .take(MOST)
            .map(|major| Line { major, minor: 0 })
            .collect(),
        JumpUnit::Minor | JumpUnit::Version if first.major == last.major => (first.minor + 1..last.minor)
            .take(MOST)
            .map(|minor| Line {
                major: first.major,
                minor,
            })
            .collect(),
        JumpUnit::Minor | JumpUnit::Version => {
            if !known().any(|(line, _)| line <= first) || !known().any(|(line, _)| line >= last) {
                return Err(unlisted(at, to));
            }
            let mut lines: Vec<Line> = known()
                .map(|(line, _)| line)
                .filter(|line| first < *line && *line < last)
                .collect();
            lines.sort_unstable();
            lines.dedup();
            return Ok(lines.into_iter().filter_map(newest).collect());
        }
    };
    Ok(counted
        .into_iter()
        .filter_map(|line| newest(line).or_else(|| line.first_release()))
        .collect())
}

fn unlisted(at: &Version, to: &Version) -> String {
    format!("the list of versions does not reach from {at} to {to}, so nobody can tell which lie between")
}

impl Reason {
    fn of_stop(stop: &Stop) -> Self {
        Self {
            why: stop.why.clone(),
            source: stop.source.clone(),
            confidence: stop.confidence,
            severity: stop.severity,
        }
    }

    fn of_jump(jump: &LargestJump) -> Self {
        Self {
            why: jump.why.clone(),
            source: jump.source.clone(),
            confidence: jump.confidence,
            severity: jump.severity,
        }
    }
}

impl Gap {
    fn of_jump(jump: &LargestJump, why: &str) -> Self {
        let LargestJump {
            why: rule,
            source,
            severity,
            ..
        } = jump;
        Self {
            why: format!("{rule} ({source}), and {why}"),
            severity: *severity,
        }
    }
}
