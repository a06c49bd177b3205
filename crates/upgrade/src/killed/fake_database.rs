//! A database and the steps that back it up and put it back, fakes: they journal what the real ones journal, at the same
//! moments, and decide by the same rules. The real ones are tested with real servers in `crates/backup`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use backup::steps::BackUpRecord;
use engine::{Outcome, Step, StepContext, StepFailure, StepKind};
use model::PlannedStep;

use super::stand_in::SharedWorld;
use crate::standing::PassRecord;

/// The schema's version before and after the migration.
pub(super) const SCHEMAS: [u32; 2] = [3, 5];

/// What is in a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) schema: u32,
    pub(super) rows: Vec<String>,
}

/// A database with its backups by id.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pub(super) content: Content,
    /// Whether the new version's web pod migrates when it starts.
    pub(super) migrates_at_boot: bool,
    backups: BTreeMap<String, Content>,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            content: Content {
                schema: SCHEMAS[0],
                rows: vec!["tea".into(), "milk".into()],
            },
            migrates_at_boot: false,
            backups: BTreeMap::new(),
        }
    }
}

impl Database {
    /// Brings it to the new schema, which nobody can take back by hand. A second time there is nothing to do.
    pub(super) fn migrate(&mut self) {
        if self.content.schema == SCHEMAS[0] {
            self.content.schema = SCHEMAS[1];
            for row in &mut self.content.rows {
                row.truncate(1);
            }
        }
    }
}

pub(super) struct FakeBackUp {
    pub(super) planned: PlannedStep,
    pub(super) world: SharedWorld,
}

#[async_trait]
impl Step for FakeBackUp {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let earlier: Option<BackUpRecord> = context.recorded()?;
        if let Some(record) = earlier
            && self
                .world
                .lock()
                .unwrap()
                .database
                .backups
                .contains_key(&record.id)
        {
            return Ok(Outcome::told("kept from before"));
        }
        let mut record = BackUpRecord {
            id: context.run().id.clone(),
            store: "memory".into(),
            machine: "this one".into(),
            uri: None,
        };
        context.record(&record).await?;
        {
            let database = &mut self.world.lock().unwrap().database;
            let content = database.content.clone();
            database.backups.insert(record.id.clone(), content);
        }
        record.uri = Some(format!("memory:{}", record.id));
        context.record(&record).await?;
        Ok(Outcome::quiet())
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }
}

pub(super) struct FakeAnchorDatabase {
    pub(super) planned: PlannedStep,
    pub(super) world: SharedWorld,
}

#[async_trait]
impl Step for FakeAnchorDatabase {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        if context.recorded::<String>()?.is_none() {
            let content = format!("{:?}", self.world.lock().unwrap().database.content);
            context.record(&content).await?;
        }
        Ok(Outcome::quiet())
    }

    async fn undo(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let Some(anchored) = context.recorded::<String>()? else {
            return Ok(Outcome::told("the pass had not begun"));
        };
        let pass: PassRecord = context.recorded_by(StepKind::HelmPass)?.unwrap_or_default();
        if pass.revisions.is_empty() {
            return Ok(Outcome::told("the pass had not begun"));
        }
        let made: Option<BackUpRecord> = context.recorded_by(StepKind::BackUp)?;
        let database = &mut self.world.lock().unwrap().database;
        if format!("{:?}", database.content) == anchored {
            return Ok(Outcome::told("it is as it was"));
        }
        let backup = made.and_then(|made| database.backups.get(&made.id));
        database.content = backup
            .cloned()
            .ok_or_else(|| StepFailure::new("this run has no backup of it"))?;
        Ok(Outcome::told("restored"))
    }
}
