//! A run's phases as Kubernetes Events of the release's workloads, so that `kubectl describe` and whoever watches events
//! tell of the run where they tell of the workload.

use std::time::Duration;

use cluster::Cluster;
use engine::{Events, RunEnd, StepKind};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event as ClusterEvent, EventType, Recorder, Reporter};
use model::{Event, Plan, RunPurpose, StepSpec, StepState, UpgradeOutcome, WorkloadKind, WorkloadName};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The longest note that the API server takes is 1 kB; characters may take up to four bytes.
const NOTE_CHARACTERS: usize = 250;

/// How long the last phases may take to be told when a run has ended: a person waits for its report.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// What is told of a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    reason: &'static str,
    note: String,
    warning: bool,
}

/// The telling of one run's phases.
pub(super) struct Telling {
    phases: mpsc::UnboundedSender<Phase>,
    relaying: JoinHandle<()>,
    telling: JoinHandle<()>,
}

/// Hands a run's events on to `to` and tells its phases on the workloads, beside it: an API server that answers slowly
/// must not keep the events from whoever watches.
pub(super) fn described(cluster: &Cluster, plan: &Plan, to: Events) -> (Events, Telling) {
    let (events, mut receiver) = Events::channel();
    let (phases, mut waiting) = mpsc::unbounded_channel();
    let (its_plan, its_phases) = (plan.clone(), phases.clone());
    let relaying = tokio::spawn(async move {
        while let Some(event) = receiver.next().await {
            if let Some(phase) = phase_of(&event, &its_plan) {
                // Nobody tells any more: the journal has it.
                drop(its_phases.send(phase));
            }
            to.send(event);
        }
    });
    let (cluster, plan) = (cluster.clone(), plan.clone());
    let telling = tokio::spawn(async move {
        let mut teller: Option<Teller> = None;
        while let Some(phase) = waiting.recv().await {
            match &mut teller {
                Some(teller) => teller.tell(&phase).await,
                None => {
                    let mut new = Teller::new(&cluster, &plan).await;
                    new.tell(&phase).await;
                    teller = Some(new);
                }
            }
        }
    });
    let telling = Telling {
        phases,
        relaying,
        telling,
    };
    (events, telling)
}

impl Telling {
    /// Tells how the run ended and waits until all is told. All other senders of the run's events must be gone.
    pub(super) async fn end(self, plan: &Plan, end: &RunEnd) {
        // A task that broke has told what it could.
        drop(tokio::time::timeout(LAST_WORDS, self.relaying).await);
        drop(self.phases.send(end_of(plan, end.outcome, end.reason.as_deref())));
        drop(self.phases);
        // What is not told by then stays untold: the journal has it.
        drop(tokio::time::timeout(LAST_WORDS, self.telling).await);
    }
}

struct Teller {
    recorder: Recorder,
    workloads: Vec<ObjectReference>,
    /// Who may not make events is not asked again.
    refused: bool,
}

impl Teller {
    async fn new(cluster: &Cluster, plan: &Plan) -> Self {
        let mut workloads = Vec::new();
        for name in workloads_of(plan) {
            // An event on what cannot be read would be found by nobody.
            if let Ok(Some(uid)) = cluster.uid(&name).await {
                workloads.push(reference(&name, uid));
            }
        }
        let reporter = Reporter::from(cluster::FIELD_MANAGER);
        Self {
            recorder: Recorder::new(cluster.client.clone(), reporter),
            workloads,
            refused: false,
        }
    }

    /// Tells a phase. What cannot be told changes nothing for the run.
    async fn tell(&mut self, phase: &Phase) {
        let event = ClusterEvent {
            type_: if phase.warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: phase.reason.to_owned(),
            note: Some(phase.note.chars().take(NOTE_CHARACTERS).collect()),
            action: "Upgrade".to_owned(),
            secondary: None,
        };
        for workload in &self.workloads {
            if self.refused {
                return;
            }
            self.refused = self.recorder.publish(&event, workload).await.is_err();
        }
    }
}

