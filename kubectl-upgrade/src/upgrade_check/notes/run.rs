//! From the words to the notes.

use std::error::Error;
use std::path::Path;

use checks::profiles::{ProfileChoiceError, resolve};
use clap::CommandFactory;
use cli::{Environment, MixedLineError, Output, OutputFlags};
use cluster::ConnectOptions;
use jiff::Timestamp;
use model::{ExitCode, NotesReport, Profile, VersionOf};
use notes::{Answered, Bundle, BundleError, ReportRequest, Way, chart_links, report};
use render::NotesForm;
use thiserror::Error;

use super::arguments::{NotesCommand, NotesFlags, NotesOutput};
use super::ask::{AskError, Asking, Charts, cache, github, sources};
use super::release::{ReleaseError, Running, running};
use super::target::{Target, TargetError, Wanted, documents, one_version, versions, wanted};
use crate::session::{Session, UNCHANGED, could_not_begin};

/// Why there are no notes.
#[derive(Debug, Error)]
enum Refusal {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Release(#[from] ReleaseError),
    #[error("failed to settle the profile")]
    Profile(#[from] ProfileChoiceError),
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Runs the command; `words` begin with the program's name.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let (mut flags, mut line) = match cli::mixed_line::<NotesCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return code,
        Err(MixedLineError::Flag(error)) => return usage(&environment, &error),
    };
    if let Some(release) = flags.release.take() {
        line.insert(0, release);
    }
    if line.is_empty() {
        drop(NotesCommand::command().print_help());
        return ExitCode::CouldNotBegin;
    }
    // Before anything is asked: a mistake in the words needs no cluster to be told.
    let wanted = match wanted(&line) {
        Ok(wanted) => wanted,
        Err(error) => return usage(&environment, &error),
    };
    let common = flags.common();
    let (session, output, options) = match &flags.running {
        Some(_) => (
            None,
            Output::new(&common.output, &environment),
            common.connection.options(&environment),
        ),
        None => match Session::open(&common, &environment).await {
            Ok(session) => {
                let (output, options) = (session.output, session.options.clone());
                (Some(session), output, options)
            }
            Err(code) => return code,
        },
    };
    let told = tell(
        &flags,
        &wanted,
        &line,
        session.as_ref(),
        &options,
        &environment,
        &output,
    )
    .await;
    let (report, answers) = match told {
        Ok(told) => told,
        Err(refusal) => return could_not_begin(&output, &refusal),
    };
    let saved = flags
        .reading
        .save
        .as_deref()
        .map_or(Ok(()), |path| save(path, &answers, &output));
    let code = show(&output, &report, &flags);
    match (saved, code) {
        (Ok(()), code) => code,
        // It was asked for and not done. What is not known stays so, and what blocks stays in the way.
        (Err(error), ExitCode::Done) => unsaved(&output, &error, ExitCode::CouldNotBegin),
        (Err(error), code) => unsaved(&output, &error, code),
    }
}

fn unsaved(output: &Output, error: &BundleError, code: ExitCode) -> ExitCode {
    cli::fail(output, error, "The notes were not saved.", None, code)
}

/// Finds both ends of the way, asks for what lies between, and judges it.
async fn tell(
    flags: &NotesFlags,
    wanted: &Wanted,
    line: &[String],
    session: Option<&Session>,
    options: &ConnectOptions,
    environment: &Environment,
    output: &Output,
) -> Result<(NotesReport, Vec<Answered>), Refusal> {
    let github = github(&flags.reading, environment)?;
    let of = VersionOf::from(flags.of);
    let (running, from) = match session {
        Some(session) => {
            let running = running(session, &wanted.release).await?;
            let from = versions(&running.stored.documents);
            (Some(running), from)
        }
        None => {
            let said = flags.running.as_deref().map(|version| one_version(version, of));
            (None, said.unwrap_or_default())
        }
    };
    let (target, to) = match &wanted.target {
        Target::Version(version) => (None, one_version(version, of)),
        Target::Chart(named) => {
            let target = documents(named, line, flags.helm_bin.as_deref(), options).await?;
            let to = versions(&target);
            (Some(target), to)
        }
    };
    let charts = Charts {
        running: running.as_ref().map(|running| &running.stored.documents),
        target: target.as_ref(),
    };
    let way = Way::between(&from, &to, of);
    let profile = profile(flags, running.as_ref(), &charts)?;
    let sources = sources(&flags.from, &profile, &charts, &github)?;
    let now = Timestamp::now();
    let asking = Asking {
        github: &github,
        sources: &sources,
        charts: &charts,
        way: &way,
        cache: cache(environment),
        now,
    };
    if output.watched && !sources.is_empty() && flags.reading.asks_servers() {
        let names: Vec<String> = sources.iter().map(|source| source.place.to_string()).collect();
        // Talk that nobody takes is no reason to fail.
        drop(output.talk(|err, _| writeln!(err, "reading {}", names.join(", "))));
    }
    let answers = asking.answers(&flags.reading).await?;
    let newest = charts.target.or(charts.running);
    let report = report(&ReportRequest {
        release: &wanted.release,
        way: &way,
        answers: &answers,
        markers: &profile.notes.markers,
        links: newest.map(chart_links).unwrap_or_default(),
        prereleases: flags.prereleases,
        now,
    });
    Ok((report, answers))
}

/// The profile that the user names, else the one that fits the charts or the images that run.
fn profile(
    flags: &NotesFlags,
    running: Option<&Running>,
    charts: &Charts<'_>,
) -> Result<Profile, ProfileChoiceError> {
    let choice = flags.profile.choice();
    let names: Vec<&str> = charts
        .running
        .iter()
        .chain(&charts.target)
        .map(|documents| documents.identity.name.as_str())
        .collect();
    let images: Vec<&str> = running
        .iter()
        .flat_map(|running| &running.images)
        .map(String::as_str)
        .collect();
    resolve(&choice, &names, &images).map(|resolved| resolved.profile)
}

/// Keeps what was told, and says what is not in the file.
fn save(path: &Path, answers: &[Answered], output: &Output) -> Result<(), BundleError> {
    Bundle::of(answers, Timestamp::now())?.save(path)?;
    let missing: Vec<&str> = answers
        .iter()
        .filter(|answered| answered.notes.is_none())
        .map(|answered| answered.source.as_str())
        .collect();
    // Talk that nobody takes is no reason to fail.
    drop(output.talk(|err, _| {
        writeln!(err, "saved to {}", path.display())?;
        if missing.is_empty() {
            return Ok(());
        }
        writeln!(
            err,
            "note: not in it, since they could not be read: {}",
            missing.join(", ")
        )
    }));
    Ok(())
}

fn usage(environment: &Environment, error: &dyn Error) -> ExitCode {
    cli::fail(
        &Output::new(&OutputFlags::default(), environment),
        error,
        UNCHANGED,
        Some("kubectl upgrade-check notes --help"),
        ExitCode::CouldNotBegin,
    )
}

fn show(output: &Output, report: &NotesReport, flags: &NotesFlags) -> ExitCode {
    let form = NotesForm {
        full: flags.full,
        fail_on_breaking: flags.fails_on_breaking(),
    };
    let written = match flags.form.form {
        NotesOutput::Table => output.text(|out| render::notes_report(out, output.results, report, form)),
        NotesOutput::Json => output.data(|out| render::json(out, report)),
        NotesOutput::Yaml => output.data(|out| render::yaml(out, report)),
        NotesOutput::Markdown => output.text(|out| render::notes_markdown(out, report, form.full)),
    };
    cli::end_with(output, written, report.exit_code(form.fail_on_breaking))
}
