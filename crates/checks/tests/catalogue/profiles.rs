//! How a profile fits what was seen, and the first one that is written from it.

use checks::profiles::{draft, lint, not_asked, trial};
use model::path::{PathAnswer, PredicateAnswer};
use model::profile::{QuiesceNeed, RoleKind, RunBy, parse};
use model::{
    ExitCode, HttpProbe, MigrationTool, Profile, ProfileTrialReport, QuestionOf, Seen, Severity,
    TriedQuestion,
};

use crate::fixture::{Case, hidden, hook, ledger, present};

fn tried(case: &Case, questions: Vec<TriedQuestion>) -> ProfileTrialReport {
    trial(
        &case.profile,
        "ledger.yaml",
        &case.seen,
        case.target.as_ref(),
        case.profile.path.as_ref(),
        questions,
    )
}

/// A trial that ends so, with these words among its findings.
#[track_caller]
fn ends(case: &Case, code: ExitCode, words: &str) {
    let report = tried(case, Vec::new());
    assert_eq!(report.exit_code(), code, "{:#?}", report.findings);
    let told = report
        .findings
        .iter()
        .any(|finding| finding.message.contains(words));
    assert!(told, "{words:?} is not among {:#?}", report.findings);
}

#[test]
fn a_profile_that_fits_tells_what_it_matched() {
    let report = tried(&Case::healthy(), Vec::new());
    assert_eq!(report.exit_code(), ExitCode::Done, "{:#?}", report.findings);
    assert_eq!(report.matches[0], "its chart is ledger");
    let matched: Vec<(&str, &[String])> = report
        .roles
        .iter()
        .map(|role| (role.role.as_str(), role.workloads.as_slice()))
        .collect();
    assert_eq!(
        matched,
        [
            ("web", &["deployment/web".to_owned()][..]),
            ("worker", &["statefulset/worker".to_owned()][..]),
            ("tidy", &["cronjob/job".to_owned()][..]),
            ("database", &["statefulset/database".to_owned()][..]),
        ]
    );
    assert!(report.others.is_empty(), "{:?}", report.others);
    let database = report.database.unwrap();
    assert!(database.found_in.contains("env DATABASE_URL"), "{database:?}");
    assert_eq!(database.secret.as_deref(), Some("shop-database key DATABASE_URL"));
    assert_eq!(
        report.migration.as_deref(),
        Some("goose at 2 in public.goose_db_version")
    );
    assert_eq!(
        report.next[0].command.as_deref(),
        Some("kubectl upgrade-check shop -n shop --profile ledger.yaml")
    );
}

#[test]
fn what_matches_nothing_is_wrong() {
    let with = |change: fn(&mut Profile)| Case::with(|case| change(&mut case.profile));
    ends(
        &with(|profile| profile.roles[1].select.kind = Some("DaemonSet".into())),
        ExitCode::Blocked,
        "role worker selects no workload",
    );
    ends(
        &with(|profile| {
            profile.matches.charts = vec!["shop".into()];
            profile.matches.images = Vec::new();
        }),
        ExitCode::Blocked,
        "neither its chart (ledger) nor an image",
    );
    ends(
        &with(|profile| profile.database.env = vec!["PG_ADDRESS".into()]),
        ExitCode::Blocked,
        "found by DATABASE_URL, and `database.env` names PG_ADDRESS",
    );
    ends(
        &with(|profile| profile.migrations.tool = Some(MigrationTool::Flyway)),
        ExitCode::Blocked,
        "no table of Flyway",
    );
    ends(
        &with(|profile| profile.migrations.schema[0].version = "3".into()),
        ExitCode::Blocked,
        "brings 3, and the database is at 2",
    );
    ends(
        &Case::with(|case| case.seen.location = Seen::Absent),
        ExitCode::Blocked,
        "no database was found",
    );
    let text = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Profile\nname: x\nrequires: { webhooks: [{ service: x }] }\n";
    ends(
        &Case::with(|case| case.profile.requires = parse("x", text).unwrap().requires),
        ExitCode::CannotTell,
        "not looked for",
    );
}

