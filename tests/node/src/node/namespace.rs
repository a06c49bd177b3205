//! A namespace of its own for each test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use super::test_node::Node;

/// When this environment variable is set, namespaces stay after their test, for a person to look into.
pub const KEEP_VARIABLE: &str = "SAFE_UPGRADE_KEEP_NAMESPACES";

/// A namespace that goes away with this value.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    node: Node,
}

impl Namespace {
    pub(super) fn create(node: &Node, prefix: &str) -> Result<Self> {
        let name = unique(prefix)?;
        node.kubectl(["create", "namespace", &name])?;
        let namespace = Self {
            name,
            node: node.clone(),
        };
        // Before that, the API server refuses pods.
        namespace.node.kubectl([
            "wait",
            "--namespace",
            &namespace.name,
            "--for=create",
            "serviceaccount/default",
            "--timeout=60s",
        ])?;
        Ok(namespace)
    }

    /// The namespace's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs kubectl in this namespace; it must succeed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.node
            .kubectl(["--namespace", self.name.as_str()].iter().chain(arguments))
    }

    /// Applies a manifest in this namespace.
    ///
    /// # Errors
    /// When kubectl fails.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        self.node.apply(&self.name, manifest)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::env::var_os(KEEP_VARIABLE).is_none() {
            // A test that has failed already must not be hidden behind a second failure here.
            let _ = self.node.kubectl([
                "delete",
                "namespace",
                &self.name,
                "--wait=false",
                "--ignore-not-found",
            ]);
        }
    }
}

/// A name that no other test uses, in this process or another, now or earlier.
fn unique(prefix: &str) -> Result<String> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let milliseconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("read the clock")?
        .as_millis();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    Ok(format!(
        "{prefix}-{:x}-{:x}{count:x}",
        milliseconds & 0xffff_ffff,
        std::process::id()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ_and_are_valid_for_kubernetes() {
        let (one, two) = (unique("ledger").unwrap(), unique("ledger").unwrap());
        assert_ne!(one, two);
        assert!(
            one.len() <= 63
                && one
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{one}"
        );
    }
}
