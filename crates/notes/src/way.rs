//! From which versions to which a release goes.

use std::cmp::Ordering;

use model::{NotesDirection, Version, VersionOf};

use crate::source::Entry;
use crate::text::line;

/// The versions of a release, or of what it shall become; what is not known stays out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// The application's.
    pub app: Option<String>,
    /// The chart's.
    pub chart: Option<String>,
}

/// One version that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) of: VersionOf,
    pub(crate) from: Version,
    pub(crate) to: Version,
}

impl Step {
    /// The older end. Its own notes are of no interest: it ran, or will run again as it did.
    pub(crate) fn low(&self) -> &Version {
        (&self.from).min(&self.to)
    }

    /// The newer end, whose notes count.
    pub(crate) fn high(&self) -> &Version {
        (&self.from).max(&self.to)
    }

    /// Whether it goes up.
    pub(crate) fn is_up(&self) -> bool {
        self.from < self.to
    }

    /// Whether a version is passed on the way.
    pub(crate) fn passes(&self, version: &Version) -> bool {
        self.low() < version && version <= self.high()
    }
}

/// At how many ends a version is known.
#[derive(Clone, Copy)]
enum Known {
    Both,
    One,
    Neither,
}

impl Known {
    fn of(from: Option<&str>, to: Option<&str>) -> Self {
        match (from, to) {
            (Some(_), Some(_)) => Self::Both,
            (Some(_), None) | (None, Some(_)) => Self::One,
            (None, None) => Self::Neither,
        }
    }
}

/// The way from the running versions to the target's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What changes, the application first.
    pub(crate) steps: Vec<Step>,
    /// Whether application and chart have the same versions, so that what tells of one tells of both.
    pub(crate) joined: bool,
    /// Versions that are no part of the way: they stay as they are, or are known at one end only. What a source tells may be
    /// about them all the same.
    pub(crate) aside: Vec<(VersionOf, Version)>,
    /// Whose versions may change, but stand in no order or are not known at both ends.
    pub(crate) without_order: Vec<VersionOf>,
    /// What cannot be put in order, in words.
    pub(crate) remarks: Vec<String>,
}

impl Way {
    /// Compares what runs with what is wanted. `of` says whose versions are meant where only one kind is named: a version that
    /// only one end has is no part of the way, and the way is not known where it is the one that is meant.
    pub fn between(running: &Versions, target: &Versions, of: VersionOf) -> Self {
        let mut way = Self {
            steps: Vec::new(),
            joined: false,
            aside: Vec::new(),
            without_order: Vec::new(),
            remarks: Vec::new(),
        };
        let app = way.compare(VersionOf::App, running.app.as_deref(), target.app.as_deref());
        let chart = way.compare(
            VersionOf::Chart,
            running.chart.as_deref(),
            target.chart.as_deref(),
        );
        match (app, chart) {
            (Known::Both, _) | (Known::Neither, Known::Both) => {}
            // The application may change as well, and nobody knows by what.
            (Known::One, Known::Both) => match of {
                VersionOf::App => way.lose(VersionOf::App),
                VersionOf::Chart => {}
            },
            (Known::One | Known::Neither, Known::One | Known::Neither) => way.lose(of),
        }
        way.joined =
            matches!(way.steps.as_slice(), [app, chart] if app.from == chart.from && app.to == chart.to);
        if way.joined {
            way.steps.truncate(1);
        }
        way
    }

    fn compare(&mut self, of: VersionOf, from: Option<&str>, to: Option<&str>) -> Known {
        // A chart may say anything, or nothing by an empty word.
        let said = |version: Option<&str>| version.map(line).filter(|version| !version.is_empty());
        let (from, to) = (said(from), said(to));
        let known = Known::of(from.as_deref(), to.as_deref());
        match (from, to) {
            (Some(from), Some(to)) => self.put_in_order(of, &from, &to),
            (one, other) => self.put_aside(of, one.or(other).as_deref().and_then(Version::parse)),
        }
        known
    }

