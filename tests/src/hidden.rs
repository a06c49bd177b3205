//! Secrets that a test used, and every place in which they must not be found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
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
    /// Logs of the node.
    logs: Vec<Log>,
    over: Arc<AtomicBool>,
    watcher: Option<JoinHandle<Result<BTreeSet<String>>>>,
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
        let mut logs = vec![Log::at(world.node.audit_log()?)?];
        for component in Component::ALL {
            logs.push(Log::at(world.node.log(component)?)?);
        }
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
            .map_err(|_| anyhow!("the look at processes failed"))??;
        ensure!(seen.is_empty(), "a secret in the arguments of {seen:?}");
        for ended in said {
            self.absent("what a program said", ended.to_string().as_bytes())?;
        }
        for folder in folders {
            for file in files_below(folder)? {
                self.absent(&file.display().to_string(), &std::fs::read(&file)?)?;
            }
        }
        for log in &self.logs {
            self.absent(&log.path.display().to_string(), &log.since()?)?;
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
fn seen_in_arguments(secrets: &[String], over: &AtomicBool) -> Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    while !over.load(Ordering::SeqCst) {
        for process in processes()? {
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
    Ok(seen)
}

/// A log that may be put aside under another name when it is long, and begun anew.
struct Log {
    path: PathBuf,
    /// The number of the file that was written into at the beginning: a file keeps it under another name.
    current: u64,
    /// By number, how long each file was at the beginning, those that were put aside before included.
    lengths: BTreeMap<u64, u64>,
}

impl Log {
    fn at(path: PathBuf) -> Result<Self> {
        let current = std::fs::metadata(&path)
            .with_context(|| format!("find {}", path.display()))?
            .ino();
        let lengths = files_of(&path)?
            .iter()
            .map(|(_, found)| (found.ino(), found.len()))
            .collect();
        Ok(Self {
            path,
            current,
            lengths,
        })
    }

    /// What was written since the beginning, wherever it stands now.
    fn since(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut is_whole = false;
        for (mut file, found) in files_of(&self.path)? {
            is_whole |= found.ino() == self.current;
            let begun = self.lengths.get(&found.ino()).copied().unwrap_or(0);
            ensure!(found.len() >= begun, "{} was cut off", self.path.display());
            file.seek(SeekFrom::Start(begun))?;
            file.read_to_end(&mut text)?;
        }
        ensure!(is_whole, "a part of {} is gone", self.path.display());
        Ok(text)
    }
}

/// A log and what was put aside of it: `audit.log` and `audit-TIME.log`.
fn files_of(log: &Path) -> Result<Vec<(File, Metadata)>> {
    let folder = log.parent().context("a log is in a folder")?;
    let stem = log.file_stem().context("a log has a name")?.to_string_lossy();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_aside = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&format!("{stem}-")));
        if path == log || is_aside {
            let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
            let found = file.metadata()?;
            files.push((file, found));
        }
    }
    Ok(files)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_log_was_given_is_found_wherever_it_was_put() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("audit.log");
        let aside = |name: &str| folder.path().join(format!("audit-{name}.log"));
        std::fs::write(aside("1"), "long ago ")?;
        std::fs::write(&path, "before ")?;
        let log = Log::at(path.clone())?;
        ensure!(log.since()?.is_empty());

        std::fs::write(&path, "before since ")?;
        std::fs::rename(&path, aside("2"))?;
        std::fs::write(&path, "then ")?;
        let text = String::from_utf8(log.since()?)?;
        ensure!(
            text.contains("since ") && text.contains("then ") && text.len() == 11,
            "{text}"
        );
        std::fs::remove_file(aside("2"))?;
        ensure!(log.since().is_err(), "what is gone was not missed");
        Ok(())
    }

    #[test]
    fn a_log_that_was_cut_off_is_no_log() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("audit.log");
        std::fs::write(&path, "before ")?;
        let log = Log::at(path.clone())?;
        std::fs::write(&path, "b")?;
        ensure!(log.since().is_err(), "what was cut off was not missed");
        Ok(())
    }
}
