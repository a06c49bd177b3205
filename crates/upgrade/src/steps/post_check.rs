//! The look at the result.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::steps::{OriginalCount, count_after};
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use model::{PlannedStep, PostCheck, ReleaseStatus, Seen, Workload};

use super::compare::{endpoints, logs, tables};
use super::gate::judge_schema;
use super::questions::ask;
use super::run_helm::{expect_success, follow};
use super::schema_now::schema_now;
use super::smoke::smoke;
use crate::Tools;
use crate::standing::PassRecord;

pub(super) struct PostCheckStep {
    planned: PlannedStep,
    spec: PostCheck,
    tools: Arc<Tools>,
}

/// What was found, sorted.
#[derive(Default)]
struct Findings {
    good: Vec<String>,
    bad: Vec<String>,
}

impl Findings {
    fn take(&mut self, found: Result<String, String>) {
        match found {
            Ok(words) => self.good.push(words),
            Err(words) => self.bad.push(words),
        }
    }
}

impl PostCheckStep {
    pub(super) fn new(planned: PlannedStep, spec: PostCheck, tools: &Arc<Tools>) -> Self {
        Self {
            planned,
            spec,
            tools: Arc::clone(tools),
        }
    }

    /// The revision in force is the one that this run wrote last.
    async fn revision(&self, context: &StepContext) -> Result<Result<String, String>, StepFailure> {
        let release = &context.run().release;
        let opened = context
            .recorded_by::<PassRecord>(StepKind::OpenTraffic)?
            .and_then(|record| record.newest());
        let rolled_back = context
            .recorded_by::<PassRecord>(StepKind::HelmRollback)?
            .and_then(|record| record.newest());
        let passed = context
            .recorded_by::<PassRecord>(StepKind::HelmPass)?
            .and_then(|record| record.newest());
        let Some(latest) = self.tools.storage.latest(release).await? else {
            return Ok(Err(format!("release {release} is gone from helm's records")));
        };
        let latest = latest.release;
        let written = opened.or(passed).or(rolled_back);
        Ok(if written != Some(latest.revision) {
            Err(format!(
                "revision {} is not the one that this run wrote",
                latest.revision
            ))
        } else if latest.status != ReleaseStatus::Deployed {
            Err(format!(
                "revision {} is {:?}, not deployed",
                latest.revision, latest.status
            ))
        } else {
            Ok(format!("revision {} deployed", latest.revision))
        })
    }

    /// The chart's own tests.
    async fn helm_test(
        &self,
        context: &StepContext,
        limit: Duration,
    ) -> Result<Result<String, String>, StepFailure> {
        context.progress("helm test", None);
        let run = context.run();
        let running = self.tools.helm.test(&run.release, &run.namespace, limit)?;
        let ended = follow(context, running).await?;
        Ok(match expect_success("test", &ended) {
            Ok(()) => Ok("helm test passed".into()),
            Err(failure) => Err(failure.text()),
        })
    }

    async fn counts(&self, context: &StepContext, findings: &mut Findings) -> Result<(), StepFailure> {
        let originals: Vec<OriginalCount> = context.recorded_by(StepKind::Quiesce)?.unwrap_or_default();
        for target in &self.spec.targets {
            let name = &target.workload;
            let expected = count_after(&context.plan().steps, target, &originals);
            let Some(workload) = context.cluster().workload(name).await? else {
                findings.take(Err(format!("{name} does not exist")));
                continue;
            };
            let scalers = context
                .cluster()
                .scalers_of(std::slice::from_ref(&workload))
                .await;
            let bounds = match scalers {
                Ok(scalers) => Seen::Present(
                    scalers
                        .first()
                        .map(|scaler| (scaler.min_replicas, scaler.max_replicas)),
                ),
                Err(error) => Seen::Unreadable(model::causes(&error)),
            };
            findings.take(judge_count(&workload, expected, &bounds));
        }
        Ok(())
    }
}

