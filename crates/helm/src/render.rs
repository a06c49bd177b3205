//! What an upgrade would apply, as rendered by the user's own helm against the running revision.

use std::ffi::OsString;
use std::path::Path;

use model::{ChartIdentity, RenderedHook};
use serde_json::Value;

use crate::record::{Record, or_empty};
use crate::{Helm, HelmError, PinnedChart, UpgradeLine};

/// A dry run's result. Has no `Debug` and no `Serialize`: it holds values and rendered Secrets.
#[derive(Clone)]
pub struct Rendered {
    /// All objects but the hooks, as YAML.
    pub manifest: String,
    /// The hooks; those of `helm test` are left out.
    pub hooks: Vec<RenderedHook>,
    /// The same hooks as objects, in the same order; null where one cannot be read.
    pub hook_objects: Vec<Value>,
    /// Whether the chart has tests of its own, for `helm test`.
    pub has_tests: bool,
    /// The effective user values: what the revision's record would hold as its configuration.
    pub values: Value,
    /// The chart's defaults as helm used them; under `--reuse-values` these are the running revision's computed values.
    pub base_values: Value,
    /// What the chart calls itself.
    pub chart: ChartIdentity,
}

/// Where the values of a rendering come from.
pub(crate) enum ValuesSource<'a> {
    /// The user's own flags.
    Line,
    /// A pinned file and nothing else.
    Pinned(&'a Path),
}

impl Helm {
    /// Renders the upgrade of `line` by `helm upgrade … --dry-run=server -o json`, from the pinned archive or, without
    /// one, from wherever the line says.
    ///
    /// # Errors
    /// One clear line in helm's own words: an unknown release, a chart that does not render, a schema violation.
    pub async fn render(
        &self,
        line: &UpgradeLine,
        chart: Option<&PinnedChart>,
        namespace: &str,
    ) -> Result<Rendered, HelmError> {
        self.render_with(line, chart, ValuesSource::Line, namespace).await
    }

    pub(crate) async fn render_with(
        &self,
        line: &UpgradeLine,
        chart: Option<&PinnedChart>,
        values: ValuesSource<'_>,
        namespace: &str,
    ) -> Result<Rendered, HelmError> {
        let mut args: Vec<OsString> = vec!["upgrade".into(), line.release.clone().into()];
        match chart {
            Some(chart) => args.push(chart.archive.clone().into()),
            None => {
                args.push(line.chart.clone().unwrap_or_default().into());
                args.extend(line.location.iter().map(OsString::from));
            }
        }
        match values {
            ValuesSource::Line => args.extend(line.values.iter().map(OsString::from)),
            ValuesSource::Pinned(file) => {
                args.extend(["--reset-values".into(), "--values".into(), file.into()]);
            }
        }
        args.extend(line.passed.iter().map(OsString::from));
        args.extend(["--namespace", namespace, "--dry-run=server", "--output", "json"].map(OsString::from));
        let answer = self
            .capture("upgrade --dry-run", args)
            .await
            .map_err(without_values)?;
        // serde_json names the place, never the text.
        let record: Record = serde_json::from_slice(&answer).map_err(|error| HelmError::Output {
            act: "upgrade --dry-run".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(rendered(record, namespace))
    }
}

/// helm repeats the part of `--set` that it cannot read, which may be the end of a password with a comma in it.
fn without_values(error: HelmError) -> HelmError {
    match error {
        HelmError::Failed { act, message } if message.contains("failed parsing --set") => HelmError::Failed {
            act,
            message: "failed parsing --set: its text is not repeated here, it may be a secret; put a backslash before \
                      a comma in a value, or give it by --set-literal or -f"
                .to_owned(),
        },
        other => other,
    }
}

fn rendered(record: Record, namespace: &str) -> Rendered {
    let chart = record.chart.unwrap_or_default();
    let (others, tests): (Vec<_>, Vec<_>) = record
        .hooks
        .unwrap_or_default()
        .iter()
        .map(|hook| (hook.facts(namespace), hook.object()))
        .partition(|(hook, _)| hook.events.iter().any(|event| !event.starts_with("test")));
    let (hooks, hook_objects) = others.into_iter().unzip();
    Rendered {
        manifest: record.manifest,
        hooks,
        hook_objects,
        has_tests: !tests.is_empty(),
        values: or_empty(record.config),
        chart: chart.identity(),
        base_values: or_empty(chart.values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> String {
        let failed = HelmError::Failed {
            act: "upgrade --dry-run".into(),
            message: message.into(),
        };
        without_values(failed).to_string()
    }

    #[test]
    fn what_helm_cannot_read_of_a_value_is_not_repeated() {
        let words = told("failed parsing --set data: key \"hunter2\" has no value");
        assert!(
            !words.contains("hunter2") && words.contains("backslash"),
            "{words}"
        );
        let other = "UPGRADE FAILED: \"books\" has no deployed releases";
        assert!(told(other).contains(other));
    }
}
