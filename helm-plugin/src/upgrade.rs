//! `helm safe-upgrade RELEASE CHART`.

use std::io::IsTerminal;
use std::path::Path;

use checks::profiles::ProfileChoice;
use clap::CommandFactory;
use cli::{Environment, MixedLineError, Output, store_place, watched};
use engine::Clock;
use helm::{FlagError, UpgradeLine};
use model::{CheckReport, ExitCode, Plan, SavedPlan, UpgradeReport};
use tempfile::TempDir;
use thiserror::Error;
use upgrade::flow::{self, FlowError, Judged, SavedPlanError, UpgradeRequest};
use upgrade::plan::AfterWishes;
use upgrade::terms::{self, Terms, TermsError, TermsRefusal, Wishes};

use crate::agree::agree;
use crate::arguments::{PlanForm, UpgradeCommand, UpgradeFlags};
use crate::command_line::usage;
use crate::saved;
use crate::session::{Session, UNCHANGED};

/// Why an upgrade could not begin.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Flags(#[from] FlagError),
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error(transparent)]
    Saved(#[from] SavedPlanError),
    #[error("{0}")]
    Words(String),
    #[error("failed to make a folder for the pinned chart")]
    Folder(#[source] std::io::Error),
    #[error("failed to ask")]
    Ask(#[source] std::io::Error),
}

impl Refusal {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Flow(error) => error.exit_code(),
            Self::Saved(error) => error.exit_code(),
            Self::Flags(_) | Self::Terms(_) | Self::Words(_) | Self::Folder(_) | Self::Ask(_) => {
                ExitCode::CouldNotBegin
            }
        }
    }

    /// Tells it, with the command that runs a saved plan later or makes it anew where that is the way on.
    fn tell(&self, output: &Output, flags: &UpgradeFlags, saved: Option<&SavedPlan>) -> ExitCode {
        let file = flags.plan.as_ref().map(|file| file.display().to_string());
        let next = match (self, saved, file) {
            (Self::Saved(error), Some(saved), Some(file)) if error.is_made_anew() => {
                Some(render::making_plan(saved, &file))
            }
            (Self::Flow(FlowError::Terms(refusal)), Some(saved), Some(file)) => {
                Some(match refusal.is_early() {
                    true => render::running_plan(saved, &file),
                    false => render::making_plan(saved, &file),
                })
            }
            (_, _, _) => None,
        };
        if let Self::Saved(error) = self
            && error.moved().len() > 1
        {
            // If standard error cannot be written there is nobody to tell; the code still does.
            drop(output.talk(|err, style| render::moved(err, style, error.moved())));
        }
        cli::fail(output, self, UNCHANGED, next.as_deref(), self.exit_code())
    }
}

/// Runs the command.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    match from_words(words, &environment).await {
        Ok(code) | Err(code) => code,
    }
}

async fn from_words(words: &[String], environment: &Environment) -> Result<ExitCode, ExitCode> {
    let (flags, line) = taken_apart(words, environment)?;
    if let Some(file) = &flags.plan {
        return from_plan(file, &flags, words, environment).await;
    }
    if line.is_empty() {
        drop(UpgradeCommand::command().print_help());
        return Err(ExitCode::CouldNotBegin);
    }
    let session = Session::open(&flags.common(), environment).await?;
    let ended = act(&session, &flags, &line, None, environment).await;
    ended.map_err(|refusal| refusal.tell(&session.output, &flags, None))
}

/// Runs a plan as it was made: by its own words, as if they were typed again. helm and the cluster are the ones that were
/// named by who runs it, and no word of the file is used before the file is known to be as it was written.
async fn from_plan(
    file: &Path,
    typed: &UpgradeFlags,
    words: &[String],
    environment: &Environment,
) -> Result<ExitCode, ExitCode> {
    let common = typed.common();
    let output = Output::new(&common.output, environment);
    let saved = saved::load(file, typed).map_err(|refusal| refusal.tell(&output, typed, None))?;
    let namespace = Some(saved.plan.from.namespace.clone());
    let session = Session::open_in(&common, environment, namespace).await?;
    let told = |refusal: Refusal| refusal.tell(&session.output, typed, Some(&saved));
    flow::trust(&saved, &session.cluster)
        .await
        .map_err(|error| told(error.into()))?;
    let (flags, line) = taken_apart(&saved::words(&saved, words), environment)?;
    let ended = act(&session, &flags, &line, Some(&saved), environment).await;
    ended.map_err(told)
}

