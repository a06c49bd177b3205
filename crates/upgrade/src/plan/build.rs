//! The order of a run, each step with its resolved values.

use model::profile::RoleKind;
use model::{
    API_VERSION, AnchorDatabase, AnchorRelease, BackUp, GateMode, HelmPass, LoadLimit, MeasuredRestore, Plan,
    PlannedStep, QuiesceTarget, RehearsedMigration, ReleaseIdentity, Resume, Reversal, RollOut, StepSpec,
    SuspendTarget, WorkloadKind, WorkloadName,
};

use super::adopt::stop_adopted;
use super::after::{self, post_check, title};
use super::choose_gate::is_hook_run;
use super::gate_steps::{gate, open};
use super::pause::{hold, let_go, serving, stop, stopped, suspend_targets, wait_idle};
use super::{GateChoice, PlanInput, PlanRefusal, choose_gate};

/// Helm's own default for `--timeout`, in seconds.
const HELM_TIMEOUT_SECONDS: u64 = 300;
/// How many times longer than it was rehearsed to take a migration is waited for: a server in use has other work as well.
const TIMES_MEASURED: u64 = 3;

/// Makes the plan.
///
/// # Errors
/// When the release, the profile or the chart leaves no safe order; nothing has been changed then.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanRefusal> {
    let anchor = input
        .anchor_revision
        .ok_or_else(|| PlanRefusal::NothingToTurnBackTo(input.release.name.clone()))?;
    let choice = choose_gate(input)?;
    let stopped = stopped(input.members);
    let held = suspend_targets(input.members, input.scalers)?;
    let mut steps = Steps::default();

    match input.adopted {
        None => {
            wait_idle(&mut steps, input.database, input.profile, &load_limit(input)?);
            hold(&mut steps, &held);
            stop(&mut steps, &stopped, &held, input.database, input.members);
        }
        // What crashes again and again is never idle.
        Some(adopted) => {
            hold(&mut steps, &held);
            stop_adopted(
                &mut steps,
                adopted,
                &stopped,
                &held,
                input.database,
                input.members,
            );
        }
    }
    anchors(input, anchor, &mut steps);
    let pass = pass(input, &choice, &mut steps);
    let rest = Rest {
        stopped: &stopped,
        held: &held,
    };
    let priced_from = open_and_resume(input, &choice, &rest, &pass, &mut steps);

    let mut notices: Vec<String> = input
        .adopted
        .map(|adopted| adopted.notices.clone())
        .unwrap_or_default();
    notices.extend(choice.notices);
    if let Some(why) = &input.no_way_back {
        notices.push(format!("no way back for the database: {why}"));
    }
    notices.extend(rehearsal(input));
    notices.extend(putting_back(input));
    notices.extend(going_on(input));
    notices.extend(after::notices(input));
    if input.database.is_none() {
        notices.push(
            "no database was found, or none could be read: nothing is backed up, and turning back restores the release only"
                .into(),
        );
    }
    Ok(Plan {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        created_at: input.created_at.clone(),
        from: ReleaseIdentity::from(input.release),
        to: input.target.chart.clone(),
        profile: input.profile.name.clone(),
        gate: choice.mode,
        chart_sha256: input.chart_sha256.clone(),
        values_digest: input.values_digest.clone(),
        helm_flags: input.helm_flags.clone(),
        terms: input.terms.clone(),
        steps: steps.0,
        priced_from: Some(priced_from),
        no_way_back: input.no_way_back.clone(),
        notices,
    })
}

/// Under how much load writers may be stopped: the user's words before the profile's.
fn load_limit(input: &PlanInput<'_>) -> Result<LoadLimit, PlanRefusal> {
    let LoadLimit {
        max_active, max_tps, ..
    } = input.load;
    if input.database.is_none() && (max_active.is_some() || max_tps.is_some()) {
        return Err(PlanRefusal::NoLoadToMeasure);
    }
    let off_peak = &input.profile.off_peak;
    let asked = off_peak.activity.iter();
    Ok(LoadLimit {
        max_active: max_active.or(off_peak.max_active),
        max_tps: max_tps.or(off_peak.max_tps),
        quiet: asked.map(|must| (must.what.clone(), must.sql.clone())).collect(),
    })
}

/// What the rehearsal of this very upgrade measured.
fn rehearsed<'a>(input: &PlanInput<'a>) -> Option<&'a RehearsedMigration> {
    let (from, to) = (&input.release.chart.version, &input.target.chart.version);
    input.rehearsed.filter(|rehearsed| rehearsed.is_of(from, to))
}

/// How long the migration took when it was rehearsed, and will take by what has grown since.
fn rehearsal(input: &PlanInput<'_>) -> Option<String> {
    let rehearsed = rehearsed(input)?;
    let now = input
        .database_bytes
        .map(|bytes| format!(", and the database has {} MB now", bytes / 1_000_000));
    Some(format!(
        "the migration would take about {} s: rehearsed on {} it took {} s on a copy of {} MB ({} to {}){}",
        rehearsed.seconds_for(input.database_bytes),
        rehearsed.day(),
        rehearsed.seconds,
        rehearsed.bytes / 1_000_000,
        rehearsed.from,
        rehearsed.to,
        now.unwrap_or_default()
    ))
}

