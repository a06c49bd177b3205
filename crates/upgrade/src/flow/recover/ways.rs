//! The plan of either way, with what is known of the upgrade and why the way is gone among its notes.

use std::collections::BTreeMap;
use std::path::Path;

use helm::{PinnedChart, PinnedValues, printed_with_exponent};
use model::text::minutes;
use model::{Before, LoadLimit, Plan, RenderedWorkload, WorkloadName};

use super::super::judge::values_digest;
use super::super::{FlowError, no_way_back};
use super::known::Known;
use super::{HELM_TIMEOUT_SECONDS, RecoverRequest};
use crate::plan::{
    Adopted, AfterWishes, PlanInput, RollbackInput, WayBack, counts_to_give, plan, rollback_plan,
};
use crate::recover::{Left, Trouble};
use crate::unlock::rendered;

/// What is taken over, with the counts that the version will have which is to run.
fn adopted(request: &RecoverRequest, known: &Known<'_>, wanted: &[RenderedWorkload]) -> Adopted {
    let Left {
        running_hooks,
        in_the_way,
        addresses,
        last_words,
        trouble,
        began_at,
        ..
    } = &known.left;
    let release = known.release;
    let mut notices = vec![format!(
        "revision {} ({}, begun {}) is taken over: {}",
        release.revision,
        release.status.word(),
        began_at
            .as_deref()
            .map_or_else(|| "at a time that its record does not tell".to_owned(), minutes),
        match trouble {
            Ok(trouble) => trouble_words(trouble),
            Err(why) => why.as_str(),
        }
    )];
    notices.extend(last_words.iter().cloned());
    let sessions = in_the_way.present().cloned().unwrap_or_default();
    notices.extend(
        sessions
            .iter()
            .map(|session| format!("a session of somebody else is ended: {session}")),
    );
    let counts = counts_to_give(known.workloads, &known.rendered, wanted);
    notices.extend(counts.iter().map(|(workload, count)| {
        format!("{workload} gets {count}, as the manifest of the version that will run says")
    }));
    let investigate = known
        .observed
        .profile
        .budgets
        .investigate_after_seconds
        .unwrap_or(0);
    Adopted {
        revision: release.revision,
        pending: release.status.is_pending(),
        hook_jobs: running_hooks.clone(),
        settle_seconds: request
            .line
            .timeout
            .map_or(investigate.max(HELM_TIMEOUT_SECONDS), |timeout| timeout.as_secs()),
        sessions: sessions.into_iter().map(|session| session.session).collect(),
        addresses: addresses.clone(),
        counts,
        notices,
    }
}

fn trouble_words(trouble: &Trouble) -> &str {
    match trouble {
        Trouble::None => "nothing is seen to be wrong",
        Trouble::Killed(words)
        | Trouble::Hangs(words)
        | Trouble::Interrupted(words)
        | Trouble::Fails(words) => words,
    }
}

/// The plan that finishes the newer version, with the chart and the values that it applies.
pub(super) fn forward(
    request: &RecoverRequest,
    known: &Known<'_>,
    anchor: u32,
    why: &str,
    folder: &Path,
) -> Result<(Plan, PinnedChart, PinnedValues), FlowError> {
    let chart = known.chart.clone().map_err(FlowError::Unreadable)?;
    let values = PinnedValues::write(&known.newest.values, folder).map_err(FlowError::Target)?;
    let mut adopted = adopted(request, known, &known.rendered);
    adopted.notices.push(format!("finished forward: {why}"));
    adopted.notices.push(match anchor == known.release.revision {
        true => format!(
            "if the gate does not pass, everything is put back as it was found: revision {anchor}, which does not run well"
        ),
        false => format!("if the gate does not pass, revision {anchor} comes into force on the database as it is now"),
    });
    let large = printed_with_exponent(&known.newest.values);
    if !large.is_empty() {
        adopted.notices.push(format!(
            "helm prints large numbers from a file with an exponent: compare the manifest where {} is used",
            large.join(", ")
        ));
    }
    adopted.notices.push(
        "values and chart are those of its record; flags of that helm upgrade are not in it: name them again if it had any"
            .into(),
    );
    let seen = &known.observed.observation;
    let database = seen.database.present();
    let plan = plan(&PlanInput {
        created_at: seen.taken_at.clone(),
        release: known.release,
        anchor_revision: Some(anchor),
        target: &known.target,
        profile: &known.observed.profile,
        members: &known.members,
        scalers: seen.scalers.present().map_or(&[], Vec::as_slice),
        manifest_replicas: &replicas(request, known),
        database: database.map(|facts| &facts.location),
        migration: database.and_then(|facts| facts.migration.present()),
        database_bytes: database.and_then(|facts| u64::try_from(facts.size_bytes).ok()),
        last_restore: seen.last_restore.present().copied(),
        rehearsed: seen.rehearsed.as_ref(),
        no_way_back: database.and_then(no_way_back),
        gate: None,
        // What is broken is not waited for to be idle, and its endpoints and logs are nothing to compare with.
        load: LoadLimit::default(),
        after: AfterWishes::default(),
        has_tests: false,
        before: Before::default(),
        terms: None,
        store: request.store.clone(),
        chart_sha256: chart.sha256.clone(),
        values_digest: values_digest(&values)?,
        helm_flags: request.line.passed.clone(),
        timeout_seconds: request.line.timeout.map(|timeout| timeout.as_secs()),
        adopted: Some(&adopted),
    })
    .map_err(FlowError::Plan)?;
    Ok((plan, chart, values))
}

/// The counts that the older revision's manifest says.
fn replicas(request: &RecoverRequest, known: &Known<'_>) -> BTreeMap<WorkloadName, i32> {
    let manifest = known
        .left
        .older
        .as_ref()
        .map(|older| rendered(older, &request.namespace));
    let workloads = manifest.and_then(Result::ok).unwrap_or_default();
    let counted = workloads
        .into_iter()
        .filter_map(|one| Some((one.name, one.replicas?)));
    counted.collect()
}

/// The plan that turns back.
pub(super) fn back(
    request: &RecoverRequest,
    known: &Known<'_>,
    revision: u32,
    way: &WayBack,
    made_at: Option<&str>,
) -> Result<Plan, FlowError> {
    let older = known.left.older.as_ref().ok_or(FlowError::UnfitRevision {
        revision,
        why: "is not in helm's history".into(),
    })?;
    let wanted = rendered(older, &request.namespace).map_err(FlowError::Unreadable)?;
    let mut adopted = adopted(request, known, &wanted);
    if let Some(made_at) = made_at {
        adopted.notices.push(format!(
            "the backup is of {}, the failed upgrade began {}: what was written from then on leaves the live database",
            minutes(made_at),
            known.left.began_at.as_deref().map_or_else(|| "later".to_owned(), minutes)
        ));
    }
    let seen = &known.observed.observation;
    let database = seen.database.present();
    rollback_plan(
        &RollbackInput {
            created_at: seen.taken_at.clone(),
            release: known.release,
            revision,
            chart: older.release.chart.clone(),
            workloads: &wanted,
            schema: known
                .older
                .as_ref()
                .and_then(|older| older.version.clone())
                // Alone, helm leaves the schema where it is.
                .filter(|_| matches!(way, WayBack::Restore(..))),
            profile: &known.observed.profile,
            members: &known.members,
            scalers: seen.scalers.present().map_or(&[], Vec::as_slice),
            database: database.map(|facts| &facts.location),
            no_way_back: database.and_then(no_way_back),
            store: request.store.clone(),
            adopted: Some(&adopted),
        },
        way,
    )
    .map_err(FlowError::Plan)
}
