//! The report of `kubectl upgrade-check path`.

use checks::path::path_report;
use checks::{load_observation, save_observation};
use model::path::{HopJudged, MeetingState, PathReport, PathState};
use model::{CheckVerdict, ExitCode, SavedObservation, Seen};

use crate::fixture::{Case, chart, hidden, present};
use crate::upgrade_path::on;

const PATH: &str = "  chart: { reference: repo/ledger, versions: listed }
  known:
    - { version: 1.5.0, released: 2026-02-03, chart: 7.1.0 }
  stops:
    - { visit: 1.5.0, why: the books move, source: notes }
  hazards:
    - { id: big-books, severity: block, to: '>=1.5.0', what: rewritten, do: archive, source: notes, sql: select true }
    - { id: slow, to: '>=2.0.0', what: takes long, do: wait, source: notes }
  mustNotOverlap:
    - { id: totals, to: '>=2.0.0', why: totals go wrong, source: notes }
";

fn to(case: &Case, version: &str) -> PathReport {
    path_report(&case.seen, &case.profile, None, Some(version))
}

fn answered(applies: Seen<bool>) -> Case {
    on(PATH, &[("big-books", applies)])
}

#[test]
fn a_way_over_a_stop_judges_the_first_upgrade_and_leaves_the_later_ones() {
    let report = to(&answered(Seen::Present(false)), "2.0.0");
    assert_eq!(report.state, PathState::Stops);
    let visits: Vec<&str> = report.hops.iter().map(|hop| hop.to.as_str()).collect();
    assert_eq!(visits, ["1.5.0", "2.0.0"]);
    let (first, later) = (&report.hops[0], &report.hops[1]);
    assert_eq!((first.judged, later.judged), (HopJudged::Now, HopJudged::Later));
    assert_eq!(first.released.as_deref(), Some("2026-02-03"));
    assert_eq!(first.because, ["the books move (notes)"]);
    assert_eq!(first.meets[0].state, MeetingState::DoesNotApply);
    assert_eq!(first.meets[0].evidence.as_deref(), Some("false, rows = 41"));
    // What the database says now is not said of later.
    assert!(
        later
            .meets
            .iter()
            .all(|meeting| meeting.state == MeetingState::Later && meeting.evidence.is_none())
    );
    let ids: Vec<&str> = later.meets.iter().map(|meeting| meeting.id.as_str()).collect();
    assert_eq!(ids, ["big-books", "slow", "totals"]);
    assert_eq!(report.verdict, CheckVerdict::Ready);
    assert_eq!(
        report.next[0].command.as_deref(),
        Some("kubectl upgrade-check shop repo/ledger --version 7.1.0 -n shop")
    );
}

#[test]
fn a_hazard_of_the_first_upgrade_blocks_and_one_that_could_not_be_asked_about_is_unknown() {
    let report = to(&answered(Seen::Present(true)), "2.0.0");
    assert_eq!(
        (report.verdict, report.exit_code(false)),
        (CheckVerdict::Blocked, ExitCode::Blocked)
    );
    let report = to(&answered(hidden()), "2.0.0");
    assert_eq!(report.exit_code(false), ExitCode::CannotTell);
    assert_eq!(report.hops[0].meets[0].state, MeetingState::Unknown);
    assert_eq!(
        report.hops[0].meets[0].evidence.as_deref(),
        Some("the right is missing")
    );
}

#[test]
fn one_upgrade_with_something_to_know_warns() {
    let mut case = answered(Seen::Present(false));
    case.release().chart = chart("1.5.0");
    let report = to(&case, "2.0.0");
    assert_eq!(
        (report.state, report.verdict),
        (PathState::Direct, CheckVerdict::Warnings)
    );
    assert_eq!(report.exit_code(false), ExitCode::Done);
    assert_eq!(report.exit_code(true), ExitCode::Blocked);
    let totals = report.hops[0].meets.last().unwrap();
    assert!(
        totals.evidence.as_deref().unwrap().contains("safe-upgrade stops"),
        "{totals:?}"
    );
}

#[test]
fn nothing_to_do_is_ready_and_an_older_version_is_no_way() {
    let case = answered(Seen::Present(false));
    let here = to(&case, "v1.0");
    assert_eq!(
        (here.state, here.exit_code(false)),
        (PathState::NothingToDo, ExitCode::Done)
    );
    let back = to(&case, "0.9.0");
    assert_eq!(
        (back.state, back.exit_code(false)),
        (PathState::Downgrade, ExitCode::Blocked)
    );
    assert_eq!(
        back.next[0].command.as_deref(),
        Some("helm safe-upgrade rollback shop -n shop")
    );
}