#[test]
fn what_no_role_selects_is_told_with_what_it_is_taken_for() {
    let case = Case::with(|case| case.profile.roles.retain(|role| role.name != "tidy"));
    ends(&case, ExitCode::Done, "no role selects cronjob/job");
    let report = tried(&case, Vec::new());
    assert_eq!(
        (report.others[0].workload.as_str(), report.others[0].kind),
        ("cronjob/job", RoleKind::Writer)
    );
}

#[test]
fn what_could_not_be_read_is_not_taken_for_a_fit() {
    ends(
        &Case::with(|case| case.seen.workloads = hidden()),
        ExitCode::CannotTell,
        "what runs",
    );
    ends(
        &Case::with(|case| case.seen.location = hidden()),
        ExitCode::CannotTell,
        "the right is missing",
    );
    ends(
        &Case::with(|case| case.seen.database = hidden()),
        ExitCode::CannotTell,
        "could not be asked",
    );
}

#[test]
fn a_question_is_told_with_its_answer_and_none_is_a_finding() {
    let question = |of, asked, holds: Option<bool>| TriedQuestion {
        of,
        what: "a job runs".into(),
        asked,
        holds,
        words: "w".into(),
    };
    let code = |question| tried(&Case::healthy(), vec![question]).exit_code();
    assert_eq!(code(question(QuestionOf::Busy, true, Some(true))), ExitCode::Done);
    assert_eq!(
        code(question(QuestionOf::Assertion, true, Some(true))),
        ExitCode::Done
    );
    assert_eq!(
        code(question(QuestionOf::Assertion, true, Some(false))),
        ExitCode::Blocked
    );
    assert_eq!(code(question(QuestionOf::Busy, true, None)), ExitCode::Blocked);
    assert_eq!(
        code(question(QuestionOf::Busy, false, None)),
        ExitCode::CannotTell
    );

    let text = "apiVersion: safe-upgrade.dev/v1alpha1
kind: Profile
name: x
busy: [{ what: a job runs, sql: select 1 }]
path:
  hazards: [{ id: rows, what: w, do: d, source: s, sql: select true }]
";
    let mut case = Case::healthy();
    let parsed = parse("x", text).unwrap();
    assert_eq!(not_asked(&parsed, "kept").len(), 1);
    case.profile.path = parsed.path;
    ends(&case, ExitCode::CannotTell, "rows has no answer");
    case.seen.path.as_mut().unwrap().answers = vec![PathAnswer {
        id: "rows".into(),
        answer: Seen::Present(PredicateAnswer {
            applies: true,
            words: "true".into(),
        }),
    }];
    ends(&case, ExitCode::Done, "rows applies to this database");
    // Answers to another path's questions are none.
    let other = trial(
        &case.profile,
        "x",
        &case.seen,
        None,
        ledger().path.as_ref(),
        Vec::new(),
    );
    assert_eq!(other.exit_code(), ExitCode::CannotTell);
}

