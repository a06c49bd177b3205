//! The gate: the last moment at which turning back loses nothing.

use async_trait::async_trait;
use engine::{Exposure, Outcome, Step, StepContext, StepFailure};
use model::{Gate, MigrationState, PlannedStep};

use super::questions::ask;
use super::schema_now::schema_now;

pub(super) struct GateStep {
    planned: PlannedStep,
    spec: Gate,
}

impl GateStep {
    pub(super) fn new(planned: PlannedStep, spec: Gate) -> Self {
        Self { planned, spec }
    }
}

/// Judges the migration state after the pass against the one before and the profile's word.
pub(super) fn judge_schema(
    before: Option<&MigrationState>,
    after: Option<&MigrationState>,
    expected: Option<&str>,
) -> Result<String, String> {
    let Some(after) = after else {
        return match (before, expected) {
            (Some(before), _) => Err(format!("table {} of {} is gone", before.table, before.tool)),
            (None, Some(expected)) => Err(format!(
                "the schema should be at version {expected}, but no migration table is there"
            )),
            (None, None) => Ok("no migration tool's table is there, so the schema was not judged".into()),
        };
    };
    let version = after.version.as_deref().unwrap_or("none");
    if after.dirty {
        return Err(format!(
            "{} says in {} that a migration broke off half-way; the last one that it counts is {version}",
            after.tool, after.table
        ));
    }
    if let Some(expected) = expected.filter(|expected| *expected != version) {
        return Err(format!("the schema is at version {version}, expected {expected}"));
    }
    match before {
        Some(before) if before.fingerprint == after.fingerprint => {
            Ok(format!("schema at version {version}, no migration ran"))
        }
        Some(before) => Ok(format!(
            "schema from version {} to {version}",
            before.version.as_deref().unwrap_or("none")
        )),
        None => Ok(format!("schema at version {version}")),
    }
}

#[async_trait]
impl Step for GateStep {
    fn planned(&self) -> &PlannedStep {
        &self.planned
    }

    async fn apply(&self, context: &StepContext) -> Result<Outcome, StepFailure> {
        let Gate {
            mode: _,
            migrating: _,
            database,
            before,
            expected_schema,
            health,
        } = &self.spec;
        let mut said = Vec::new();
        if let Some(database) = database {
            let after = schema_now(context, database).await?;
            said.push(
                judge_schema(before.as_ref(), after.as_ref(), expected_schema.as_deref())
                    .map_err(StepFailure::new)?,
            );
        }
        said.extend(ask(context, health).await?);
        Ok(Outcome::told(said.join("; ")))
    }

    async fn undo(&self, _context: &StepContext) -> Result<Outcome, StepFailure> {
        Ok(Outcome::quiet())
    }

    /// The gate only looks: what the pass before it brought about is the pass's to tell.
    async fn exposure(&self, _context: &StepContext) -> Result<Exposure, StepFailure> {
        Ok(Exposure::Nobody)
    }
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn state(version: &str, dirty: bool) -> MigrationState {
        MigrationState {
            tool: MigrationTool::Goose,
            table: "public.goose_db_version".into(),
            version: Some(version.into()),
            applied: 1,
            dirty,
            fingerprint: version.into(),
        }
    }

    #[test]
    fn the_schema_passes_when_it_is_the_expected_one() {
        let said = judge_schema(Some(&state("3", false)), Some(&state("5", false)), Some("5"));
        assert_eq!(said.as_deref(), Ok("schema from version 3 to 5"));
    }

    #[test]
    fn another_version_a_dirty_one_or_a_missing_table_does_not_pass() {
        let before = state("3", false);
        assert!(judge_schema(Some(&before), Some(&state("4", false)), Some("5")).is_err());
        assert!(judge_schema(Some(&before), Some(&state("5", true)), Some("5")).is_err());
        assert!(judge_schema(Some(&before), None, None).is_err());
        assert!(judge_schema(None, None, Some("5")).is_err());
    }

    #[test]
    fn a_schema_that_did_not_move_is_said_to_have_not_moved() {
        let said = judge_schema(Some(&state("5", false)), Some(&state("5", false)), None);
        assert_eq!(said.as_deref(), Ok("schema at version 5, no migration ran"));
    }
}
