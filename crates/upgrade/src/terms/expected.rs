//! How long an upgrade takes, by what was measured.

use model::ExpectedTime;

/// What was measured, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measurements {
    /// The last whole run.
    pub run: Option<u64>,
    /// The last backup.
    pub backup: Option<u64>,
    /// The last migration.
    pub migration: Option<u64>,
    /// The rehearsal of this very upgrade, by what has grown since.
    pub rehearsed: Option<u64>,
    /// The profile's usual time of a migration.
    pub usual: Option<u64>,
}

/// How long this upgrade takes; `None` where nobody has measured or said anything of it. The migration's best word is its
/// rehearsal, else what is longer of the last one and the profile's word; all else is as in the last run.
pub fn expected(measured: Measurements) -> Option<ExpectedTime> {
    let Measurements {
        run,
        backup,
        migration,
        rehearsed,
        usual,
    } = measured;
    let (migrating, migrating_words) = match (rehearsed, migration.max(usual)) {
        (Some(seconds), _) => (seconds, format!("the migration {seconds} s by its rehearsal")),
        (None, Some(seconds)) if migration == Some(seconds) => {
            (seconds, format!("the migration {seconds} s as the last one"))
        }
        (None, Some(seconds)) => (seconds, format!("the migration {seconds} s by the profile")),
        (None, None) => (0, String::new()),
    };
    let (rest, rest_words) = match (run, backup) {
        (Some(run), _) => {
            let rest = run.saturating_sub(migration.unwrap_or_default());
            (rest, format!("all else {rest} s as in the last run"))
        }
        (None, Some(backup)) => (
            backup,
            format!("the backup {backup} s as the last one, all else not known"),
        ),
        (None, None) => (0, String::new()),
    };
    let words = [rest_words, migrating_words]
        .into_iter()
        .filter(|words| !words.is_empty());
    let source = words.collect::<Vec<String>>().join(", ");
    (!source.is_empty()).then(|| ExpectedTime {
        seconds: rest.saturating_add(migrating),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(measured: Measurements) -> Option<u64> {
        expected(measured).map(|expected| expected.seconds)
    }

    #[test]
    fn a_rehearsal_takes_the_place_of_the_last_migration() {
        let last = Measurements {
            run: Some(600),
            backup: Some(200),
            migration: Some(100),
            ..Measurements::default()
        };
        assert_eq!(seconds(last), Some(600));
        let rehearsed = Measurements {
            rehearsed: Some(3000),
            usual: Some(9000),
            ..last
        };
        assert_eq!(seconds(rehearsed), Some(3500));
        let words = expected(rehearsed).unwrap().source;
        assert_eq!(
            words,
            "all else 500 s as in the last run, the migration 3000 s by its rehearsal"
        );
        let usual = Measurements {
            usual: Some(150),
            ..last
        };
        assert_eq!(seconds(usual), Some(650), "the longer of the two");
    }

    #[test]
    fn what_nobody_measured_is_not_known() {
        assert_eq!(expected(Measurements::default()), None);
        let backup = Measurements {
            backup: Some(30),
            usual: Some(20),
            ..Measurements::default()
        };
        assert_eq!(seconds(backup), Some(50));
    }
}
