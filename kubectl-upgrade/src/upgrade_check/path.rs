//! `kubectl upgrade-check path RELEASE VERSION|CHART`: the way to a version, and what each upgrade of it meets.

use std::error::Error;
use std::path::{Path, PathBuf};

use checks::SavedError;
use checks::path::PathChoiceError;
use clap::{Args, CommandFactory, Parser, ValueEnum};
use cli::{
    ConnectionFlags, DatabaseFlags, Environment, Format, MixedLineError, Output, OutputFlags, ProfileFlags,
};
use model::path::PathReport;
use model::{ExitCode, SavedObservation};
use thiserror::Error;

use super::arguments::FailOn;
use super::look::{Look, LookError, Wanted, is_version, wanted};
use crate::session::{Common, Session, UNCHANGED, could_not_begin};

/// Tell the way to a version: which versions must be visited, and what each upgrade meets; changes nothing
#[derive(Debug, Parser)]
#[command(
    name = "path",
    bin_name = "kubectl upgrade-check path",
    override_usage = "kubectl upgrade-check path RELEASE VERSION [flags]\n       \
                      kubectl upgrade-check path RELEASE CHART [flags of helm upgrade] [flags]\n       \
                      kubectl upgrade-check path --observation FILE [VERSION] [flags]",
    after_help = "VERSION is the application's: 2.34.1, v1.8, 2026.05.01. A CHART is rendered as for `kubectl upgrade-check`, \
                  with its flags (--version, -f, --set …); a folder that is called like a version is written ./2.0.\n\n\
                  The first upgrade is judged by the database as it is, read-only; the later ones are to be judged again then. \
                  docs/path.md tells how a path is written.\n\n\
                  Exit codes: 0 the next upgrade may be judged, 1 could not begin, 2 it is blocked or the version is older, \
                  3 the way or a blocking hazard could not be told."
)]
pub(crate) struct PathCommand {
    #[command(flatten)]
    flags: PathFlags,
}

/// Flags that are not helm's.
#[derive(Debug, Clone, Args)]
struct PathFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Upgrade path: a file, or URL@sha256:DIGEST; without it the profile's, else a built-in one
    #[arg(long, value_name = "FILE|URL")]
    path_file: Option<String>,
    #[command(flatten)]
    profile: ProfileFlags,
    /// End with 2 on warnings, too
    #[arg(long, value_enum, value_name = "warn")]
    fail_on: Option<FailOn>,
    /// The helm to render a chart with
    #[arg(long, value_name = "FILE")]
    helm_bin: Option<PathBuf>,
    /// Keep what was seen in a file, to judge it later or elsewhere
    #[arg(long, value_name = "FILE", conflicts_with = "observation")]
    save_observation: Option<PathBuf>,
    /// Judge what such a file holds; asks no cluster
    #[arg(long, value_name = "FILE")]
    observation: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseFlags,
    #[command(flatten)]
    connection: ConnectionFlags,
    #[command(flatten)]
    form: PathFormFlags,
}

/// In which form the way is written.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
struct PathFormFlags {
    /// Form of the report
    #[arg(short = 'o', long = "output", value_enum, default_value_t = PathForm::Table, value_name = "FORM")]
    form: PathForm,
    /// No colours; NO_COLOR in the environment says the same
    #[arg(long)]
    no_color: bool,
}

/// Forms of a way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum PathForm {
    /// Every upgrade with what it meets
    #[default]
    Table,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
    /// A change ticket
    Markdown,
}

/// Why no way is told.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Path(#[from] PathChoiceError),
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error("the observation was taken without a chart: name the VERSION to go to")]
    NoVersion,
    #[error("with --observation only a VERSION can be given: the file holds all else")]
    ObservationAlone,
}

/// Runs the command; `words` begin with the program's name.
pub(super) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let (mut flags, mut line) = match cli::mixed_line::<PathCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return code,
        Err(MixedLineError::Flag(error)) => return usage(&environment, &error),
    };
    if let Some(release) = flags.release.take() {
        line.insert(0, release);
    }
    if let Some(file) = &flags.observation {
        let output = Output::new(&flags.common().output, &environment);
        return match kept(file, &line, &flags).await {
            Ok(report) => show(&output, &report, &flags),
            Err(refusal) => could_not_begin(&output, &refusal),
        };
    }
    if line.is_empty() {
        drop(PathCommand::command().print_help());
        return ExitCode::CouldNotBegin;
    }
    let (wanted, version) = match asked(&line) {
        Ok(asked) => asked,
        Err(error) => return usage(&environment, error.as_ref()),
    };
    let session = match Session::open(&flags.common(), &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    match judge(&session, &flags, wanted, version.as_deref(), &line, &environment).await {
        Ok(report) => show(&session.output, &report, &flags),
        Err(refusal) => could_not_begin(&session.output, &refusal),
    }
}

