//! Which moments of a run are told, and in which words.

use engine::{Clock, StepKind};
use model::{
    API_VERSION, Event, Notification, NotificationMoment, Plan, RunPurpose, StepState, UpgradeOutcome,
    UpgradeReport,
};

/// Longest reason that is told, in characters. All of it stands in the journal.
const REASON: usize = 500;

/// Makes the messages of one run.
#[derive(Clone)]
pub(super) struct Teller {
    plan: Plan,
    run: String,
}

/// The word of a moment.
pub(super) fn word(moment: NotificationMoment) -> &'static str {
    match moment {
        NotificationMoment::Start => "start",
        NotificationMoment::Gate => "gate",
        NotificationMoment::TurningBack => "turning-back",
        NotificationMoment::End => "end",
        NotificationMoment::Stuck => "stuck",
    }
}

impl Teller {
    pub(super) fn new(plan: &Plan, run: &str) -> Self {
        Self {
            plan: plan.clone(),
            run: run.to_owned(),
        }
    }

    /// The message of an event that is such a moment.
    pub(super) fn moment(&self, event: &Event) -> Option<Notification> {
        match event {
            Event::RunStarted { resumed, .. } => {
                let verb = if *resumed { "is carried on" } else { "begins" };
                let words = format!("{} {verb}", self.work());
                Some(self.message(NotificationMoment::Start, &words, None))
            }
            Event::TurningBack { reason } => {
                let words = format!("{} turns back", self.work());
                Some(self.message(NotificationMoment::TurningBack, &words, Some(reason)))
            }
            Event::Step {
                id,
                state: StepState::Done,
                ..
            } => {
                let step = self.plan.steps.iter().find(|step| step.id == *id)?;
                let words = format!("{}: the new version has passed the gate", self.work());
                (StepKind::of(step) == StepKind::Gate)
                    .then(|| self.message(NotificationMoment::Gate, &words, None))
            }
            Event::Step { .. }
            | Event::Progress { .. }
            | Event::Log { .. }
            | Event::Migration(_)
            | Event::Notice { .. } => None,
        }
    }

    /// The message of the end.
    pub(super) fn end(&self, report: &UpgradeReport) -> Notification {
        let work = self.work();
        let is_quiesce = report.purpose == RunPurpose::Quiesce;
        let (moment, words) = match report.outcome {
            UpgradeOutcome::Upgraded => (NotificationMoment::End, "is done and proven"),
            UpgradeOutcome::UpgradedWithFailures => {
                (NotificationMoment::End, "is done, but a check afterwards failed")
            }
            UpgradeOutcome::Restored if is_quiesce => {
                (NotificationMoment::End, "is over: all runs as before")
            }
            UpgradeOutcome::Restored => (NotificationMoment::End, "was not done: everything was put back"),
            UpgradeOutcome::Left => (NotificationMoment::End, "was left as it stood"),
            UpgradeOutcome::Quiesced => (NotificationMoment::End, "is done: the release stands still"),
            UpgradeOutcome::Stopped => (
                NotificationMoment::Stuck,
                "has stopped half-way and waits for a person",
            ),
        };
        let message = self.message(moment, &format!("{work} {words}"), report.reason.as_deref());
        Notification {
            outcome: Some(report.outcome),
            exit_code: Some(report.outcome.exit_code().code()),
            next: report
                .next
                .iter()
                .filter_map(|next| next.command.clone())
                .collect(),
            ..message
        }
    }

    /// What the run is about: `shop/authz: upgrade from openfga-1.3.0 to openfga-1.22.1`.
    fn work(&self) -> String {
        let Plan { from, to, .. } = &self.plan;
        let work = match self.plan.purpose() {
            RunPurpose::Change => format!("upgrade from {} to {}-{}", from.chart, to.name, to.version),
            RunPurpose::Quiesce => format!("quiesce of {}", from.chart),
        };
        format!("{}/{}: {work}", from.namespace, from.name)
    }

