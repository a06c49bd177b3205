//! Every verdict and state as it is shown, on plain paper.

use model::{
    API_VERSION, BackupGrade, BackupSummary, Category, ChartIdentity, CheckReport, CheckResult, Confidence,
    Event, Evidence, Highlight, HighlightKind, LogSource, MigrationSample, NextStep, NotesDirection,
    NotesLink, NotesReport, NotesSourceReport, NotesState, NotesSummary, NotesVerdict, Plan, PlannedStep,
    ReleaseIdentity, Remedy, Reversal, Severity, StepReport, StepSpec, StepState, UpgradeOutcome,
    UpgradeReport, Verdict, VersionChange, VersionNotes, VersionOf, Waived,
};

use crate::words::{age, bytes, seconds};
use crate::{Live, LiveOutput, Style};

fn shown(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut paper = Vec::new();
    write(&mut paper).unwrap();
    String::from_utf8(paper).unwrap()
}

fn release() -> ReleaseIdentity {
    ReleaseIdentity {
        name: "shop".into(),
        namespace: "prod".into(),
        revision: 7,
        chart: "shop-1.4.0".into(),
        app_version: Some("1.4.0".into()),
    }
}

fn target() -> ChartIdentity {
    ChartIdentity {
        name: "shop".into(),
        version: "2.0.0".into(),
        app_version: Some("2.0.0".into()),
    }
}

fn row(id: &str, category: Category, severity: Severity, verdict: Verdict) -> CheckResult {
    CheckResult {
        id: id.into(),
        category,
        title: "all is well".into(),
        severity,
        verdict,
        confidence: Confidence::Observed,
        evidence: Evidence::new(),
        remedy: vec![Remedy {
            text: "end the session".into(),
            command: Some("do this".into()),
        }],
        waived: None,
        docs: format!("docs/checks.md#{id}"),
    }
}

/// A report in which every verdict stands, one of them waived.
fn judged() -> CheckReport {
    let mut checks = vec![
        row(
            "cluster-version",
            Category::Cluster,
            Severity::Block,
            Verdict::Pass("v1.34.4".into()),
        ),
        row(
            "helm-values",
            Category::Helm,
            Severity::Warn,
            Verdict::Warn("two keys are dropped".into()),
        ),
        row(
            "helm-owner",
            Category::Helm,
            Severity::Block,
            Verdict::Unknown("no right to read".into()),
        ),
        row(
            "workload-health",
            Category::Workload,
            Severity::Warn,
            Verdict::Fail("web restarts".into()),
        ),
        row(
            "database-lock",
            Category::Postgres,
            Severity::Block,
            Verdict::Fail("pid 9 holds orders".into()),
        ),
        row(
            "backup-age",
            Category::Backup,
            Severity::Info,
            Verdict::Skip("no store was named".into()),
        ),
    ];
    checks[3].waived = Some(Waived {
        owner: "ann".into(),
        reason: "restarts <nightly> & by design".into(),
        expires: "2026-12-31".into(),
    });
    checks[4].evidence.insert("pid".into(), 9.into());
    let mut report = CheckReport::new(release(), Some(target()), checks);
    report.next = vec![NextStep {
        text: "end the session".into(),
        command: Some("do this".into()),
    }];
    report
}

