//! `kubectl upgrade-check RELEASE [CHART]`.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use checks::profiles::ProfileChoice;
use checks::{ObserveError, ObserveRequest, RenderRequest, Rules, RulesError, SavedError};
use clap::CommandFactory;
use cli::{Environment, MixedLineError, Output, OutputFlags, store_place};
use helm::{FlagError, Helm, HelmError, HelmMajor, UpgradeLine};
use jiff::Timestamp;
use model::{CheckReport, ExitCode, SavedObservation};
use render::Detail;
use tempfile::TempDir;
use thiserror::Error;

use super::arguments::{CheckCommand, CheckFlags, FailOn, Form};
use super::migration_files::{MigrationFilesError, migration_files};
use super::notes;
use crate::session::{Session, UNCHANGED, could_not_begin};

/// Why there is no judgement.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Helm(#[from] HelmError),
    #[error(transparent)]
    Migrations(#[from] MigrationFilesError),
    #[error("--migrations needs a CHART: they are those of the version to go to")]
    MigrationsOfNothing,
    #[error("{0}")]
    Store(String),
    #[error("failed to make a folder for the chart")]
    Folder(#[source] std::io::Error),
    #[error(transparent)]
    Rules(#[from] RulesError),
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error("failed to read the baseline {}", path.display())]
    Baseline {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("with --observation no release, chart or flag of helm upgrade can be given: the file holds them")]
    ObservationAlone,
}

/// What the words mean.
enum Wanted {
    /// The running revision of this release.
    Running(String),
    /// The way to a chart; the line is parsed again once it is known which helm will take it.
    Target,
}

/// Runs the command.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let (mut flags, mut line_words) = match cli::mixed_line::<CheckCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return code,
        Err(MixedLineError::Flag(error)) => return usage(&environment, &error),
    };
    let rules = match rules(&flags) {
        Ok(rules) => rules,
        Err(refusal) => return usage(&environment, &refusal),
    };
    if let Some(release) = flags.release.take() {
        line_words.insert(0, release);
    }
    if let Some(file) = &flags.observation {
        let output = Output::new(&flags.common().output, &environment);
        return match kept(file, &line_words, &rules, &flags) {
            Ok(report) => show(&output, &report, &flags),
            Err(refusal) => could_not_begin(&output, &refusal),
        };
    }
    if line_words.is_empty() {
        drop(CheckCommand::command().print_help());
        return ExitCode::CouldNotBegin;
    }
    // Before anything is asked: a mistake in the words needs no cluster to be told.
    let wanted = match wanted(&line_words) {
        Ok(wanted) => wanted,
        Err(error) => return usage(&environment, error.as_ref()),
    };
    let session = match Session::open(&flags.common(), &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let judged = observe(&session, &flags, wanted, &line_words, &environment).await;
    match judged.and_then(|saved| judge(&saved, &rules, &flags)) {
        Ok(report) => show(&session.output, &report, &flags),
        Err(refusal) => could_not_begin(&session.output, &refusal),
    }
}

/// What the user says about the judging.
fn rules(flags: &CheckFlags) -> Result<Rules, RulesError> {
    let rules = Rules {
        only: flags.only.clone(),
        skip: flags.skip.clone(),
        waivers: match &flags.waivers {
            Some(file) => checks::read_waivers(file)?,
            None => Vec::new(),
        },
        day: Timestamp::now().strftime("%Y-%m-%d").to_string(),
    };
    rules.check()?;
    Ok(rules)
}

/// Judges what was kept.
fn kept(file: &Path, words: &[String], rules: &Rules, flags: &CheckFlags) -> Result<CheckReport, Refusal> {
    if !words.is_empty() {
        return Err(Refusal::ObservationAlone);
    }
    let mut saved = checks::load_observation(file)?;
    if let Some(path) = &flags.migrations {
        let target = saved.target.as_mut().ok_or(Refusal::MigrationsOfNothing)?;
        target.migrations = Some(migration_files(path)?);
    }
    judge(&saved, rules, flags)
}

fn judge(saved: &SavedObservation, rules: &Rules, flags: &CheckFlags) -> Result<CheckReport, Refusal> {
    if let Some(file) = &flags.save_observation {
        checks::save_observation(file, saved)?;
    }
    let mut report = checks::evaluate_by(rules, &saved.observation, saved.target.as_ref(), &saved.profile);
    if let Some(file) = &flags.baseline {
        report.compare(&baseline(file)?);
    }
    Ok(report)
}

fn baseline(path: &Path) -> Result<CheckReport, Refusal> {
    let failed = |source| Refusal::Baseline {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read(path).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|error| failed(error.into()))
}

fn usage(environment: &Environment, error: &dyn Error) -> ExitCode {
    cli::fail(
        &Output::new(&OutputFlags::default(), environment),
        error,
        UNCHANGED,
        Some("kubectl upgrade-check --help"),
        ExitCode::CouldNotBegin,
    )
}

