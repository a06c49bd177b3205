//! A command of the user's, by the system's shell.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

/// The most that is kept of what a command says when it fails, in bytes.
const WORDS: u64 = 300;

/// Runs a command at most for a time, with a text on its standard input.
///
/// # Errors
/// In words: it cannot be started, fails, or takes longer; it is ended then, with all that it started.
pub(crate) async fn run(
    line: &str,
    environment: &[(&str, &str)],
    input: &str,
    limit: Duration,
) -> Result<(), String> {
    let mut command = shell(line);
    command
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut group = Group(child.id());
    match tokio::time::timeout(limit, end_of(&mut child, input)).await {
        Ok(ended) => {
            group.0 = None;
            ended
        }
        Err(_) => Err(format!("it was ended after {} s", limit.as_secs())),
    }
}

/// Hands the text over and waits for the end, with the last words where it failed.
async fn end_of(child: &mut Child, input: &str) -> Result<(), String> {
    if let Some(mut stdin) = child.stdin.take() {
        // A command that reads nothing may end before all is written; how it ends counts.
        drop(stdin.write_all(input.as_bytes()).await);
    }
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        drop((&mut stderr).take(WORDS).read_to_end(&mut said).await);
        // What nobody reads would hold the command up.
        drop(tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await);
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    let said = model::text::line(&String::from_utf8_lossy(&said));
    match (status.success(), said.trim()) {
        (true, _) => Ok(()),
        (false, "") => Err(status.to_string()),
        (false, said) => Err(format!("{status}: {said}")),
    }
}

/// A command's group while the command is at work: dropped then, it ends whole, since a shell alone would leave behind what
/// it waits for.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            helm::supervise::kill_group(leader);
        }
    }
}

/// In a group of its own, so that an interrupt that is meant for the run does not end it.
#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).process_group(0);
    command
}

#[cfg(not(unix))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.args(["/C", line]);
    command
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_body_comes_on_standard_input() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("body");
        let line = format!("cat > '{}'; test \"$OF\" = shop", file.display());
        run(&line, &[("OF", "shop")], "{\"at\":\"start\"}", LIMIT)
            .await
            .unwrap();
        assert_eq!(std::fs::read_to_string(file).unwrap(), "{\"at\":\"start\"}");
    }

    #[tokio::test]
    async fn what_fails_says_why_and_what_hangs_is_ended() {
        let failed = run("echo no pager here >&2; exit 3", &[], "x", LIMIT)
            .await
            .unwrap_err();
        assert!(
            failed.contains('3') && failed.ends_with("no pager here"),
            "{failed}"
        );
        assert!(run("exit 0", &[], &"x".repeat(1 << 20), LIMIT).await.is_ok());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let line = format!("sleep 600 & echo $! > '{}'; wait", file.display());
        let hung = run(&line, &[], "x", Duration::from_secs(2)).await.unwrap_err();
        assert!(hung.contains("ended"), "{hung}");
        let left = std::fs::read_to_string(file).unwrap();
        let is_gone = format!(
            "! kill -0 {0} || grep -q '^State:.Z' /proc/{0}/status",
            left.trim()
        );
        run(&is_gone, &[], "", LIMIT).await.unwrap();
    }
}
