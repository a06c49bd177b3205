//! What the words name: a chart or a bare version, and what the chart says.

use std::path::Path;

use cluster::ConnectOptions;
use helm::{FlagError, Helm, HelmError, HelmMajor, UpgradeLine, chart_documents};
use model::{ChartDocuments, VersionOf};
use notes::Versions;
use tempfile::TempDir;
use thiserror::Error;

use super::super::look::is_version;

/// What the words mean.
pub(super) struct Wanted {
    pub(super) release: String,
    pub(super) target: Target,
}

/// Where the release would go.
pub(super) enum Target {
    /// A version and nothing more.
    Version(String),
    /// A chart by helm's words.
    Chart(String),
}

/// Why there is no target.
#[derive(Debug, Error)]
pub(super) enum TargetError {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error("name what the release would go to: a CHART, or a VERSION of the application")]
    Nothing,
    #[error(transparent)]
    Helm(#[from] HelmError),
    #[error("failed to make a folder for the chart")]
    Folder(#[source] std::io::Error),
}

/// Reads helm's side of the line. Flags of one Helm line only are left to the helm that fetches the chart.
pub(super) fn wanted(words: &[String]) -> Result<Wanted, TargetError> {
    let line = match UpgradeLine::parse(words, HelmMajor::Four) {
        Err(FlagError::OtherLine { .. }) => UpgradeLine::parse(words, HelmMajor::Three),
        parsed => parsed,
    }?;
    let named = line.chart.ok_or(TargetError::Nothing)?;
    Ok(Wanted {
        release: line.release,
        target: if is_version(&named) {
            Target::Version(named)
        } else {
            Target::Chart(named)
        },
    })
}

/// What the target's chart says. A chart that lies here is read as it is; another one is fetched by helm.
pub(super) async fn documents(
    named: &str,
    words: &[String],
    helm_bin: Option<&Path>,
    options: &ConnectOptions,
) -> Result<ChartDocuments, TargetError> {
    let here = Path::new(named);
    if here.exists() {
        return Ok(chart_documents(here)?);
    }
    // What looks like a path is never a repository's.
    if here.is_absolute() || named.starts_with('.') {
        return Err(HelmError::NoChart {
            path: here.to_owned(),
        }
        .into());
    }
    let helm = Helm::find(helm_bin, options).await?;
    let line = UpgradeLine::parse(words, helm.major())?;
    let folder = TempDir::new().map_err(TargetError::Folder)?;
    let pinned = helm.pin_chart(&line, folder.path()).await?;
    Ok(chart_documents(&pinned.archive)?)
}

/// The versions of a chart.
pub(super) fn versions(documents: &ChartDocuments) -> Versions {
    Versions {
        app: documents.identity.app_version.clone(),
        chart: Some(documents.identity.version.clone()),
    }
}

/// A bare version, as one of the application or of the chart.
pub(super) fn one_version(version: &str, of: VersionOf) -> Versions {
    let version = Some(version.to_owned());
    match of {
        VersionOf::App => Versions {
            app: version,
            chart: None,
        },
        VersionOf::Chart => Versions {
            app: None,
            chart: version,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match wanted(&words).map(|wanted| wanted.target) {
            Ok(Target::Version(version)) => Ok(format!("version {version}")),
            Ok(Target::Chart(chart)) => Ok(format!("chart {chart}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_version_is_told_from_a_chart() {
        assert_eq!(target(&["shop", "2.34.1"]), Ok("version 2.34.1".into()));
        assert_eq!(target(&["shop", "2026.05.01"]), Ok("version 2026.05.01".into()));
        assert_eq!(
            target(&["shop", "repo/web", "--version", "1.2.3", "-f", "v.yaml"]),
            Ok("chart repo/web".into())
        );
        assert_eq!(
            target(&["shop", "./web-1.2.3.tgz"]),
            Ok("chart ./web-1.2.3.tgz".into())
        );
        assert_eq!(
            target(&["shop", "oci://x.example/web"]),
            Ok("chart oci://x.example/web".into())
        );
        // A chart of a repository that `--repo` names.
        assert_eq!(target(&["shop", "web-2"]), Ok("chart web-2".into()));
    }

    #[test]
    fn without_a_target_it_is_said_what_is_missing() {
        assert!(target(&["shop"]).unwrap_err().contains("a CHART, or a VERSION"));
    }
}