/// The workloads that a run touches.
fn workloads_of(plan: &Plan) -> Vec<WorkloadName> {
    let mut names: Vec<WorkloadName> = Vec::new();
    for step in &plan.steps {
        match &step.spec {
            StepSpec::HelmPass(pass) => names.extend(
                pass.workloads
                    .iter()
                    .filter(|name| !pass.database_workloads.contains(name))
                    .cloned(),
            ),
            StepSpec::Quiesce(quiesce) => {
                names.extend(quiesce.targets.iter().map(|target| target.workload.clone()));
            }
            StepSpec::RollOut(roll_out) => names.extend(roll_out.workloads.iter().cloned()),
            StepSpec::WaitIdle(_)
            | StepSpec::Suspend(_)
            | StepSpec::Drain(_)
            | StepSpec::TimeLimit(_)
            | StepSpec::SettleRevision(_)
            | StepSpec::EndSessions(_)
            | StepSpec::StandStill(_)
            | StepSpec::AnchorRelease(_)
            | StepSpec::BackUp(_)
            | StepSpec::AnchorDatabase(_)
            | StepSpec::Gate(_)
            | StepSpec::OpenTraffic(_)
            | StepSpec::Resume(_)
            | StepSpec::RestoreDatabase(_)
            | StepSpec::HelmRollback(_)
            | StepSpec::Unsuspend(_)
            | StepSpec::PostCheck(_)
            | StepSpec::ForgetRevision(_) => {}
        }
    }
    names.sort();
    names.dedup();
    names
}

fn reference(name: &WorkloadName, uid: String) -> ObjectReference {
    let group = match name.kind {
        WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => "apps/v1",
        WorkloadKind::CronJob | WorkloadKind::Job => "batch/v1",
    };
    ObjectReference {
        api_version: Some(group.to_owned()),
        kind: Some(name.kind.to_string()),
        namespace: Some(name.namespace.clone()),
        name: Some(name.name.clone()),
        uid: Some(uid),
        ..ObjectReference::default()
    }
}

/// The phase that an event begins or ends, if it is one that a person who looks at a workload wants to know of.
fn phase_of(event: &Event, plan: &Plan) -> Option<Phase> {
    let told = |reason, note: String, warning| {
        Some(Phase {
            reason,
            note,
            warning,
        })
    };
    match event {
        Event::RunStarted { run, resumed, .. } => {
            let (reason, word) = match resumed {
                true => ("UpgradeRunResumed", "is carried on"),
                false => ("UpgradeRunStarted", "begins"),
            };
            let to = match plan.purpose() {
                RunPurpose::Change => {
                    format!("from {} to {}-{}", plan.from.chart, plan.to.name, plan.to.version)
                }
                RunPurpose::Quiesce => format!("that stops {}", plan.from.chart),
            };
            told(reason, format!("run {run} {to} {word}"), false)
        }
        Event::TurningBack { reason } => told("UpgradeTurningBack", reason.clone(), true),
        Event::Step {
            id,
            title,
            state: StepState::Done,
            ..
        } => {
            let step = plan.steps.iter().find(|step| step.id == *id)?;
            told(reason_of(StepKind::of(step))?, format!("done: {title}"), false)
        }
        Event::Step {
            title,
            state: StepState::Stuck,
            detail,
            ..
        } => {
            let why = detail.as_deref().unwrap_or("no reason given");
            told(
                "UpgradeStuck",
                format!("could not be put back: {title}: {why}"),
                true,
            )
        }
        Event::Step { .. }
        | Event::Progress { .. }
        | Event::Log { .. }
        | Event::Migration(_)
        | Event::Notice { .. } => None,
    }
}

/// The word for a phase whose end is told.
fn reason_of(kind: StepKind) -> Option<&'static str> {
    match kind {
        StepKind::WaitIdle => Some("ApplicationIdle"),
        StepKind::Suspend => Some("StartsHeld"),
        StepKind::Quiesce => Some("WritersStopped"),
        StepKind::Drain => Some("WritersGone"),
        StepKind::StandStill => Some("StandsStill"),
        StepKind::BackUp => Some("DatabaseBackedUp"),
        StepKind::HelmPass => Some("DatabaseMigrated"),
        StepKind::Gate => Some("GatePassed"),
        StepKind::OpenTraffic => Some("GateOpened"),
        StepKind::RestoreDatabase => Some("DatabaseRestored"),
        StepKind::HelmRollback => Some("RevisionRolledBack"),
        StepKind::Resume => Some("CountsGivenBack"),
        StepKind::RollOut => Some("RolledOut"),
        StepKind::Unsuspend => Some("StartsReleased"),
        StepKind::PostCheck => Some("PostChecked"),
        StepKind::SettleRevision => Some("RevisionTakenOver"),
        StepKind::EndSessions => Some("SessionsEnded"),
        // What only takes notes, or looks at a clock, is no phase of a workload.
        StepKind::TimeLimit
        | StepKind::AnchorRelease
        | StepKind::AnchorDatabase
        | StepKind::ForgetRevision => None,
    }
}

