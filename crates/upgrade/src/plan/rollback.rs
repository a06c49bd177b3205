//! The plan of a rollback: helm alone where the schema allows it, else the database first.

use checks::Assigned;
use model::profile::AfterMigration;
use model::{
    API_VERSION, AnchorRelease, BackUp, ChartIdentity, DatabaseLocation, GateMode, HelmRollback,
    MigrationState, Plan, PostCheck, Profile, QuiesceTarget, Release, ReleaseIdentity, RenderedWorkload,
    RestoreDatabase, RestoreOptions, RestoreSource, Reversal, Scaler, StepSpec, SuspendTarget, WorkloadName,
};
use thiserror::Error;

use super::adopt::{given, stop_adopted};
use super::build::Steps;
use super::pause::{give_back, hold, let_go, roll_out, stop, stopped, suspend_targets};
use super::{Adopted, PlanRefusal};

/// The backup that holds the database as the older version left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBackup {
    /// Its store.
    pub store: String,
    /// Its id.
    pub id: String,
}

/// What the journal knows of the revision to go back to.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRevision {
    /// The migration state under it, as last seen before it was left.
    pub migration: Option<MigrationState>,
    /// The backup made when it was left.
    pub backup: Option<KnownBackup>,
}

/// How to go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WayBack {
    /// helm alone, and why that is safe.
    HelmOnly(String),
    /// The database first, from this backup, and why.
    Restore(KnownBackup, String),
}

/// Why there is no way back that is known to be safe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoWayBack {
    /// Nothing tells whether the older version runs on today's schema.
    #[error(
        "nothing is known of the schema that revision {0} ran on: no run of this program left it; say `rollback: {{afterMigration: compatible}}` in a profile if the older version runs on the newer schema"
    )]
    Unknown(u32),
    /// The schema has moved and no backup is known.
    #[error(
        "the schema has moved from {then} to {now} since revision {revision}, and no backup of that time is known"
    )]
    NoBackup {
        /// The revision.
        revision: u32,
        /// The schema then.
        then: String,
        /// The schema now.
        now: String,
    },
}

/// Decides how to go back to a revision: by the live schema, the journal's and the profile's word.
///
/// # Errors
/// When no way is known to be safe.
pub fn choose_way(
    revision: u32,
    now: Option<&MigrationState>,
    known: Option<&KnownRevision>,
    promise: AfterMigration,
) -> Result<WayBack, NoWayBack> {
    let then = known.and_then(|known| known.migration.as_ref());
    if let (Some(now), Some(then)) = (now, then)
        && now.fingerprint == then.fingerprint
    {
        return Ok(WayBack::HelmOnly(format!(
            "the schema is still at version {}",
            version(Some(now))
        )));
    }
    if promise == AfterMigration::Compatible {
        return Ok(WayBack::HelmOnly(
            "the profile says that the older version runs on the newer schema".into(),
        ));
    }
    let Some(then) = then else {
        return Err(NoWayBack::Unknown(revision));
    };
    let (then, now) = (version(Some(then)), version(now));
    match known.and_then(|known| known.backup.clone()) {
        Some(backup) => Ok(WayBack::Restore(
            backup,
            format!("the schema has moved from version {then} to {now}"),
        )),
        None => Err(NoWayBack::NoBackup { revision, then, now }),
    }
}

fn version(state: Option<&MigrationState>) -> String {
    state
        .and_then(|state| state.version.clone())
        .unwrap_or_else(|| "none".into())
}

/// What a rollback is planned from.
#[derive(Debug, Clone)]
pub struct RollbackInput<'a> {
    /// When the plan is made (RFC 3339).
    pub created_at: String,
    /// The release as it is.
    pub release: &'a Release,
    /// The revision to go back to.
    pub revision: u32,
    /// The chart of that revision.
    pub chart: ChartIdentity,
    /// The workloads of that revision: helm removes the others, and makes those that are gone.
    pub workloads: &'a [RenderedWorkload],
    /// The schema version that it ran on, where known.
    pub schema: Option<String>,
    /// The profile in force.
    pub profile: &'a Profile,
    /// Who plays which part.
    pub members: &'a [Assigned],
    /// Who else scales them.
    pub scalers: &'a [Scaler],
    /// The database, if one was found.
    pub database: Option<&'a DatabaseLocation>,
    /// Why the database could not be swapped, if it could not.
    pub no_way_back: Option<String>,
    /// The store for the backup of what is in use now.
    pub store: String,
    /// What somebody else's upgrade left behind, where this run turns it back: it crashes or hangs, and is stopped first.
    pub adopted: Option<&'a Adopted>,
}

