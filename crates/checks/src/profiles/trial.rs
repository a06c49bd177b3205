//! How a profile fits a release: what its selectors match, where the database came from, what its questions answer.

use model::path::{PathAnswer, UpgradePath};
use model::profile::{Role, RoleKind};
use model::text::shell_word;
use model::{
    CredentialSource, MigrationHistory, NextStep, Observation, Profile, ProfileTrialReport, QuestionOf, Seen,
    Target, TrialFinding, TrialLevel, TriedDatabase, TriedQuestion, TriedRole, TriedWorkload, Verdict,
};

use super::choice::{fits_chart, fits_image};
use crate::assign::{Assigned, assign, selects};
use crate::check::some_of;
use crate::evaluate::{identity, registry};

/// Rows of the catalogue that judge a profile's own words about the cluster.
const OWN_ROWS: [&str; 3] = ["requires-crds", "requires-operators", "requires-webhooks"];

/// Judges a profile by what was seen of a release. Pure.
///
/// `asked` is the path whose questions the look holds answers to; `questions` are the profile's other ones, answered.
/// `place` is how the profile is named on a command line.
pub fn trial(
    profile: &Profile,
    place: &str,
    seen: &Observation,
    target: Option<&Target>,
    asked: Option<&UpgradePath>,
    questions: Vec<TriedQuestion>,
) -> ProfileTrialReport {
    let mut findings = Findings::default();
    let matches = matches(profile, seen, &mut findings);
    let (roles, others) = roles(profile, seen, target, &mut findings);
    let database = database(profile, seen, &mut findings);
    let migration = migration(profile, seen, &mut findings);
    let questions = path_questions(profile, seen, asked)
        .into_iter()
        .chain(questions)
        .collect::<Vec<_>>();
    for question in &questions {
        answered(question, &mut findings);
    }
    requirements(profile, seen, &mut findings);
    let mut report = ProfileTrialReport {
        api_version: model::API_VERSION.into(),
        kind: ProfileTrialReport::KIND.into(),
        profile: profile.name.clone(),
        release: identity(seen),
        taken_at: seen.taken_at.clone(),
        matches,
        roles,
        others,
        database,
        migration,
        questions,
        findings: findings.0,
        next: Vec::new(),
    };
    if report.exit_code() == model::ExitCode::Done {
        report.next.push(NextStep {
            text: "judge the release by this profile".into(),
            command: Some(format!(
                "kubectl upgrade-check {} -n {} --profile {}",
                seen.release_name,
                seen.namespace,
                shell_word(place)
            )),
        });
    }
    report
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<TrialFinding>);

impl Findings {
    fn add(&mut self, level: TrialLevel, message: String) {
        self.0.push(TrialFinding { level, message });
    }

    fn wrong(&mut self, message: String) {
        self.add(TrialLevel::Wrong, message);
    }

    fn unknown(&mut self, message: String) {
        self.add(TrialLevel::Unknown, message);
    }

    fn note(&mut self, message: String) {
        self.add(TrialLevel::Note, message);
    }
}

fn images(seen: &Observation) -> Vec<&str> {
    let workloads = seen.workloads.present().into_iter().flatten();
    workloads
        .flat_map(|workload| &workload.containers)
        .map(|container| container.image.as_str())
        .collect()
}

fn matches(profile: &Profile, seen: &Observation, findings: &mut Findings) -> Vec<String> {
    let charts: Vec<&str> = seen
        .release
        .present()
        .map(|release| release.chart.name.as_str())
        .into_iter()
        .collect();
    let by_chart = fits_chart(&profile.matches, &charts).map(|chart| format!("its chart is {chart}"));
    let by_image = fits_image(&profile.matches, &images(seen)).map(|image| format!("it runs {image}"));
    let matches: Vec<String> = by_chart.into_iter().chain(by_image).collect();
    if matches.is_empty() {
        let chart = charts.first().copied().unwrap_or("not known");
        findings.wrong(format!(
            "`match` names neither its chart ({chart}) nor an image that runs, so only --profile takes it"
        ));
    }
    matches
}

