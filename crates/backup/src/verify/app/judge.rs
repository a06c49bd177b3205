//! What was seen of an application on a restored copy, and what that says of the backup.

use model::{Seen, SmokeAnswer};

use super::start::Start;

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Evidence {
    /// How its start ended.
    pub(super) start: Start,
    /// How long it was given, in seconds.
    pub(super) limit: u64,
    /// The last words of the container that matters.
    pub(super) last_words: String,
    /// What it answered.
    pub(super) answers: Vec<SmokeAnswer>,
    /// Questions that could not be put: nothing is known of the answer.
    pub(super) unasked: Vec<String>,
    /// Whether the copy's server told a session of it.
    pub(super) on_copy: Seen<bool>,
    /// Sessions from its pod on the database in use.
    pub(super) on_live: Seen<i64>,
}

/// What it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// As it must be.
    pub(super) compared: Vec<String>,
    /// Not as it must be.
    pub(super) differences: Vec<String>,
    /// Not known.
    pub(super) unjudged: Vec<String>,
    /// Whether it is proven that it used the copy and not the database in use.
    pub(super) on_the_copy: bool,
}

/// Judges.
pub(super) fn judge(app: &str, evidence: &Evidence) -> Judged {
    let mut judged = Judged::default();
    let said = match evidence.last_words.as_str() {
        "" => String::new(),
        words => format!("; its last words: {words}"),
    };
    let limit = evidence.limit;
    match &evidence.start {
        Start::Ready => {}
        Start::Ended {
            container,
            code: _,
            words,
        } => {
            let words =
                format!("{app} does not start on the restored copy: container {container} {words}{said}");
            judged.differences.push(words);
            return judged;
        }
        Start::Waits { running: true, words } => {
            let words = format!("{app} was not ready on the restored copy after {limit} s: {words}{said}");
            judged.differences.push(words);
            return judged;
        }
        Start::Waits {
            running: false,
            words,
        } => {
            judged.unjudged.push(format!(
                "whether {app} starts on the restored copy: after {limit} s {words}"
            ));
            return judged;
        }
        Start::Cannot(words) => {
            judged
                .unjudged
                .push(format!("whether {app} starts on the restored copy: {words}"));
            return judged;
        }
    }
    for answer in evidence.answers.iter().filter(|answer| !answer.is_good()) {
        judged
            .differences
            .push(format!("on the restored copy {}{said}", answer.words()));
    }
    judged.unjudged.extend(
        evidence
            .unasked
            .iter()
            .map(|words| format!("what the application answers: {words}")),
    );
    let copy = match &evidence.on_copy {
        Seen::Present(true) => None,
        Seen::Present(false) | Seen::Absent => Some("no session of it was seen there".to_owned()),
        Seen::Unreadable(why) => Some(why.clone()),
    };
    let live = match &evidence.on_live {
        Seen::Present(0) => None,
        Seen::Present(count) => Some(format!("{count} sessions from its pod are there")),
        Seen::Absent => Some("nothing was seen of it".to_owned()),
        Seen::Unreadable(why) => Some(why.clone()),
    };
    judged.on_the_copy = copy.is_none() && live.is_none();
    judged
        .unjudged
        .extend(copy.map(|why| format!("that it ran on the restored copy is not proven: {why}")));
    judged
        .unjudged
        .extend(live.map(|why| format!("that it left the database in use alone is not proven: {why}")));
    if judged.differences.is_empty() && judged.unjudged.is_empty() {
        let answers: Vec<String> = evidence.answers.iter().map(SmokeAnswer::words).collect();
        let answers = match answers.as_slice() {
            [] => "its own probes say so".to_owned(),
            answers => answers.join(", "),
        };
        judged
            .compared
            .push(format!("{app} starts on the restored copy: {answers}"));
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: Option<u16>) -> SmokeAnswer {
        SmokeAnswer {
            port: 8080,
            path: "/readyz".into(),
            status,
            error: status.is_none().then(|| "reset".to_owned()),
        }
    }

    fn good() -> Evidence {
        Evidence {
            start: Start::Ready,
            limit: 300,
            last_words: "listening".into(),
            answers: vec![answer(Some(200))],
            unasked: Vec::new(),
            on_copy: Seen::Present(true),
            on_live: Seen::Present(0),
        }
    }

    fn of(change: impl FnOnce(&mut Evidence)) -> Judged {
        let mut evidence = good();
        change(&mut evidence);
        judge("deployment/web", &evidence)
    }

    #[test]
    fn it_counts_as_started_only_when_it_answered_and_ran_on_the_copy() {
        let judged = of(|_| ());
        assert!(judged.on_the_copy && judged.differences.is_empty() && judged.unjudged.is_empty());
        assert!(judged.compared[0].contains("/readyz on port 8080 answered 200"));
    }

    #[test]
    fn a_start_that_fails_and_a_bad_answer_are_findings_with_its_last_words() {
        let ended = Start::Ended {
            container: "web".into(),
            code: 3,
            words: "ended with exit code 3".into(),
        };
        let waits = Start::Waits {
            running: true,
            words: "it runs and is not ready".into(),
        };
        for judged in [
            of(|evidence| evidence.start = ended),
            of(|evidence| evidence.start = waits),
            of(|evidence| evidence.answers.push(answer(Some(503)))),
            of(|evidence| evidence.answers.push(answer(None))),
        ] {
            assert_eq!(judged.differences.len(), 1, "{judged:?}");
            assert!(judged.differences[0].contains("listening"), "{judged:?}");
            assert!(judged.compared.is_empty(), "{judged:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_neither_a_finding_nor_good() {
        let early = Start::Waits {
            running: false,
            words: "it does not run yet".into(),
        };
        for judged in [
            of(|evidence| evidence.start = early),
            of(|evidence| evidence.start = Start::Cannot("ImagePullBackOff".into())),
            of(|evidence| evidence.unasked.push("the pod was out of reach".into())),
            of(|evidence| evidence.on_copy = Seen::Present(false)),
            of(|evidence| evidence.on_copy = Seen::Unreadable("forbidden".into())),
            of(|evidence| evidence.on_live = Seen::Unreadable("forbidden".into())),
            of(|evidence| evidence.on_live = Seen::Present(1)),
        ] {
            assert!(
                judged.differences.is_empty() && judged.compared.is_empty(),
                "{judged:?}"
            );
            assert_eq!(judged.unjudged.len(), 1, "{judged:?}");
        }
        assert!(!of(|evidence| evidence.on_copy = Seen::Present(false)).on_the_copy);
        assert!(!of(|evidence| evidence.on_live = Seen::Present(1)).on_the_copy);
    }
}
