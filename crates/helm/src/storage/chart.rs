//! The chart that a record holds, as an archive again.
//!
//! Helm records a chart's templates, files and values, and not its sub-charts: what needs them is not whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use thiserror::Error;

/// Why a record gives no chart.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoRecordedChart {
    /// It has sub-charts.
    #[error("helm's record of the chart does not hold its sub-charts")]
    SubCharts,
    /// It is not as Helm writes it.
    #[error("helm's record holds no whole chart: {0}")]
    Broken(String),
}

/// The archive of a record's chart.
///
/// # Errors
/// See [`NoRecordedChart`].
pub(super) fn archive(record: &Value) -> Result<Vec<u8>, NoRecordedChart> {
    let chart = &record["chart"];
    let name = chart["metadata"]["name"]
        .as_str()
        .ok_or_else(|| NoRecordedChart::Broken("it has no name".into()))?;
    if has_sub_charts(record, name) {
        return Err(NoRecordedChart::SubCharts);
    }
    let mut files = vec![
        ("Chart.yaml".to_owned(), json(&chart["metadata"])?),
        ("values.yaml".to_owned(), json(&chart["values"])?),
    ];
    if let Some(schema) = chart["schema"].as_str() {
        files.push(("values.schema.json".to_owned(), decoded(schema)?));
    }
    let stored = ["templates", "files"].map(|key| chart[key].as_array());
    for file in stored.into_iter().flatten().flatten() {
        let path = file["name"]
            .as_str()
            .ok_or_else(|| NoRecordedChart::Broken("a file has no name".into()))?;
        files.push((
            path.to_owned(),
            decoded(file["data"].as_str().unwrap_or_default())?,
        ));
    }
    pack(name, &files).map_err(|error| NoRecordedChart::Broken(error.to_string()))
}

/// Whether sub-charts are declared, or were rendered: some charts carry them undeclared.
fn has_sub_charts(record: &Value, name: &str) -> bool {
    let declared = record["chart"]["metadata"]["dependencies"].as_array();
    let folder = format!("{name}/charts/");
    let source = format!("# Source: {folder}");
    let rendered = record["manifest"].as_str().unwrap_or_default();
    let hooks = record["hooks"].as_array();
    declared.is_some_and(|declared| !declared.is_empty())
        || rendered.lines().any(|line| line.starts_with(&source))
        || hooks.into_iter().flatten().any(|hook| {
            hook["path"]
                .as_str()
                .is_some_and(|path| path.starts_with(&folder))
        })
}

/// JSON is YAML too; an empty mapping for what Helm writes as `null`.
fn json(value: &Value) -> Result<Vec<u8>, NoRecordedChart> {
    let value = crate::record::or_empty(Some(value.clone()));
    serde_json::to_vec_pretty(&value).map_err(|error| NoRecordedChart::Broken(error.to_string()))
}

fn decoded(text: &str) -> Result<Vec<u8>, NoRecordedChart> {
    STANDARD
        .decode(text)
        .map_err(|_| NoRecordedChart::Broken("a file is not base64".into()))
}

/// Paths that lead out of the chart's folder are refused by the packer.
fn pack(name: &str, files: &[(String, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::PinnedChart;

    fn record() -> Value {
        json!({
            "chart": {
                "metadata": {"name": "web", "version": "1.2.3", "appVersion": "4.5", "apiVersion": "v2"},
                "lock": null,
                "templates": [{"name": "templates/web.yaml", "data": "a2luZDogQQo="}],
                "values": {"replicas": 2},
                "schema": "e30=",
                "files": [{"name": "crds/one.yaml", "data": "a2luZDogQ3VzdG9tUmVzb3VyY2VEZWZpbml0aW9uCg=="}],
            },
            "manifest": "---\n# Source: web/templates/web.yaml\nkind: A\n",
            "hooks": [{"name": "migrate", "path": "web/templates/job.yaml"}],
        })
    }

    #[test]
    fn a_recorded_chart_is_an_archive_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chart.tgz");
        std::fs::write(&path, archive(&record()).unwrap()).unwrap();
        let chart = PinnedChart::open(&path).unwrap();
        assert_eq!(
            (chart.identity.name.as_str(), chart.identity.version.as_str()),
            ("web", "1.2.3")
        );
        assert_eq!(chart.identity.app_version.as_deref(), Some("4.5"));
        assert_eq!(chart.own_defaults().unwrap(), json!({"replicas": 2}));
        assert_eq!(chart.definitions().unwrap().len(), 1);
    }

    #[test]
    fn a_chart_with_sub_charts_is_not_whole_however_they_are_told() {
        let with = |change: fn(&mut Value)| {
            let mut record = record();
            change(&mut record);
            archive(&record)
        };
        for told in [
            with(|record| record["chart"]["metadata"]["dependencies"] = json!([{"name": "db"}])),
            with(|record| {
                record["manifest"] = json!("---\n# Source: web/charts/db/templates/a.yaml\nkind: B\n")
            }),
            with(|record| record["hooks"][0]["path"] = json!("web/charts/db/templates/job.yaml")),
        ] {
            assert_eq!(told, Err(NoRecordedChart::SubCharts));
        }
        let outside = with(|record| record["chart"]["files"][0]["name"] = json!("../../etc/passwd"));
        assert!(matches!(outside, Err(NoRecordedChart::Broken(_))), "{outside:?}");
        let nameless = with(|record| record["chart"]["metadata"] = json!(null));
        assert!(
            matches!(nameless, Err(NoRecordedChart::Broken(_))),
            "{nameless:?}"
        );
    }
}
