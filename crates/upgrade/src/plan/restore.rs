//! The plan of a restore: the release's writers rest while its database is swapped.

use checks::Assigned;
use model::{
    API_VERSION, DatabaseLocation, GateMode, Plan, Profile, Release, ReleaseIdentity, RestoreDatabase,
    RestoreOptions, RestoreSource, Reversal, Scaler, StepSpec,
};

use super::PlanRefusal;
use super::build::Steps;
use super::pause::{give_back, hold, let_go, roll_out, stop, stopped, suspend_targets};

/// What a restore is planned from.
#[derive(Debug, Clone)]
pub struct RestoreInput<'a> {
    /// When the plan is made (RFC 3339).
    pub created_at: String,
    /// The release as it is.
    pub release: &'a Release,
    /// The profile in force.
    pub profile: &'a Profile,
    /// Who plays which part.
    pub members: &'a [Assigned],
    /// Who else scales them.
    pub scalers: &'a [Scaler],
    /// Whether the writers stay as they are.
    pub keep_writers: bool,
    /// The database to replace.
    pub database: &'a DatabaseLocation,
    /// What it is filled from.
    pub source: RestoreSource,
    /// The restore's id.
    pub id: String,
    /// A person's answers.
    pub options: RestoreOptions,
}

/// Plans the restore.
///
/// # Errors
/// When a writer cannot be kept stopped.
pub fn restore_plan(input: &RestoreInput<'_>) -> Result<Plan, PlanRefusal> {
    let mut steps = Steps::default();
    let mut notices = Vec::new();
    let (mut counts, mut held) = (Vec::new(), Vec::new());
    if input.keep_writers {
        notices.push(
            "writers go on: what they write before the swap is only in the database that is kept".into(),
        );
    } else {
        counts = stopped(input.members);
        held = suspend_targets(input.members, input.scalers)?;
        hold(&mut steps, &held);
        stop(&mut steps, &counts, &held, Some(input.database), input.members);
    }
    steps.push(
        "restore-database",
        Reversal::Automatic,
        format!(
            "restore {} into a new database, check it and swap it in",
            input.source.words()
        ),
        StepSpec::RestoreDatabase(RestoreDatabase {
            database: input.database.clone(),
            source: input.source.clone(),
            id: Some(input.id.clone()),
            options: input.options.clone(),
        }),
    );
    let priced_from = Some(steps.len());
    give_back(&mut steps, &counts);
    if !counts.is_empty() {
        roll_out(
            &mut steps,
            input.members.iter().map(|member| &member.workload.name),
            "wait until every pod is ready on the restored database",
        );
    }
    let_go(&mut steps, &held);
    Ok(Plan {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        created_at: input.created_at.clone(),
        from: ReleaseIdentity::from(input.release),
        to: input.release.chart.clone(),
        profile: input.profile.name.clone(),
        gate: GateMode::After,
        chart_sha256: String::new(),
        values_digest: String::new(),
        helm_flags: Vec::new(),
        terms: None,
        steps: steps.into_inner(),
        priced_from,
        no_way_back: None,
        notices,
    })
}
