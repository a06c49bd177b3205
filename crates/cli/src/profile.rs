//! Which profile is in force.

use std::path::PathBuf;

use checks::profiles::ProfileChoice;
use clap::Args;
use model::{DeclaredDeployer, DeployerTool};

/// The profile, and where others than the built-in ones are.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileFlags {
    /// Profile: a name, or a file (a dot or a slash in it)
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    #[command(flatten)]
    pack: PackFlags,
}

/// Where others than the built-in profiles are.
#[derive(Debug, Clone, Default, Args)]
pub struct PackFlags {
    /// Folder with profiles that go before the built-in ones
    #[arg(
        long,
        value_name = "FOLDER",
        env = "SAFE_UPGRADE_PROFILES",
        hide_env_values = true
    )]
    profile_dir: Option<PathBuf>,
}

impl ProfileFlags {
    /// What was said.
    pub fn choice(&self) -> ProfileChoice {
        self.pack.choice(self.profile.as_deref())
    }

    /// The flags as they have to be typed again, for a command that is proposed.
    pub fn words(&self) -> Vec<String> {
        let folder = self.pack.profile_dir.as_ref();
        let flags = [
            ("--profile", self.profile.clone()),
            ("--profile-dir", folder.map(|folder| folder.display().to_string())),
        ];
        flags
            .into_iter()
            .filter_map(|(flag, value)| Some([flag.to_owned(), value?]))
            .flatten()
            .collect()
    }
}

impl PackFlags {
    /// A profile that is named or in a file, else the one that fits.
    pub fn choice(&self, profile: Option<&str>) -> ProfileChoice {
        ProfileChoice {
            folder: self.profile_dir.clone(),
            ..profile.map(ProfileChoice::from_argument).unwrap_or_default()
        }
    }
}

/// Who else deploys the release.
#[derive(Debug, Clone, Default, Args)]
pub struct DeployerFlags {
    /// Who else deploys the release, where nothing in the cluster tells: flux, argo-cd, pulumi, terraform or helmfile
    #[arg(long, value_name = "TOOL")]
    deployer: Option<DeployerTool>,
}

impl DeployerFlags {
    /// What was said.
    pub fn declared(&self) -> Option<DeclaredDeployer> {
        self.deployer.map(|tool| DeclaredDeployer { tool, source: None })
    }

    /// The flag as it has to be typed again, for a command that is proposed.
    pub fn words(&self) -> Vec<String> {
        self.deployer
            .map(|tool| vec!["--deployer".to_owned(), tool.word().to_owned()])
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use checks::profiles::WantedProfile;
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        profile: ProfileFlags,
        #[command(flatten)]
        deployer: DeployerFlags,
    }

    #[test]
    fn a_profile_is_named_beside_its_folder_and_typed_again_with_it() {
        let line = Line::try_parse_from(["x", "--profile", "shop", "--profile-dir", "packs"]).unwrap();
        let choice = line.profile.choice();
        assert_eq!(choice.wanted, WantedProfile::Named("shop".into()));
        assert_eq!(choice.folder, Some("packs".into()));
        assert_eq!(
            line.profile.words(),
            ["--profile", "shop", "--profile-dir", "packs"]
        );
    }

    #[test]
    fn a_deployer_is_one_that_is_known() {
        let line = Line::try_parse_from(["x", "--deployer", "helmfile"]).unwrap();
        assert_eq!(line.deployer.declared().unwrap().tool, DeployerTool::Helmfile);
        let told = Line::try_parse_from(["x", "--deployer", "make"])
            .unwrap_err()
            .to_string();
        assert!(told.contains("argo-cd"), "{told}");
    }
}
