//! Which of a source's versions are meant, where a repository tells of several things by tags of several shapes.

use std::collections::BTreeMap;

use model::{Version, VersionOf};

use crate::gather::Answered;
use crate::source::{Entry, Reach};
use crate::way::{Step, Way, prefix_of};

/// What a source tells for one part of the way.
pub(crate) struct Part<'a> {
    pub(crate) step: &'a Step,
    /// Its versions of that kind, in its order.
    pub(crate) entries: Vec<(Version, &'a Entry)>,
    /// Whether the newest version of the way is among them.
    pub(crate) knows: bool,
    reach: &'a Reach,
}

impl Part<'_> {
    /// Whether it tells every version on the way: it knows the newest, and goes back to the oldest.
    pub(crate) fn covers(&self) -> bool {
        self.knows
            && match self.reach {
                Reach::Whole => self.entries.iter().any(|(version, _)| version <= self.step.low()),
                // Tags of something else in the same repository were not looked for.
                Reach::Above(above) => Version::parse(above).is_some_and(|above| {
                    *self.step.low() >= above
                        && self
                            .entries
                            .iter()
                            .any(|(version, _)| version.prefix() == above.prefix())
                }),
                Reach::Own | Reach::Cut => false,
            }
    }

    /// Why it does not tell every version, in words.
    pub(crate) fn lack(&self) -> Option<String> {
        if self.covers() {
            return None;
        }
        if !self.knows {
            return Some(format!("tells nothing of {}", self.step.high()));
        }
        match self.reach {
            Reach::Own => Some("tells of its own version alone".into()),
            Reach::Cut => Some("has more releases than are read".into()),
            Reach::Whole | Reach::Above(_) => {
                let oldest = self.entries.iter().map(|(version, _)| version).min();
                oldest.map(|oldest| format!("goes back to {oldest} only"))
            }
        }
    }
}

/// Sorts what a source tells by the parts of the way that it is about.
///
/// Versions with the same word before them (`app-`, `chart-`) belong together. A part of the way belongs to the group that
/// has its newest version. A group that has several such ends belongs to the greatest of them: the log of one thing holds
/// the lower numbers of the other as versions of its own, long past.
pub(crate) fn parts<'a>(answered: &'a Answered, way: &'a Way) -> Vec<Part<'a>> {
    let Some(notes) = &answered.notes else {
        return Vec::new();
    };
    let wanted = answered.tags.as_deref().map(prefix_of);
    let mut groups: BTreeMap<String, Vec<(Version, &Entry)>> = BTreeMap::new();
    for entry in &notes.entries {
        let Some(version) = entry.parsed() else { continue };
        if wanted.is_none_or(|wanted| wanted == version.prefix()) {
            groups
                .entry(version.prefix().to_owned())
                .or_default()
                .push((version, entry));
        }
    }
    let part = |step: &'a Step, entries: Vec<(Version, &'a Entry)>, knows: bool| Part {
        step,
        entries,
        knows,
        reach: &notes.reach,
    };
    let highs: Vec<&Version> = way.steps_of(answered.of).map(Step::high).collect();
    let mut ends: Vec<(&Version, VersionOf, Option<&'a Step>)> = way
        .steps_of(answered.of)
        .map(|step| (step.high(), step.of, Some(step)))
        .collect();
    // Where it is not said what a source tells about, it may be about what does not change.
    if answered.of.is_none() {
        ends.extend(way.aside.iter().map(|(of, version)| (version, *of, None)));
    }
    ends.sort_by(|(one, ..), (other, ..)| other.cmp(one));
    let mut found = Vec::new();
    for (end, of, step) in ends {
        let mut knowing: Vec<String> = groups
            .iter()
            .filter(|(_, entries)| has(entries, end))
            .filter(|(_, entries)| step.is_some() || highs.iter().any(|high| has(entries, high)))
            .map(|(prefix, _)| prefix.clone())
            .collect();
        by_likeliness(&mut knowing, of);
        let entries = knowing.first().and_then(|prefix| groups.remove(prefix));
        if let Some((step, entries)) = step.zip(entries) {
            found.push(part(step, entries, true));
        }
    }
    found.sort_by_key(|part| part.step.of);
    // Where none has the newest version, the likeliest are told all the same, and never held for the whole.
    if found.is_empty()
        && let Some(step) = way.steps_of(answered.of).next()
    {
        let mut all: Vec<String> = groups.keys().cloned().collect();
        by_likeliness(&mut all, step.of);
        if let Some(entries) = all.first().and_then(|prefix| groups.remove(prefix)) {
            found.push(part(step, entries, false));
        }
    }
    found
}

fn has(entries: &[(Version, &Entry)], end: &Version) -> bool {
    entries.iter().any(|(version, _)| version == end)
}

/// Tags of an application rarely have a word before them; those of a chart in the same repository do.
fn by_likeliness(prefixes: &mut [String], of: VersionOf) {
    prefixes.sort_by_key(|prefix| match of {
        VersionOf::App => !prefix.is_empty(),
        VersionOf::Chart => prefix.is_empty(),
    });
}

#[cfg(test)]
mod tests {
    use model::NotesState;

    use super::*;
    use crate::source::SourceNotes;
    use crate::way::Versions;

    fn way(running: (&str, &str), target: (&str, &str)) -> Way {
        let versions = |(app, chart): (&str, &str)| Versions {
            app: Some(app.to_owned()),
            chart: Some(chart.to_owned()),
        };
        Way::between(&versions(running), &versions(target), VersionOf::App)
    }