/// Own flags, and helm's words with the release in front; a mistake is told already.
fn taken_apart(words: &[String], environment: &Environment) -> Result<(UpgradeFlags, Vec<String>), ExitCode> {
    let (mut flags, mut line) = match cli::mixed_line::<UpgradeCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return Err(code),
        Err(MixedLineError::Flag(error)) => {
            return Err(usage(environment, &error, "helm safe-upgrade --help"));
        }
    };
    if let Some(release) = flags.release.take() {
        line.insert(0, release);
    }
    Ok((flags, line))
}

async fn act(
    session: &Session,
    flags: &UpgradeFlags,
    words: &[String],
    saved: Option<&SavedPlan>,
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    let line = UpgradeLine::parse(words, session.helm.major())?;
    line.chart()?;
    if let Some(saved) = saved {
        saved::same_line(saved, flags, &line)?;
    }
    let clock = Clock::machine();
    let notify = flags.notify.notify(environment)?;
    let folder = TempDir::new().map_err(Refusal::Folder)?;
    let request = UpgradeRequest {
        cluster: session.cluster.clone(),
        helm: session.helm.clone(),
        namespace: session.namespace.clone(),
        profile: ProfileChoice {
            deployer: flags.deployer.declared(),
            ..flags.profile.choice()
        },
        path_file: flags.path_file.clone(),
        database: flags.database.options(),
        store: store_place(flags.backup_to.as_deref(), environment).map_err(Refusal::Words)?,
        gate: flags.gate.map(Into::into),
        terms: match saved {
            // The words of then would mean another time now.
            Some(saved) => Terms::Saved(saved.plan.terms.clone()),
            None => Terms::Wished(Wishes::parse(&flags.terms.words(), clock.now())?),
        },
        load: flags.terms.load(),
        after: AfterWishes {
            smoke: flags.smoke.clone(),
            helm_test: flags.helm_test,
            profile_commands: flags.allow_profile_commands,
        },
        clock: clock.clone(),
        line,
    };
    let mut judged = flow::judge(&request, folder.path()).await?;
    let output = &session.output;
    show_report(output, &judged.report)?;
    let blocked = judged.report.exit_code(false);
    let plan = match taken(&mut judged) {
        Ok(plan) => plan,
        // A finding that blocks says more than the plan that it prevents.
        Err(_) if blocked != ExitCode::Done => {
            return Ok(told(output, flags.output, &judged.report, blocked));
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(saved) = saved {
        flow::hold(saved, &request, &judged, &plan)?;
    }
    show_plan(output, &plan, &request.line)?;
    let dry_run = flags
        .dry_run
        .as_deref()
        .is_some_and(|how| how != "none" && how != "false");
    if blocked != ExitCode::Done {
        return Ok(told(output, flags.output, &judged.report, blocked));
    }
    let in_time = in_time(&plan, &clock);
    let only_plans = dry_run || flags.save_plan.is_some();
    if let (Err(why), true) = (&in_time, only_plans) {
        // A plan that was saved and is too late now will never be in time again.
        if saved.is_some() && !why.is_early() {
            return Err(FlowError::Terms(why.clone()).into());
        }
        talk(output, &format!("  note: now it would be refused: {why}"))?;
    }
    if let (Some(saved), true) = (saved, dry_run) {
        return Ok(saved::holds(output, flags, saved));
    }
    if only_plans {
        return saved::planned(output, flags, &request, &judged, &plan, environment).await;
    }
    if let (Some(why), false) = (&plan.no_way_back, flags.accept_no_way_back) {
        let words =
            format!("there is no way back for the database: {why}; --accept-no-way-back goes on without one");
        return Ok(cli::fail(
            output,
            &Refusal::Words(words),
            UNCHANGED,
            None,
            ExitCode::Blocked,
        ));
    }
    in_time.map_err(FlowError::Terms)?;
    agree(flags.yes)?;
    let (judged, plan, folder) = match waited(&clock, &plan, output).await? {
        false => (judged, plan, folder),
        true => {
            let later = TempDir::new().map_err(Refusal::Folder)?;
            let mut again = flow::judge_again(&request, &plan, &judged.prepared, later.path()).await?;
            show_report(output, &again.report)?;
            match (again.report.exit_code(false), taken(&mut again)) {
                (ExitCode::Done, plan) => {
                    let plan = plan?;
                    if let Some(saved) = saved {
                        flow::hold(saved, &request, &again, &plan)?;
                    }
                    (again, plan, later)
                }
                (blocked, _) => return Ok(told(output, flags.output, &again.report, blocked)),
            }
        }
    };
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::begin(&request, judged, plan, folder, options.telling(&notify))
    })
    .await;
    let report = ended?;
    Ok(match flags.output {
        PlanForm::Table | PlanForm::Json => show_end(output, &report),
        PlanForm::Markdown => {
            let written = output.text(|out| render::run_markdown(out, &report));
            cli::end_with(output, written, report.outcome.exit_code())
        }
    })
}

