//! Profiles: which there are, what is wrong with a file, how one fits a release.

use std::io::{self, Write};

use comfy_table::{Table, presets};
use model::profile::RoleKind;
use model::{
    LintFinding, LintedFile, ProfileLintReport, ProfileListReport, ProfileTrialReport, QuestionOf, Severity,
    TrialLevel, TriedQuestion,
};

use crate::Style;
use crate::run::next_steps;
use crate::style::Tone;

/// Writes the profiles that there are, in the order in which they are tried.
///
/// # Errors
/// The writer's own.
pub fn profile_list(out: &mut dyn Write, report: &ProfileListReport) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["NAME", "FROM", "FITS", "DESCRIPTION"]);
    for item in &report.items {
        let from = match (&item.file, item.hides_built_in) {
            (Some(file), false) => file.clone(),
            (Some(file), true) => format!("{file} (in place of the built-in one)"),
            (None, _) => "built in".to_owned(),
        };
        let fits = [("chart", &item.charts), ("image", &item.images)]
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what} {}", names.join(", ")))
            .collect::<Vec<_>>();
        let fits = if fits.is_empty() {
            "by name only".to_owned()
        } else {
            fits.join("; ")
        };
        table.add_row([&item.name, &from, &fits, &item.description]);
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim())?;
    }
    Ok(())
}

/// Writes what is wrong with files, a line for each finding as compilers do, then a line that counts.
///
/// # Errors
/// The writer's own.
pub fn profile_lint(out: &mut dyn Write, style: Style, report: &ProfileLintReport) -> io::Result<()> {
    let mut wrong = 0_usize;
    for file in &report.files {
        for finding in &file.findings {
            lint_finding(out, style, file, finding)?;
        }
        wrong += usize::from(
            file.findings
                .iter()
                .any(|finding| finding.severity == Severity::Block),
        );
        if file.findings.is_empty() {
            writeln!(out, "{}: {}", file.file, style.paint(Tone::Good, "good"))?;
        }
    }
    let count = report.files.len();
    let words = match (wrong, count) {
        (0, 1) => "the file can be used".to_owned(),
        (0, _) => format!("all {count} files can be used"),
        (_, 1) => "the file cannot be used".to_owned(),
        (_, _) => format!("{wrong} of {count} files cannot be used"),
    };
    let tone = if wrong == 0 { Tone::Good } else { Tone::Bad };
    writeln!(
        out,
        "{} (exit code {})",
        style.paint(tone, &words),
        report.exit_code().code()
    )
}

fn lint_finding(
    out: &mut dyn Write,
    style: Style,
    file: &LintedFile,
    finding: &LintFinding,
) -> io::Result<()> {
    let place = [finding.line, finding.column]
        .into_iter()
        .flatten()
        .map(|number| format!(":{number}"))
        .collect::<String>();
    let (word, tone) = match finding.severity {
        Severity::Block => ("error", Tone::Bad),
        Severity::Warn => ("warning", Tone::Care),
        Severity::Info => ("note", Tone::Faint),
    };
    let nearest = finding
        .suggestion
        .as_ref()
        .map(|key| format!(" (did you mean `{key}`?)"))
        .unwrap_or_default();
    writeln!(
        out,
        "{}{place}: {}: {}{nearest}",
        file.file,
        style.paint(tone, word),
        finding.message
    )
}