/// Flags of one Helm line only are left to the second look, which knows the line.
fn wanted(words: &[String]) -> Result<Wanted, Box<dyn Error>> {
    match UpgradeLine::parse(words, HelmMajor::Four) {
        Ok(line) if line.chart.is_some() => Ok(Wanted::Target),
        Ok(_) if words.len() > 1 => {
            Err("flags of helm upgrade need a CHART: without one the running revision is judged".into())
        }
        Ok(line) => Ok(Wanted::Running(line.release)),
        Err(FlagError::OtherLine { .. }) => Ok(Wanted::Target),
        Err(error) => Err(error.into()),
    }
}

/// Looks at what runs and at what it would become.
async fn observe(
    session: &Session,
    flags: &CheckFlags,
    wanted: Wanted,
    words: &[String],
    environment: &Environment,
) -> Result<SavedObservation, Refusal> {
    let request = |release: &str| -> Result<ObserveRequest, Refusal> {
        Ok(ObserveRequest {
            cluster: session.cluster.clone(),
            namespace: session.namespace.clone(),
            release: release.to_owned(),
            profile: flags
                .profile
                .as_deref()
                .map_or(ProfileChoice::Matching, ProfileChoice::from_argument),
            database: flags.database.options(),
            store: Some(store_place(flags.backup_store.as_deref(), environment).map_err(Refusal::Store)?),
        })
    };
    let migrations = flags.migrations.as_deref().map(migration_files).transpose()?;
    if let Wanted::Running(release) = wanted {
        if migrations.is_some() {
            return Err(Refusal::MigrationsOfNothing);
        }
        let observed = checks::observe(&request(&release)?).await?;
        return Ok(SavedObservation::new(
            observed.observation,
            None,
            observed.profile,
        ));
    }
    let helm = Helm::find(flags.helm_bin.as_deref(), &session.options).await?;
    let line = UpgradeLine::parse(words, helm.major())?;
    line.chart()?;
    let folder = TempDir::new().map_err(Refusal::Folder)?;
    let render = RenderRequest {
        helm: &helm,
        line: &line,
        namespace: &session.namespace,
        into: folder.path(),
    };
    let (observed, target) = checks::observe_with_target(&request(&line.release)?, &render).await?;
    let notes = match &target {
        Some((renderable, _)) => notes::at_hand(&renderable.chart.archive, &observed, environment).await,
        None => None,
    };
    let target = target.map(|(_, target)| model::Target {
        migrations,
        notes,
        ..target
    });
    if target.is_none() {
        let right = checks::unreadable_records(&observed.observation).unwrap_or_default();
        // Talk that nobody takes is no reason to judge nothing.
        drop(session.output.talk(|err, _| {
            writeln!(
                err,
                "note: the target was not judged: helm reads the running revision first, and you may not {right}"
            )
        }));
    }
    Ok(SavedObservation::new(
        observed.observation,
        target,
        observed.profile,
    ))
}

fn show(output: &Output, report: &CheckReport, flags: &CheckFlags) -> ExitCode {
    let fail_on_warn = match flags.fail_on {
        Some(FailOn::Warn) => true,
        None => false,
    };
    let table =
        |out: &mut dyn Write, detail| render::check_report(out, output.results, report, detail, fail_on_warn);
    let written = output.text(|out| match flags.form.form {
        Form::Table => table(out, Detail::Usual),
        Form::Wide => table(out, Detail::Wide),
        Form::Short => table(out, Detail::Short),
        Form::Json => render::json(out, report),
        Form::Yaml => render::yaml(out, report),
        Form::Junit => render::check_junit(out, report, fail_on_warn),
        Form::Markdown => render::check_markdown(out, report),
        Form::Html => render::check_page(out, report),
    });
    cli::end_with(output, written, report.exit_code(fail_on_warn))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<bool, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match wanted(&words) {
            Ok(Wanted::Running(_)) => Ok(false),
            Ok(Wanted::Target) => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_release_alone_means_what_runs_and_a_chart_means_a_target() {
        assert_eq!(asked(&["shop"]), Ok(false));
        assert_eq!(asked(&["shop", "./chart", "--set", "a=b"]), Ok(true));
    }

    #[test]
    fn values_without_a_chart_are_a_mistake_and_not_ignored() {
        assert!(
            asked(&["shop", "--set", "a=b"])
                .unwrap_err()
                .contains("need a CHART")
        );
    }

    #[test]
    fn an_unknown_flag_is_told_with_its_neighbour() {
        let told = asked(&["shop", "./chart", "--reuse-value"]).unwrap_err();
        assert!(
            told.contains("--reuse-value") && told.contains("--reuse-values"),
            "{told}"
        );
    }

    #[test]
    fn a_flag_of_one_helm_line_waits_for_the_helm_at_hand() {
        assert_eq!(asked(&["shop", "./chart", "--force-conflicts"]), Ok(true));
    }
}
