//! A first profile for a release, written from what is observed. What was guessed says so in a comment.

mod evidence;
mod select;
mod text;

use model::profile::{RoleKind, parse};
use model::{CredentialSource, MigrationHistory, Observation, Profile, RenderedHook, Seen};
use thiserror::Error;

use self::evidence::{Part, parts};
use self::text::{Text, scalar};
use super::choice::{ProfileChoiceError, known_profiles};
use crate::image::Image;

/// What stands before the reason of everything that was guessed.
const GUESS: &str = "guess:";

/// Why no profile could be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DraftError {
    /// Without knowing what runs there are no roles to write.
    #[error("what runs for the release could not be read: {0}")]
    Workloads(String),
    /// The name would be none.
    #[error("the release's chart is not known, so there is no name for the profile: {0}")]
    NoChart(String),
    /// The generic profile cannot be had.
    #[error(transparent)]
    Generic(#[from] ProfileChoiceError),
    /// What was written is no profile: a mistake of this program.
    #[error("what was written is no profile, which is a mistake of this program")]
    Wrong(#[source] model::profile::ProfileError),
}

/// Writes a profile for the release that was observed. `hooks` are those of its stored revision, `None` where it could not
/// be read.
///
/// # Errors
/// See [`DraftError`].
pub fn draft(seen: &Observation, hooks: Option<&[RenderedHook]>) -> Result<String, DraftError> {
    let release = match &seen.release {
        Seen::Present(release) => release,
        Seen::Absent => return Err(DraftError::NoChart("there is no such release".into())),
        Seen::Unreadable(why) => return Err(DraftError::NoChart(why.clone())),
    };
    let workloads = match &seen.workloads {
        Seen::Present(workloads) => workloads.as_slice(),
        Seen::Absent => &[],
        Seen::Unreadable(why) => return Err(DraftError::Workloads(why.clone())),
    };
    let generic = generic()?;
    let hook = hooks.and_then(migrating_hook);
    let parts = parts(&generic, seen, workloads, hook.is_some());
    let mut text = Text::default();
    head(&mut text, seen, &release.chart.name);
    matching(&mut text, &release.chart.name, &parts);
    database(&mut text, seen);
    roles(&mut text, &parts);
    migrations(&mut text, seen, &parts, hooks);
    budgets(&mut text, seen);
    health(&mut text, &parts);
    deployer(&mut text, seen);
    rest(&mut text);
    let written = text.finish();
    parse("the written profile", &written).map_err(DraftError::Wrong)?;
    Ok(written)
}

fn generic() -> Result<Profile, ProfileChoiceError> {
    let known = known_profiles(None)?;
    let generic = known
        .into_iter()
        .find(|known| known.profile.name == super::GENERIC);
    generic
        .map(|known| known.profile)
        .ok_or_else(|| ProfileChoiceError::UnknownName {
            name: super::GENERIC.into(),
            known: String::new(),
        })
}

/// The hook Job that runs before an upgrade, and so may migrate.
fn migrating_hook(hooks: &[RenderedHook]) -> Option<&RenderedHook> {
    hooks
        .iter()
        .find(|hook| hook.object.kind == "Job" && hook.events.iter().any(|event| event == "pre-upgrade"))
}

fn head(text: &mut Text, seen: &Observation, chart: &str) {
    text.comment(
        0,
        &format!(
            "Written from release {} in namespace {} at {}. Every line that begins with `# {GUESS}` tells why the one below \
             it was guessed: look at these. docs/profiles.md explains the keys.",
            seen.release_name, seen.namespace, seen.taken_at
        ),
    );
    text.line(0, &format!("apiVersion: {}", model::API_VERSION));
    text.line(0, "kind: Profile");
    text.line(0, &format!("name: {}", scalar(&chart.to_lowercase())));
    text.line(
        0,
        &format!("description: {}", scalar(&format!("{chart}, as it runs."))),
    );
}

/// Images of the application itself: what other charts run as well would fit them, too.
fn matching(text: &mut Text, chart: &str, parts: &[Part<'_>]) {
    let mut images: Vec<&str> = parts
        .iter()
        .filter(|part| part.kind != RoleKind::Database)
        .flat_map(|part| &part.workload.containers)
        .filter(|container| !container.init)
        .map(|container| Image::parse(&container.image).repository)
        .collect();
    images.sort_unstable();
    images.dedup();
    text.line(0, "match:");
    text.line(1, &format!("charts: [{}]", scalar(chart)));
    if !images.is_empty() {
        text.comment(
            1,
            &format!("{GUESS} every image that runs and is no database; leave the application's own."),
        );
        let images: Vec<String> = images.into_iter().map(scalar).collect();
        text.line(1, &format!("images: [{}]", images.join(", ")));
    }
}

fn database(text: &mut Text, seen: &Observation) {
    let location = match &seen.location {
        Seen::Present(location) => location,
        Seen::Absent => {
            text.comment(
                0,
                "No database was found: name the variables that hold its address.",
            );
            return text.example(0, &["database:", "  env: [DATABASE_URL]"]);
        }
        Seen::Unreadable(why) => {
            text.comment(0, &format!("Where the database is could not be read: {why}"));
            return text.example(0, &["database:", "  env: [DATABASE_URL]"]);
        }
    };
    let secret = location
        .origin
        .secret
        .as_ref()
        .map(|secret| format!("; its credentials are in Secret {secret}"))
        .unwrap_or_default();
    text.comment(
        0,
        &format!(
            "Database {} on {}, found in {}{secret}.",
            location.database, location.host, location.origin.found_in
        ),
    );
    match &location.origin.source {
        CredentialSource::Environment { variable, .. } if is_variable(variable) => {
            text.line(0, "database:");
            text.line(1, &format!("env: [{}]", scalar(variable)));
        }
        CredentialSource::Environment { .. }
        | CredentialSource::Secret { .. }
        | CredentialSource::Login { .. }
        | CredentialSource::Pod { .. }
        | CredentialSource::Given => {
            text.comment(0, "No variable names it, so there is nothing to write here.");
        }
    }
}

/// A file that holds the address is told in place of a variable.
fn is_variable(name: &str) -> bool {
    name.chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn roles(text: &mut Text, parts: &[Part<'_>]) {
    text.line(0, "roles:");
    for part in parts {
        if let Some(same) = &part.same_as {
            text.comment(
                1,
                &format!(
                    "{} has the same labels and image as role {same}, and its part.",
                    part.workload.name
                ),
            );
            continue;
        }
        text.comment(1, &format!("{}: {}", part.workload.name, part.evidence));
        if let Some(guess) = &part.guess {
            text.comment(1, &format!("{GUESS} {guess}"));
        }
        text.line(1, &format!("- name: {}", scalar(&part.role)));
        text.line(2, &format!("kind: {}", word(part.kind)));
        text.line(2, "select:");
        if !part.select.labels.is_empty() {
            let labels: Vec<String> = part
                .select
                .labels
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), scalar(value)))
                .collect();
            text.line(3, &format!("labels: {{ {} }}", labels.join(", ")));
        }
        if let Some(image) = &part.select.image {
            text.line(3, &format!("image: {}", scalar(image)));
        }
        if let Some(of_kind) = &part.select.kind {
            text.line(3, &format!("kind: {}", scalar(of_kind)));
        }
        let quiesce = if part.kind == RoleKind::Database {
            "never"
        } else {
            "required"
        };
        text.line(2, &format!("quiesce: {quiesce}"));
        text.line(2, &format!("order: {}", part.order));
    }
    if parts.is_empty() {
        text.instead("roles:", "roles: []");
    }
}

fn word(kind: RoleKind) -> &'static str {
    match kind {
        RoleKind::Writer => "writer",
        RoleKind::Migrator => "migrator",
        RoleKind::Reader => "reader",
        RoleKind::Database => "database",
    }
}

