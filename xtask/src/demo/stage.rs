//! Where the demonstration is seen: acts, commands as they are typed, and what they say, as it comes.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use test_node::Node;

use crate::terminal::{bold, say};

/// A folder and a namespace to type in.
pub(crate) struct Stage {
    node: Node,
    folder: PathBuf,
    namespace: String,
    act: Cell<u32>,
}

impl Stage {
    pub(crate) fn new(node: &Node, folder: &Path, namespace: &str) -> Self {
        Self {
            node: node.clone(),
            folder: folder.to_owned(),
            namespace: namespace.to_owned(),
            act: Cell::new(0),
        }
    }

    /// Begins an act.
    pub(crate) fn act(&self, title: &str) -> Result<()> {
        self.act.set(self.act.get() + 1);
        say(&format!("\n{}", bold(&format!("━━ {}. {title}", self.act.get()))))
    }

    /// A line about what was done without a command.
    pub(crate) fn tells(&self, line: &str) -> Result<()> {
        say(&format!("  {line}"))
    }

    /// Shows a command as a person would type it.
    pub(crate) fn shows(&self, words: &[&str], remark: &str) -> Result<()> {
        let line: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        say(&format!("{}{remark}", bold(&format!("$ {}", line.join(" ")))))
    }

    /// Shows a command, runs it with its output going where ours goes, and fails unless it ends with this code.
    pub(crate) fn types(&self, words: &[&str], code: i32) -> Result<()> {
        self.shows(words, "")?;
        let status = self
            .command(words)?
            .status()
            .with_context(|| format!("start {}", words.join(" ")))?;
        ensure!(
            status.code() == Some(code),
            "`{}` should have ended with exit code {code}: {status}",
            words.join(" ")
        );
        if code != 0 {
            self.tells(&format!("exit code {code}"))?;
        }
        Ok(())
    }

    /// The command, with the demonstration's programs, cluster and namespace.
    pub(crate) fn command(&self, words: &[&str]) -> Result<Command> {
        let (program, arguments) = words.split_first().context("a command has a program")?;
        let bin = self.folder.join("bin");
        let mut command = self.node.command(bin.join(program));
        command.args(arguments).current_dir(&self.folder);
        for (name, value) in self.environment()? {
            command.env(name, value);
        }
        Ok(command)
    }

    fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        let bin = self.folder.join("bin");
        let path = std::env::var("PATH").context("read PATH")?;
        let text = |name: &str| self.folder.join(name).display().to_string();
        Ok(vec![
            ("PATH", format!("{}:{path}", bin.display())),
            ("KUBECONFIG", text("kubeconfig")),
            ("HELM_DATA_HOME", text("helm/data")),
            ("HELM_CONFIG_HOME", text("helm/config")),
            ("HELM_CACHE_HOME", text("helm/cache")),
            // The plugin's install script takes this program instead of building one.
            ("SAFE_UPGRADE_PROGRAM", text("helm-safe-upgrade")),
        ])
    }

    /// Writes a kubeconfig with the namespace in it, and a file for a shell that wants to go on.
    pub(crate) fn lay_out(&self) -> Result<()> {
        let kubeconfig = self.folder.join("kubeconfig");
        fs::copy(&self.node.kubeconfig, &kubeconfig)
            .with_context(|| format!("write {}", kubeconfig.display()))?;
        let given = kubeconfig.display().to_string();
        self.node.kubectl([
            "--kubeconfig",
            &given,
            "config",
            "set-context",
            "--current",
            "--namespace",
            &self.namespace,
        ])?;
        let mut text = String::from("# For a shell: . this file\n");
        for (name, value) in self.environment()? {
            text.push_str(&format!("export {name}={}\n", shell_word(&value)));
        }
        text.push_str(&format!(
            "cd {}\n",
            shell_word(&self.folder.display().to_string())
        ));
        let env = self.folder.join("env");
        fs::write(&env, text).with_context(|| format!("write {}", env.display()))
    }
}

/// A word as a shell reads it back.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_blanks_or_quotes_are_quoted_and_plain_ones_are_not() {
        assert_eq!(shell_word("--set=a.b=c"), "--set=a.b=c");
        assert_eq!(shell_word("select 1"), "'select 1'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