/// Whether a role has matched a workload. A server is the database by what it runs, whatever role selects it.
fn has(role: &Role, member: &Assigned) -> bool {
    selects(&role.select, &member.workload) && (member.kind == RoleKind::Database || member.role == role.name)
}

fn roles(
    profile: &Profile,
    seen: &Observation,
    target: Option<&Target>,
    findings: &mut Findings,
) -> (Vec<TriedRole>, Vec<TriedWorkload>) {
    let workloads = match &seen.workloads {
        Seen::Present(workloads) => workloads.as_slice(),
        Seen::Absent => &[],
        Seen::Unreadable(why) => {
            findings.unknown(format!("what runs could not be read: {why}"));
            return (Vec::new(), Vec::new());
        }
    };
    let members = assign(profile, workloads, target);
    let tried: Vec<TriedRole> = profile
        .roles
        .iter()
        .map(|role| TriedRole {
            role: role.name.clone(),
            kind: role.kind,
            workloads: members
                .iter()
                .filter(|member| has(role, member))
                .map(|member| member.workload.name.to_string())
                .collect(),
        })
        .collect();
    for role in tried.iter().filter(|role| role.workloads.is_empty()) {
        findings.wrong(format!("role {} selects no workload", role.role));
    }
    let others: Vec<TriedWorkload> = members
        .iter()
        .filter(|member| !profile.roles.iter().any(|role| has(role, member)))
        .map(|member| TriedWorkload {
            workload: member.workload.name.to_string(),
            kind: member.kind,
            reason: member.reason.clone(),
        })
        .collect();
    let held: Vec<String> = others
        .iter()
        .filter(|other| other.kind != RoleKind::Database)
        .map(|other| other.workload.clone())
        .collect();
    if !held.is_empty() && !profile.roles.is_empty() {
        findings.note(format!(
            "no role selects {}: held to write, and stopped for an upgrade",
            some_of(&held)
        ));
    }
    (tried, others)
}

fn database(profile: &Profile, seen: &Observation, findings: &mut Findings) -> Option<TriedDatabase> {
    let location = match &seen.location {
        Seen::Present(location) => location,
        Seen::Absent => {
            findings.wrong("no database was found: `database.env` leads to none".into());
            return None;
        }
        Seen::Unreadable(why) => {
            findings.unknown(format!("where the database is could not be told: {why}"));
            return None;
        }
    };
    if let CredentialSource::Environment { variable, .. } = &location.origin.source
        && !profile.database.env.contains(variable)
    {
        if profile.database.env.is_empty() {
            findings.note(format!(
                "the database was found by {variable}, which `database.env` could name"
            ));
        } else {
            findings.wrong(format!(
                "the database was found by {variable}, and `database.env` names {}",
                profile.database.env.join(", ")
            ));
        }
    }
    if !seen.other_databases.is_empty() {
        findings.note(format!(
            "the release names other databases as well, which are left alone: {}",
            some_of(&seen.other_databases)
        ));
    }
    if let Seen::Unreadable(why) = &seen.database {
        findings.unknown(format!("the database could not be asked: {why}"));
    }
    Some(TriedDatabase {
        database: location.database.clone(),
        host: location.host.clone(),
        found_in: location.origin.found_in.clone(),
        secret: location.origin.secret.clone(),
        others: seen.other_databases.clone(),
    })
}