/// Plans the rollback: the older revision's own manifest is applied as it was.
///
/// # Errors
/// When a writer cannot be kept stopped.
pub fn rollback_plan(input: &RollbackInput<'_>, way: &WayBack) -> Result<Plan, PlanRefusal> {
    let revision = input.revision;
    let mut steps = Steps::default();
    let mut notices = Vec::new();
    let (mut counts, mut held) = (Vec::new(), Vec::new());
    let mut priced_from = None;
    let anchor = StepSpec::AnchorRelease(AnchorRelease {
        revision: input.release.revision,
    });
    let anchor_title = format!(
        "remember revision {} as the one to turn back to",
        input.release.revision
    );
    let restored = match (way, input.database) {
        (WayBack::Restore(backup, why), Some(database)) => {
            notices.push(format!("{why}: what was written since backup {} is not in the restored database; it is kept under another name", backup.id));
            Some((backup, database))
        }
        (WayBack::Restore(_, why) | WayBack::HelmOnly(why), _) => {
            notices.push(format!("helm alone goes back: {why}"));
            None
        }
    };
    if restored.is_some() || input.adopted.is_some() {
        counts = stopped(input.members);
        held = suspend_targets(input.members, input.scalers)?;
        hold(&mut steps, &held);
        match input.adopted {
            None => stop(&mut steps, &counts, &held, input.database, input.members),
            Some(adopted) => {
                notices.extend(adopted.notices.iter().cloned());
                stop_adopted(&mut steps, adopted, &counts, &held, input.database, input.members);
            }
        }
    }
    steps.push("anchor-release", Reversal::Automatic, anchor_title, anchor);
    if let Some((backup, database)) = restored {
        restore(input, backup, database, &mut steps);
        priced_from = Some(steps.len());
    }
    steps.push(
        "helm-rollback",
        Reversal::Automatic,
        format!("helm rollback to revision {revision}, without hooks"),
        StepSpec::HelmRollback(HelmRollback {
            revision,
            base_revision: input.release.revision,
        }),
    );
    after(input, &counts, &held, &mut steps);
    Ok(Plan {
        api_version: API_VERSION.into(),
        kind: "Plan".into(),
        created_at: input.created_at.clone(),
        from: ReleaseIdentity::from(input.release),
        to: input.chart.clone(),
        profile: input.profile.name.clone(),
        gate: GateMode::After,
        chart_sha256: String::new(),
        values_digest: String::new(),
        helm_flags: Vec::new(),
        terms: None,
        steps: steps.into_inner(),
        priced_from,
        no_way_back: input.no_way_back.clone(),
        notices,
    })
}

fn restore(input: &RollbackInput<'_>, backup: &KnownBackup, database: &DatabaseLocation, steps: &mut Steps) {
    steps.push(
        "back-up",
        Reversal::NotNeeded,
        format!(
            "back up database {} as it is to {} and prove the backup",
            database.database, input.store
        ),
        StepSpec::BackUp(BackUp {
            database: database.clone(),
            store: input.store.clone(),
            reason: format!("before rollback of {}", input.release.name),
        }),
    );
    steps.push(
        "restore-database",
        Reversal::Automatic,
        format!(
            "restore backup {} into a new database, check it and swap it in",
            backup.id
        ),
        StepSpec::RestoreDatabase(RestoreDatabase {
            database: database.clone(),
            source: RestoreSource::Backup {
                store: backup.store.clone(),
                id: backup.id.clone(),
            },
            id: None,
            // The older revision's own image will run on it.
            options: RestoreOptions {
                older_image: true,
                ..RestoreOptions::default()
            },
        }),
    );
}

fn after(input: &RollbackInput<'_>, counts: &[QuiesceTarget], held: &[SuspendTarget], steps: &mut Steps) {
    let stays = |name: &WorkloadName| input.workloads.iter().any(|workload| workload.name == *name);
    let mut counts = given(input.adopted, counts);
    counts.retain(|target| stays(&target.workload));
    let mut members = input.members.to_vec();
    members.retain(|member| stays(&member.workload.name));
    let targets = give_back(steps, &counts);
    roll_out(
        steps,
        input.workloads.iter().map(|workload| &workload.name),
        "wait until every pod runs the older version and is ready",
    );
    let_go(steps, held);
    steps.push(
        "post-check",
        Reversal::NotNeeded,
        "compare revision, counts, schema and health with what was planned".into(),
        StepSpec::PostCheck(PostCheck {
            targets,
            database: input.database.cloned(),
            expected_schema: input.schema.clone(),
            health: super::gate_steps::health(input.profile, &members, None),
            ..PostCheck::default()
        }),
    );
}

#[cfg(test)]
mod tests {
    use model::MigrationTool;

    use super::*;

    fn state(version: &str) -> MigrationState {
        MigrationState {
            tool: MigrationTool::Goose,
            table: "public.goose_db_version".into(),
            version: Some(version.into()),
            applied: 1,
            dirty: false,
            fingerprint: version.into(),
        }
    }

    fn known(migration: Option<MigrationState>, backup: bool) -> KnownRevision {
        let backup = backup.then(|| KnownBackup {
            store: "/b".into(),
            id: "x".into(),
        });
        KnownRevision { migration, backup }
    }

    #[test]
    fn an_unmoved_schema_needs_helm_alone() {
        let way = choose_way(
            3,
            Some(&state("5")),
            Some(&known(Some(state("5")), true)),
            AfterMigration::Restore,
        );
        assert!(matches!(way, Ok(WayBack::HelmOnly(_))));
    }

    #[test]
    fn a_moved_schema_needs_the_backup_unless_the_profile_promises() {
        let revision = known(Some(state("3")), true);
        let way = choose_way(3, Some(&state("5")), Some(&revision), AfterMigration::Restore);
        assert!(matches!(way, Ok(WayBack::Restore(..))));
        let way = choose_way(3, Some(&state("5")), Some(&revision), AfterMigration::Compatible);
        assert!(matches!(way, Ok(WayBack::HelmOnly(_))));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let now = state("5");
        assert!(matches!(
            choose_way(3, Some(&now), None, AfterMigration::Restore),
            Err(NoWayBack::Unknown(3))
        ));
        assert!(choose_way(3, None, None, AfterMigration::Restore).is_err());
        let without = known(Some(state("3")), false);
        let way = choose_way(3, Some(&now), Some(&without), AfterMigration::Restore);
        assert!(matches!(way, Err(NoWayBack::NoBackup { .. })));
    }
}
