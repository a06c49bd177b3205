//! Names and labels of what we leave in the cluster.

use std::collections::BTreeMap;

/// Label of everything that we make.
pub(crate) const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "safe-upgrade");
/// Label with the release.
pub(crate) const RELEASE: &str = "safe-upgrade.dev/release";
/// Label with the run.
pub(crate) const RUN: &str = "safe-upgrade.dev/run";
/// Label with a run's outcome.
pub(crate) const OUTCOME: &str = "safe-upgrade.dev/outcome";
/// Label with a part's name.
pub(crate) const PART: &str = "safe-upgrade.dev/part";

/// The name of a release's lease, and the beginning of all other names.
pub(crate) fn object_name(release: &str) -> String {
    format!("safe-upgrade.{release}")
}

/// The labels of what belongs to a release.
pub(crate) fn of_release(release: &str) -> BTreeMap<String, String> {
    [MANAGED_BY, (RELEASE, release)]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The labels of what belongs to a run.
pub(crate) fn of_run(release: &str, run: &str) -> BTreeMap<String, String> {
    let mut labels = of_release(release);
    labels.insert(RUN.to_owned(), run.to_owned());
    labels
}
