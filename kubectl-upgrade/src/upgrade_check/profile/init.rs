//! `profile init`: a first profile for a release.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use checks::profiles::{DraftError, GENERIC, ProfileChoice, draft};
use checks::{ObserveError, ObserveRequest, observe};
use clap::Args;
use cli::{ConnectionFlags, DatabaseFlags, Environment, OutputFlags, end_with};
use model::{ExitCode, NextStep};
use thiserror::Error;

use crate::session::{Common, Session, UNCHANGED, could_not_begin};

/// Flags of `profile init`.
#[derive(Debug, Clone, Args)]
pub(crate) struct InitFlags {
    /// The release to write it from
    #[arg(value_name = "RELEASE")]
    release: String,
    /// File to write to; one that exists is left alone [default: standard output]
    #[arg(short = 'o', long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
}

/// Why no profile was written.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error("{} exists already, and is left as it is", .0.display())]
    Exists(PathBuf),
    #[error("failed to write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Refusal {
    /// What could not be read is unknown; all else could not begin.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Draft(DraftError::Workloads(_) | DraftError::NoChart(_)) => ExitCode::CannotTell,
            Self::Draft(_) | Self::Observe(_) | Self::Exists(_) | Self::Write { .. } => {
                ExitCode::CouldNotBegin
            }
        }
    }
}

pub(super) async fn run(flags: &InitFlags, environment: &Environment) -> ExitCode {
    let common = Common {
        connection: flags.connection.clone(),
        output: OutputFlags::default(),
    };
    let session = match Session::open(&common, environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let output = &session.output;
    // Before the cluster is asked for everything: the look would be for nothing.
    if let Some(path) = flags.output.as_ref().filter(|path| path.exists()) {
        return could_not_begin(output, &Refusal::Exists(path.clone()));
    }
    let written = async {
        let text = written(flags, &session).await?;
        if let Some(path) = &flags.output {
            save(path, &text)?;
        }
        Ok::<String, Refusal>(text)
    };
    match (written.await, &flags.output) {
        (Ok(_), Some(path)) => {
            // Talk that nobody takes is no reason to fail: the file is there.
            drop(output.talk(|err, style| render::next_steps(err, style, &next(flags, &session, path))));
            ExitCode::Done
        }
        (Ok(text), None) => end_with(output, output.text(|out| write!(out, "{text}")), ExitCode::Done),
        (Err(refusal), _) => cli::fail(output, &refusal, UNCHANGED, None, refusal.exit_code()),
    }
}

/// Looks at the release without anybody's word on it.
async fn written(flags: &InitFlags, session: &Session) -> Result<String, Refusal> {
    let request = ObserveRequest {
        cluster: session.cluster.clone(),
        namespace: session.namespace.clone(),
        release: flags.release.clone(),
        profile: ProfileChoice::from_argument(GENERIC),
        path_file: None,
        database: flags.database.options(),
        store: None,
    };
    let observed = observe(&request).await?;
    let hooks = observed.stored.as_ref().map(|stored| stored.hooks.as_slice());
    Ok(draft(&observed.observation, hooks)?)
}

/// Writes a file that was not there: nobody's own is lost.
fn save(path: &Path, text: &str) -> Result<(), Refusal> {
    let write = || {
        let mut file = File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Refusal::Exists(path.to_owned()),
        _ => Refusal::Write {
            path: path.to_owned(),
            source,
        },
    })
}

fn next(flags: &InitFlags, session: &Session, path: &Path) -> Vec<NextStep> {
    let file = path.display();
    let step = |text: &str, command: String| NextStep {
        text: text.into(),
        command: Some(command),
    };
    vec![
        step("read what was guessed", format!("grep -n -A1 'guess:' {file}")),
        step(
            "then see whether it can be used",
            format!("kubectl upgrade-check profile lint {file}"),
        ),
        step(
            "and how it fits",
            format!(
                "kubectl upgrade-check profile test {file} {} -n {}",
                flags.release, session.namespace
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.yaml");
        save(&path, "first").unwrap();
        assert!(matches!(save(&path, "second"), Err(Refusal::Exists(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "first");
        let nowhere = save(&folder.path().join("no/such/x.yaml"), "x").unwrap_err();
        assert!(nowhere.to_string().contains("x.yaml"), "{nowhere}");
    }
}