/// Judges a workload's count: as expected, or within the bounds of the autoscaler that sets it.
fn judge_count(
    workload: &Workload,
    expected: i32,
    bounds: &Seen<Option<(i32, i32)>>,
) -> Result<String, String> {
    let name = &workload.name;
    let (desired, ready) = (workload.desired.unwrap_or_default(), workload.ready);
    let bounds = match bounds {
        Seen::Present(bounds) => *bounds,
        Seen::Absent => None,
        Seen::Unreadable(why) if desired != expected => {
            return Err(format!(
                "{name} has {desired} replicas, {expected} were expected; whether an autoscaler set them is not known: {why}"
            ));
        }
        Seen::Unreadable(_) => None,
    };
    let Some((least, most)) = bounds else {
        return if desired != expected {
            Err(format!("{name} has {desired} replicas, expected {expected}"))
        } else if ready < expected {
            Err(format!("{name} has {ready} of {expected} pods ready"))
        } else {
            Ok(format!("{name} {ready}/{expected}"))
        };
    };
    if desired < least || desired > most {
        return Err(format!(
            "{name} has {desired} replicas, its autoscaler allows {least} to {most}"
        ));
    }
    // What it has just added may still be starting.
    if ready < least {
        return Err(format!(
            "{name} has {ready} pods ready, its autoscaler wants at least {least}"
        ));
    }
    Ok(format!("{name} {ready}/{desired} by its autoscaler"))
}

#[async_trait]
impl Step for PostCheckStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let mut findings = Findings::default();
        findings.take(self.revision(context).await?);
        self.counts(context, &mut findings).await?;
        if let Some(database) = &self.spec.database {
            let found = match schema_now(context, database).await {
                Ok(after) => judge_schema(None, after.as_ref(), self.spec.expected_schema.as_deref()),
                Err(failure) => Err(failure.text()),
            };
            findings.take(found);
        }
        for question in &self.spec.health {
            findings.take(match ask(context, std::slice::from_ref(question)).await {
                Ok(answers) => Ok(answers.join("; ")),
                Err(failure) => Err(failure.text()),
            });
        }
        for found in endpoints(context, &self.spec).await {
            findings.take(found);
        }
        for found in tables(context, &self.spec).await? {
            findings.take(found);
        }
        if let Some(limit) = self.spec.helm_test_seconds {
            findings.take(self.helm_test(context, Duration::from_secs(limit)).await?);
        }
        for wanted in &self.spec.smoke {
            findings.take(smoke(context, self.spec.database.as_ref(), wanted).await);
        }
        // Last, so that what the others have caused is in the logs.
        if let Some(found) = logs(context, &self.spec).await? {
            findings.take(found);
        }
        Ok(if findings.bad.is_empty() {
            Outcome::told(findings.good.join("; "))
        } else {
            Outcome::warned(findings.bad.join("; "))
        })
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

#[cfg(test)]
mod tests {
    use model::{UpdateStrategy, WorkloadKind, WorkloadName};

    use super::*;

    fn workload(desired: i32, ready: i32) -> Workload {
        Workload {
            name: WorkloadName {
                kind: WorkloadKind::Deployment,
                namespace: "shop".into(),
                name: "web".into(),
            },
            labels: std::collections::BTreeMap::new(),
            selector: std::collections::BTreeMap::new(),
            desired: Some(desired),
            ready,
            updated: ready,
            suspended: None,
            strategy: UpdateStrategy::None,
            containers: Vec::new(),
            grace_seconds: 30,
            paused: false,
            is_database: false,
        }
    }

    #[test]
    fn without_an_autoscaler_the_planned_count_is_the_only_right_one() {
        let nobody = Seen::Present(None);
        assert!(judge_count(&workload(3, 3), 3, &nobody).is_ok());
        assert!(judge_count(&workload(4, 4), 3, &nobody).is_err());
        assert!(judge_count(&workload(3, 2), 3, &nobody).is_err());
    }

    #[test]
    fn an_autoscaler_may_choose_within_its_bounds() {
        let bounds = Seen::Present(Some((2, 5)));
        assert!(
            judge_count(&workload(5, 3), 3, &bounds).is_ok(),
            "two are starting"
        );
        assert!(judge_count(&workload(2, 2), 3, &bounds).is_ok());
        assert!(judge_count(&workload(6, 6), 3, &bounds).is_err());
        assert!(judge_count(&workload(1, 1), 3, &bounds).is_err());
        assert!(judge_count(&workload(4, 1), 3, &bounds).is_err());
    }

    #[test]
    fn a_count_that_nobody_can_explain_is_no_success() {
        let hidden = Seen::Unreadable("forbidden".into());
        assert!(judge_count(&workload(3, 3), 3, &hidden).is_ok());
        assert!(
            judge_count(&workload(4, 4), 3, &hidden)
                .unwrap_err()
                .contains("forbidden")
        );
    }
}
