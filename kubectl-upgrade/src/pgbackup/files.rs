//! `kubectl pgbackup put`, and `get --pod`: any file of any pod.

use std::path::{Path, PathBuf};

use backup::PodRunner;
use backup::files::{CopiedFile, FileError, FileProof, PodFile, get_file, put_file};
use clap::Args;
use cli::Environment;
use cluster::ApiError;
use model::{API_VERSION, ExitCode, FileCopyReport};

use super::act::{ActEnd, act};
use super::failure::{Ends, failed};
use super::stored::Words;
use crate::session::{Common, Session, could_not_begin};

/// Flags of `put`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PutFlags {
    /// The file on this machine
    #[arg(value_name = "FILE")]
    source: PathBuf,
    /// The pod, its container where it has several, and the path there
    #[arg(long, value_name = "POD[/CONTAINER]:PATH")]
    pod: PodFile,
    /// Replace a file that is there
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    common: Common,
}

impl Ends for FileError {
    fn code(&self) -> ExitCode {
        match self {
            Self::Absent(_)
            | Self::NoFile { .. }
            | Self::Unreadable(_)
            | Self::Taken(_)
            | Self::Folder(_)
            | Self::Link(_)
            | Self::Busy(_)
            | Self::NoShell { .. } => ExitCode::CouldNotBegin,
            _ => ExitCode::PutBack,
        }
    }

    fn state(&self) -> &'static str {
        "What was at the destination is as it was."
    }
}

/// Sends a file into a pod.
pub(crate) async fn put(flags: &PutFlags, environment: &Environment) -> ExitCode {
    let session = match Session::open(&flags.common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let runner = match runner(&session, &flags.pod).await {
        Ok(runner) => runner,
        Err(error) => return could_not_begin(&session.output, &error),
    };
    let source = flags.source.display().to_string();
    let title = format!("copy {source} to {}", flags.pod);
    let copied = act(&session.output, &title, async |progress| {
        put_file(&runner, &flags.source, &flags.pod.path, flags.overwrite, progress).await
    })
    .await;
    let advice = "the same command again";
    ended(&session, copied, (source, flags.pod.to_string()), advice)
}

/// Fetches a file from a pod.
pub(crate) async fn get(
    common: &Common,
    file: &PodFile,
    destination: &Path,
    overwrite: bool,
    environment: &Environment,
) -> ExitCode {
    let session = match Session::open(common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let runner = match runner(&session, file).await {
        Ok(runner) => runner,
        Err(error) => return could_not_begin(&session.output, &error),
    };
    let to = destination.display().to_string();
    let title = format!("copy {file} to {to}");
    let copied = act(&session.output, &title, async |progress| {
        get_file(&runner, &file.path, destination, overwrite, progress).await
    })
    .await;
    let advice = "the same command again: what arrived lies beside the destination as .part and is taken up";
    ended(&session, copied, (file.to_string(), to), advice)
}

async fn runner(session: &Session, file: &PodFile) -> Result<PodRunner, ApiError> {
    let Session {
        cluster, namespace, ..
    } = session;
    let container = match &file.container {
        Some(container) => container.clone(),
        None => cluster.default_container(namespace, &file.pod).await?,
    };
    Ok(PodRunner::new(cluster, namespace, &file.pod, &container))
}

fn ended(
    session: &Session,
    copied: ActEnd<CopiedFile, FileError>,
    (from, to): (String, String),
    advice: &str,
) -> ExitCode {
    let output = &session.output;
    match copied {
        ActEnd::Ended(Ok(copied)) => {
            let report = report(copied, from, to);
            let written = output.result(&report, |out, style| render::file_copy(out, style, &report));
            cli::end_with(output, written, ExitCode::Done)
        }
        ActEnd::Ended(Err(error)) if error.code() == ExitCode::PutBack => {
            cli::fail(output, &error, error.state(), Some(advice), error.code())
        }
        ActEnd::Ended(Err(error)) => failed(output, &error),
        ActEnd::Interrupted => cli::fail(
            output,
            &Words("interrupted".into()),
            "What was at the destination is as it was.",
            Some(advice),
            ExitCode::PutBack,
        ),
    }
}

fn report(copied: CopiedFile, from: String, to: String) -> FileCopyReport {
    let mut notes = Vec::new();
    if copied.grown > 0 {
        notes.push(format!(
            "the file has grown by {} bytes since the copy began; the copy holds what was there then",
            copied.grown
        ));
    }
    if !copied.mode_kept {
        notes.push("the container cannot tell the file's mode; the copy is private to you".to_owned());
    }
    match copied.proof {
        FileProof::Sha256 => {}
        FileProof::Cksum => notes.push("a CRC finds accidents, not intent".to_owned()),
        FileProof::Bytes => notes.push("equal size does not prove equal content".to_owned()),
    }
    FileCopyReport {
        api_version: API_VERSION.into(),
        kind: "FileCopy".into(),
        from,
        to,
        bytes: copied.bytes,
        sha256: copied.sha256,
        proof: copied.proof.word().into(),
        resumed_bytes: copied.resumed,
        notes,
    }
}
