//! Secrets that a test used, and every place in which they must not be found.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use test_node::Component;

use crate::{Ended, World, processes};

/// How often the processes of this machine are looked at, the containers' among them.
const LOOK: Duration = Duration::from_millis(40);

/// Secrets that are watched for from now on.
pub struct Hidden {
    secrets: Vec<String>,
    /// Logs of the node, and how long each was at the beginning.
    logs: Vec<(PathBuf, u64)>,
    over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<BTreeSet<String>>>,
}

impl Hidden {
    /// Begins to watch: logs from here on, and the arguments of all processes, again and again.
    ///
    /// # Errors
    /// When a secret is too short to be told from other text, or the node's logs cannot be found.
    pub fn watch(world: &World, secrets: &[&str]) -> Result<Self> {
        ensure!(
            secrets.iter().all(|secret| secret.len() >= 12),
            "a short secret may be found by chance"
        );
        let mut logs = vec![world.node.audit_log()?];
        for component in Component::ALL {
            logs.push(world.node.log(component)?);
        }
        let logs = logs
            .into_iter()
            .map(|log| {
                let length = std::fs::metadata(&log).map_or(0, |found| found.len());
                (log, length)
            })
            .collect();
        let secrets: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let over = Arc::new(AtomicBool::new(false));
        let watcher = std::thread::spawn({
            let (secrets, over) = (secrets.clone(), Arc::clone(&over));
            move || seen_in_arguments(&secrets, &over)
        });
        Ok(Self {
            secrets,
            logs,
            over,
            watcher: Some(watcher),
        })
    }

    /// Fails if a secret stands in what programs said, in a file of these folders, in the node's logs since the
    /// beginning, in a pod's log, in an object of the namespace that is no Secret of the application, or was ever in the
    /// arguments of a process.
    ///
    /// # Errors
    /// With the place, without the secret.
    pub fn are_nowhere(mut self, world: &World, said: &[&Ended], folders: &[&Path]) -> Result<()> {
        self.over.store(true, Ordering::SeqCst);
        let watcher = self.watcher.take().context("a watcher")?;
        let seen = watcher
            .join()
            .map_err(|_| anyhow!("the look at processes failed"))?;
        ensure!(seen.is_empty(), "a secret in the arguments of {seen:?}");
        for ended in said {
            self.absent("what a program said", ended.to_string().as_bytes())?;
        }
        for folder in folders {
            for file in files_below(folder)? {
                self.absent(&file.display().to_string(), &std::fs::read(&file)?)?;
            }
        }
        for (log, begun) in &self.logs {
            self.absent(&log.display().to_string(), &read_from(log, *begun)?)?;
        }
        let pods = world.place.kubectl(&["get", "pods", "--output", "name"])?;
        for pod in pods.lines() {
            let log = world
                .place
                .kubectl(&["logs", pod, "--all-containers", "--tail=-1"])?;
            self.absent(&format!("the log of {pod}"), log.as_bytes())?;
        }
        let kinds = "pods,jobs,cronjobs,configmaps,leases,events,serviceaccounts";
        let objects = world.place.kubectl(&["get", kinds, "--output", "json"])?;
        self.absent("an object", objects.as_bytes())?;
        let ours = [
            "get",
            "secrets",
            "--selector",
            "app.kubernetes.io/managed-by in (safe-upgrade, kubectl-pgbackup)",
            "--output",
            "go-template={{range .items}}{{range .data}}{{.|base64decode}}\n{{end}}{{end}}",
        ];
        self.absent("a Secret of ours", world.place.kubectl(&ours)?.as_bytes())
    }

    fn absent(&self, place: &str, text: &[u8]) -> Result<()> {
        let text = String::from_utf8_lossy(text);
        let found = self.secrets.iter().any(|secret| text.contains(secret.as_str()));
        ensure!(!found, "a secret stands in {place}");
        Ok(())
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
    }
}

/// The first words of every process that was seen with a secret in its arguments.
#[expect(
    clippy::disallowed_methods,
    reason = "processes of this machine cannot be watched"
)]
fn seen_in_arguments(secrets: &[String], over: &AtomicBool) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    while !over.load(Ordering::SeqCst) {
        for process in processes().unwrap_or_default() {
            let line = process.line();
            // The tests' own bucket is told its key so.
            if process
                .arguments
                .first()
                .is_some_and(|program| program.ends_with("s3s-fs"))
            {
                continue;
            }
            if secrets.iter().any(|secret| line.contains(secret)) {
                seen.insert(process.arguments.first().cloned().unwrap_or_default());
            }
        }
        std::thread::sleep(LOOK);
    }
    seen
}

fn read_from(log: &Path, begun: u64) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = File::open(log).with_context(|| format!("open {}", log.display()))?;
    file.seek(SeekFrom::Start(begun))?;
    file.read_to_end(&mut text)?;
    Ok(text)
}

/// Every file below a folder.
///
/// # Errors
/// When it cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
