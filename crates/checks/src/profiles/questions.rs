//! The questions that a profile has for the database besides those of its path, asked of the live one.

use model::{Profile, QuestionOf, TriedQuestion, causes};
use postgres_room::{Answer, AskedAs, Connector, Said, SessionOptions, question};

/// Asks all of them, each in a session of its own, read-only, as a role that is no superuser.
pub async fn profile_questions(connector: &Connector, profile: &Profile) -> Vec<TriedQuestion> {
    let mut tried = Vec::new();
    for (of, what, sql) in questions(profile) {
        tried.push(match ask(connector, &sql).await {
            Ok(answer) => told(of, what, answer),
            Err(why) => unanswered(of, what, &why),
        });
    }
    tried
}

/// The questions without answers, and why they have none.
pub fn not_asked(profile: &Profile, why: &str) -> Vec<TriedQuestion> {
    questions(profile)
        .into_iter()
        .map(|(of, what, _)| unanswered(of, what, why))
        .collect()
}

/// Which part asks, in which words, by which statement. `busy` asks whether there is a row; as a part of a larger query it
/// can do nothing but read.
fn questions(profile: &Profile) -> Vec<(QuestionOf, String, String)> {
    let busy = profile.busy.iter().map(|busy| {
        let query = busy.sql.trim().trim_end_matches(';');
        // On a line of its own, so that a comment at the end takes no parenthesis with it.
        let sql = format!("select exists (select from (\n{query}\n) as busy)");
        (QuestionOf::Busy, busy.what.clone(), sql)
    });
    let assertions = profile
        .verify
        .assertions
        .iter()
        .map(|must| (QuestionOf::Assertion, must.what.clone(), must.sql.clone()));
    let off_peak = profile
        .off_peak
        .activity
        .iter()
        .map(|must| (QuestionOf::OffPeak, must.what.clone(), must.sql.clone()));
    let smoke = profile
        .smoke
        .iter()
        .filter_map(|step| Some((QuestionOf::Assertion, step.what.clone(), step.sql.clone()?)));
    busy.chain(assertions).chain(off_peak).chain(smoke).collect()
}

async fn ask(connector: &Connector, sql: &str) -> Result<Answer, String> {
    let database = connector
        .connect(&SessionOptions::default())
        .await
        .map_err(|error| causes(&error))?;
    question(&database, sql, AskedAs::Reader)
        .await
        .map_err(|error| causes(&error))
}

fn unanswered(of: QuestionOf, what: String, why: &str) -> TriedQuestion {
    TriedQuestion {
        of,
        what,
        asked: false,
        holds: None,
        words: why.to_owned(),
    }
}

fn told(of: QuestionOf, what: String, answer: Answer) -> TriedQuestion {
    let lacks_a_right = answer.lacks_a_right();
    let Answer { said, words } = answer;
    let (holds, words) = match said {
        Said::Yes => (Some(true), words),
        Said::No => (Some(false), words),
        Said::Neither | Said::NoQuestion => (None, format!("it says neither true nor false: {words}")),
        Said::Refused(_) if lacks_a_right => (None, format!("the role lacks a right: {words}")),
        Said::Refused(_) => (None, format!("the server refused it: {words}")),
    };
    TriedQuestion {
        of,
        what,
        asked: true,
        holds,
        words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        let text = "apiVersion: safe-upgrade.dev/v1alpha1
kind: Profile
name: shop
busy: [{ what: a job runs, sql: 'select id from jobs -- all;' }]
verify: { assertions: [{ what: orders add up, sql: select true }] }
";
        model::profile::parse("shop.yaml", text).unwrap()
    }

    #[test]
    fn busy_asks_whether_there_is_a_row_and_cannot_close_what_it_stands_in() {
        let asked = questions(&profile());
        assert_eq!(
            asked[0].2,
            "select exists (select from (\nselect id from jobs -- all\n) as busy)"
        );
        assert_eq!(
            (asked[1].0, asked[1].2.as_str()),
            (QuestionOf::Assertion, "select true")
        );
    }

    #[test]
    fn only_true_and_false_are_answers() {
        let holds = |said: Said| {
            let words = "w".to_owned();
            told(QuestionOf::Busy, String::new(), Answer { said, words }).holds
        };
        assert_eq!(holds(Said::Yes), Some(true));
        assert_eq!(holds(Said::No), Some(false));
        assert_eq!(holds(Said::Neither), None);
        assert_eq!(holds(Said::NoQuestion), None);
    }
}
