//! A plan that was saved: what will be done, and everything that it rests on.
//!
//! The file may lie in a ticket. Nothing in it is a secret or can be guessed from it: what holds values (the chart, the
//! values, the rendered objects) is told by digests under a key that is made of the running revision's own record.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::only_harmless;
use crate::{API_VERSION, MigrationState, Plan, StrictError, WorkloadName};

/// A workload as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedWorkload {
    /// Which.
    pub workload: WorkloadName,
    /// Its count; `None` for kinds without one.
    pub replicas: Option<i32>,
    /// Whether a CronJob is suspended; `None` for other kinds.
    pub suspended: Option<bool>,
    /// Its images by container.
    pub images: BTreeMap<String, String>,
}

/// The database as it was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedDatabase {
    /// Host as the application writes it.
    pub host: String,
    /// Port as the application writes it.
    pub port: u16,
    /// The database's name.
    pub database: String,
    /// The application's role.
    pub user: String,
    /// The server's own identifier, where it could be asked.
    pub system_identifier: Option<String>,
    /// The migration state, where a tool recorded one.
    pub schema: Option<MigrationState>,
}

/// What a plan rests on. Where any of it has moved, the plan no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanBasis {
    /// The version of this program: another one may do a step otherwise.
    pub program: String,
    /// The UID of namespace kube-system, which names a cluster for good; `None` where it could not be read.
    pub cluster: Option<String>,
    /// The Helm line, 3 or 4.
    pub helm: u8,
    /// sha256 of the profile in force.
    pub profile_sha256: String,
    /// What runs for the release, Jobs aside.
    pub workloads: Vec<PinnedWorkload>,
    /// The release's database, where there is one that answers.
    pub database: Option<PinnedDatabase>,
    /// Sealed digest of what stands in the chart, file by file.
    pub chart: String,
    /// Sealed digest of the effective values.
    pub values: String,
    /// Sealed digest of each rendered object, by its kind and name.
    pub objects: BTreeMap<String, String>,
    /// Objects that every rendering renders otherwise (something random, the time): not compared.
    pub unpinned: Vec<String>,
    /// Goes into every sealed digest, so that those of two plans tell nothing by being equal.
    pub salt: String,
    /// Sealed digest of nothing: it is another one where the key is.
    pub seal: String,
}

/// Where an expected duration is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KnownFrom {
    /// The last run on this release took as long.
    Measured,
    /// This very upgrade took as long on a copy, reckoned up by what the database has grown since.
    Rehearsed,
    /// The profile says so.
    Profile,
}

/// How long something is expected to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedDuration {
    /// Seconds.
    pub seconds: u64,
    /// Where that is known from.
    pub known_from: KnownFrom,
}

/// A plan with what it rests on, as `--save-plan` writes it and `--plan` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedPlan {
    /// [`API_VERSION`].
    pub api_version: String,
    /// [`SavedPlan::KIND`].
    pub kind: String,
    /// Who made it, as `user@machine`.
    pub made_by: String,
    /// After this it is refused (RFC 3339).
    pub valid_until: String,
    /// The words after `helm safe-upgrade` that it was made with; without those of [`SavedPlan::given_again`].
    pub command: Vec<String>,
    /// Flags whose text may be a secret and is in no file: they are given again when the plan is run.
    pub given_again: Vec<String>,
    /// How long steps are expected to take, by their ids; what is not in here is not known.
    pub expected: BTreeMap<String, ExpectedDuration>,
    /// How long the writers are expected to be stopped.
    pub downtime: Option<ExpectedDuration>,
    /// Sealed digest of all of this but itself: a file that was changed by hand is refused.
    pub whole: String,
    /// What it rests on.
    pub basis: PlanBasis,
    /// The plan.
    pub plan: Plan,
}

impl SavedPlan {
    /// The word of [`Self::kind`].
    pub const KIND: &str = "SavedPlan";

    /// Reads a plan file.
    ///
    /// # Errors
    /// On anything that is not exactly a plan of this version: no JSON, a missing key, or one that nobody knows.
    pub fn read(text: &str) -> Result<Self, StrictError> {
        let at = |line: usize, message: String| StrictError {
            line: u64::try_from(line).ok().filter(|line| *line > 0),
            column: None,
            message: crate::text::line(&message),
            suggestion: None,
        };
        let value: Value = serde_json::from_str(text)
            .map_err(|error| at(error.line(), format!("it is no JSON: {error}")))?;
        let (version, kind) = (&value["apiVersion"], &value["kind"]);
        if kind != Self::KIND {
            return Err(at(0, format!("it is a {kind}, and not a {}", Self::KIND)));
        }
        if version != API_VERSION {
            let said = format!(
                "it has the format {version}, and this program reads {API_VERSION}: run it with the version that made it, or \
                 make it anew"
            );
            return Err(at(0, said));
        }
        let saved: Self = serde_json::from_str(text).map_err(|error| at(error.line(), error.to_string()))?;
        only_harmless(&saved).map_err(|message| at(0, message))?;
        // What was not understood is not in what was read: nothing of a plan may be passed over.
        let understood = serde_json::to_value(&saved).map_err(|error| at(0, error.to_string()))?;
        match unknown_key(&value, &understood, "") {
            Some(key) => Err(at(0, format!("unknown key `{key}`"))),
            None => Ok(saved),
        }
    }
}

