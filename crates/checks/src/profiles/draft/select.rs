//! A selector that finds one workload again, in any release of the same chart.

use std::collections::BTreeMap;

use model::Workload;
use model::profile::Selector;

use crate::assign::selects;
use crate::image::Image;

/// Labels that tell a release, a version or a roll-out, and not what a workload is.
const PASSING: [&str; 9] = [
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
    "chart",
    "release",
    "heritage",
    "pod-template-hash",
    "controller-revision-hash",
];

/// The plainest selector that selects this workload and as few others as can be: its labels, then its kind and its image
/// as well.
pub(super) fn selector(workload: &Workload, all: &[Workload], release: &str, chart: &str) -> Selector {
    let labels = lasting(workload, release, chart);
    let kind = Some(workload.name.kind.to_string());
    let image = workload
        .containers
        .iter()
        .find(|container| !container.init)
        .map(|container| Image::parse(&container.image).repository.to_owned());
    let by_labels = Selector {
        labels,
        image: None,
        kind: None,
    };
    let with_kind = Selector {
        kind,
        ..by_labels.clone()
    };
    let with_image = Selector {
        image,
        ..with_kind.clone()
    };
    [by_labels, with_kind]
        .into_iter()
        .filter(|selector| !selector.labels.is_empty())
        .find(|selector| all.iter().filter(|other| selects(selector, other)).count() == 1)
        .unwrap_or(with_image)
}

/// The labels that another release of the chart has as well.
fn lasting(workload: &Workload, release: &str, chart: &str) -> BTreeMap<String, String> {
    let names_release = |value: &str| value != chart && value.contains(release);
    workload
        .selector
        .iter()
        .filter(|(key, value)| !PASSING.contains(&key.as_str()) && !names_release(value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