/// Whether a plan that is agreed to now may begin.
fn in_time(plan: &Plan, clock: &Clock) -> Result<(), TermsRefusal> {
    match &plan.terms {
        Some(terms) => terms::may_begin(terms, clock.now()),
        None => Ok(()),
    }
}

/// Takes the plan out of a judgement.
fn taken(judged: &mut Judged) -> Result<Plan, FlowError> {
    std::mem::replace(&mut judged.plan, Err(FlowError::Unreadable(String::new())))
}

/// Waits until the plan may begin; whether there was anything to wait for.
async fn waited(clock: &Clock, plan: &Plan, output: &Output) -> Result<bool, Refusal> {
    let now = clock.now();
    let begin = plan.terms.as_ref().map_or(now, |terms| terms::begin(terms, now));
    if begin <= now {
        return Ok(false);
    }
    talk(
        output,
        &format!(
            "agreed; it begins at {begin}, after everything was checked again. Ctrl-C gives it up, and nothing is changed"
        ),
    )?;
    clock.until(begin).await;
    Ok(true)
}

fn talk(output: &Output, words: &str) -> Result<(), Refusal> {
    output
        .talk(|err, _| writeln!(err, "{words}"))
        .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))
}

pub(crate) fn show_report(output: &Output, report: &CheckReport) -> Result<(), Refusal> {
    output
        .talk(|err, style| render::check_trouble(err, style, report))
        .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))
}

fn show_plan(output: &Output, plan: &Plan, line: &UpgradeLine) -> Result<(), Refusal> {
    output
        .talk(|err, style| {
            writeln!(err)?;
            render::plan(err, style, plan)?;
            for notice in &line.notices {
                writeln!(err, "  note: {notice}")?;
            }
            writeln!(err)
        })
        .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))
}

/// The report was shown to people already; a script or a ticket gets it as the result.
pub(crate) fn told(output: &Output, form: PlanForm, report: &CheckReport, code: ExitCode) -> ExitCode {
    let written = match form {
        PlanForm::Json => output.result(report, |_, _| Ok(())),
        PlanForm::Markdown => output.text(|out| render::check_markdown(out, report)),
        PlanForm::Table => Ok(()),
    };
    cli::end_with(output, written, code)
}

/// Tells how a run ended.
pub(crate) fn show_end(output: &Output, report: &UpgradeReport) -> ExitCode {
    // Who has watched the steps on this very terminal need not read them twice.
    let watched_here = output.watched && std::io::stdout().is_terminal();
    let written = output.result(report, |out, style| {
        if watched_here {
            render::upgrade_outcome(out, style, report)
        } else {
            render::upgrade_report(out, style, report)
        }
    });
    cli::end_with(output, written, report.outcome.exit_code())
}