/// Notes in which every kind of piece, source and state stands.
fn told() -> NotesReport {
    let notes =
        |of: VersionOf, version: &str, headline: &str, pieces: &[(&[HighlightKind], &str)]| VersionNotes {
            of,
            version: version.into(),
            headline: headline.into(),
            date: Some("2026-05-01".into()),
            prerelease: version.contains("rc"),
            url: (of == VersionOf::App).then(|| format!("https://x.example/v{version}")),
            sources: vec!["GitHub releases of shop/web".into()],
            highlights: pieces
                .iter()
                .map(|(kinds, text)| Highlight {
                    kinds: kinds.to_vec(),
                    text: (*text).into(),
                    by: "under \"x\"".into(),
                })
                .collect(),
            text: "## Removed\n- the port <b>\n".into(),
        };
    let source = |name: &str, state, age_seconds, versions, reason: Option<&str>| NotesSourceReport {
        source: name.into(),
        state,
        age_seconds,
        versions,
        reason: reason.map(str::to_owned),
    };
    use HighlightKind::{Breaking, Deprecation, KnownIssue, Migration, Security};
    let versions = vec![
        notes(
            VersionOf::App,
            "1.1.0",
            "The big one",
            &[
                (&[Migration], "migration 7 rewrites orders"),
                (&[Deprecation], "the flag --wide"),
            ],
        ),
        notes(VersionOf::App, "1.2.0-rc.1", "", &[]),
        notes(
            VersionOf::App,
            "1.2.0",
            "the port moves",
            &[
                (&[Breaking, Migration], "the port moves"),
                (&[Security], "CVE-2026-10421"),
                (&[KnownIssue], "lists may be *stale*"),
            ],
        ),
        notes(VersionOf::Chart, "0.5.0", "a label", &[]),
    ];
    let change = |of, from: &str, to: &str, covered| VersionChange {
        of,
        from: from.into(),
        to: to.into(),
        covered,
    };
    NotesReport {
        direction: NotesDirection::Upgrade,
        changes: vec![
            change(VersionOf::App, "1.0.0", "1.2.0", true),
            change(VersionOf::Chart, "0.4.0", "0.5.0", false),
        ],
        verdict: NotesVerdict::Partly,
        summary: NotesSummary::of(&versions, 2),
        sources: vec![
            source("GitHub releases of shop/web", NotesState::Read, None, 3, None),
            source(
                "https://x.example/CHANGELOG.md",
                NotesState::Cached,
                Some(260_000),
                2,
                Some("x.example does not answer"),
            ),
            source(
                "annotations of the target's chart",
                NotesState::Saved,
                Some(10),
                1,
                Some("tells of its own version alone"),
            ),
            source(
                "CHANGELOG.md",
                NotesState::Unreadable,
                None,
                0,
                Some("it is a web page"),
            ),
        ],
        links: vec![NotesLink {
            name: "Notes".into(),
            url: "https://x.example/notes".into(),
        }],
        remarks: vec!["no source tells every version of the chart on the way".into()],
        versions,
        ..NotesReport::new("shop")
    }
}

#[test]
fn notes_are_told_by_version_and_for_a_ticket_by_kind() {
    let form = crate::NotesForm::default();
    insta::assert_snapshot!(
        "notes",
        shown(|out| crate::notes_report(out, Style::plain(), &told(), form))
    );
    insta::assert_snapshot!(
        "notes_ticket",
        shown(|out| crate::notes_markdown(out, &told(), true))
    );
}

#[test]
fn notes_that_nobody_tells_are_not_known() {
    let mut report = NotesReport::new("shop");
    report.direction = NotesDirection::Rollback;
    report.remarks = vec!["no source of notes is known".into()];
    let text = shown(|out| crate::notes_report(out, Style::plain(), &report, crate::NotesForm::default()));
    assert!(
        text.contains("cannot tell") && text.contains("(exit code 3)"),
        "{text}"
    );
}

#[test]
fn a_check_report_shows_every_verdict() {
    for (name, detail) in [
        ("usual", crate::Detail::Usual),
        ("wide", crate::Detail::Wide),
        ("short", crate::Detail::Short),
    ] {
        insta::assert_snapshot!(
            name,
            shown(|out| crate::check_report(out, Style::plain(), &judged(), detail, false))
        );
    }
}

#[test]
fn a_check_report_is_a_ticket_a_page_and_a_test_result() {
    insta::assert_snapshot!("ticket", shown(|out| crate::check_markdown(out, &judged())));
    insta::assert_snapshot!("junit", shown(|out| crate::check_junit(out, &judged(), true)));
    let page = shown(|out| crate::check_page(out, &judged()));
    assert!(
        page.contains("restarts &lt;nightly&gt; &amp; by design"),
        "{page}"
    );
    assert!(!page.contains("http"), "{page}");
}

#[test]
fn a_plan_marks_where_turning_back_gets_a_price() {
    let step = |id: &str, title: &str, reversal| PlannedStep {
        id: id.into(),
        title: title.into(),
        reversal,
        spec: StepSpec::ForgetRevision(model::ForgetRevision { pass: "x".into() }),
    };
    let plan = Plan {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        created_at: "2026-01-01T00:00:00Z".into(),
        from: release(),
        to: target(),
        profile: "generic".into(),
        gate: model::GateMode::Traffic,
        chart_sha256: String::new(),
        values_digest: String::new(),
        helm_flags: vec!["--timeout".into(), "5m".into()],
        steps: vec![
            step(
                "01-quiesce",
                "stop writers: deployment/web 2 → 0",
                Reversal::Automatic,
            ),
            step("02-gate", "gate", Reversal::NotNeeded),
            step("03-open-traffic", "open the gate", Reversal::OnConsent),
            step("04-drop", "drop the old database", Reversal::Impossible),
        ],
        priced_from: Some(2),
        no_way_back: None,
        notices: vec!["web is replaced once more".into()],
    };
    insta::assert_snapshot!(shown(|out| crate::plan(out, Style::plain(), &plan)));
}

