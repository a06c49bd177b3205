//! `kubectl upgrade-check RELEASE [CHART]`.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

use checks::path::PathChoiceError;
use checks::{Rules, RulesError, SavedError};
use clap::CommandFactory;
use cli::{Environment, MixedLineError, Output, OutputFlags, store_place};
use jiff::Timestamp;
use model::{CheckReport, ExitCode, SavedObservation};
use render::Detail;
use thiserror::Error;

use super::arguments::{CheckCommand, CheckFlags, FailOn, Form};
use super::look::{Look, LookError, Wanted, wanted};
use super::migration_files::migration_files;
use crate::session::{Session, UNCHANGED, could_not_begin};

/// Why there is no judgement.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Path(#[from] PathChoiceError),
    #[error("{0}")]
    Store(String),
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
        return match kept(file, &line_words, &rules, &flags).await {
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
async fn kept(
    file: &Path,
    words: &[String],
    rules: &Rules,
    flags: &CheckFlags,
) -> Result<CheckReport, Refusal> {
    if !words.is_empty() {
        return Err(Refusal::ObservationAlone);
    }
    let mut saved = checks::load_observation(file)?;
    if let Some(deployer) = flags.deployer.declared() {
        saved.profile.deployer = Some(deployer);
    }
    if let Some(path) = &flags.migrations {
        let target = saved.target.as_mut().ok_or(LookError::MigrationsOfNothing)?;
        target.migrations = Some(migration_files(path).map_err(LookError::Migrations)?);
    }
    if let Some(path) = &flags.path_file {
        checks::path::replace_path(&mut saved, path).await?;
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

/// Looks at what runs and at what it would become.
async fn observe(
    session: &Session,
    flags: &CheckFlags,
    wanted: Wanted,
    words: &[String],
    environment: &Environment,
) -> Result<SavedObservation, Refusal> {
    let store = store_place(flags.backup_store.as_deref(), environment).map_err(Refusal::Store)?;
    let look = Look {
        profile: flags.profile(),
        path_file: flags.path_file.as_deref(),
        database: &flags.database,
        store: Some(store),
        migrations: flags.migrations.as_deref(),
        helm_bin: flags.helm_bin.as_deref(),
        environment,
    };
    Ok(look.observe(session, wanted, words).await?)
}

fn show(output: &Output, report: &CheckReport, flags: &CheckFlags) -> ExitCode {
    let fail_on_warn = match flags.fail_on {
        Some(FailOn::Warn) => true,
        None => false,
    };
    let table =
        |out: &mut dyn Write, detail| render::check_report(out, output.results, report, detail, fail_on_warn);
    let written = match flags.form.form {
        Form::Table => output.text(|out| table(out, Detail::Usual)),
        Form::Wide => output.text(|out| table(out, Detail::Wide)),
        Form::Short => output.text(|out| table(out, Detail::Short)),
        Form::Json => output.data(|out| render::json(out, report)),
        Form::Yaml => output.data(|out| render::yaml(out, report)),
        Form::Junit => output.text(|out| render::check_junit(out, report, fail_on_warn)),
        Form::Markdown => output.text(|out| render::check_markdown(out, report)),
        Form::Html => output.text(|out| render::check_page(out, report)),
    };
    cli::end_with(output, written, report.exit_code(fail_on_warn))
}