    fn put_in_order(&mut self, of: VersionOf, from: &str, to: &str) {
        match (Version::parse(from), Version::parse(to)) {
            (Some(from), Some(to)) if from != to => self.steps.push(Step { of, from, to }),
            (Some(version), Some(_)) => self.put_aside(of, Some(version)),
            (one, other) => {
                let which = if one.is_none() { from } else { to };
                self.put_aside(of, one.or(other));
                self.without_order.push(of);
                self.remarks.push(format!(
                    "the {} version {which:?} stands in no order: what lies between {from} and {to} cannot be told",
                    of.words()
                ));
            }
        }
    }

    fn put_aside(&mut self, of: VersionOf, version: Option<Version>) {
        self.aside.extend(version.map(|version| (of, version)));
    }

    fn lose(&mut self, of: VersionOf) {
        self.without_order.push(of);
        self.remarks.push(format!(
            "the version of the {} is not known at both ends: what lies between cannot be told; name both with \
             RELEASE VERSION --running VERSION",
            of.words()
        ));
    }

    /// Which way the release goes, by the application where its version changes.
    pub fn direction(&self) -> NotesDirection {
        match self.steps.first().map(|step| step.from.cmp(&step.to)) {
            Some(Ordering::Less) => NotesDirection::Upgrade,
            Some(Ordering::Greater) => NotesDirection::Rollback,
            Some(Ordering::Equal) | None => NotesDirection::Same,
        }
    }

    /// The parts that a source may tell of, by whose versions it tells.
    pub(crate) fn steps_of(&self, of: Option<VersionOf>) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(move |step| self.joined || of.is_none_or(|of| of == step.of))
    }

    /// What a source need be asked about, where that is one part of the way.
    pub(crate) fn span<'a>(&'a self, of: Option<VersionOf>, tags: Option<&'a str>) -> Option<Span<'a>> {
        let mut steps = self.steps_of(of);
        let only = steps.next()?;
        steps.next().is_none().then(|| Span {
            low: only.low(),
            high: only.high(),
            tags,
        })
    }
}

/// The versions that a source is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    /// The older end, exclusive.
    pub(crate) low: &'a Version,
    /// The newer end, inclusive.
    pub(crate) high: &'a Version,
    /// What stands before the version in the tags that count, where that is said.
    pub(crate) tags: Option<&'a str>,
}

impl Span<'_> {
    /// Whether a tag of this prefix counts: the one that is said, else that of the entry which is the newer end. Tags of
    /// something else in the same repository have an order of their own.
    pub(crate) fn counts(&self, prefix: &str, entries: &[Entry]) -> bool {
        match self.tags {
            Some(tags) => prefix_of(tags) == prefix,
            None => entries
                .iter()
                .filter_map(Entry::parsed)
                .any(|version| version == *self.high && version.prefix() == prefix),
        }
    }
}

