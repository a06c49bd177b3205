//! Kernel settings that the node (and its kubelet) changes, and their way back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::folders::{remove, write_whole};

/// What the node changes itself (forwarding), and what the kubelet sets at its start (its `setupKernelTunables`).
const CHANGED: [&str; 7] = [
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
];

/// Remembers the settings as they are, unless an earlier start that was never taken down has done so.
pub(super) fn remember(record: &Path) -> Result<()> {
    if record.exists() {
        return Ok(());
    }
    let values: BTreeMap<&str, String> = CHANGED
        .into_iter()
        .filter_map(|name| Some((name, fs::read_to_string(path(name)).ok()?.trim().to_owned())))
        .collect();
    write_whole(
        record,
        serde_json::to_vec_pretty(&values).context("record kernel settings")?,
    )
}

/// Lets the machine forward packets of pods.
pub(super) fn forward_packets() -> Result<()> {
    let forward = path("net/ipv4/ip_forward");
    fs::write(&forward, "1").with_context(|| format!("write {}", forward.display()))
}

/// Puts the remembered settings back.
pub(super) fn restore(record: &Path) -> Result<()> {
    let Ok(text) = fs::read(record) else { return Ok(()) };
    let values: BTreeMap<String, String> =
        serde_json::from_slice(&text).with_context(|| format!("parse {}", record.display()))?;
    for (name, value) in values {
        let path = path(&name);
        let now = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        if now.trim() != value {
            fs::write(&path, &value).with_context(|| format!("write {}", path.display()))?;
        }
    }
    remove(record)
}

fn path(name: &str) -> PathBuf {
    Path::new("/proc/sys").join(name)
}
