//! What was seen of a migration on a restored copy, and what that says of the real one.

use model::{MigrationState, RehearsalOutcome, Seen};

use super::super::request::MigrationBy;
use super::super::start::Start;

/// What was seen.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    /// Who migrates.
    pub(super) by: MigrationBy,
    /// Its container.
    pub(super) container: String,
    /// How it ended.
    pub(super) start: Start,
    /// How long it was given, in seconds.
    pub(super) limit: u64,
    /// Whether the schema was seen to have arrived where the target brings it.
    pub(super) arrived: bool,
    /// What the migration tool's table said before.
    pub(super) before: Option<MigrationState>,
    /// What it says now.
    pub(super) after: Option<MigrationState>,
    /// The version that the target brings, where known.
    pub(super) expected: Option<String>,
    /// Sessions from its pod on the database in use.
    pub(super) on_live: Seen<i64>,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) outcome: RehearsalOutcome,
    pub(super) findings: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl Verdict {
    fn failed(words: String) -> Self {
        Self {
            outcome: RehearsalOutcome::Failed,
            findings: vec![words],
            unknown: Vec::new(),
        }
    }

    fn unknown(words: String) -> Self {
        Self {
            outcome: RehearsalOutcome::Unknown,
            findings: Vec::new(),
            unknown: vec![words],
        }
    }
}

/// Judges. The copy's own word on its schema counts more than how the program ended.
pub(super) fn judge(evidence: &Evidence) -> Verdict {
    let mut verdict = of_the_end(evidence);
    if let Some(state) = evidence.after.as_ref().filter(|state| state.dirty) {
        verdict.outcome = RehearsalOutcome::Failed;
        let words = format!("{} says that a migration broke off half-way", state.table);
        verdict.findings.push(words);
    }
    match &evidence.on_live {
        Seen::Present(_) => {}
        Seen::Absent => verdict
            .unknown
            .push("whether the database in use had a session of it: nothing was seen of it".into()),
        Seen::Unreadable(why) => verdict
            .unknown
            .push(format!("whether the database in use had a session of it: {why}")),
    }
    verdict
}

fn of_the_end(evidence: &Evidence) -> Verdict {
    let Evidence {
        by,
        container,
        start,
        limit,
        arrived,
        ..
    } = evidence;
    match start {
        Start::Ready => of_the_schema(evidence),
        Start::Ended {
            container: ended,
            code: 0,
            words: _,
        } if *by == MigrationBy::Job && ended == container => of_the_schema(evidence),
        Start::Ended {
            container: ended,
            code: _,
            words,
        } if *by == MigrationBy::Boot && is_there(evidence) => {
            let mut verdict = of_the_schema(evidence);
            verdict.unknown.push(format!(
                "whether the new version starts: container {ended} {words} after the migration; it was cut off from all but \
                 the database"
            ));
            verdict
        }
        Start::Ended {
            container: ended,
            code: _,
            words,
        } => Verdict::failed(format!("container {ended} {words}")),
        Start::Waits { running: true, .. } if *arrived => {
            let mut verdict = of_the_schema(evidence);
            verdict.unknown.push(
                "whether the new version starts: it was not ready after the migration; it was cut off from all but the \
                 database"
                    .into(),
            );
            verdict
        }
        Start::Waits { words, .. } => Verdict::unknown(format!(
            "the migration was not done after {limit} s ({words}): give it longer with --limit"
        )),
        Start::Cannot(words) => Verdict::unknown(format!("the migration could not be tried: {words}")),
    }
}

fn is_there(evidence: &Evidence) -> bool {
    let after = evidence.after.as_ref();
    evidence.expected.is_some() && after.is_some_and(|state| state.version == evidence.expected)
}