    fn told(tags: &[&str], reach: Reach) -> Answered {
        Answered {
            source: "x".into(),
            of: None,
            tags: None,
            state: NotesState::Read,
            at: None,
            notes: Some(SourceNotes {
                reach,
                entries: tags
                    .iter()
                    .map(|tag| Entry {
                        version: (*tag).to_owned(),
                        title: None,
                        date: None,
                        prerelease: false,
                        url: None,
                        text: String::new(),
                    })
                    .collect(),
            }),
            reason: None,
        }
    }

    /// Whose versions are told by which tags, and whether all of them.
    fn sorted(answered: &Answered, way: &Way) -> Vec<(VersionOf, Vec<String>, bool)> {
        parts(answered, way)
            .into_iter()
            .map(|part| {
                let tags = part.entries.iter().map(|(_, entry)| entry.version.clone());
                (part.step.of, tags.collect(), part.covers())
            })
            .collect()
    }

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn tags_of_two_shapes_are_told_apart() {
        let way = way(("1.0.0", "0.4.0"), ("1.1.0", "0.5.0"));
        let repository = told(
            &["v1.1.0", "chart-0.5.0", "v1.0.0", "chart-0.4.0", "nightly"],
            Reach::Whole,
        );
        assert_eq!(
            sorted(&repository, &way),
            [
                (VersionOf::App, texts(&["v1.1.0", "v1.0.0"]), true),
                (VersionOf::Chart, texts(&["chart-0.5.0", "chart-0.4.0"]), true),
            ]
        );
        let named = Answered {
            tags: Some("chart-v".into()),
            ..repository
        };
        assert_eq!(
            sorted(&named, &way),
            [(VersionOf::Chart, texts(&["chart-0.5.0", "chart-0.4.0"]), true)]
        );
    }

    #[test]
    fn the_log_of_one_thing_is_not_told_as_that_of_another_with_lower_numbers() {
        let chart_log = told(&["5.0.0", "4.9.0", "1.2.0", "1.1.0"], Reach::Whole);
        let chart_alone = [(
            VersionOf::Chart,
            texts(&["5.0.0", "4.9.0", "1.2.0", "1.1.0"]),
            true,
        )];
        assert_eq!(
            sorted(&chart_log, &way(("1.1.0", "4.9.0"), ("1.2.0", "5.0.0"))),
            chart_alone
        );
        // What does not change has a log as well, and so has what is known at one end only.
        assert!(sorted(&chart_log, &way(("1.1.0", "5.0.0"), ("1.2.0", "5.0.0"))).is_empty());
        assert!(sorted(&chart_log, &way(("1.1.0", ""), ("1.2.0", "5.0.0"))).is_empty());
        let app_log = told(&["3.0.0", "1.2.0", "1.1.0"], Reach::Whole);
        assert!(sorted(&app_log, &way(("3.0.0", "1.1.0"), ("3.0.0", "1.2.0"))).is_empty());
        // Where it is said whose versions a source tells, or where each has a group, nothing is in doubt.
        let of_chart = Answered {
            of: Some(VersionOf::Chart),
            ..app_log
        };
        assert_eq!(
            sorted(&of_chart, &way(("3.0.0", "1.1.0"), ("3.0.0", "1.2.0"))).len(),
            1
        );
        let both = told(
            &["v3.0.0", "chart-3.0.0", "v2.0.0", "chart-1.0.0", "chart-0.9.0"],
            Reach::Whole,
        );
        assert_eq!(
            sorted(&both, &way(("2.0.0", "0.9.0"), ("3.0.0", "1.0.0"))),
            [
                (VersionOf::App, texts(&["v3.0.0", "v2.0.0"]), true),
                (
                    VersionOf::Chart,
                    texts(&["chart-3.0.0", "chart-1.0.0", "chart-0.9.0"]),
                    true
                ),
            ]
        );
    }

    #[test]
    fn a_source_that_does_not_know_the_target_never_covers_the_way() {
        let way = way(("1.0.0", "1"), ("1.2.0", "1"));
        let old = told(&["1.1.0", "1.0.0"], Reach::Whole);
        assert_eq!(
            sorted(&old, &way),
            [(VersionOf::App, texts(&["1.1.0", "1.0.0"]), false)]
        );
        assert_eq!(
            parts(&old, &way)[0].lack().as_deref(),
            Some("tells nothing of 1.2.0")
        );
    }

    #[test]
    fn a_source_that_does_not_go_back_far_enough_never_covers_the_way() {
        let way = way(("1.0.0", "1"), ("1.2.0", "1"));
        for (reach, tags, lack) in [
            (
                Reach::Whole,
                &["1.2.0", "1.1.0"][..],
                Some("goes back to 1.1.0 only"),
            ),
            (Reach::Whole, &["1.2.0", "0.9.0"], None),
            (Reach::Above("1.0.0".into()), &["1.2.0"], None),
            (
                Reach::Above("1.1.0".into()),
                &["1.2.0", "0.9.0"],
                Some("goes back to 0.9.0 only"),
            ),
            (Reach::Own, &["1.2.0"], Some("tells of its own version alone")),
            (
                Reach::Cut,
                &["1.2.0", "0.9.0"],
                Some("has more releases than are read"),
            ),
        ] {
            let answered = told(tags, reach.clone());
            assert_eq!(
                parts(&answered, &way)[0].lack().as_deref(),
                lack,
                "{reach:?} {tags:?}"
            );
        }
    }
}
