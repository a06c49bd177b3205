//! The questions that the upgrade path has for the database.

use model::path::{PathAnswer, PredicateAnswer};
use model::{Profile, Release, Seen, Workload, causes};
use postgres_room::{Answer, AskedAs, Connector, Said, SessionOptions, question};

use crate::path::running;

/// A hazard or an overlap that only the database can judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    id: String,
    sql: String,
}

/// The questions with the reason why they have no answer.
pub(super) fn unanswered(questions: &[Question], why: &str) -> Vec<PathAnswer> {
    questions
        .iter()
        .map(|question| PathAnswer {
            id: question.id.clone(),
            answer: Seen::Unreadable(why.to_owned()),
        })
        .collect()
}

/// What the path in force asks, as far as it concerns the running version.
pub(super) fn questions(
    release: &Seen<Release>,
    workloads: &Seen<Vec<Workload>>,
    profile: &Profile,
) -> Vec<Question> {
    let Some(path) = &profile.path else {
        return Vec::new();
    };
    let from = running(release, workloads, path).ok();
    path.questions(from.as_ref())
        .into_iter()
        .map(|(id, sql)| Question {
            id: id.to_owned(),
            sql: sql.to_owned(),
        })
        .collect()
}

/// Asks all of them, each in a session of its own: a statement may end its session, or leave something in it.
pub(super) async fn answers(connector: &Connector, questions: &[Question]) -> Vec<PathAnswer> {
    let mut answers = Vec::new();
    for question in questions {
        answers.push(PathAnswer {
            id: question.id.clone(),
            answer: answer(connector, &question.sql).await,
        });
    }
    answers
}

async fn answer(connector: &Connector, sql: &str) -> Seen<PredicateAnswer> {
    let database = match connector.connect(&SessionOptions::default()).await {
        Ok(database) => database,
        Err(error) => return Seen::Unreadable(causes(&error)),
    };
    match question(&database, sql, AskedAs::Reader).await {
        Ok(answer) => said(answer, &connector.location().user),
        Err(error) => Seen::Unreadable(causes(&error)),
    }
}

fn said(answer: Answer, role: &str) -> Seen<PredicateAnswer> {
    let lacks_a_right = answer.lacks_a_right();
    let Answer { said, words } = answer;
    let applies = match said {
        Said::Yes => true,
        Said::No => false,
        Said::Neither | Said::NoQuestion => {
            return Seen::Unreadable(format!(
                "the path's statement says neither true nor false: {words}"
            ));
        }
        Said::Refused(_) if lacks_a_right => {
            return Seen::Unreadable(format!("{words}: role {role} needs the right to read it"));
        }
        Said::Refused(_) => {
            return Seen::Unreadable(format!("the server refused the path's statement: {words}"));
        }
    };
    Seen::Present(PredicateAnswer { applies, words })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(said: Said, words: &str) -> Seen<PredicateAnswer> {
        let words = words.to_owned();
        super::said(Answer { said, words }, "shop")
    }

    #[test]
    fn only_true_and_false_are_answers() {
        let applies = |answer: Seen<PredicateAnswer>| answer.present().map(|answer| answer.applies);
        assert_eq!(applies(told(Said::Yes, "true, orders = 2")), Some(true));
        assert_eq!(applies(told(Said::No, "false")), Some(false));
        for said in [Said::Neither, Said::NoQuestion] {
            let Seen::Unreadable(why) = told(said, "it returned no row") else {
                panic!("it is no answer");
            };
            assert!(
                why.contains("neither true nor false: it returned no row"),
                "{why}"
            );
        }
    }

    #[test]
    fn every_question_that_concerns_the_running_version_is_asked() {
        let text = "apiVersion: safe-upgrade.dev/v1alpha1
kind: Profile
name: shop
path:
  hazards:
    - { id: one, from: '<2.0.0', what: w, do: d, source: s, sql: select true }
    - { id: two, from: '>=2.0.0', what: w, do: d, source: s, sql: select true }
    - { id: three, what: w, do: d, source: s }
  mustNotOverlap:
    - { id: four, why: w, source: s, sql: select false }
";
        let profile = model::profile::parse("shop.yaml", text).unwrap();
        // Without a release nobody knows which version runs, and everything is asked.
        let asked = questions(&Seen::Absent, &Seen::Absent, &profile);
        let ids: Vec<&str> = asked.iter().map(|question| question.id.as_str()).collect();
        assert_eq!(ids, ["one", "two", "four"]);
        let path = profile.path.unwrap();
        let from = model::Version::parse("1.0.0").unwrap();
        let ids: Vec<&str> = path
            .questions(Some(&from))
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        assert_eq!(ids, ["one", "four"]);
    }
}
