//! The plan of a quiesce: the release is stopped, proven idle, and stays so until somebody brings it back.

use checks::Assigned;
use model::{
    API_VERSION, DatabaseLocation, GateMode, LoadLimit, Plan, Profile, Release, ReleaseIdentity, Reversal,
    Scaler, Sharer, StandStill, StepSpec, TimeLimit,
};

use super::PlanRefusal;
use super::build::Steps;
use super::pause::{hold, stop, stopped, suspend_targets, wait_idle};

/// What a quiesce is planned from.
#[derive(Debug, Clone)]
pub struct QuiesceInput<'a> {
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
    /// What else uses the database, where that could be told.
    pub sharers: &'a [Sharer],
    /// The only roles to stop; all that must stop for an upgrade where empty.
    pub roles: &'a [String],
    /// The database, if one was found.
    pub database: Option<&'a DatabaseLocation>,
    /// When it is brought back by itself.
    pub limit: Option<QuiesceLimit>,
}

/// When a release is brought back by itself, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuiesceLimit {
    /// How long it may stay stopped, in seconds.
    pub seconds: u64,
    /// Who looks at the clock.
    pub keeper: LimitKeeper,
}

/// Who looks at the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitKeeper {
    /// A Job of the cluster with this image.
    Job(String),
    /// The client that waits in the foreground.
    Client,
}

/// Plans the quiesce.
///
/// # Errors
/// When nothing is to be stopped, or it cannot be kept stopped.
pub fn quiesce_plan(input: &QuiesceInput<'_>) -> Result<Plan, PlanRefusal> {
    let members = chosen(input)?;
    let counts = stopped(&members);
    let held = suspend_targets(&members, input.scalers)?;
    if counts.is_empty() && held.is_empty() {
        return Err(PlanRefusal::NothingToStop);
    }
    // With a part of its roles at work, the release stays connected.
    let database = input.database.filter(|_| input.roles.is_empty());
    let mut steps = Steps::default();
    if let Some(QuiesceLimit {
        seconds,
        keeper: LimitKeeper::Job(image),
    }) = &input.limit
    {
        limit_step(&mut steps, *seconds, image);
    }
    wait_idle(&mut steps, input.database, input.profile, &LoadLimit::default());
    hold(&mut steps, &held);
    stop(&mut steps, &counts, &held, database, &members);
    let proof = match database {
        Some(_) => "counts at 0, no pod, no writer connected",
        None => "counts at 0, no pod",
    };
    steps.push(
        "stand-still",
        Reversal::NotNeeded,
        format!("prove that it stands still: {proof}; it stays so"),
        StepSpec::StandStill(StandStill {
            workloads: counts.into_iter().map(|target| target.workload).collect(),
            held,
            database: database.cloned(),
        }),
    );
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
        priced_from: None,
        no_way_back: None,
        notices: notices(input),
    })
}

/// The members that are meant: all of them, or those of the roles that the user names.
fn chosen(input: &QuiesceInput<'_>) -> Result<Vec<Assigned>, PlanRefusal> {
    if input.roles.is_empty() {
        return Ok(input.members.to_vec());
    }
    let stops = |member: &&Assigned| {
        let one = std::slice::from_ref(*member);
        !stopped(one).is_empty() || suspend_targets(one, &[]).is_ok_and(|held| !held.is_empty())
    };
    let able: Vec<&Assigned> = input.members.iter().filter(stops).collect();
    for role in input.roles {
        if !able.iter().any(|member| member.role == *role) {
            let mut known: Vec<String> = able.iter().map(|member| member.role.clone()).collect();
            known.sort();
            known.dedup();
            return Err(PlanRefusal::NoSuchRole {
                role: role.clone(),
                known,
            });
        }
    }
    let meant = able
        .into_iter()
        .filter(|member| input.roles.contains(&member.role));
    Ok(meant.cloned().collect())
}

fn limit_step(steps: &mut Steps, seconds: u64, image: &str) {
    steps.push(
        "time-limit",
        Reversal::Automatic,
        format!(
            "start a Job in the cluster ({image}) that brings everything back after {} min, whatever becomes of this machine",
            seconds.div_ceil(60)
        ),
        StepSpec::TimeLimit(TimeLimit {
            seconds,
            image: image.to_owned(),
        }),
    );
}

fn notices(input: &QuiesceInput<'_>) -> Vec<String> {
    let mut notices = Vec::new();
    match &input.limit {
        None => notices.push(format!(
            "nothing brings it back by itself: it stays stopped until `helm safe-upgrade unquiesce {} -n {}`",
            input.release.name, input.release.namespace
        )),
        Some(QuiesceLimit {
            seconds,
            keeper: LimitKeeper::Client,
        }) => notices.push(format!(
            "this process waits and brings it back after {} min; if it dies, nothing does",
            seconds.div_ceil(60)
        )),
        Some(QuiesceLimit {
            keeper: LimitKeeper::Job(_),
            ..
        }) => {}
    }
    for sharer in input.sharers {
        notices.push(format!(
            "not stopped, although it uses the same database: {sharer}"
        ));
    }
    if input.database.is_none() {
        notices.push(
            "no database was found, or it is not to be asked: who is connected is not looked at".into(),
        );
    } else if !input.roles.is_empty() {
        notices.push("a part of the roles is stopped: who is connected is not looked at".into());
    }
    notices
}
