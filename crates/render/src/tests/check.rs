//! A judged release, for people, as a ticket, a page and a test result.

use model::{
    Category, CheckReport, CheckResult, Confidence, Evidence, NextStep, Remedy, Severity, Verdict, Waived,
};

use super::{release, shown, target};
use crate::Style;

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

#[test]
fn what_keeps_many_rows_from_being_judged_is_told_once() {
    let mut report = judged();
    let unread = |id: &str| {
        let verdict = Verdict::Unknown("the database could not be read: no route".into());
        row(id, Category::Postgres, Severity::Block, verdict)
    };
    report
        .checks
        .extend([unread("lock-waits"), unread("schema-target")]);
    for text in [
        shown(|out| crate::check_trouble(out, Style::plain(), &report)),
        shown(|out| crate::check_report(out, Style::plain(), &report, crate::Detail::Usual, false)),
    ] {
        assert_eq!(text.matches("no route").count(), 1, "{text}");
        assert!(
            text.contains("schema-target              for the same reason as lock-waits"),
            "{text}"
        );
    }
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

/// One of the forms that a report is shown in.
type Form = fn(&mut dyn std::io::Write, &CheckReport) -> std::io::Result<()>;

/// Names of the cluster and texts of the database that would draw rows of their own, or steer the terminal.
#[test]
fn what_others_say_stays_in_its_row_in_every_form() {
    let with = |words: &str| {
        let mut report = judged();
        report.release.name = format!("shop{words}");
        report.release.chart = format!("shop{words}-1.4.0");
        report.release.app_version = Some(format!("1{words}"));
        for row in &mut report.checks {
            row.verdict = match &row.verdict {
                Verdict::Pass(said) => Verdict::Pass(format!("{said}{words}")),
                Verdict::Warn(said) => Verdict::Warn(format!("{said}{words}")),
                Verdict::Fail(said) => Verdict::Fail(format!("{said}{words}")),
                Verdict::Unknown(said) => Verdict::Unknown(format!("{said}{words}")),
                Verdict::Skip(said) => Verdict::Skip(format!("{said}{words}")),
            };
            row.evidence
                .insert("statement".into(), format!("select{words}").into());
            row.remedy[0].text.push_str(words);
            row.remedy[0].command = Some(format!("do this{words}"));
        }
        report.next[0].command = Some(format!("helm safe-upgrade shop{words}"));
        report
    };
    let forms: [(&str, Form); 6] = [
        ("usual", |out, report| {
            crate::check_report(out, Style::plain(), report, crate::Detail::Usual, false)
        }),
        ("wide", |out, report| {
            crate::check_report(out, Style::plain(), report, crate::Detail::Wide, false)
        }),
        ("trouble", |out, report| {
            crate::check_trouble(out, Style::plain(), report)
        }),
        ("ticket", |out, report| crate::check_markdown(out, report)),
        ("page", |out, report| crate::check_page(out, report)),
        ("junit", |out, report| crate::check_junit(out, report, false)),
    ];
    for (name, form) in forms {
        let plain = shown(|out| form(out, &with("")));
        let hostile = shown(|out| form(out, &with("\r\n  pass    all-is-well\u{1b}[2J\u{9b}\u{202e}")));
        assert_eq!(
            hostile.lines().count(),
            plain.lines().count(),
            "{name}: {hostile}"
        );
        let steers = |c: char| model::text::steers(c) && c != '\n';
        assert!(!hostile.contains(steers), "{name}: {hostile:?}");
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