/// The path of a key that stands in `written` and not in `understood`.
fn unknown_key(written: &Value, understood: &Value, path: &str) -> Option<String> {
    match (written, understood) {
        (Value::Object(written), Value::Object(understood)) => written.iter().find_map(|(key, value)| {
            let path = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            match understood.get(key) {
                Some(known) => unknown_key(value, known, &path),
                None => Some(path),
            }
        }),
        (Value::Array(written), Value::Array(understood)) => written
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (written, understood))| {
                unknown_key(written, understood, &format!("{path}[{index}]"))
            }),
        (_, _) => None,
    }
}

/// Something that a saved plan rests on and that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// What: `replicas of deployment/web`.
    pub what: String,
    /// As it was when the plan was made.
    pub from: String,
    /// As it is now.
    pub to: String,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} went from {} to {}", self.what, self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChartIdentity, GateMode, PlannedStep, ReleaseIdentity, Reversal, StepSpec};

    fn saved() -> SavedPlan {
        let chart = ChartIdentity {
            name: "shop".into(),
            version: "2.0.0".into(),
            app_version: None,
        };
        SavedPlan {
            api_version: API_VERSION.into(),
            kind: SavedPlan::KIND.into(),
            made_by: "ann@desk".into(),
            valid_until: "2026-01-02T00:00:00Z".into(),
            command: vec!["shop".into(), "./shop".into()],
            given_again: Vec::new(),
            expected: BTreeMap::new(),
            downtime: None,
            whole: "w".into(),
            basis: PlanBasis {
                program: "0.1.0".into(),
                cluster: None,
                helm: 4,
                profile_sha256: "p".into(),
                workloads: Vec::new(),
                database: None,
                chart: "c".into(),
                values: "v".into(),
                objects: BTreeMap::new(),
                unpinned: Vec::new(),
                salt: "s".into(),
                seal: "e".into(),
            },
            plan: Plan {
                api_version: API_VERSION.into(),
                kind: "Plan".into(),
                created_at: "2026-01-01T00:00:00Z".into(),
                from: ReleaseIdentity {
                    name: "shop".into(),
                    namespace: "prod".into(),
                    revision: 7,
                    chart: "shop-1.0.0".into(),
                    app_version: None,
                },
                to: chart,
                profile: "generic".into(),
                gate: GateMode::After,
                chart_sha256: String::new(),
                values_digest: String::new(),
                helm_flags: Vec::new(),
                terms: None,
                steps: vec![PlannedStep {
                    id: "01-forget".into(),
                    title: "forget".into(),
                    reversal: Reversal::NotNeeded,
                    spec: StepSpec::ForgetRevision(crate::ForgetRevision { pass: "x".into() }),
                }],
                priced_from: None,
                no_way_back: None,
                notices: Vec::new(),
            },
        }
    }

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        let mut value = serde_json::to_value(saved()).unwrap();
        change(&mut value);
        SavedPlan::read(&value.to_string()).unwrap_err().message
    }

    #[test]
    fn what_was_written_is_read() {
        let text = serde_json::to_string_pretty(&saved()).unwrap();
        assert_eq!(SavedPlan::read(&text), Ok(saved()));
    }

    #[test]
    fn a_key_that_nobody_knows_is_named_by_its_place() {
        assert_eq!(refusal(|file| file["until"] = 1.into()), "unknown key `until`");
        assert_eq!(
            refusal(|file| file["plan"]["steps"][0]["spec"]["force"] = true.into()),
            "unknown key `plan.steps[0].spec.force`"
        );
    }

    #[test]
    fn another_file_is_told_for_what_it_says() {
        assert!(refusal(|file| file["kind"] = "Plan".into()).contains("\"Plan\""));
        let newer = refusal(|file| file["apiVersion"] = "v9".into());
        assert!(
            newer.contains("the format \"v9\"") && newer.contains("make it anew"),
            "{newer}"
        );
        let missing = refusal(|file| drop(file.as_object_mut().unwrap().remove("basis")));
        assert!(missing.contains("missing field `basis`"), "{missing}");
        let harmful = refusal(|file| file["madeBy"] = "\u{1b}[2Jx".into());
        assert!(harmful.contains("steer a terminal"), "{harmful}");
        let error = SavedPlan::read("{\n  \"a\": }").unwrap_err();
        assert_eq!(error.line, Some(2));
    }
}