/// The end was good: is the schema, too?
fn of_the_schema(evidence: &Evidence) -> Verdict {
    let Evidence {
        by,
        before,
        after,
        expected,
        ..
    } = evidence;
    let good = |outcome| Verdict {
        outcome,
        findings: Vec::new(),
        unknown: Vec::new(),
    };
    let Some(state) = after else {
        return match by {
            // A Job that migrates does nothing else.
            MigrationBy::Job => Verdict {
                unknown: vec![
                    "to which version: no table of a migration tool that is known was found".to_owned(),
                ],
                ..good(RehearsalOutcome::Migrated)
            },
            MigrationBy::Boot => Verdict::unknown(
                "it is ready; whether it migrated is not known, because no table of a migration tool that is known was \
                 found"
                    .into(),
            ),
        };
    };
    let now = state.version.as_deref().unwrap_or("none");
    if let Some(expected) = expected
        && state.version.as_ref() != Some(expected)
    {
        return Verdict::failed(format!(
            "it ended well, and the schema is at version {now}; the target brings {expected}"
        ));
    }
    let print = |state: &MigrationState| state.fingerprint.clone();
    if before.as_ref().map(print) == Some(print(state)) {
        good(RehearsalOutcome::NothingToDo)
    } else {
        good(RehearsalOutcome::Migrated)
    }
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn state(version: &str) -> Option<MigrationState> {
        Some(MigrationState {
            tool: MigrationTool::Goose,
            table: "public.goose_db_version".into(),
            version: Some(version.into()),
            applied: 1,
            dirty: false,
            fingerprint: version.into(),
        })
    }

    fn ended(container: &str, code: i32) -> Start {
        Start::Ended {
            container: container.into(),
            code,
            words: format!("ended with exit code {code}"),
        }
    }

    fn waits(running: bool) -> Start {
        Start::Waits {
            running,
            words: "it runs and is not ready".into(),
        }
    }

    fn job() -> Evidence {
        Evidence {
            by: MigrationBy::Job,
            container: "migrate".into(),
            start: ended("migrate", 0),
            limit: 60,
            arrived: true,
            before: state("4"),
            after: state("6"),
            expected: Some("6".into()),
            on_live: Seen::Present(0),
        }
    }

    fn boot() -> Evidence {
        Evidence {
            by: MigrationBy::Boot,
            start: Start::Ready,
            ..job()
        }
    }

    fn says(evidence: &Evidence, outcome: RehearsalOutcome, words: &str) {
        let verdict = judge(evidence);
        assert_eq!(verdict.outcome, outcome, "{evidence:?}: {verdict:?}");
        let told = [verdict.findings, verdict.unknown].concat().join("\n");
        assert!(told.contains(words), "{words:?} not in {told:?}");
        assert_eq!(words.is_empty(), told.is_empty(), "{told:?}");
    }

    #[test]
    fn a_good_end_counts_only_with_the_schema_where_it_must_be() {
        for good in [job(), boot()] {
            says(&good, RehearsalOutcome::Migrated, "");
            let nothing = Evidence {
                before: state("6"),
                ..good.clone()
            };
            says(&nothing, RehearsalOutcome::NothingToDo, "");
            let untold = Evidence {
                expected: None,
                ..good.clone()
            };
            says(&untold, RehearsalOutcome::Migrated, "");
            let short = Evidence {
                after: state("5"),
                ..good.clone()
            };
            says(&short, RehearsalOutcome::Failed, "version 5; the target brings 6");
            let mut dirty = good;
            dirty.after.as_mut().unwrap().dirty = true;
            says(&dirty, RehearsalOutcome::Failed, "broke off half-way");
        }
    }

    #[test]
    fn where_no_tool_is_known_a_job_s_word_counts_and_a_boot_tells_nothing() {
        let unknown = |evidence| Evidence {
            before: None,
            after: None,
            expected: None,
            arrived: false,
            ..evidence
        };
        says(&unknown(job()), RehearsalOutcome::Migrated, "to which version");
        says(
            &unknown(boot()),
            RehearsalOutcome::Unknown,
            "whether it migrated is not known",
        );
    }

    #[test]
    fn an_end_before_the_schema_has_arrived_is_a_failure() {
        for (evidence, words) in [
            (job(), "container migrate ended with exit code 4"),
            (boot(), "container migrate ended with exit code 4"),
        ] {
            let failed = Evidence {
                start: ended("migrate", 4),
                after: state("5"),
                arrived: false,
                ..evidence
            };
            says(&failed, RehearsalOutcome::Failed, words);
        }
        let init = Evidence {
            start: ended("prepare", 0),
            ..job()
        };
        says(&init, RehearsalOutcome::Failed, "container prepare");
        let job_lies = Evidence {
            start: ended("migrate", 1),
            ..job()
        };
        says(&job_lies, RehearsalOutcome::Failed, "exit code 1");
    }

    #[test]
    fn an_application_that_cannot_live_alone_has_migrated_all_the_same() {
        for start in [ended("migrate", 1), waits(true)] {
            let evidence = Evidence { start, ..boot() };
            says(
                &evidence,
                RehearsalOutcome::Migrated,
                "whether the new version starts",
            );
        }
    }

    #[test]
    fn what_was_not_tried_or_not_done_is_not_known() {
        for (start, words) in [
            (waits(true), "not done after 60 s"),
            (waits(false), "--limit"),
            (
                Start::Cannot("ImagePullBackOff".into()),
                "could not be tried: ImagePullBackOff",
            ),
        ] {
            let evidence = Evidence {
                start,
                arrived: false,
                ..boot()
            };
            says(&evidence, RehearsalOutcome::Unknown, words);
        }
        let unseen = Evidence {
            on_live: Seen::Unreadable("no right".into()),
            ..job()
        };
        says(
            &unseen,
            RehearsalOutcome::Migrated,
            "had a session of it: no right",
        );
    }
}