/// What the migration usually takes: measured, where this upgrade was rehearsed, else the profile's word.
fn usual_seconds(input: &PlanInput<'_>) -> Option<u64> {
    let measured = rehearsed(input).map(|rehearsed| rehearsed.seconds_for(input.database_bytes));
    measured.or(input.profile.budgets.usual_seconds)
}

/// What turning back costs where writers go on.
fn going_on(input: &PlanInput<'_>) -> Option<String> {
    let serving = serving(input.members);
    let names: Vec<String> = serving.iter().map(WorkloadName::to_string).collect();
    (!names.is_empty() && input.no_way_back.is_none()).then(|| {
        format!(
            "{} goes on writing while the schema changes: turning back would lose what it wrote since the backup, and a \
             person is asked first",
            names.join(", ")
        )
    })
}

/// How long putting the database back would take, by what the last restore test measured and what has grown since.
fn putting_back(input: &PlanInput<'_>) -> Option<String> {
    let MeasuredRestore {
        seconds,
        bytes,
        boot_seconds,
    } = input.last_restore?;
    let now = input.database_bytes.filter(|_| input.no_way_back.is_none())?;
    // Never less than what was measured; in whole numbers, as both are.
    let grown = u128::from(seconds) * u128::from(now) / u128::from(bytes.max(1));
    let expected = if bytes == 0 {
        u128::from(seconds)
    } else {
        grown.max(u128::from(seconds))
    };
    let boot = boot_seconds.map(|boot| format!("; the application was ready on the copy after {boot} s"));
    Some(format!(
        "putting the database back would take about {expected} s: the last restore test took {seconds} s for {} MB, \
         and it has {} MB now{}",
        bytes / 1_000_000,
        now / 1_000_000,
        boot.unwrap_or_default()
    ))
}

/// Steps in order; each id carries its place, so that a journal reads in order too.
#[derive(Default)]
pub(super) struct Steps(Vec<PlannedStep>);

impl Steps {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The steps.
    pub(super) fn into_inner(self) -> Vec<PlannedStep> {
        self.0
    }

    /// Appends a step and gives its id back.
    pub(super) fn push(&mut self, word: &str, reversal: Reversal, title: String, spec: StepSpec) -> String {
        let id = format!("{:02}-{word}", self.0.len() + 1);
        self.0.push(PlannedStep {
            id: id.clone(),
            title,
            reversal,
            spec,
        });
        id
    }
}

/// What rests during the upgrade.
struct Rest<'a> {
    stopped: &'a [QuiesceTarget],
    held: &'a [SuspendTarget],
}

fn anchors(input: &PlanInput<'_>, anchor: u32, steps: &mut Steps) {
    steps.push(
        "anchor-release",
        Reversal::Automatic,
        format!("remember revision {anchor} as the one to turn back to"),
        StepSpec::AnchorRelease(AnchorRelease { revision: anchor }),
    );
    let Some(database) = input.database else { return };
    let reason = format!(
        "before upgrade of {} to {}",
        input.release.name,
        chart_word(input)
    );
    steps.push(
        "back-up",
        Reversal::NotNeeded,
        format!(
            "back up database {} to {} and prove the backup",
            database.database, input.store
        ),
        StepSpec::BackUp(BackUp {
            database: database.clone(),
            store: input.store.clone(),
            reason,
        }),
    );
    let reversal = if input.no_way_back.is_some() {
        Reversal::Impossible
    } else {
        Reversal::Automatic
    };
    steps.push(
        "anchor-database",
        reversal,
        format!(
            "remember what database {} holds; turning back restores the backup and swaps it in",
            database.database
        ),
        StepSpec::AnchorDatabase(AnchorDatabase {
            database: database.clone(),
            before: input.migration.cloned(),
            store: input.store.clone(),
        }),
    );
}

fn chart_word(input: &PlanInput<'_>) -> String {
    format!("{}-{}", input.target.chart.name, input.target.chart.version)
}

fn pass(input: &PlanInput<'_>, choice: &GateChoice, steps: &mut Steps) -> String {
    let chart = chart_word(input);
    let title = match (choice.mode, &choice.migrating) {
        (GateMode::Traffic, Some(first)) => {
            format!(
                "helm upgrade to {chart}: one pod of {first} behind the gate, all else parked; watch the migration"
            )
        }
        (GateMode::Traffic | GateMode::Schema, _) => {
            format!("helm upgrade to {chart}: hooks only, all pods parked; watch the migration")
        }
        (GateMode::After, _) => format!("helm upgrade to {chart}, the chart as it is; watch the migration"),
    };
    steps.push(
        "helm-pass",
        Reversal::Automatic,
        title,
        StepSpec::HelmPass(HelmPass {
            gate: choice.mode,
            base_revision: input.release.revision,
            migrating: choice.migrating.clone(),
            database_workloads: database_workloads(input),
            workloads: target_names(input),
            serving: serving(input.members),
            hook_jobs: hook_jobs(input),
            database: input.database.cloned(),
            timeout_seconds: timeout(input),
            usual_seconds: usual_seconds(input),
        }),
    )
}

