//! The look at the result.

use std::sync::Arc;

use async_trait::async_trait;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use model::{PlannedStep, PostCheck, ReleaseStatus};

use super::gate::judge_schema;
use super::questions::ask;
use super::schema_now::schema_now;
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

    async fn counts(&self, context: &StepContext, findings: &mut Findings) -> Result<(), StepFailure> {
        for target in &self.spec.targets {
            let name = &target.workload;
            findings.take(match context.cluster().workload(name).await? {
                None => Err(format!("{name} does not exist")),
                Some(workload) if workload.desired != Some(target.replicas) => Err(format!(
                    "{name} has {} replicas, expected {}",
                    workload.desired.unwrap_or_default(),
                    target.replicas
                )),
                Some(workload) if workload.ready < target.replicas => Err(format!(
                    "{name} has {} of {} pods ready",
                    workload.ready, target.replicas
                )),
                Some(workload) => Ok(format!("{name} {}/{}", workload.ready, target.replicas)),
            });
        }
        Ok(())
    }
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