fn report(outcome: UpgradeOutcome) -> UpgradeReport {
    let states = [
        StepState::Done,
        StepState::Failed,
        StepState::Restored,
        StepState::Stuck,
        StepState::Running,
        StepState::Restoring,
        StepState::Pending,
    ];
    UpgradeReport {
        api_version: API_VERSION.into(),
        kind: "UpgradeReport".into(),
        run: "20260101-000000-0badcafe".into(),
        outcome,
        reason: Some("the migration failed".into()),
        from: release(),
        to: target(),
        downtime_seconds: Some(74.2),
        steps: states
            .iter()
            .enumerate()
            .map(|(index, state)| StepReport {
                id: format!("{index:02}"),
                title: format!("a step that is {state:?}"),
                state: *state,
                started_at: None,
                after_seconds: None,
                seconds: Some(1.25),
                detail: (index == 0).then(|| "revision 8".into()),
            })
            .collect(),
        next: vec![NextStep {
            text: "carry on".into(),
            command: Some("helm safe-upgrade resume shop".into()),
        }],
    }
}

#[test]
fn a_run_report_says_how_it_ended_and_what_to_type() {
    for outcome in [
        UpgradeOutcome::Upgraded,
        UpgradeOutcome::UpgradedWithFailures,
        UpgradeOutcome::Restored,
        UpgradeOutcome::Stopped,
        UpgradeOutcome::Left,
    ] {
        let text = shown(|out| crate::upgrade_report(out, Style::plain(), &report(outcome)));
        insta::assert_snapshot!(format!("{outcome:?}"), text);
    }
}

fn restore_preview() -> model::RestorePreview {
    model::RestorePreview {
        database: "shop".into(),
        server: "postgres in pod shop-postgres-0".into(),
        backup: Some(BackupSummary {
            id: "20260101T000000Z-0a1b2c3d".into(),
            uri: "file:///backups/x".into(),
            source: "pgbackup".into(),
            database: "shop".into(),
            finished_at: "2026-01-01T00:00:00Z".into(),
            age_seconds: 7500,
            bytes: Some(281_000_000),
            grade: BackupGrade::B,
            system_identifier: None,
            server_major: Some(17),
        }),
        file: None,
        made_for: Some(model::BackupRelease {
            name: "shop".into(),
            revision: 4,
            images: Vec::new(),
        }),
        ownership: Some("owners as they were, privileges as they were".into()),
        schema: Some("the dump is at the schema version in use (7): no migration will run".into()),
        notes: Vec::new(),
        keep_as: "shop_pre_20260101020500ab12".into(),
        sessions: Some(3),
        users: vec!["shop-web".into(), String::new()],
    }
}

#[test]
fn a_restore_says_before_it_begins_what_it_will_do() {
    let preview = restore_preview();
    insta::assert_snapshot!(shown(|out| crate::restore_preview(out, Style::plain(), &preview)));
}

#[test]
fn a_restore_that_cannot_count_sessions_still_says_that_it_ends_them() {
    let preview = model::RestorePreview {
        backup: None,
        made_for: None,
        ownership: None,
        schema: None,
        sessions: None,
        users: Vec::new(),
        ..restore_preview()
    };
    insta::assert_snapshot!(shown(|out| crate::restore_preview(out, Style::plain(), &preview)));
}