/// The history that is meant, and whether it stands where the profile says that the running version brings it.
fn migration(profile: &Profile, seen: &Observation, findings: &mut Findings) -> Option<String> {
    let facts = seen.database.present()?;
    let histories: &[MigrationHistory] = match &facts.migrations {
        Seen::Present(found) => &found.histories,
        Seen::Absent => &[],
        Seen::Unreadable(why) => {
            findings.unknown(format!("what migration tools recorded could not be read: {why}"));
            return None;
        }
    };
    let history = match (profile.migrations.tool, histories) {
        (Some(tool), _) => {
            let found = histories.iter().find(|history| history.state.tool == tool);
            if found.is_none() {
                findings.wrong(format!(
                    "the database has no table of {tool}, which `migrations.tool` names"
                ));
            }
            found?
        }
        (None, []) => {
            findings.note("the database has no table of a known migration tool".into());
            return None;
        }
        (None, [only]) => only,
        (None, several) => {
            let tools: Vec<String> = several
                .iter()
                .map(|history| history.state.tool.to_string())
                .collect();
            findings.wrong(format!(
                "the database has tables of {}: `migrations.tool` has to say which is meant",
                tools.join(" and ")
            ));
            return None;
        }
    };
    let state = &history.state;
    let version = state.version.as_deref().unwrap_or("no version");
    let app_version = seen
        .release
        .present()
        .and_then(|release| release.chart.app_version.as_deref());
    if let Some(brings) = profile.migrations.schema_of(app_version)
        && state.version.as_ref() != Some(&brings.version)
    {
        findings.wrong(format!(
            "by `migrations.schema` version {} brings {}, and the database is at {version}",
            app_version.unwrap_or_default(),
            brings.version
        ));
    }
    Some(format!("{} at {version} in {}", state.tool, state.table))
}

/// The path's questions that concern the running version, with the answers of the look.
fn path_questions(profile: &Profile, seen: &Observation, asked: Option<&UpgradePath>) -> Vec<TriedQuestion> {
    let Some(path) = &profile.path else {
        return Vec::new();
    };
    let from = crate::path::running(&seen.release, &seen.workloads, path).ok();
    let answers: &[PathAnswer] = match &seen.path {
        Some(facts) if asked == Some(path) => &facts.answers,
        Some(_) | None => &[],
    };
    path.questions(from.as_ref())
        .into_iter()
        .map(|(id, _)| {
            let answer = answers.iter().find(|answer| answer.id == id);
            let reached = seen.database.present().is_some();
            let (asked, holds, words) = match answer.map(|answer| &answer.answer) {
                Some(Seen::Present(answer)) => (true, Some(answer.applies), answer.words.clone()),
                Some(Seen::Unreadable(why)) => (reached, None, why.clone()),
                Some(Seen::Absent) | None => (false, None, "it was not asked in this observation".into()),
            };
            TriedQuestion {
                of: QuestionOf::Path,
                what: id.to_owned(),
                asked,
                holds,
                words,
            }
        })
        .collect()
}

/// A question that was asked and has no answer is a wrong question.
fn answered(question: &TriedQuestion, findings: &mut Findings) {
    let TriedQuestion {
        of,
        what,
        asked,
        holds,
        words,
    } = question;
    match (holds, of) {
        (None, _) if *asked => findings.wrong(format!("{what} has no answer: {words}")),
        (None, _) => findings.unknown(format!("{what} has no answer: {words}")),
        (Some(true), QuestionOf::Busy) => findings.note(format!("busy now: {what}")),
        (Some(false), QuestionOf::Assertion) => {
            findings.wrong(format!("not true of the live database: {what} ({words})"));
        }
        (Some(false), QuestionOf::OffPeak) => findings.note(format!("not so now: {what}")),
        (Some(true), QuestionOf::Path) => findings.note(format!("{what} applies to this database")),
        (Some(false), QuestionOf::Busy | QuestionOf::Path)
        | (Some(true), QuestionOf::Assertion | QuestionOf::OffPeak) => {}
    }
}

fn requirements(profile: &Profile, seen: &Observation, findings: &mut Findings) {
    for check in registry().filter(|check| OWN_ROWS.contains(&check.id)) {
        match check.run(seen, None, profile).verdict {
            Verdict::Fail(message) => findings.wrong(message),
            Verdict::Unknown(message) => findings.unknown(message),
            Verdict::Warn(message) => findings.note(message),
            Verdict::Pass(_) | Verdict::Skip(_) => {}
        }
    }
}