/// Writes how a profile fits a release.
///
/// # Errors
/// The writer's own.
pub fn profile_trial(out: &mut dyn Write, style: Style, report: &ProfileTrialReport) -> io::Result<()> {
    let release = &report.release;
    writeln!(
        out,
        "profile {} on {} in {}  {}",
        style.paint(Tone::Strong, &report.profile),
        style.paint(Tone::Strong, &release.name),
        release.namespace,
        release.chart
    )?;
    let matches = if report.matches.is_empty() {
        "not by its `match`".to_owned()
    } else {
        report.matches.join("; ")
    };
    line(out, "fits", &matches)?;
    for role in &report.roles {
        let workloads = if role.workloads.is_empty() {
            style.paint(Tone::Bad, "no workload").into_owned()
        } else {
            role.workloads.join(", ")
        };
        line(
            out,
            &format!("role {}", role.role),
            &format!("{} ({workloads})", kind(role.kind)),
        )?;
    }
    for other in &report.others {
        line(
            out,
            "no role",
            &format!(
                "{} is taken for {}: {}",
                other.workload,
                kind(other.kind),
                other.reason
            ),
        )?;
    }
    if let Some(database) = &report.database {
        line(
            out,
            "database",
            &format!(
                "{} on {}",
                database.database.escape_debug(),
                database.host.escape_debug()
            ),
        )?;
        line(out, "", &format!("found in {}", database.found_in))?;
        if let Some(secret) = &database.secret {
            line(out, "", &format!("credentials in Secret {secret}"))?;
        }
    }
    if let Some(migration) = &report.migration {
        line(out, "migrations", migration)?;
    }
    for question in &report.questions {
        line(
            out,
            of(question.of),
            &format!("{}: {}", question.what, answer(question)),
        )?;
    }
    findings(out, style, report)?;
    next_steps(out, style, &report.next)
}

fn line(out: &mut dyn Write, what: &str, words: &str) -> io::Result<()> {
    writeln!(out, "  {what:<16} {}", model::text::line(words))
}

fn kind(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Writer => "writer",
        RoleKind::Migrator => "migrator",
        RoleKind::Reader => "reader",
        RoleKind::Database => "database",
    }
}

fn of(of: QuestionOf) -> &'static str {
    match of {
        QuestionOf::Busy => "busy",
        QuestionOf::Assertion => "must be true",
        QuestionOf::OffPeak => "off-peak",
        QuestionOf::Path => "path",
    }
}

fn answer(question: &TriedQuestion) -> String {
    let word = match (question.of, question.holds) {
        (QuestionOf::Busy, Some(true)) => "busy now",
        (QuestionOf::Busy, Some(false)) => "idle",
        (QuestionOf::Assertion, Some(true)) => "true",
        (QuestionOf::Assertion, Some(false)) => "NOT true",
        (QuestionOf::OffPeak, Some(true)) => "so now",
        (QuestionOf::OffPeak, Some(false)) => "not so now",
        (QuestionOf::Path, Some(true)) => "applies",
        (QuestionOf::Path, Some(false)) => "does not apply",
        (_, None) => "no answer",
    };
    format!("{word} ({})", question.words)
}

fn findings(out: &mut dyn Write, style: Style, report: &ProfileTrialReport) -> io::Result<()> {
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    for finding in &report.findings {
        let (word, tone) = match finding.level {
            TrialLevel::Wrong => ("wrong", Tone::Bad),
            TrialLevel::Unknown => ("unknown", Tone::Care),
            TrialLevel::Note => ("note", Tone::Faint),
        };
        writeln!(
            out,
            "  {} {}",
            style.paint(tone, &format!("{word:<7}")),
            finding.message
        )?;
    }
    let code = report.exit_code();
    let (words, tone) = match code {
        model::ExitCode::Done => ("the profile fits", Tone::Good),
        model::ExitCode::CannotTell => ("whether the profile fits could not all be told", Tone::Care),
        model::ExitCode::Blocked
        | model::ExitCode::CouldNotBegin
        | model::ExitCode::PutBack
        | model::ExitCode::Stopped
        | model::ExitCode::PostCheckFailed => ("the profile does not fit", Tone::Bad),
    };
    writeln!(out, "\n{} (exit code {})", style.paint(tone, words), code.code())
}

#[cfg(test)]
mod tests {
    use model::{ProfileSummary, ReleaseIdentity, TrialFinding, TriedDatabase, TriedRole, TriedWorkload};

    use super::*;

