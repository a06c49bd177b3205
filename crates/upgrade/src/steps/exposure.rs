//! Whether anybody can have been served by what a pass started, and what turning back costs if so.

use std::collections::BTreeMap;

use backup::steps::BackUpRecord;
use engine::{Exposure, StepContext, StepFailure, StepKind};
use model::{HelmPass, StepSpec, WorkloadName};

use crate::standing::PassRecord;

fn passes(context: &StepContext) -> impl Iterator<Item = &HelmPass> {
    context.plan().steps.iter().filter_map(|step| match &step.spec {
        StepSpec::HelmPass(pass) => Some(pass),
        _ => None,
    })
}

/// The workloads that the passes of this run may start, without the database's own.
fn workloads(context: &StepContext) -> Vec<&WorkloadName> {
    passes(context)
        .flat_map(|pass| {
            pass.workloads
                .iter()
                .filter(|name| !pass.database_workloads.contains(name))
        })
        .collect()
}

/// How the specs of these workloads stand now.
pub(crate) async fn generations(
    context: &StepContext,
) -> Result<BTreeMap<String, Option<String>>, StepFailure> {
    let mut found = BTreeMap::new();
    for name in workloads(context) {
        found.insert(name.to_string(), context.cluster().generation(name).await?);
    }
    Ok(found)
}

/// Whether anybody can have been served by what helm did in a pass. Helm sends the manifest after the pre-upgrade hooks:
/// while no workload's spec was written, no pod of the new version can have been made, and what was stopped stands still.
/// What was never stopped has gone on writing.
pub(crate) async fn exposure(context: &StepContext, record: &PassRecord) -> Result<Exposure, StepFailure> {
    if !record.opened {
        if record.revisions.is_empty() {
            return Ok(Exposure::Nobody);
        }
        let serving: Vec<String> = passes(context)
            .flat_map(|pass| &pass.serving)
            .map(WorkloadName::to_string)
            .collect();
        if !serving.is_empty() {
            let who = format!("{} went on writing", serving.join(", "));
            return Ok(Exposure::Possible(Some(price(context, record, &who)?)));
        }
        if !record.generations.is_empty() && generations(context).await? == record.generations {
            return Ok(Exposure::Nobody);
        }
    }
    let who = format!("revision {} may have served", record.newest().unwrap_or_default());
    Ok(Exposure::Possible(Some(price(context, record, &who)?)))
}

fn price(context: &StepContext, record: &PassRecord, who: &str) -> Result<String, StepFailure> {
    let since = record.begun_at.as_deref().unwrap_or_default();
    let ago = context
        .seconds_since(since)
        .map(|seconds| format!(", {} ago", span(seconds)))
        .unwrap_or_default();
    let made: Option<BackUpRecord> = context.recorded_by(StepKind::BackUp)?;
    let restored = match made.filter(|made| made.uri.is_some()) {
        Some(made) => format!(
            "the database would be restored from backup {} and lose what was written since it",
            made.id
        ),
        None => "what was written since then would be lost".to_owned(),
    };
    Ok(format!("{who} since {since}{ago}: {restored}"))
}

/// A span of time in the largest unit that fits.
fn span(seconds: f64) -> String {
    let seconds = std::time::Duration::try_from_secs_f64(seconds)
        .unwrap_or_default()
        .as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn a_span_is_told_in_the_largest_unit_that_fits() {
        assert_eq!(span(59.9), "59 s");
        assert_eq!(span(720.0), "12 min");
        assert_eq!(span(7_200.0), "2 h");
        assert_eq!(span(-1.0), "0 s");
    }
}
