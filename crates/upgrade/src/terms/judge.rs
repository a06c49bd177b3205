//! Whether a run may begin at a moment.

use jiff::Timestamp;
use model::{Plan, RunTerms};

use super::TermsRefusal;
use crate::plan::{is_same_way_back, way_back};

/// When a run begins that is agreed to now.
pub fn begin(terms: &RunTerms, now: Timestamp) -> Timestamp {
    read(terms.not_before.as_ref()).map_or(now, |moment| moment.max(now))
}

/// Whether a run that is agreed to now may begin.
///
/// # Errors
/// Why not.
pub fn may_begin(terms: &RunTerms, now: Timestamp) -> Result<(), TermsRefusal> {
    let begin = begin(terms, now);
    if let Some(window) = &terms.window {
        if read(Some(&window.opens)).is_some_and(|opens| opens > begin) {
            return Err(TermsRefusal::NotYetOpen {
                window: window.to_string(),
                opens: window.opens.clone(),
            });
        }
        if read(Some(&window.closes)).is_some_and(|closes| closes <= begin) {
            return Err(TermsRefusal::Closed(window.to_string()));
        }
    }
    let Some(deadline) = read(terms.deadline.as_ref()) else {
        return Ok(());
    };
    let left = deadline.duration_since(begin).as_secs();
    let left = u64::try_from(left).unwrap_or_default();
    if deadline <= begin {
        return Err(TermsRefusal::Passed(deadline.to_string()));
    }
    match &terms.expected {
        Some(expected) if expected.seconds > left => Err(TermsRefusal::TooLong {
            seconds: expected.seconds,
            source_words: expected.source.clone(),
            left,
            deadline: deadline.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

fn read(time: Option<&String>) -> Option<Timestamp> {
    time?.parse().ok()
}

/// What is not as it was when a person agreed to a plan, in words; `None` where the plan of now does the same. Counts are
/// left aside: they are read again when a workload is stopped. So is the chart's archive, which `helm package` makes anew.
pub fn moved(agreed: &Plan, now: &Plan) -> Option<String> {
    let changed = |what: &str, before: &str, after: &str| {
        (before != after).then(|| format!("{what} was {before} and is {after} now"))
    };
    let ids = |plan: &Plan| {
        let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        ids.join(", ")
    };
    let revision = |plan: &Plan| format!("{} of {}", plan.from.revision, plan.from.chart);
    changed("the running revision", &revision(agreed), &revision(now))
        .or_else(|| changed("the profile", &agreed.profile, &now.profile))
        .or_else(|| changed("the gate", agreed.gate.word(), now.gate.word()))
        .or_else(|| changed("the order of steps", &ids(agreed), &ids(now)))
        .or_else(|| match is_same_way_back(agreed, now) {
            true => None,
            false => changed("the way back for the database", &way_back(agreed), &way_back(now)),
        })
}

#[cfg(test)]
mod tests {
    use model::{ExpectedTime, WindowSpan};

    use super::*;
    use crate::plan::tests::{planned, world};

    fn terms() -> RunTerms {
        RunTerms {
            window: Some(WindowSpan {
                words: "22:00-04:00 UTC".into(),
                opens: "2026-01-31T22:00:00Z".into(),
                closes: "2026-02-01T04:00:00Z".into(),
            }),
            deadline: Some("2026-02-01T04:00:00Z".into()),
            ..RunTerms::default()
        }
    }

    fn judged(terms: &RunTerms, now: &str) -> Result<(), TermsRefusal> {
        may_begin(terms, now.parse().unwrap())
    }

    #[test]
    fn a_run_begins_in_its_window_and_not_outside() {
        assert!(judged(&terms(), "2026-01-31T22:00:00Z").is_ok());
        assert!(judged(&terms(), "2026-02-01T03:59:59Z").is_ok());
        let early = judged(&terms(), "2026-01-31T21:59:59Z").unwrap_err();
        assert!(
            early.to_string().contains("--not-before 2026-01-31T22:00:00Z"),
            "{early}"
        );
        let late = judged(&terms(), "2026-02-01T04:00:00Z").unwrap_err();
        assert!(matches!(late, TermsRefusal::Closed(_)));
    }

    #[test]
    fn who_waits_for_the_window_may_agree_before() {
        let waiting = RunTerms {
            not_before: Some("2026-01-31T22:30:00Z".into()),
            ..terms()
        };
        assert!(judged(&waiting, "2026-01-31T12:00:00Z").is_ok());
        let too_late = RunTerms {
            not_before: Some("2026-02-01T05:00:00Z".into()),
            ..terms()
        };
        assert!(judged(&too_late, "2026-01-31T12:00:00Z").is_err());
    }

    #[test]
    fn what_takes_longer_than_there_is_time_is_refused_with_the_figures() {
        let expected = |seconds| RunTerms {
            expected: Some(ExpectedTime {
                seconds,
                source: "the migration 7000 s by its rehearsal".into(),
            }),
            ..terms()
        };
        let now = "2026-02-01T02:00:00Z";
        assert!(judged(&expected(7200), now).is_ok());
        let refused = judged(&expected(7201), now).unwrap_err().to_string();
        assert!(
            refused.contains("121 min")
                && refused.contains("by its rehearsal")
                && refused.contains("120 min"),
            "{refused}"
        );
        let no_time = RunTerms {
            window: None,
            ..terms()
        };
        let passed = judged(&no_time, "2026-02-01T04:00:00Z").unwrap_err();
        assert!(matches!(passed, TermsRefusal::Passed(_)));
    }

    #[test]
    fn what_would_be_done_otherwise_has_moved_and_what_is_another_at_every_look_has_not() {
        let agreed = planned(&world()).unwrap();
        let told = |change: fn(&mut Plan)| {
            let mut now = agreed.clone();
            change(&mut now);
            moved(&agreed, &now)
        };
        assert_eq!(told(|_| ()), None);
        assert_eq!(told(|plan| plan.chart_sha256 = "packaged anew".into()), None);
        assert_eq!(
            told(|plan| plan.from.revision += 1).unwrap(),
            "the running revision was 3 of shop-1.0.0 and is 4 of shop-1.0.0 now"
        );
        assert!(
            told(|plan| drop(plan.steps.pop()))
                .unwrap()
                .contains("the order of steps")
        );
        let way_back = told(|plan| plan.no_way_back = Some("no right".into())).unwrap();
        assert!(way_back.ends_with("is no right now"), "{way_back}");
    }
}