/// Hook Jobs that run around an upgrade, whose end must be waited for wherever the run breaks off.
fn hook_jobs(input: &PlanInput<'_>) -> Vec<String> {
    let around = |event: &String| event == "pre-upgrade" || event == "post-upgrade";
    let hooks = input
        .target
        .hooks
        .iter()
        .filter(|hook| hook.object.kind == "Job" && hook.events.iter().any(around));
    hooks.map(|hook| hook.object.name.clone()).collect()
}

/// How long helm waits, in seconds.
pub(super) fn timeout(input: &PlanInput<'_>) -> u64 {
    let measured = rehearsed(input).map_or(0, |rehearsed| rehearsed.seconds_for(input.database_bytes));
    let patient = input
        .profile
        .budgets
        .investigate_after_seconds
        .unwrap_or(0)
        .max(HELM_TIMEOUT_SECONDS)
        .max(measured.saturating_mul(TIMES_MEASURED));
    input.timeout_seconds.unwrap_or(patient)
}

/// Workloads that run the database: never parked, never stopped.
fn database_workloads(input: &PlanInput<'_>) -> Vec<WorkloadName> {
    input
        .members
        .iter()
        .filter(|m| m.kind == RoleKind::Database || m.workload.is_database)
        .map(|m| m.workload.name.clone())
        .collect()
}

/// The workloads of the target that run pods by a count, database included.
fn target_names(input: &PlanInput<'_>) -> Vec<WorkloadName> {
    input.target.workloads.iter().map(|w| w.name.clone()).collect()
}

/// Opens the gate, gives the counts back and looks at the result. Returns the index from which turning back has a price.
fn open_and_resume(
    input: &PlanInput<'_>,
    choice: &GateChoice,
    rest: &Rest<'_>,
    pass: &str,
    steps: &mut Steps,
) -> usize {
    let mut priced_from = steps.0.len() - 1;
    // Where containers migrate and nothing holds them back, there is nothing to judge before they have started.
    let starts_first = choice.mode == GateMode::After && !is_hook_run(input);
    if !starts_first {
        gate(input, choice, steps);
    }
    if choice.mode != GateMode::After {
        if serving(input.members).is_empty() {
            priced_from = steps.0.len();
        }
        open(choice, timeout(input), steps);
    }
    let counts = counts_after(input, rest.stopped);
    if !counts.is_empty() {
        let words: Vec<String> = counts
            .iter()
            .map(|t| format!("{} {}", t.workload, t.replicas))
            .collect();
        steps.push(
            "resume",
            Reversal::Automatic,
            format!("give the counts back: {}", words.join(", ")),
            StepSpec::Resume(Resume {
                targets: counts.clone(),
            }),
        );
    }
    let rolled: Vec<WorkloadName> = target_names(input)
        .into_iter()
        .filter(|name| {
            matches!(
                name.kind,
                WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet
            )
        })
        .collect();
    steps.push(
        "roll-out",
        Reversal::NotNeeded,
        "wait until every pod runs the new version and is ready".into(),
        StepSpec::RollOut(RollOut {
            workloads: rolled,
            timeout_seconds: timeout(input),
        }),
    );
    if starts_first {
        gate(input, choice, steps);
    }
    let_go(steps, rest.held);
    if choice.mode != GateMode::After {
        steps.push(
            "forget-revision",
            Reversal::NotNeeded,
            "take the gated revision out of Helm's history".into(),
            StepSpec::ForgetRevision(model::ForgetRevision {
                pass: pass.to_owned(),
            }),
        );
    }
    let check = post_check(input, counts);
    steps.push(
        "post-check",
        Reversal::NotNeeded,
        title(&check),
        StepSpec::PostCheck(check),
    );
    priced_from
}

/// The count each stopped workload gets: its own from before, unless the target's manifest changes the number itself.
fn counts_after(input: &PlanInput<'_>, stopped: &[QuiesceTarget]) -> Vec<QuiesceTarget> {
    let rendered = |name: &WorkloadName| input.target.workloads.iter().find(|w| &w.name == name);
    stopped
        .iter()
        .rev()
        .filter(|target| rendered(&target.workload).is_some())
        .map(|target| {
            let before = input.manifest_replicas.get(&target.workload).copied();
            let after = rendered(&target.workload).and_then(|w| w.replicas);
            let left = input
                .adopted
                .and_then(|adopted| adopted.counts.get(&target.workload));
            let replicas = match (left, before, after) {
                (Some(count), _, _) => *count,
                (None, Some(before), Some(after)) if before != after => after,
                (None, _, _) => target.replicas,
            };
            QuiesceTarget {
                replicas,
                ..target.clone()
            }
        })
        .collect()
}
