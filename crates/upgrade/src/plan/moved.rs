//! What has moved between a saved plan and one that is made now: a pure comparison, field by field.
//!
//! What is reckoned from a size or a measurement is another number at every look and is not compared: how long something
//! usually takes and is waited for, and how many bytes are lacking. Nor is how the release stands at the moment of the plan,
//! which is only kept for the comparison afterwards.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use model::{
    Before, MigrationState, Moved, PinnedDatabase, PinnedWorkload, Plan, PlanBasis, PlannedStep, SavedPlan,
    Seen, StepSpec,
};
use serde_json::Value;

/// How much of a digest a person compares.
const SHOWN_OF_A_DIGEST: usize = 12;

/// Where a plan file is to be judged, by a look at Helm's record alone.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// This program's version.
    pub program: &'a str,
    /// The cluster's UID.
    pub cluster: &'a Seen<String>,
    /// The newest revision.
    pub revision: u32,
    /// The digest of nothing under the key of its record.
    pub seal: &'a str,
}

/// What tells that a file cannot be judged here at all: it was sealed by another version of this program, in another
/// cluster, or under the key of another record.
pub fn uprooted(saved: &SavedPlan, here: &Ground<'_>) -> Vec<Moved> {
    let mut moves = Moves::default();
    let was = &saved.basis;
    moves.compare(
        "the version of this program",
        &was.program.as_str(),
        &here.program,
    );
    if let (Some(was), Seen::Present(is)) = (&was.cluster, here.cluster) {
        moves.compare("the cluster", was, is);
    }
    moves.compare("the revision in force", &saved.plan.from.revision, &here.revision);
    if moves.0.is_empty() {
        moves.digests("the running revision's record", &was.seal, here.seal);
    }
    moves.0
}

/// Whether a saved plan is too old. One whose end cannot be read is.
pub fn outlived(saved: &SavedPlan, now: Timestamp) -> bool {
    !saved
        .valid_until
        .parse::<Timestamp>()
        .is_ok_and(|until| now <= until)
}

/// What the saved plan rests on and is not so any more; empty where it still holds. The steps themselves are compared
/// last: where something else has moved, they differ because of it.
pub fn moved(saved: &SavedPlan, plan: &Plan, basis: &PlanBasis) -> Vec<Moved> {
    let mut moves = Moves::default();
    release(&saved.plan, plan, &mut moves);
    let was = &saved.basis;
    moves.compare(
        "the cluster",
        &optional(was.cluster.as_ref()),
        &optional(basis.cluster.as_ref()),
    );
    moves.compare("the Helm line", &was.helm, &basis.helm);
    workloads(&was.workloads, &basis.workloads, &mut moves);
    database(was.database.as_ref(), basis.database.as_ref(), &mut moves);
    if saved.plan.profile == plan.profile {
        moves.digests(
            &format!("what profile {} says", plan.profile),
            &was.profile_sha256,
            &basis.profile_sha256,
        );
    }
    target(
        was,
        basis,
        saved.plan.from.revision == plan.from.revision,
        &mut moves,
    );
    if moves.0.is_empty() {
        steps(&saved.plan.steps, &plan.steps, &mut moves);
    }
    moves.0
}

#[derive(Default)]
struct Moves(Vec<Moved>);

impl Moves {
    fn compare<T: PartialEq + ToString>(&mut self, what: &str, from: &T, to: &T) {
        if from != to {
            self.0.push(Moved {
                what: what.to_owned(),
                from: told(&from.to_string()),
                to: told(&to.to_string()),
            });
        }
    }

    fn digests(&mut self, what: &str, from: &str, to: &str) {
        if from != to {
            self.compare(what, &short(from), &short(to));
        }
    }
}

/// A text that is not there is said so.
fn told(text: &str) -> String {
    match text {
        "" => "nothing".to_owned(),
        text => text.to_owned(),
    }
}

fn short(digest: &str) -> String {
    digest.chars().take(SHOWN_OF_A_DIGEST).collect()
}

fn optional<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "not known".to_owned(), ToString::to_string)
}

fn release(was: &Plan, is: &Plan, moves: &mut Moves) {
    moves.compare("the release", &was.from.name, &is.from.name);
    moves.compare("the namespace", &was.from.namespace, &is.from.namespace);
    moves.compare("the revision in force", &was.from.revision, &is.from.revision);
    moves.compare("the running chart", &was.from.chart, &is.from.chart);
    let chart = |plan: &Plan| format!("{}-{}", plan.to.name, plan.to.version);
    moves.compare("the target chart", &chart(was), &chart(is));
    moves.compare("the profile", &was.profile, &is.profile);
    moves.compare(
        "the gate",
        &was.gate.word().to_owned(),
        &is.gate.word().to_owned(),
    );
    moves.compare(
        "helm's flags",
        &was.helm_flags.join(" "),
        &is.helm_flags.join(" "),
    );
    if !is_same_way_back(was, is) {
        moves.compare("the way back for the database", &way_back(was), &way_back(is));
    }
}

/// The way back for the database, in words.
pub(crate) fn way_back(plan: &Plan) -> String {
    plan.no_way_back
        .clone()
        .unwrap_or_else(|| "there is a way back".into())
}

/// Whether two plans have the same way back for the database, or are without one for the same reason.
pub(crate) fn is_same_way_back(was: &Plan, is: &Plan) -> bool {
    without_amounts(&way_back(was)) == without_amounts(&way_back(is))
}

/// A reason without its numbers: the bytes that are free are others at every look.
fn without_amounts(reason: &str) -> String {
    reason
        .chars()
        .filter(|character| !character.is_ascii_digit())
        .collect()
}

