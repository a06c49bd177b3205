//! What lies on disk while helm runs with our post-renderer.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::chain::{self, ChainedCommand};
use super::program::WORD;
use super::spec::PostRenderSpec;
use crate::flags::UserPostRenderer;
use crate::{Helm, HelmError, HelmMajor};

/// The plugin's name on Helm 4.
const PLUGIN: &str = "safe-upgrade-post-render";

/// Helm 4 expands variables after it has split a command at spaces: so any path can be handed over.
const PROGRAM_VARIABLE: &str = "SAFE_UPGRADE_PROGRAM";
const ORDER_VARIABLE: &str = "SAFE_UPGRADE_POST_RENDER_ORDER";

const PLUGIN_YAML: &str = "\
apiVersion: v1
type: postrenderer/v1
name: safe-upgrade-post-render
version: 0.1.0
runtime: subprocess
runtimeConfig:
  platformCommand:
    - command: \"${SAFE_UPGRADE_PROGRAM}\"
      args: [\"__post-render\", \"${SAFE_UPGRADE_POST_RENDER_ORDER}\"]
";

/// What the hidden subcommand reads.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    /// The edits.
    pub(crate) spec: PostRenderSpec,
    /// What runs first.
    pub(crate) first: Option<ChainedCommand>,
    /// Where an error is left: Helm 4 shows nothing of what a post-renderer says.
    pub(crate) errors: PathBuf,
}

/// A folder with all that helm needs to call us back. It goes when this is dropped.
pub(crate) struct Staged {
    folder: TempDir,
    program: PathBuf,
    major: HelmMajor,
}

impl Staged {
    pub(crate) async fn new(
        helm: &Helm,
        spec: &PostRenderSpec,
        users: Option<UserPostRenderer>,
    ) -> Result<Self, HelmError> {
        let first = match users {
            Some(users) => Some(chain::command(helm, users).await?),
            None => None,
        };
        let folder = tempfile::Builder::new()
            .prefix("safe-upgrade-")
            .tempdir()
            .map_err(|source| HelmError::File {
                act: "make",
                path: std::env::temp_dir(),
                source,
            })?;
        let staged = Self {
            folder,
            program: helm.own_program().to_owned(),
            major: helm.major(),
        };
        let order = Order {
            spec: spec.clone(),
            first,
            errors: staged.errors(),
        };
        // Plain data with string keys: it always serializes.
        let order = serde_json::to_vec(&order).unwrap_or_default();
        write(&staged.order(), &order)?;
        match staged.major {
            HelmMajor::Three => {}
            HelmMajor::Four => {
                let plugin = staged.plugins().join(PLUGIN);
                std::fs::create_dir_all(&plugin).map_err(|source| HelmError::File {
                    act: "make",
                    path: plugin.clone(),
                    source,
                })?;
                write(&plugin.join("plugin.yaml"), PLUGIN_YAML.as_bytes())?;
            }
        }
        Ok(staged)
    }

    /// The flags that make helm call us.
    pub(crate) fn flags(&self) -> Vec<OsString> {
        match self.major {
            HelmMajor::Three => vec![
                "--post-renderer".into(),
                self.program.clone().into(),
                "--post-renderer-args".into(),
                WORD.into(),
                "--post-renderer-args".into(),
                self.order().into(),
            ],
            HelmMajor::Four => vec!["--post-renderer".into(), PLUGIN.into()],
        }
    }

    /// The variables that make Helm 4 find us. The user's plugins are left out for this one call: the chart is on disk,
    /// and their post-renderer is called by ours.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        match self.major {
            HelmMajor::Three => Vec::new(),
            HelmMajor::Four => vec![
                ("HELM_PLUGINS", self.plugins().into()),
                (PROGRAM_VARIABLE, self.program.clone().into()),
                (ORDER_VARIABLE, self.order().into()),
            ],
        }
    }

    /// Where an error of ours is left.
    pub(crate) fn errors(&self) -> PathBuf {
        self.folder.path().join("error")
    }

    fn order(&self) -> PathBuf {
        self.folder.path().join("order.json")
    }

    fn plugins(&self) -> PathBuf {
        self.folder.path().join("plugins")
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), HelmError> {
    std::fs::write(path, bytes).map_err(|source| HelmError::File {
        act: "write",
        path: path.to_owned(),
        source,
    })
}
