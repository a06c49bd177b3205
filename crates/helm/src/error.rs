//! What can go wrong around the helm binary.

use std::path::PathBuf;

use thiserror::Error;

/// A failure around the helm binary, a chart or values.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HelmError {
    /// No helm binary.
    #[error("no helm found: set HELM_BIN or --helm-bin, or put helm on PATH")]
    NotFound,
    /// The binary could not be started.
    #[error("failed to start {program}")]
    Start {
        /// The binary.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The binary answered something that is no version of Helm.
    #[error("{program} gave {answer:?} as its version, which is no version of Helm")]
    Version {
        /// The binary.
        program: PathBuf,
        /// What it said.
        answer: String,
    },
    /// A Helm that is too old or too new.
    #[error("helm {version} is not supported: 3.17 or later of Helm 3, or Helm 4, is needed")]
    Unsupported {
        /// Its version.
        version: semver::Version,
    },
    /// helm ended with a failure.
    #[error("helm {act} failed: {message}")]
    Failed {
        /// The helm command.
        act: String,
        /// helm's own last error, on one line.
        message: String,
    },
    /// helm's output could not be understood.
    #[error("failed to read the output of helm {act}: {reason}")]
    Output {
        /// The helm command.
        act: String,
        /// What was wrong; never the output itself, which may hold secrets.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("failed to {act} {path}")]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A path where no chart is.
    #[error("no chart at {path}")]
    NoChart {
        /// The path as typed.
        path: PathBuf,
    },
    /// A chart archive does not hold what it must.
    #[error("chart archive {path}: {reason}")]
    Chart {
        /// The archive.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A manifest that is no YAML.
    #[error("the manifest is not valid YAML")]
    Manifest(#[source] crate::manifest::ManifestError),
    /// The user's post-renderer cannot run before ours.
    #[error("post-renderer {name} cannot be combined with --gate traffic: {reason}")]
    PostRenderer {
        /// The user's post-renderer.
        name: String,
        /// Why.
        reason: String,
    },
    /// A connection flag of kubectl that helm has no counterpart for.
    #[error("helm has no counterpart of {flag}: name a context instead")]
    NoSuchConnection {
        /// The flag.
        flag: &'static str,
    },
    /// The supervisor's task ended unexpectedly.
    #[error("lost sight of helm")]
    Lost(#[source] std::io::Error),
}