/// What is written for a case, read again.
fn drafted(case: &Case, hooks: Option<&[model::RenderedHook]>) -> (String, Profile) {
    let text = draft(&case.seen, hooks).unwrap_or_else(|error| panic!("{error}"));
    let profile = parse("drafted", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    (text, profile)
}

#[test]
fn a_first_profile_says_what_was_seen_and_marks_what_was_guessed() {
    let case = Case::with(|case| {
        case.workloads()[0].containers[0].http_probe = Some(HttpProbe {
            port: 8080,
            path: "/readyz".into(),
            tls: false,
        });
        present(&mut case.seen.location).origin.found_in = "deployment/web,\nenv: DATABASE_URL # x".into();
    });
    let (text, profile) = drafted(&case, Some(&[]));
    assert_eq!(profile.name, "ledger");
    assert_eq!(profile.matches.charts, ["ledger"]);
    assert_eq!(profile.matches.images, ["ledger"]);
    assert_eq!(profile.database.env, ["DATABASE_URL"]);
    assert!(text.contains("Secret shop-database"), "{text}");
    assert_eq!(profile.migrations.tool, Some(MigrationTool::Goose));
    assert!(
        text.contains("goose keeps public.goose_db_version, which is at 2."),
        "{text}"
    );
    assert!(
        profile.migrations.schema.is_empty(),
        "one entry alone would claim too much"
    );
    let parts: Vec<(&str, RoleKind, QuiesceNeed)> = profile
        .roles
        .iter()
        .map(|role| (role.name.as_str(), role.kind, role.quiesce))
        .collect();
    assert_eq!(
        parts,
        [
            ("web", RoleKind::Migrator, QuiesceNeed::Required),
            ("worker", RoleKind::Writer, QuiesceNeed::Required),
            ("database", RoleKind::Database, QuiesceNeed::Never),
            ("job", RoleKind::Writer, QuiesceNeed::Required),
        ]
    );
    assert_eq!(profile.migrations.run, Some(RunBy::Boot));
    assert!(
        text.contains("# guess: that it migrates: it is the only Deployment that writes."),
        "{text}"
    );
    assert!(
        text.contains("1 session of its pods is on the database"),
        "{text}"
    );
    assert_eq!(
        (profile.health[0].role.as_str(), profile.health[0].port),
        ("web", 8080)
    );

    // It can be used as it is, and fits what it was written from.
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), &text).unwrap();
    let findings = lint(file.path()).unwrap().findings;
    assert!(findings.is_empty(), "{findings:?}\n{text}");
    let fitting = Case::with(|case| case.profile = profile);
    let report = tried(&fitting, Vec::new());
    assert_eq!(
        report.exit_code(),
        ExitCode::Done,
        "{:#?}\n{text}",
        report.findings
    );
    assert!(report.others.is_empty(), "{:?}", report.others);
}

#[test]
fn where_a_hook_migrates_nobody_is_taken_for_the_migrator() {
    let hooks = [hook("shop-migrate", "pre-upgrade")];
    let (text, profile) = drafted(&Case::healthy(), Some(&hooks));
    assert_eq!(profile.migrations.run, Some(RunBy::Hook));
    assert!(text.contains("Job shop-migrate runs before an upgrade"), "{text}");
    assert!(profile.roles.iter().all(|role| role.kind != RoleKind::Migrator));
}

#[test]
fn what_is_not_known_is_left_to_a_person() {
    let case = Case::with(|case| {
        case.seen.location = hidden();
        case.seen.database = hidden();
        case.release().chart.name = "Shop: no #1".into();
    });
    let (text, profile) = drafted(&case, None);
    assert_eq!(profile.matches.charts, ["Shop: no #1"]);
    assert!(profile.database.env.is_empty() && profile.migrations.run.is_none());
    assert!(
        text.contains("#database:") && text.contains("the right is missing"),
        "{text}"
    );
    assert!(draft(&Case::with(|case| case.seen.workloads = hidden()).seen, None).is_err());
    assert!(draft(&Case::with(|case| case.seen.release = hidden()).seen, None).is_err());

    let bare = Case::with(|case| case.workloads().clear());
    assert!(drafted(&bare, Some(&[])).1.roles.is_empty());
}

#[test]
fn workloads_that_only_their_names_tell_apart_share_a_role() {
    let case = Case::with(|case| {
        let mut twin = case.workloads()[1].clone();
        twin.name.name = "worker-b".into();
        case.workloads().push(twin);
    });
    let (text, profile) = drafted(&case, Some(&[]));
    assert_eq!(profile.roles.len(), 4);
    assert!(
        text.contains("statefulset/worker-b has the same labels and image as role worker"),
        "{text}"
    );
    let findings = {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), &text).unwrap();
        lint(file.path()).unwrap().findings
    };
    assert!(
        findings.iter().all(|finding| finding.severity != Severity::Block),
        "{findings:?}"
    );
}
