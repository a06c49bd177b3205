//! The user's own post-renderer as a command that ours can run first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::flags::UserPostRenderer;
use crate::{Helm, HelmError, HelmMajor, yaml};

/// A command that reads a manifest and writes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChainedCommand {
    pub(crate) program: String,
    pub(crate) args: Vec<String>,
    /// Variables on top of those that helm has.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Finds out how to run the user's post-renderer: Helm 3's is a command already, Helm 4's is a plugin.
pub(crate) async fn command(helm: &Helm, users: UserPostRenderer) -> Result<ChainedCommand, HelmError> {
    match helm.major() {
        HelmMajor::Three => Ok(ChainedCommand {
            program: users.name,
            args: users.args,
            environment: BTreeMap::new(),
        }),
        HelmMajor::Four => {
            let folders = helm.capture("env", ["env", "HELM_PLUGINS"]).await?;
            let folders = String::from_utf8_lossy(&folders).trim().to_owned();
            let refuse = |reason: &str| HelmError::PostRenderer {
                name: users.name.clone(),
                reason: reason.to_owned(),
            };
            let (folder, manifest) = std::env::split_paths(&folders)
                .find_map(|folder| find(&folder, &users.name))
                .ok_or_else(|| refuse("no plugin of this name and of type postrenderer/v1 is installed"))?;
            if manifest["runtime"] != "subprocess" {
                return Err(refuse(
                    "only plugins that run a command (runtime subprocess) can be called by ours",
                ));
            }
            from_plugin(&users, &folder, &manifest, |name| {
                std::env::var(name).unwrap_or_default()
            })
            .ok_or_else(|| refuse("it has no command for this system"))
        }
    }
}

/// The plugin's folder and its manifest. Folders that cannot be read hold no plugin for helm either.
fn find(plugins: &Path, name: &str) -> Option<(PathBuf, Value)> {
    std::fs::read_dir(plugins).ok()?.flatten().find_map(|entry| {
        let text = std::fs::read_to_string(entry.path().join("plugin.yaml")).ok()?;
        let manifest = yaml::parse(&text).ok()??.to_json();
        (manifest["name"] == name && manifest["type"] == "postrenderer/v1").then(|| (entry.path(), manifest))
    })
}

/// The command by Helm 4's own rules: system and architecture, else system, else neither; cut at spaces, then expanded.
fn from_plugin(
    users: &UserPostRenderer,
    folder: &Path,
    manifest: &Value,
    variable: impl Fn(&str) -> String,
) -> Option<ChainedCommand> {
    let commands = manifest["runtimeConfig"]["platformCommand"].as_array()?;
    let field = |command: &Value, name: &str| command[name].as_str().unwrap_or_default().to_lowercase();
    let fits = |os: &str, arch: &str| {
        commands
            .iter()
            .find(|command| field(command, "os") == os && field(command, "arch") == arch)
    };
    let (os, arch) = go_platform();
    let chosen = fits(os, arch).or_else(|| fits(os, "")).or_else(|| fits("", ""))?;
    let environment = BTreeMap::from([
        ("HELM_PLUGIN_NAME".to_owned(), users.name.clone()),
        ("HELM_PLUGIN_DIR".to_owned(), folder.display().to_string()),
    ]);
    let expand = |text: &str| {
        expand(text, |name| {
            environment.get(name).cloned().unwrap_or_else(|| variable(name))
        })
    };
    let mut words = chosen["command"].as_str()?.split(' ').map(expand);
    let program = words.next().filter(|program| !program.is_empty())?;
    let own_args = chosen["args"].as_array().into_iter().flatten();
    let args = words
        .chain(own_args.filter_map(Value::as_str).map(expand))
        .chain(users.args.iter().cloned())
        .collect();
    Some(ChainedCommand {
        program,
        args,
        environment,
    })
}

/// The platform as Go names it.
fn go_platform() -> (&'static str, &'static str) {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    };
    (os, arch)
}

/// Replaces `$NAME` and `${NAME}`.
fn expand(text: &str, variable: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        let (name, after) = match rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, after)) => (name, after),
            None => {
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        out.push_str(&variable(name));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plugins_command_is_chosen_and_expanded_as_helm_does() {
        let (os, _) = go_platform();
        let manifest = json!({"runtimeConfig": {"platformCommand": [
            {"os": "plan9", "command": "wrong"},
            {"command": "less-fitting"},
            {"os": os, "command": "${HELM_PLUGIN_DIR}/run $WORD", "args": ["--in=$WORD"]},
        ]}});
        let users = UserPostRenderer {
            name: "mine".into(),
            args: vec!["--last".into()],
        };
        let command = from_plugin(&users, Path::new("/with space/mine"), &manifest, |name| {
            format!("<{name}>")
        });
        let command = command.unwrap();
        assert_eq!(command.program, "/with space/mine/run");
        assert_eq!(command.args, ["<WORD>", "--in=<WORD>", "--last"]);
        assert_eq!(command.environment["HELM_PLUGIN_NAME"], "mine");
    }

    #[test]
    fn a_plugin_for_another_system_gives_no_command() {
        let manifest = json!({"runtimeConfig": {"platformCommand": [{"os": "plan9", "command": "x"}]}});
        let users = UserPostRenderer {
            name: "mine".into(),
            args: Vec::new(),
        };
        assert_eq!(
            from_plugin(&users, Path::new("/x"), &manifest, |_| String::new()),
            None
        );
    }
}