fn migrations(text: &mut Text, seen: &Observation, parts: &[Part<'_>], hooks: Option<&[RenderedHook]>) {
    let histories: &[MigrationHistory] = seen
        .database
        .present()
        .and_then(|facts| facts.migrations.present())
        .map(|facts| facts.histories.as_slice())
        .unwrap_or_default();
    text.line(0, "migrations:");
    match histories {
        [] => text.comment(
            1,
            "No table of a known migration tool was seen: docs/migration-tools.md lists them.",
        ),
        [only] => {
            text.comment(1, &at(only));
            text.line(1, &format!("tool: {}", tool_word(only)));
        }
        [first, ..] => {
            for history in histories {
                text.comment(1, &at(history));
            }
            text.comment(1, &format!("{GUESS} the first of several."));
            text.line(1, &format!("tool: {}", tool_word(first)));
        }
    }
    let boots = parts.iter().any(|part| part.kind == RoleKind::Migrator);
    match (hooks, hooks.and_then(migrating_hook)) {
        (_, Some(hook)) => {
            text.comment(
                1,
                &format!("{GUESS} {} runs before an upgrade; that it migrates is not seen.", hook.object),
            );
            text.line(1, "run: hook");
        }
        (Some(_), None) if boots => {
            text.comment(1, &format!("{GUESS} no hook Job runs before an upgrade."));
            text.line(1, "run: boot");
        }
        (Some(_), None) => text.comment(
            1,
            "No hook Job runs before an upgrade, and which workload migrates could not be told: make one a `migrator`.",
        ),
        (None, None) => text.comment(1, "The stored revision could not be read: say whether `hook` or `boot` migrates."),
    }
    schema(text, seen, histories);
    let says_nothing = hooks.and_then(migrating_hook).is_none() && !(hooks.is_some() && boots);
    if histories.is_empty() && says_nothing {
        text.instead("migrations:", "migrations: {}");
    }
}

/// One entry alone would say that every later version brings the same schema: it is left to a person.
fn schema(text: &mut Text, seen: &Observation, histories: &[MigrationHistory]) {
    let app_version = seen
        .release
        .present()
        .and_then(|release| release.chart.app_version.as_deref());
    let schema = histories
        .first()
        .and_then(|history| history.state.version.as_deref());
    if let (Some(app_version), Some(schema)) = (app_version, schema) {
        text.comment(
            1,
            "Which schema each version brings; write the other versions as well, or leave it out.",
        );
        text.example(
            1,
            &[
                "schema:",
                &format!(
                    "  - {{ from: {}, version: {} }}",
                    scalar(app_version),
                    scalar(schema)
                ),
            ],
        );
    }
}

fn at(history: &MigrationHistory) -> String {
    let state = &history.state;
    format!(
        "{} keeps {}, which is at {}.",
        state.tool,
        state.table,
        state.version.as_deref().unwrap_or("no version")
    )
}

fn tool_word(history: &MigrationHistory) -> String {
    let word = serde_json::to_value(history.state.tool).unwrap_or_default();
    scalar(word.as_str().unwrap_or_default())
}

fn budgets(text: &mut Text, seen: &Observation) {
    match seen.last_migration_seconds.present() {
        Some(seconds) => {
            text.comment(0, "Measured by the last upgrade of this release.");
            text.line(0, "budgets:");
            text.line(1, &format!("usualSeconds: {seconds}"));
        }
        None => {
            text.comment(
                0,
                "How long a migration usually takes; nobody has measured it here.",
            );
            text.example(
                0,
                &["budgets:", "  usualSeconds: 60", "  investigateAfterSeconds: 600"],
            );
        }
    }
}

fn health(text: &mut Text, parts: &[Part<'_>]) {
    let asked: Vec<_> = parts
        .iter()
        .filter(|part| part.kind != RoleKind::Database && part.same_as.is_none())
        .filter_map(|part| {
            let mut containers = part.workload.containers.iter().filter(|one| !one.init);
            let probe = containers.find_map(|container| container.http_probe.as_ref())?;
            Some((part, probe))
        })
        .collect();
    let plain: Vec<_> = asked.iter().filter(|(_, probe)| !probe.tls).collect();
    for (part, _) in asked.iter().filter(|(_, probe)| probe.tls) {
        text.comment(
            0,
            &format!(
                "{} is probed by TLS, which `health` does not ask.",
                part.workload.name
            ),
        );
    }
    if plain.is_empty() {
        text.comment(0, "No workload has a probe by plain HTTP.");
        return text.example(0, &["health:", "  - { role: web, port: 8080, path: /readyz }"]);
    }
    text.comment(
        0,
        &format!("{GUESS} what the probes ask is what tells that a new version is well."),
    );
    text.line(0, "health:");
    for (part, probe) in plain {
        text.line(1, &format!("- role: {}", scalar(&part.role)));
        text.line(2, &format!("port: {}", probe.port));
        text.line(2, &format!("path: {}", scalar(&probe.path)));
    }
}

fn deployer(text: &mut Text, seen: &Observation) {
    let Some(deployer) = seen.owners.present().and_then(|owners| owners.first()) else {
        return;
    };
    text.comment(0, &format!("{deployer}: {}.", deployer.evidence));
    text.line(0, &format!("deployer: {{ tool: {} }}", deployer.tool.word()));
}

/// What cannot be seen.
fn rest(text: &mut Text) {
    text.comment(
        0,
        "What cannot be seen from outside; take away the first `#` of what you fill in.",
    );
    text.example(
        0,
        &["requires:", "  crds: [{ name: things.example.org, version: v1 }]"],
    );
    text.example(
        0,
        &[
            "busy:",
            "  - what: a job runs",
            "    sql: select 1 from jobs where state = 'running'",
        ],
    );
    text.example(
        0,
        &["notes:", "  sources: [{ github: owner/repository, of: app }]"],
    );
    text.example(0, &["keys:", "  secrets: [NAME]"]);
    text.example(0, &["rollback:", "  afterMigration: restore"]);
}
