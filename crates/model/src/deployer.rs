//! Who else deploys a release: tools that would undo what a person does to it, or do their own.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Confidence;

/// Tools that deploy releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeployerTool {
    /// Flux, whose controllers work in a cluster.
    Flux,
    /// Argo CD, whose controller works in a cluster.
    ArgoCd,
    /// Pulumi, which somebody runs.
    Pulumi,
    /// Terraform or `OpenTofu`, which somebody runs.
    Terraform,
    /// helmfile, which somebody runs. It leaves no trace that differs from helm's own.
    Helmfile,
}

impl DeployerTool {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Flux,
        Self::ArgoCd,
        Self::Pulumi,
        Self::Terraform,
        Self::Helmfile,
    ];

    /// The word for it in a profile and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Flux => "flux",
            Self::ArgoCd => "argo-cd",
            Self::Pulumi => "pulumi",
            Self::Terraform => "terraform",
            Self::Helmfile => "helmfile",
        }
    }
}

impl fmt::Display for DeployerTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flux => "Flux",
            Self::ArgoCd => "Argo CD",
            Self::Pulumi => "Pulumi",
            Self::Terraform => "Terraform",
            Self::Helmfile => "helmfile",
        })
    }
}

impl FromStr for DeployerTool {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|tool| tool.word() == text)
            .ok_or_else(|| {
                let words: Vec<&str> = Self::ALL.iter().map(|tool| tool.word()).collect();
                format!("expected one of {}", words.join(", "))
            })
    }
}

/// When a deployer acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "when", content = "why")]
pub enum DeployerActs {
    /// By itself, whenever something is not as its source says.
    ByItself,
    /// By itself, when its source changes.
    OnChange,
    /// When somebody runs it.
    WhenRun,
    /// Not before somebody lets it go on.
    Suspended,
    /// It could not be told; the reason is for the user.
    Unknown(String),
}

/// A deployer of a release, with what tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployer {
    /// The tool.
    pub tool: DeployerTool,
    /// Its object or source, where known: `HelmRelease shop/web`, `Application shop-web`.
    pub object: Option<String>,
    /// What tells of it: `label helm.toolkit.fluxcd.io/name on deployment/web`.
    pub evidence: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// When it acts.
    pub acts: DeployerActs,
}

impl fmt::Display for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.object {
            Some(object) => write!(f, "{} {object}", self.tool),
            None => self.tool.fmt(f),
        }
    }
}

/// A deployer that a profile or a person names, because nothing in the cluster may tell of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredDeployer {
    /// The tool.
    pub tool: DeployerTool,
    /// Where it takes the version from, for the user: a repository, a file.
    #[serde(default)]
    pub source: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_a_tool_is_the_same_everywhere() {
        for tool in DeployerTool::ALL {
            assert_eq!(tool.word().parse(), Ok(tool));
            assert_eq!(serde_json::to_value(tool).unwrap(), tool.word());
        }
        let told = "ansible".parse::<DeployerTool>().unwrap_err();
        assert!(told.contains("argo-cd") && told.contains("helmfile"), "{told}");
    }
}