    fn message(&self, at: NotificationMoment, words: &str, reason: Option<&str>) -> Notification {
        let reason: Option<String> =
            reason.map(|reason| model::text::line(reason).chars().take(REASON).collect());
        Notification {
            api_version: API_VERSION.into(),
            kind: "Notification".into(),
            at,
            text: match &reason {
                Some(reason) => format!("{words}. Because: {reason}"),
                None => words.to_owned(),
            },
            time: Clock::machine().now().to_string(),
            run: self.run.clone(),
            purpose: self.plan.purpose(),
            from: self.plan.from.clone(),
            to: self.plan.to.clone(),
            outcome: None,
            exit_code: None,
            reason,
            next: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{ChartIdentity, NextStep, ReleaseIdentity};

    use super::*;

    fn teller() -> Teller {
        let text = r#"{"apiVersion": "v", "kind": "Plan", "createdAt": "", "profile": "generic", "gate": "schema",
            "from": {"name": "shop", "namespace": "prod", "revision": 1, "chart": "shop-1.0.0", "appVersion": null},
            "to": {"name": "shop", "version": "2.0.0", "appVersion": null},
            "chartSha256": "", "valuesDigest": "", "helmFlags": [], "pricedFrom": null, "noWayBack": null,
            "notices": [], "steps": [
                {"id": "01-gate", "title": "gate", "reversal": "notNeeded", "spec": {"step": "gate", "mode": "schema",
                 "migrating": null, "database": null, "before": null, "expectedSchema": null, "health": []}},
                {"id": "02-anchor", "title": "remember", "reversal": "automatic",
                 "spec": {"step": "anchor-release", "revision": 1}}]}"#;
        Teller::new(&serde_json::from_str(text).unwrap(), "r1")
    }

    fn done(id: &str) -> Event {
        Event::Step {
            id: id.into(),
            title: String::new(),
            state: StepState::Done,
            detail: None,
            seconds: None,
        }
    }

    #[test]
    fn start_gate_and_turning_back_are_told_and_steps_are_not() {
        let teller = teller();
        let at = |event: &Event| teller.moment(event).map(|message| message.at);
        let started = Event::RunStarted {
            run: "r1".into(),
            steps: Vec::new(),
            resumed: false,
        };
        assert_eq!(at(&started), Some(NotificationMoment::Start));
        assert_eq!(
            teller.moment(&started).unwrap().text,
            "prod/shop: upgrade from shop-1.0.0 to shop-2.0.0 begins"
        );
        assert_eq!(at(&done("01-gate")), Some(NotificationMoment::Gate));
        assert_eq!(at(&done("02-anchor")), None);
        let back = Event::TurningBack {
            reason: format!("it\nbroke {}", "x".repeat(2_000)),
        };
        let message = teller.moment(&back).unwrap();
        assert_eq!(message.at, NotificationMoment::TurningBack);
        assert!(
            !message.text.contains('\n') && message.text.len() < 700,
            "{}",
            message.text
        );
    }

    #[test]
    fn a_run_that_waits_for_a_person_is_stuck_and_says_what_to_type() {
        let report = |outcome| UpgradeReport {
            api_version: String::new(),
            kind: String::new(),
            purpose: RunPurpose::Change,
            run: "r1".into(),
            outcome,
            reason: Some("the lock was not given".into()),
            from: ReleaseIdentity {
                name: "shop".into(),
                namespace: "prod".into(),
                revision: 1,
                chart: "shop-1.0.0".into(),
                app_version: None,
            },
            to: ChartIdentity {
                name: "shop".into(),
                version: "2.0.0".into(),
                app_version: None,
            },
            downtime_seconds: None,
            steps: Vec::new(),
            warnings: Vec::new(),
            next: vec![NextStep {
                text: "carry on".into(),
                command: Some("helm safe-upgrade resume shop -n prod".into()),
            }],
        };
        let stuck = teller().end(&report(UpgradeOutcome::Stopped));
        assert_eq!((stuck.at, stuck.exit_code), (NotificationMoment::Stuck, Some(11)));
        assert_eq!(stuck.next, ["helm safe-upgrade resume shop -n prod"]);
        assert!(
            stuck.text.ends_with("Because: the lock was not given"),
            "{}",
            stuck.text
        );
        let restored = teller().end(&report(UpgradeOutcome::Restored));
        assert_eq!(
            (restored.at, restored.exit_code),
            (NotificationMoment::End, Some(10))
        );
        let body = serde_json::to_value(&restored).unwrap();
        assert_eq!(body["at"], "end");
        assert_eq!(body["outcome"], "restored");
    }
}
