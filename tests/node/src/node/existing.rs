//! Testing against somebody else's cluster: only one that was named as one to throw away.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

use super::folders::{remove, write_whole};
use super::test_node::Node;
use crate::cache::Cache;
use crate::command;
use crate::progress::Progress;
use crate::tools::Tools;

/// Environment variable with the contexts, separated by commas, that tests may use and break.
pub const ALLOWED_CONTEXTS_VARIABLE: &str = "SAFE_UPGRADE_TEST_CONTEXTS";

/// The cluster of this context of the user's kubeconfig, with the tests' own kubectl and Helm.
///
/// Tests are given a copy of the kubeconfig that holds this context alone.
///
/// # Errors
/// When [`ALLOWED_CONTEXTS_VARIABLE`] does not name the context, or kubectl does not know it.
pub fn existing(context: &str, cache: &Cache, progress: &Progress) -> Result<Node> {
    refuse_unless_allowed(context, &env::var(ALLOWED_CONTEXTS_VARIABLE).unwrap_or_default())?;
    crate::prerequisites::ensure_go(progress)?;
    let tools = Tools::build(cache, progress)?;
    let folder = cache.root().join("contexts").join(file_name(context));
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    for (name, program) in [
        ("kubectl", &tools.kubelite),
        ("helm3", &tools.helm3),
        ("helm4", &tools.helm4),
    ] {
        let link = folder.join(name);
        remove(&link)?;
        symlink(program, &link).with_context(|| format!("link {}", link.display()))?;
    }
    let kubectl = folder.join("kubectl");
    let mut view = Command::new(&kubectl);
    view.args(["config", "view", "--minify", "--flatten", "--context", context]);
    let kubeconfig = folder.join("kubeconfig");
    write_private(&kubeconfig, &command::run(&mut view)?)?;
    Ok(Node {
        kubeconfig,
        context: context.to_owned(),
        helm3: folder.join("helm3"),
        helm4: folder.join("helm4"),
        kubectl,
        programs: folder,
        own: None,
        cache: cache.clone(),
    })
}

fn refuse_unless_allowed(context: &str, allowed: &str) -> Result<()> {
    if allowed
        .split(',')
        .map(str::trim)
        .any(|name| !name.is_empty() && name == context)
    {
        return Ok(());
    }
    bail!(
        "tests may break the cluster that they use, so the context {context} must be named as one to throw away: \
         export {ALLOWED_CONTEXTS_VARIABLE}={context}"
    )
}

/// The kubeconfig holds credentials: nobody else may ever read it.
fn write_private(path: &Path, content: &str) -> Result<()> {
    write_whole(path, "")?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .with_context(|| format!("restrict {}", path.display()))?;
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}

/// Contexts have names like `admin@cluster` or ARNs with slashes.
fn file_name(context: &str) -> String {
    context
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '.' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_context_that_is_named_exactly_is_allowed() {
        assert!(refuse_unless_allowed("kind-a", "kind-b, kind-a").is_ok());
        for allowed in ["", "kind-ab", "kind", " , "] {
            let error = refuse_unless_allowed("kind-a", allowed).unwrap_err().to_string();
            assert!(
                error.contains("export SAFE_UPGRADE_TEST_CONTEXTS=kind-a"),
                "{error}"
            );
        }
        assert!(refuse_unless_allowed("", ",").is_err());
    }
}