/// What stands before a version's `v`.
pub(crate) fn prefix_of(tags: &str) -> &str {
    tags.strip_suffix(['v', 'V']).unwrap_or(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(app: &str, chart: &str) -> Versions {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Versions {
            app: said(app),
            chart: said(chart),
        }
    }

    fn way(running: (&str, &str), target: (&str, &str)) -> Way {
        way_of(VersionOf::App, running, target)
    }

    fn way_of(of: VersionOf, running: (&str, &str), target: (&str, &str)) -> Way {
        Way::between(&versions(running.0, running.1), &versions(target.0, target.1), of)
    }

    #[test]
    fn each_version_that_changes_is_a_part_of_the_way() {
        let both = way(("1.8.4", "0.2.40"), ("1.9.2", "0.2.45"));
        assert_eq!(both.steps.len(), 2);
        assert_eq!(both.direction(), NotesDirection::Upgrade);
        assert_eq!(both.span(None, None), None, "two orders have no common end");
        let chart = both.span(Some(VersionOf::Chart), None).unwrap();
        assert_eq!(Some(chart.low), Version::parse("0.2.40").as_ref());
        let chart_alone = way(("1.8.4", "0.2.40"), ("v1.8.4", "0.2.45"));
        assert_eq!(chart_alone.steps.len(), 1);
        assert_eq!(chart_alone.steps[0].of, VersionOf::Chart);
        assert_eq!(way(("1", "1"), ("1", "1")).direction(), NotesDirection::Same);
    }

    #[test]
    fn equal_versions_of_chart_and_application_are_one() {
        let one = way(("0.3.0", "0.3.0"), ("v0.4.0", "0.4.0"));
        assert!(one.joined);
        assert_eq!(one.steps.len(), 1);
        assert_eq!(one.steps_of(Some(VersionOf::Chart)).count(), 1);
    }

    #[test]
    fn the_running_version_is_left_out_and_the_newest_is_in() {
        for (from, to) in [("1.0", "2.0"), ("2.0", "1.0")] {
            let way = way((from, ""), (to, ""));
            let passed: Vec<bool> = ["1.0", "1.1", "2.0", "2.1"]
                .iter()
                .map(|text| way.steps[0].passes(&Version::parse(text).unwrap()))
                .collect();
            assert_eq!(passed, [false, true, true, false], "{from} to {to}");
        }
        assert_eq!(
            way(("2.0", ""), ("1.0", "")).direction(),
            NotesDirection::Rollback
        );
    }

    #[test]
    fn what_stands_in_no_order_is_told() {
        let way = way(("latest", "1.0"), ("2.0", "1.1"));
        assert_eq!(way.without_order, [VersionOf::App]);
        assert!(way.remarks[0].contains("\"latest\""), "{:?}", way.remarks);
        // What is called `latest` today is not what was called so then.
        let same = self::way(("latest", "1.0"), ("latest", "1.0"));
        assert_eq!(same.without_order, [VersionOf::App]);
        assert!(same.remarks[0].contains("\"latest\""), "{:?}", same.remarks);
        assert!(
            self::way(("v1.0", "1.0"), ("1.0.0", "1.0"))
                .without_order
                .is_empty()
        );
    }

    #[test]
    fn a_version_that_is_known_at_one_end_only_is_never_the_same() {
        use VersionOf::{App, Chart};
        for (of, running, target, lost) in [
            // A bare version, on a chart that names none of the application.
            (App, ("", "0.4.0"), ("2.0", ""), Some(App)),
            (App, ("1.0", ""), ("", "0.5.0"), Some(App)),
            (App, (" ", "0.4.0"), ("2.0", ""), Some(App)),
            (App, ("", ""), ("", ""), Some(App)),
            (Chart, ("1.0", ""), ("", "0.5.0"), Some(Chart)),
            // Charts of which one alone names it.
            (App, ("1.0", "0.4.0"), ("", "0.5.0"), Some(App)),
            (App, ("", "0.4.0"), ("2.0", "0.5.0"), Some(App)),
            (Chart, ("1.0", "0.4.0"), ("", "0.5.0"), None),
            (App, ("", "0.4.0"), ("", "0.5.0"), None),
            (App, ("1.0", "0.4.0"), ("2.0", ""), None),
        ] {
            let way = way_of(of, running, target);
            assert_eq!(
                way.without_order,
                lost.into_iter().collect::<Vec<_>>(),
                "{of:?} {running:?} {target:?}"
            );
            assert_eq!(
                way.remarks
                    .iter()
                    .any(|remark| remark.contains("--running VERSION")),
                lost.is_some(),
                "{:?}",
                way.remarks
            );
        }
    }

    #[test]
    fn what_a_version_says_steers_no_terminal() {
        let up = way(("1.0+\u{1b}[2J", ""), ("2.0+\u{1b}[2J", ""));
        let lost = way(("\u{1b}[2Jlatest", ""), ("2.0", ""));
        let told = format!("{} {} {}", up.steps[0].from, up.steps[0].to, lost.remarks[0]);
        assert!(!told.contains('\u{1b}') && !told.contains("\\u{1b}"), "{told:?}");
    }
}