fn end_of(plan: &Plan, outcome: UpgradeOutcome, why: Option<&str>) -> Phase {
    let to = format!("{}-{}", plan.to.name, plan.to.version);
    let (reason, words, warning) = match outcome {
        UpgradeOutcome::Upgraded => ("UpgradeDone", format!("{to} is in force and proven"), false),
        UpgradeOutcome::UpgradedWithFailures => (
            "UpgradeCheckFailed",
            format!("{to} is in force, but a check failed"),
            true,
        ),
        UpgradeOutcome::Quiesced => (
            "Quiesced",
            format!("{} is stopped until somebody brings it back", plan.from.chart),
            false,
        ),
        UpgradeOutcome::Restored if plan.purpose() == RunPurpose::Quiesce => {
            ("Unquiesced", format!("{} runs as before", plan.from.chart), false)
        }
        UpgradeOutcome::Restored => (
            "UpgradePutBack",
            format!("{} is in force again", plan.from.chart),
            true,
        ),
        UpgradeOutcome::Stopped => ("UpgradeStopped", "the run waits for a person".to_owned(), true),
        UpgradeOutcome::Left => ("UpgradeLeft", "the run was left as it stood".to_owned(), true),
    };
    Phase {
        reason,
        note: match why {
            Some(why) => format!("{words}: {why}"),
            None => words,
        },
        warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let text = r#"{"apiVersion": "v", "kind": "Plan", "createdAt": "", "profile": "generic", "gate": "schema",
            "from": {"name": "shop", "namespace": "prod", "revision": 1, "chart": "shop-1.0.0", "appVersion": null},
            "to": {"name": "shop", "version": "2.0.0", "appVersion": null},
            "chartSha256": "", "valuesDigest": "", "helmFlags": [], "pricedFrom": null, "noWayBack": null,
            "notices": [], "steps": [
                {"id": "01-quiesce", "title": "stop web", "reversal": "automatic",
                 "spec": {"step": "quiesce", "targets": [
                    {"workload": {"kind": "Deployment", "namespace": "prod", "name": "web"}, "replicas": 2, "role": "w"}]}},
                {"id": "02-anchor", "title": "remember", "reversal": "automatic",
                 "spec": {"step": "anchor-release", "revision": 1}}]}"#;
        serde_json::from_str(text).unwrap()
    }

    fn step(id: &str, state: StepState) -> Event {
        Event::Step {
            id: id.into(),
            title: "stop web".into(),
            state,
            detail: Some("it will not".into()),
            seconds: None,
        }
    }

    #[test]
    fn phases_that_matter_to_a_workload_are_told_and_others_are_not() {
        let plan = plan();
        let reason = |event: &Event| phase_of(event, &plan).map(|phase| (phase.reason, phase.warning));
        assert_eq!(
            reason(&step("01-quiesce", StepState::Done)),
            Some(("WritersStopped", false))
        );
        assert_eq!(reason(&step("01-quiesce", StepState::Running)), None);
        assert_eq!(reason(&step("02-anchor", StepState::Done)), None);
        assert_eq!(
            reason(&step("02-anchor", StepState::Stuck)),
            Some(("UpgradeStuck", true))
        );
        let back = Event::TurningBack {
            reason: "it failed".into(),
        };
        assert_eq!(reason(&back), Some(("UpgradeTurningBack", true)));
    }

    #[test]
    fn the_end_is_told_with_its_reason_and_only_a_success_is_no_warning() {
        let plan = plan();
        let done = end_of(&plan, UpgradeOutcome::Upgraded, None);
        assert_eq!(
            (done.note.as_str(), done.warning),
            ("shop-2.0.0 is in force and proven", false)
        );
        let back = end_of(&plan, UpgradeOutcome::Restored, Some("a hook failed"));
        assert_eq!(back.note, "shop-1.0.0 is in force again: a hook failed");
        assert!(back.warning);
    }

    #[test]
    fn a_workload_is_told_once_however_many_steps_name_it() {
        assert_eq!(workloads_of(&plan()).len(), 1);
    }
}