    fn shown(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
        let mut paper = Vec::new();
        write(&mut paper).unwrap();
        String::from_utf8(paper).unwrap()
    }

    #[test]
    fn a_list_says_what_each_fits_and_where_it_comes_from() {
        let item = |name: &str, file: Option<&str>, charts: &[&str]| ProfileSummary {
            name: name.into(),
            file: file.map(str::to_owned),
            hides_built_in: file.is_some(),
            charts: charts.iter().map(|chart| (*chart).to_owned()).collect(),
            images: Vec::new(),
            description: "A shop.".into(),
        };
        let report = ProfileListReport::new(vec![
            item("shop", Some("packs/shop.yaml"), &["shop", "store"]),
            item("generic", None, &[]),
        ]);
        let text = shown(|out| profile_list(out, &report));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].contains("packs/shop.yaml (in place of the built-in one)"),
            "{text}"
        );
        assert!(lines[1].contains("chart shop, store"), "{text}");
        assert!(
            lines[2].contains("built in") && lines[2].contains("by name only"),
            "{text}"
        );
    }

    #[test]
    fn a_finding_stands_at_its_place() {
        let finding = |severity, line, column, suggestion: Option<&str>| LintFinding {
            severity,
            line,
            column,
            message: "unknown key `rols`".into(),
            suggestion: suggestion.map(str::to_owned),
        };
        let file = |name: &str, findings| LintedFile {
            file: name.into(),
            name: None,
            findings,
        };
        let report = ProfileLintReport::new(vec![
            file(
                "a.yaml",
                vec![finding(Severity::Block, Some(4), Some(1), Some("roles"))],
            ),
            file("b.yaml", vec![finding(Severity::Warn, None, None, None)]),
            file("c.yaml", Vec::new()),
        ]);
        let text = shown(|out| profile_lint(out, Style::plain(), &report));
        assert_eq!(
            text,
            "a.yaml:4:1: error: unknown key `rols` (did you mean `roles`?)\n\
             b.yaml: warning: unknown key `rols`\n\
             c.yaml: good\n\
             1 of 3 files cannot be used (exit code 2)\n"
        );
    }

    #[test]
    fn a_trial_tells_what_matched_and_what_did_not() {
        let report = ProfileTrialReport {
            api_version: model::API_VERSION.into(),
            kind: ProfileTrialReport::KIND.into(),
            profile: "shop".into(),
            release: ReleaseIdentity {
                name: "books".into(),
                namespace: "prod".into(),
                revision: 1,
                chart: "shop-1.0.0".into(),
                app_version: None,
            },
            taken_at: "2026-01-01T00:00:00Z".into(),
            matches: vec!["its chart is shop".into()],
            roles: vec![
                TriedRole {
                    role: "web".into(),
                    kind: RoleKind::Migrator,
                    workloads: vec!["deployment/web".into()],
                },
                TriedRole {
                    role: "worker".into(),
                    kind: RoleKind::Writer,
                    workloads: Vec::new(),
                },
            ],
            others: vec![TriedWorkload {
                workload: "cronjob/tidy".into(),
                kind: RoleKind::Writer,
                reason: "no role names it, so it is held to write".into(),
            }],
            database: Some(TriedDatabase {
                database: "shop".into(),
                host: "db".into(),
                found_in: "deployment/web, container web, env DATABASE_URL".into(),
                secret: Some("shop-db key url".into()),
                others: Vec::new(),
            }),
            migration: Some("goose at 4 in public.goose_db_version".into()),
            questions: vec![TriedQuestion {
                of: QuestionOf::Busy,
                what: "a job runs".into(),
                asked: true,
                holds: Some(false),
                words: "false".into(),
            }],
            findings: vec![TrialFinding {
                level: TrialLevel::Wrong,
                message: "role worker selects no workload".into(),
            }],
            next: Vec::new(),
        };
        insta::assert_snapshot!(
            "profile_trial",
            shown(|out| profile_trial(out, Style::plain(), &report))
        );
    }
}