fn workloads(was: &[PinnedWorkload], is: &[PinnedWorkload], moves: &mut Moves) {
    let by_name = |workloads: &[PinnedWorkload]| -> BTreeMap<_, _> {
        workloads
            .iter()
            .map(|pinned| (pinned.workload.clone(), pinned.clone()))
            .collect()
    };
    let (was, is) = (by_name(was), by_name(is));
    for name in was.keys().chain(is.keys()).collect::<BTreeSet<_>>() {
        let (Some(was), Some(is)) = (was.get(name), is.get(name)) else {
            let there = |found: bool| if found { "there" } else { "not there" }.to_owned();
            moves.compare(
                &name.to_string(),
                &there(was.contains_key(name)),
                &there(is.contains_key(name)),
            );
            continue;
        };
        moves.compare(
            &format!("replicas of {name}"),
            &optional(was.replicas.as_ref()),
            &optional(is.replicas.as_ref()),
        );
        moves.compare(
            &format!("suspend of {name}"),
            &optional(was.suspended.as_ref()),
            &optional(is.suspended.as_ref()),
        );
        let containers: BTreeSet<_> = was.images.keys().chain(is.images.keys()).collect();
        for container in containers {
            let image = |of: &PinnedWorkload| of.images.get(container).cloned().unwrap_or_default();
            moves.compare(
                &format!("the image of {container} in {name}"),
                &image(was),
                &image(is),
            );
        }
    }
}

fn database(was: Option<&PinnedDatabase>, is: Option<&PinnedDatabase>, moves: &mut Moves) {
    let address = |of: Option<&PinnedDatabase>| match of {
        Some(of) => format!("{} as {} on {}:{}", of.database, of.user, of.host, of.port),
        None => "no database that answers".to_owned(),
    };
    moves.compare("the database", &address(was), &address(is));
    let (Some(was), Some(is)) = (was, is) else { return };
    moves.compare(
        "the database server",
        &optional(was.system_identifier.as_ref()),
        &optional(is.system_identifier.as_ref()),
    );
    let (before, now) = (was.schema.as_ref(), is.schema.as_ref());
    moves.compare("the schema version", &schema(before), &schema(now));
    if schema(before) == schema(now) {
        let fingerprint =
            |of: Option<&MigrationState>| of.map_or_else(String::new, |of| of.fingerprint.clone());
        moves.digests("the applied migrations", &fingerprint(before), &fingerprint(now));
    }
}

fn schema(state: Option<&MigrationState>) -> String {
    let Some(state) = state else {
        return "none on record".to_owned();
    };
    let version = state.version.as_deref().unwrap_or("none");
    let dirty = if state.dirty { ", broken off" } else { "" };
    format!("{} {version} ({} applied{dirty})", state.tool, state.applied)
}

/// Digests under two keys cannot be compared: another revision is told already, and so all else is not known.
fn target(was: &PlanBasis, is: &PlanBasis, same_revision: bool, moves: &mut Moves) {
    if was.seal != is.seal {
        if same_revision {
            moves.digests("the running revision's record", &was.seal, &is.seal);
        }
        return;
    }
    moves.digests("what stands in the chart", &was.chart, &is.chart);
    moves.digests("the values", &was.values, &is.values);
    let unpinned: BTreeSet<_> = was.unpinned.iter().chain(&is.unpinned).collect();
    let names: BTreeSet<_> = was.objects.keys().chain(is.objects.keys()).collect();
    for name in names.difference(&unpinned) {
        let digest = |of: &PlanBasis| of.objects.get(*name).cloned().unwrap_or_default();
        moves.digests(&format!("rendered {name}"), &digest(was), &digest(is));
    }
}

fn steps(was: &[PlannedStep], is: &[PlannedStep], moves: &mut Moves) {
    let titles =
        |steps: &[PlannedStep]| -> Vec<String> { steps.iter().map(|step| step.id.clone()).collect() };
    moves.compare("the steps", &titles(was).join(", "), &titles(is).join(", "));
    if titles(was) != titles(is) {
        return;
    }
    for (was, is) in was.iter().zip(is) {
        let (before, now) = (comparable(was), comparable(is));
        if let Some((path, from, to)) = first_difference(&before, &now, "") {
            moves.compare(&format!("{path} of step {}", was.id), &from, &to);
        }
    }
}

/// A step as data, without where its database is reached (a pod gets another name whenever it is replaced, and which
/// database it is has been compared by itself) and without what is reckoned from the database's size. What is said of
/// both, the profile and `--timeout`, is compared where it is said.
fn comparable(step: &PlannedStep) -> Value {
    let mut step = step.clone();
    if let StepSpec::PostCheck(check) = &mut step.spec {
        // Endpoints and logs are others at every look, and the title says which of them could be read.
        check.before = Before::default();
        step.title.clear();
    }
    let mut value = serde_json::json!(step);
    if let Some(spec) = value["spec"].as_object_mut() {
        for reckoned in ["database", "usualSeconds", "timeoutSeconds", "helmTestSeconds"] {
            spec.remove(reckoned);
        }
    }
    value
}

fn first_difference(was: &Value, is: &Value, path: &str) -> Option<(String, String, String)> {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (was, is) {
        (Value::Object(was), Value::Object(is)) => {
            let keys: BTreeSet<_> = was.keys().chain(is.keys()).collect();
            keys.into_iter().find_map(|key| {
                let of =
                    |fields: &serde_json::Map<String, Value>| fields.get(key).cloned().unwrap_or_default();
                first_difference(&of(was), &of(is), &below(key))
            })
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => was
            .iter()
            .zip(is)
            .enumerate()
            .find_map(|(index, (was, is))| first_difference(was, is, &below(&index.to_string()))),
        (was, is) if was == is => None,
        (was, is) => Some((path.to_owned(), plain(was), plain(is))),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