#[test]
fn what_cannot_be_told_is_said_and_is_never_green() {
    let mut strange = answered(Seen::Present(false));
    strange.release().chart = chart("edge");
    let mut none = answered(Seen::Present(false));
    none.profile.path = None;
    let mut unread = answered(Seen::Present(false));
    unread.seen.release = hidden();
    for (case, version, word) in [
        (&strange, "2.0.0", "edge"),
        (&none, "2.0.0", "no path knows this application"),
        (&unread, "2.0.0", "the right is missing"),
        (&answered(Seen::Present(false)), "newest", "newest"),
    ] {
        let report = to(case, version);
        assert_eq!(report.state, PathState::Unknown, "{word}");
        assert_eq!(report.exit_code(false), ExitCode::CannotTell, "{word}");
        assert!(report.hops.is_empty(), "{word}");
        assert!(report.unknown[0].contains(word), "{word}: {:?}", report.unknown);
    }
}

#[test]
fn a_chart_that_could_not_be_rendered_is_told_with_the_missing_right() {
    let mut case = answered(Seen::Present(false));
    for decision in present(&mut case.seen.access) {
        decision.allowed = decision.request.resource != "secrets";
    }
    let report = path_report(&case.seen, &case.profile, None, None);
    assert_eq!(report.exit_code(false), ExitCode::CannotTell);
    let told = &report.unknown[0];
    assert!(
        told.contains("the chart was not rendered (you may not")
            && told.contains("secrets")
            && told.contains("name the VERSION"),
        "{told}"
    );
}

#[test]
fn a_target_beyond_what_was_looked_at_is_noted() {
    let case = on("  reviewedTo: 1.0.0\n", &[]);
    let report = to(&case, "1.1.0");
    assert_eq!(report.verdict, CheckVerdict::Warnings);
    assert!(report.notes[0].contains("up to 1.0.0"), "{:?}", report.notes);
}

#[test]
fn a_chart_says_by_itself_where_the_way_goes() {
    let case = answered(Seen::Present(false));
    let report = path_report(&case.seen, &case.profile, case.target.as_ref(), None);
    assert_eq!((report.to.as_str(), report.state), ("1.1.0", PathState::Direct));
}

#[test]
fn a_look_that_was_kept_holds_path_and_answers() {
    let case = answered(Seen::Present(true));
    let now = to(&case, "2.0.0");
    let file = tempfile::NamedTempFile::new().unwrap();
    save_observation(file.path(), &SavedObservation::new(case.seen, None, case.profile)).unwrap();
    let read = load_observation(file.path()).unwrap();
    assert_eq!(
        path_report(&read.observation, &read.profile, None, Some("2.0.0")),
        now
    );
}

#[tokio::test]
async fn another_path_on_a_kept_look_was_not_asked() {
    let case = answered(Seen::Present(false));
    let mut saved = SavedObservation::new(case.seen, None, case.profile);
    let file = tempfile::NamedTempFile::new().unwrap();
    let head = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: other\npath:\n";
    std::fs::write(file.path(), format!("{head}{PATH}")).unwrap();
    checks::path::replace_path(&mut saved, &file.path().display().to_string())
        .await
        .unwrap();
    let report = path_report(&saved.observation, &saved.profile, None, Some("2.0.0"));
    assert!(report.path.unwrap().starts_with("path other"));
    assert_eq!(report.hops[0].meets[0].state, MeetingState::Unknown);
}

#[test]
fn the_built_in_paths_lead_where_their_sources_say() {
    let goes = |name: &str, from: &str, to: &str| {
        let mut case = Case::healthy();
        let files = checks::path::built_in_paths().unwrap();
        case.profile.path = files
            .into_iter()
            .find(|file| file.name == name)
            .map(|file| file.path);
        case.release().chart = chart(from);
        let report = path_report(&case.seen, &case.profile, None, Some(to));
        report
            .hops
            .into_iter()
            .map(|hop| hop.to)
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (name, from, to, visits) in [
        ("coder", "2.26.0", "2.27.8", "2.26.6 2.27.8"),
        ("coder", "2.26.7", "2.27.8", "2.27.8"),
        ("coder", "2.24.0", "2.29.4", "2.29.4"),
        ("coder", "2.29.4", "2.34.1", "2.34.1"),
        ("gocdnext", "0.45.0", "0.88.0", "0.88.0"),
        ("openfga", "v1.3.0", "v1.22.1", "1.3.3 1.22.1"),
        ("openfga", "v1.8.4", "v1.10.1", "1.10.1"),
        ("opschain", "2025.11.12", "2026.08.20", "2026-01-27 2026.08.20"),
        ("nodepad", "0.2.4", "0.3.0", "0.3.0"),
    ] {
        assert_eq!(goes(name, from, to), visits, "{name} {from} to {to}");
    }
}