/// What is to be looked at, and the version where one was named in place of a chart.
fn asked(words: &[String]) -> Result<(Wanted, Option<String>), Box<dyn Error>> {
    if let [release, version] = words
        && !release.starts_with('-')
        && is_version(version)
    {
        return Ok((Wanted::Running(release.clone()), Some(version.clone())));
    }
    match wanted(words)? {
        Wanted::Target => Ok((Wanted::Target, None)),
        Wanted::Running(_) => Err("name the VERSION or the CHART to go to".into()),
    }
}

async fn judge(
    session: &Session,
    flags: &PathFlags,
    wanted: Wanted,
    version: Option<&str>,
    words: &[String],
    environment: &Environment,
) -> Result<PathReport, Refusal> {
    let look = Look {
        profile: flags.profile.choice(),
        path_file: flags.path_file.as_deref(),
        database: &flags.database,
        store: None,
        migrations: None,
        helm_bin: flags.helm_bin.as_deref(),
        environment,
    };
    let saved = look.observe(session, wanted, words).await?;
    if let Some(file) = &flags.save_observation {
        checks::save_observation(file, &saved)?;
    }
    Ok(report(&saved, version))
}

/// Judges what was kept.
async fn kept(file: &Path, words: &[String], flags: &PathFlags) -> Result<PathReport, Refusal> {
    let version = match words {
        [] => None,
        [word] if is_version(word) => Some(word.as_str()),
        _ => return Err(Refusal::ObservationAlone),
    };
    let mut saved = checks::load_observation(file)?;
    if version.is_none() && saved.target.is_none() {
        return Err(Refusal::NoVersion);
    }
    if let Some(path) = &flags.path_file {
        checks::path::replace_path(&mut saved, path).await?;
    }
    Ok(report(&saved, version))
}

fn report(saved: &SavedObservation, version: Option<&str>) -> PathReport {
    checks::path::path_report(&saved.observation, &saved.profile, saved.target.as_ref(), version)
}

fn usage(environment: &Environment, error: &dyn Error) -> ExitCode {
    cli::fail(
        &Output::new(&OutputFlags::default(), environment),
        error,
        UNCHANGED,
        Some("kubectl upgrade-check path --help"),
        ExitCode::CouldNotBegin,
    )
}

fn show(output: &Output, report: &PathReport, flags: &PathFlags) -> ExitCode {
    let fail_on_warn = match flags.fail_on {
        Some(FailOn::Warn) => true,
        None => false,
    };
    let written = match flags.form.form {
        PathForm::Table => output.text(|out| render::path_report(out, output.results, report, fail_on_warn)),
        PathForm::Json => output.data(|out| render::json(out, report)),
        PathForm::Yaml => output.data(|out| render::yaml(out, report)),
        PathForm::Markdown => output.text(|out| render::path_markdown(out, report)),
    };
    cli::end_with(output, written, report.exit_code(fail_on_warn))
}

impl PathFlags {
    /// What the session needs to know.
    fn common(&self) -> Common {
        // Failures are told in JSON where a script reads the report.
        let format = if self.form.form == PathForm::Json {
            Format::Json
        } else {
            Format::Table
        };
        Common {
            connection: self.connection.clone(),
            output: OutputFlags::of(format, self.form.no_color),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match asked(&words) {
            Ok((Wanted::Running(release), version)) => {
                Ok(format!("{release} to {}", version.unwrap_or_default()))
            }
            Ok((Wanted::Target, version)) => Ok(format!("chart {version:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_version_needs_no_chart_and_a_chart_needs_no_version() {
        for version in ["2.34.1", "v1.8", "2026.05.01", "2026-01-27"] {
            assert_eq!(means(&["shop", version]), Ok(format!("shop to {version}")));
        }
        for chart in ["./2.0", "repo/2048", "oci://registry.example/shop"] {
            assert_eq!(means(&["shop", chart]).as_deref(), Ok("chart None"), "{chart}");
        }
        assert_eq!(
            means(&["shop", "repo/shop", "--version", "2.0.0"]).as_deref(),
            Ok("chart None")
        );
    }

    #[test]
    fn a_release_alone_has_no_way() {
        assert!(means(&["shop"]).unwrap_err().contains("VERSION or the CHART"));
    }
}
