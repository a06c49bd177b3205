//! What is looked at once traffic is back.

use model::{PostCheck, QuiesceTarget, Smoke, WorkloadName};

use super::PlanInput;
use super::build::timeout;
use super::gate_steps::{expected_schema, health};

/// What the user wants looked at besides what the profile names.
#[derive(Debug, Clone, Default)]
pub struct AfterWishes {
    /// `--smoke`.
    pub smoke: Vec<String>,
    /// `--helm-test`.
    pub helm_test: bool,
    /// `--allow-profile-commands`.
    pub profile_commands: bool,
}

/// The last step.
pub(super) fn post_check(input: &PlanInput<'_>, counts: Vec<QuiesceTarget>) -> PostCheck {
    let logs_of: Vec<WorkloadName> = counts.iter().map(|count| count.workload.clone()).collect();
    PostCheck {
        targets: counts,
        database: input.database.cloned(),
        expected_schema: expected_schema(input),
        health: health(input.profile, input.members, None),
        smoke: smoke(input),
        helm_test_seconds: (input.after.helm_test && input.has_tests).then(|| timeout(input)),
        tables: match input.database {
            Some(_) => input.profile.compare.tables.clone(),
            None => Vec::new(),
        },
        logs_of,
        error_markers: input.profile.compare.error_markers.clone(),
        before: input.before.clone(),
    }
}

/// The step's words.
pub(super) fn title(check: &PostCheck) -> String {
    let mut title = "compare revision, counts, schema and health with what was planned".to_owned();
    let mut also = Vec::new();
    if !check.before.services.is_empty() {
        also.push("endpoints".to_owned());
    }
    if check.before.errors.is_some() {
        also.push("errors in logs".to_owned());
    }
    if !check.tables.is_empty() {
        also.push(format!("rows of {}", check.tables.join(", ")));
    }
    if !also.is_empty() {
        title.push_str(&format!(", and {} with before", also.join(", ")));
    }
    if check.helm_test_seconds.is_some() {
        title.push_str("; run helm test");
    }
    if !check.smoke.is_empty() {
        let what: Vec<&str> = check.smoke.iter().map(Smoke::what).collect();
        title.push_str(&format!("; smoke: {}", what.join(", ")));
    }
    title
}

/// What of it is not done, and why.
pub(super) fn notices(input: &PlanInput<'_>) -> Vec<String> {
    let mut notices = Vec::new();
    let steps = &input.profile.smoke;
    if !input.after.profile_commands && steps.iter().any(|step| step.command.is_some()) {
        let words = "the profile's smoke commands are not run";
        notices.push(match input.adopted {
            None => format!("{words}: --allow-profile-commands lets them run on this machine"),
            Some(_) => words.to_owned(),
        });
    }
    if input.database.is_none() && steps.iter().any(|step| step.sql.is_some()) {
        notices.push("the profile's smoke statements are not asked: no database was found".into());
    }
    if input.after.helm_test && !input.has_tests {
        notices.push("the chart has no tests, so helm test is not run".into());
    }
    notices
}

fn smoke(input: &PlanInput<'_>) -> Vec<Smoke> {
    let of_profile = input.profile.smoke.iter().filter_map(|step| {
        let what = step.what.clone();
        match (&step.sql, &step.command) {
            (Some(sql), _) if input.database.is_some() => Some(Smoke::Sql {
                what,
                sql: sql.clone(),
            }),
            (None, Some(command)) if input.after.profile_commands => Some(Smoke::Command {
                what,
                command: command.clone(),
            }),
            (_, _) => None,
        }
    });
    let of_user = input.after.smoke.iter().map(|command| Smoke::Command {
        what: command.clone(),
        command: command.clone(),
    });
    of_profile.chain(of_user).collect()
}
