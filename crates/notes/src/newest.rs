//! The newest version that sources tell of. Pure.

use model::{NewestKnown, Version, VersionOf};

use crate::gather::Answered;
use crate::source::SourceNotes;

/// The newest release that a source tells of, of the application that runs in this version. A source counts only if it
/// tells of the running version as well: the numbers of another chart or project mean nothing here.
pub fn newest_told(answers: &[Answered], running: &str) -> Option<NewestKnown> {
    let running = Version::parse(running)?;
    let told = answers
        .iter()
        .filter(|answered| answered.of != Some(VersionOf::Chart))
        .filter_map(|answered| Some((answered, newest(answered.notes.as_ref()?, &running)?)));
    let (answered, newest) = told.max_by(|(_, one), (_, other)| one.cmp(other))?;
    Some(NewestKnown {
        newer: Some(newest > running),
        version: newest.to_string(),
        source: answered.source.clone(),
        as_of: answered.at.map(|at| at.strftime("%Y-%m-%d").to_string()),
    })
}

fn newest(notes: &SourceNotes, running: &Version) -> Option<Version> {
    let releases: Vec<Version> = notes
        .entries
        .iter()
        .filter(|entry| !entry.prerelease)
        .filter_map(|entry| Version::parse(&entry.version))
        .filter(|version| !version.is_prerelease())
        .collect();
    let own = releases.iter().find(|version| *version == running)?;
    releases
        .iter()
        .filter(|version| version.prefix() == own.prefix())
        .max()
        .cloned()
}

#[cfg(test)]
mod tests {
    use model::NotesState;

    use super::*;
    use crate::source::{Entry, Reach};

    fn answered(of: Option<VersionOf>, versions: &[&str]) -> Answered {
        Answered {
            source: "GitHub releases of shop/web".into(),
            of,
            tags: None,
            state: NotesState::Cached,
            at: Some("2026-11-20T10:00:00Z".parse().unwrap()),
            notes: Some(SourceNotes {
                reach: Reach::Whole,
                entries: versions
                    .iter()
                    .map(|version| Entry {
                        version: (*version).to_owned(),
                        title: None,
                        date: None,
                        prerelease: version.contains("beta"),
                        url: None,
                        text: String::new(),
                    })
                    .collect(),
            }),
            reason: None,
        }
    }

    fn told(answers: &[Answered], running: &str) -> Option<(String, Option<bool>)> {
        newest_told(answers, running).map(|known| (known.version, known.newer))
    }

    #[test]
    fn the_newest_release_counts_with_the_day_on_which_it_was_read() {
        let answers = [answered(
            None,
            &["v1.10.0", "v1.9.0", "v2.0.0-rc.1", "v3.0.0-beta"],
        )];
        assert_eq!(told(&answers, "1.9.0"), Some(("1.10.0".into(), Some(true))));
        assert_eq!(told(&answers, "1.10.0"), Some(("1.10.0".into(), Some(false))));
        let known = newest_told(&answers, "1.9.0").unwrap();
        assert_eq!(known.as_of.as_deref(), Some("2026-11-20"));
    }

    #[test]
    fn a_source_that_does_not_know_what_runs_is_another_s() {
        assert_eq!(told(&[answered(None, &["v9.0.0"])], "1.9.0"), None);
        assert_eq!(
            told(&[answered(Some(VersionOf::Chart), &["1.9.0", "2.0.0"])], "1.9.0"),
            None
        );
        let many = [answered(None, &["other-5.0.0", "web-1.9.0", "web-1.9.1"])];
        assert_eq!(told(&many, "1.9.0"), Some(("1.9.1".into(), Some(true))));
        assert_eq!(told(&many, "latest"), None);
    }
}
