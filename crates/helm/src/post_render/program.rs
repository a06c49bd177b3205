//! The hidden subcommand that helm runs as its post-renderer.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use super::apply;
use super::chain::ChainedCommand;
use super::stage::Order;

/// The subcommand's word.
pub const WORD: &str = "__post-render";

/// Reads a manifest from standard input, runs the user's own post-renderer first, and writes the edited manifest to
/// standard output. `args` are the words after [`WORD`]: the order's file.
pub fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(order) = args.next() else {
        return ExitCode::FAILURE;
    };
    let order: Order = match read_order(Path::new(&order)) {
        Ok(order) => order,
        Err(error) => {
            complain(&error);
            return ExitCode::FAILURE;
        }
    };
    match run(&order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            // The words above are all there is when even this fails.
            let _ = std::fs::write(&order.errors, &error);
            ExitCode::FAILURE
        }
    }
}

fn read_order(path: &Path) -> Result<Order, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

fn run(order: &Order) -> Result<(), String> {
    let mut manifest = Vec::new();
    std::io::stdin()
        .read_to_end(&mut manifest)
        .map_err(|error| format!("failed to read helm's manifest: {error}"))?;
    if let Some(first) = &order.first {
        manifest = run_first(first, manifest)?;
    }
    let manifest = String::from_utf8(manifest).map_err(|_| "the manifest is not UTF-8".to_owned())?;
    let edited = apply(&manifest, &order.spec).map_err(|error| model::causes(&error))?;
    std::io::stdout()
        .write_all(edited.as_bytes())
        .map_err(|error| format!("failed to hand the manifest back to helm: {error}"))
}

fn run_first(command: &ChainedCommand, manifest: Vec<u8>) -> Result<Vec<u8>, String> {
    let failed = |what: &str| format!("the post-renderer {} {what}", command.program);
    let mut child = Command::new(&command.program)
        .args(&command.args)
        .envs(&command.environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&format!("could not be started: {error}")))?;
    let stdin = child.stdin.take();
    // It may write before it has read everything: both must go on at once.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // One that needs no input may close it.
            let _ = stdin.write_all(&manifest);
        }
    });
    let output = child
        .wait_with_output()
        .map_err(|error| failed(&format!("could not be read: {error}")))?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(failed(&format!("failed: {}", output.status)));
    }
    if output.stdout.trim_ascii().is_empty() {
        return Err(failed("gave nothing"));
    }
    Ok(output.stdout)
}

fn complain(error: &str) {
    // Nobody is left to be told when even this fails.
    let _ = writeln!(std::io::stderr(), "Error: {error}");
}
