//! Every row in order, and the report over all of them.

use model::{CheckReport, NextStep, Observation, Profile, ReleaseIdentity, Target};

use crate::check::Check;
use crate::rows;
use crate::rules::Rules;

/// Every row of the catalogue, in the order of the report.
pub fn registry() -> impl Iterator<Item = &'static Check> {
    [
        rows::cluster::ROWS,
        rows::requires::ROWS,
        rows::helm::ROWS,
        rows::definitions::ROWS,
        rows::path::ROWS,
        rows::notes::ROWS,
        rows::upgrade_path::ROWS,
        rows::workload::ROWS,
        rows::roll_out::ROWS,
        rows::budget::ROWS,
        rows::postgres::ROWS,
        rows::health::ROWS,
        rows::migration::ROWS,
        rows::rewrites::ROWS,
        rows::backup::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// Judges what was seen by every row. Pure: the same facts give the same report.
pub fn evaluate(seen: &Observation, target: Option<&Target>, profile: &Profile) -> CheckReport {
    evaluate_by(&Rules::default(), seen, target, profile)
}

/// Judges what was seen as the user's rules say. Pure, too.
pub fn evaluate_by(
    rules: &Rules,
    seen: &Observation,
    target: Option<&Target>,
    profile: &Profile,
) -> CheckReport {
    let mut checks: Vec<_> = registry()
        .filter(|check| rules.wants(check.id))
        .map(|check| {
            if rules.skips(check.id) {
                check.left_out()
            } else {
                check.run(seen, target, profile)
            }
        })
        .collect();
    rules.waive(&mut checks);
    let mut report = CheckReport::new(
        identity(seen),
        target
            .filter(|target| target.is_upgrade)
            .map(|target| target.chart.clone()),
        checks,
    );
    // Who asked for some rows alone was told nothing about the others.
    report.next = next(&report, target.filter(|_| rules.only.is_empty()));
    report
}

/// Which release was looked at.
pub(crate) fn identity(seen: &Observation) -> ReleaseIdentity {
    match seen.release.present() {
        Some(release) => ReleaseIdentity::from(release),
        None => ReleaseIdentity {
            name: seen.release_name.clone(),
            namespace: seen.namespace.clone(),
            revision: 0,
            chart: String::new(),
            app_version: None,
        },
    }
}

/// What to type next: the first command of each row that stands in the way, else the upgrade itself.
fn next(report: &CheckReport, target: Option<&Target>) -> Vec<NextStep> {
    let in_the_way: Vec<NextStep> = report
        .checks
        .iter()
        .filter(|check| check.blocks())
        .filter_map(|check| check.remedy.first())
        .map(|remedy| NextStep {
            text: remedy.text.clone(),
            command: remedy.command.clone(),
        })
        .collect();
    let blocked = report.checks.iter().any(model::CheckResult::blocks);
    match target {
        Some(target) if !blocked && target.is_upgrade => vec![upgrade(report, target)],
        Some(_) | None => in_the_way,
    }
}

fn upgrade(report: &CheckReport, target: &Target) -> NextStep {
    NextStep {
        text: "do the upgrade, with the flags that you gave here".into(),
        command: Some(format!(
            "helm safe-upgrade {} {} -n {}",
            report.release.name, target.reference, report.release.namespace
        )),
    }
}