#[test]
fn a_restore_that_was_done_says_how_to_take_it_back() {
    let report = model::RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: "20260101020500ab12".into(),
        undone: false,
        backup: Some("20260101T000000Z-0a1b2c3d".into()),
        file: None,
        run: None,
        downtime_seconds: Some(41.0),
        database: "shop".into(),
        kept_as: "shop_pre_20260101020500ab12".into(),
        compared: vec!["the schema".into(), "1055 rows in 3 tables".into()],
        content: Some("1055 rows in 3 tables".into()),
        ownership: Some("owners as they were, privileges as they were".into()),
        notes: vec!["role shop was created without login".into()],
        done_before: false,
        next: vec![NextStep {
            text: "take the restore back".into(),
            command: Some("kubectl pgbackup restore --undo 20260101020500ab12 shop -n prod".into()),
        }],
    };
    insta::assert_snapshot!(shown(|out| crate::restore_report(out, Style::plain(), &report)));
}

#[test]
fn a_dump_of_somebody_else_s_says_that_nothing_was_compared() {
    let preview = model::RestorePreview {
        backup: None,
        file: Some("file /tmp/shop.sql.gz, SQL as text, 12.0 MB".into()),
        made_for: None,
        notes: vec!["the cluster main is kept by CloudNativePG".into()],
        ..restore_preview()
    };
    let report = model::RestoreReport {
        api_version: API_VERSION.into(),
        kind: "RestoreReport".into(),
        id: "20260101020500ab12".into(),
        undone: false,
        backup: None,
        file: Some("file /tmp/shop.sql.gz".into()),
        run: None,
        downtime_seconds: None,
        database: "shop".into(),
        kept_as: "shop_pre_20260101020500ab12".into(),
        compared: Vec::new(),
        content: Some("1055 rows in 3 tables".into()),
        ownership: None,
        notes: Vec::new(),
        done_before: false,
        next: Vec::new(),
    };
    insta::assert_snapshot!(shown(|out| {
        crate::restore_preview(out, Style::plain(), &preview)?;
        crate::restore_report(out, Style::plain(), &report)
    }));
}

#[test]
fn what_restores_left_is_listed_with_its_reason() {
    let item = |id: &str, name: &str, reason| model::KeptDatabase {
        id: id.into(),
        name: name.into(),
        reason,
        bytes: Some(281_000_000),
        sessions: 0,
    };
    let report = model::KeptReport {
        api_version: API_VERSION.into(),
        kind: "KeptList".into(),
        database: "shop".into(),
        items: vec![
            item("x1", "shop_pre_x1", model::KeptReason::BeforeRestore),
            item("x2", "shop_undone_x2", model::KeptReason::Undone),
            item("x3", "shop_restore_x3", model::KeptReason::Unfinished),
        ],
        next: Vec::new(),
    };
    insta::assert_snapshot!(shown(|out| crate::kept(out, Style::plain(), &report)));
}

