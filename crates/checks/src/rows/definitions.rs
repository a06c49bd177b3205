//! Definitions of custom resources that the chart brings and Helm does not.

use model::{Category, Confidence, DefinitionState, Severity, Target};

use crate::check::{Check, Judged, Judgement, given, needed, some_of};
use crate::words::chart;

pub(crate) const ROWS: &[Check] = &[Check {
    id: "custom-definitions",
    category: Category::Helm,
    title: "the cluster has the definitions of custom resources that the target brings",
    severity: Severity::Warn,
    judge: |_, target, _| definitions(target),
}];

fn definitions(target: Option<&Target>) -> Judgement {
    let target = given(target)?;
    let brought = needed(
        &target.definitions,
        "the definitions of custom resources",
        "the chart has none in a folder crds",
    )?;
    let (mut unusable, mut others) = (Vec::new(), Vec::new());
    for definition in brought {
        let name = &definition.name;
        match &definition.state {
            DefinitionState::Same => {}
            DefinitionState::Missing => unusable.push(format!("{name} is not there")),
            DefinitionState::Lacks { versions } => {
                unusable.push(format!("{name} lacks {}", some_of(versions)))
            }
            DefinitionState::Differs { versions } => {
                others.push(format!("{name} has another schema for {}", some_of(versions)));
            }
        }
    }
    let lines: Vec<String> = unusable.iter().chain(&others).cloned().collect();
    if lines.is_empty() {
        return Ok(Judged::pass(format!("{} definitions", brought.len())));
    }
    let said = format!(
        "{}; Helm does not bring it up to date in an upgrade",
        some_of(&lines)
    );
    let judged = if unusable.is_empty() {
        // Whether the other schema is the older one cannot be told by it.
        Judged::warn(said).sure(Confidence::Inferred)
    } else {
        Judged::fail(said)
    };
    Ok(judged.with("definitions", lines).command(
        "bring them up to date before the upgrade, where no other release needs older ones",
        format!(
            "helm show crds {} | kubectl apply --server-side --force-conflicts -f -",
            chart(target)
        ),
    ))
}
