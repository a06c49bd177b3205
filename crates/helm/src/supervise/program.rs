//! The hidden subcommand between this program and helm.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::group;

/// The subcommand's word.
pub const WORD: &str = "__supervise";

/// How long helm may take to end after SIGTERM: it marks its revision failed by two or three API requests.
pub const STOP_GRACE: Duration = Duration::from_secs(15);

/// The exit code when the command could not be started, as a shell says it.
const CANNOT_START: u8 = 127;

enum Happening {
    Ended(std::io::Result<ExitStatus>),
    ParentGone,
}

/// Runs the command in `args` (the words after [`WORD`]) in its own process group and ends with its exit code. When
/// standard input closes, which it does when the parent ends however it ends, the group is told to end and then killed.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(program) = args.next() else {
        return ExitCode::from(CANNOT_START);
    };
    let mut command = Command::new(&program);
    command.args(args).stdin(Stdio::null());
    group::start_apart(&mut command);
    match command.spawn() {
        Ok(child) => watch(child),
        Err(error) => {
            complain(&format!("Error: failed to start {}: {error}", program.display()));
            ExitCode::from(CANNOT_START)
        }
    }
}

fn watch(mut child: Child) -> ExitCode {
    let id = child.id();
    let (tell, happenings) = mpsc::channel();
    let parent_gone = tell.clone();
    std::thread::spawn(move || {
        // Nothing is ever written: the read returns when the last writing end is closed.
        let _ = std::io::stdin().read(&mut [0]);
        let _ = parent_gone.send(Happening::ParentGone);
    });
    std::thread::spawn(move || {
        let _ = tell.send(Happening::Ended(child.wait()));
    });
    let mut ended = None;
    match happenings.recv() {
        Ok(Happening::Ended(status)) => ended = Some(status),
        Ok(Happening::ParentGone) | Err(_) => {
            group::end(id);
            if let Ok(Happening::Ended(status)) = happenings.recv_timeout(STOP_GRACE) {
                ended = Some(status);
            }
        }
    }
    // What helm left behind in its group, such as a post-renderer, ends too.
    group::kill(id);
    let ended = match ended {
        Some(status) => status,
        None => match happenings.recv() {
            Ok(Happening::Ended(status)) => status,
            Ok(Happening::ParentGone) | Err(_) => return ExitCode::FAILURE,
        },
    };
    match ended {
        Ok(status) => ExitCode::from(group::code(status)),
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(line: &str) {
    use std::io::Write;
    // Nobody is left to be told when even this fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}