#[test]
fn a_run_in_lines_tells_changes_once() {
    #[derive(Clone, Default)]
    struct Paper(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let paper = Paper::default();
    let mut live = Live::new(Style::plain(), LiveOutput::Lines(Box::new(paper.clone())));
    let sample = |version: &str| {
        let version = Some(version.to_owned());
        Event::Migration(MigrationSample {
            seconds: 1.0,
            active: Vec::new(),
            blocked: Vec::new(),
            version,
        })
    };
    let step = |state, seconds| Event::Step {
        id: "01-helm-pass".into(),
        title: "helm upgrade".into(),
        state,
        detail: None,
        seconds,
    };
    let events = [
        Event::RunStarted {
            run: "r1".into(),
            steps: vec![("a".into(), "b".into())],
            resumed: false,
        },
        step(StepState::Running, None),
        sample("3"),
        sample("3"),
        sample("4"),
        Event::Log {
            source: Some(LogSource {
                pod: "migrate-x".into(),
                container: "migrate".into(),
            }),
            line: "OK 00004.sql".into(),
        },
        Event::Notice {
            message: "slower than usual".into(),
        },
        step(StepState::Failed, Some(12.0)),
        Event::TurningBack {
            reason: "helm failed".into(),
        },
    ];
    for event in &events {
        live.show(event).unwrap();
    }
    live.end();
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn numbers_are_said_as_people_read_them() {
    assert_eq!(
        [seconds(0.44), seconds(12.4), seconds(185.0), seconds(3720.0)],
        ["0.4 s", "12 s", "3 min 05 s", "1 h 02 min"]
    );
    assert_eq!(
        [bytes(912), bytes(4100), bytes(281_000_000), bytes(999_600)],
        ["912 B", "4.1 kB", "281 MB", "1.0 MB"]
    );
    assert_eq!(
        [age(5), age(400), age(7500), age(400_000)],
        ["just now", "6 min", "2 h", "4 days"]
    );
}

#[test]
fn colours_are_off_for_pipes_and_by_no_color() {
    assert!(Style::decide(true, None, Some("C.UTF-8")).colour);
    assert!(!Style::decide(true, Some("1"), None).colour);
    assert!(!Style::decide(false, None, None).colour);
}

/// A way on which everything stands that can stand there.
fn way() -> model::path::PathReport {
    use model::path::{Hop, HopJudged, Meeting, MeetingKind, MeetingState, PathReport, PathState};
    let meeting = |id: &str, severity: Severity, state: MeetingState, evidence: Option<&str>| Meeting {
        id: id.into(),
        kind: if id.starts_with("pods") {
            MeetingKind::Overlap
        } else {
            MeetingKind::Hazard
        },
        severity,
        what: "orders are rewritten".into(),
        state,
        evidence: evidence.map(str::to_owned),
        remedy: vec![Remedy {
            text: "archive orders".into(),
            command: (id == "grave").then(|| "shop archive".into()),
        }],
        source: "notes of 2.0".into(),
        confidence: if id == "mild" {
            Confidence::Inferred
        } else {
            Confidence::Reported
        },
    };
    let hop = |from: &str, to: &str, judged: HopJudged, because: &[&str], meets: Vec<Meeting>| Hop {
        from: from.into(),
        to: to.into(),
        released: (to == "2.0.0").then(|| "2026-02-03".into()),
        chart_version: None,
        because: because.iter().map(|why| (*why).to_owned()).collect(),
        judged,
        meets,
    };
    let mut report = PathReport::new(
        release(),
        Some("path shop, built in".into()),
        Some("1.4.0".into()),
        "3.0.0".into(),
    );
    report.state = PathState::Stops;
    report.verdict = model::CheckVerdict::Blocked;
    report.hops = vec![
        hop(
            "1.4.0",
            "2.0.0",
            HopJudged::Now,
            &["2.0 moves the orders (notes of 2.0)"],
            vec![
                meeting(
                    "grave",
                    Severity::Block,
                    MeetingState::Applies,
                    Some("true, orders = 41"),
                ),
                meeting("mild", Severity::Warn, MeetingState::Applies, None),
                meeting(
                    "untold",
                    Severity::Block,
                    MeetingState::Unknown,
                    Some("permission denied for table orders"),
                ),
                meeting(
                    "elsewhere",
                    Severity::Block,
                    MeetingState::DoesNotApply,
                    Some("false"),
                ),
                meeting(
                    "pods-together",
                    Severity::Warn,
                    MeetingState::Applies,
                    Some("deployment/web would overlap"),
                ),
            ],
        ),
        hop(
            "2.0.0",
            "2.5.0",
            HopJudged::Later,
            &["every fifth must be visited (notes)"],
            vec![meeting("grave", Severity::Block, MeetingState::Later, None)],
        ),
        hop("2.5.0", "3.0.0", HopJudged::Later, &[], Vec::new()),
    ];
    report.unknown = vec!["the list of versions does not reach".into()];
    report.notes = vec!["the path was looked at up to 2.5.0".into()];
    report.next = vec![NextStep {
        text: "go to 2.0.0 first; judge that upgrade".into(),
        command: Some("kubectl upgrade-check shop repo/shop --version 2.0.0 -n prod".into()),
    }];
    report
}

#[test]
fn a_way_tells_every_upgrade_and_what_it_meets() {
    insta::assert_snapshot!(shown(|out| crate::path_report(
        out,
        Style::plain(),
        &way(),
        false
    )));
    insta::assert_snapshot!("way_ticket", shown(|out| crate::path_markdown(out, &way())));
}

#[test]
fn a_way_that_is_none_says_so_in_a_line() {
    use model::path::{PathReport, PathState};
    let told = |state: PathState| {
        let mut report = PathReport::new(release(), None, None, "3.0.0".into());
        report.state = state;
        shown(|out| crate::path_report(out, Style::plain(), &report, false))
    };
    assert!(told(PathState::NothingToDo).contains("it runs already"));
    assert!(told(PathState::Downgrade).contains("no way leads to an older version"));
    let unknown = told(PathState::Unknown);
    assert!(
        unknown.contains("unknown version -> 3.0.0") && unknown.contains("cannot tell (exit code 3)"),
        "{unknown}"
    );
}
