//! `helm safe-upgrade RELEASE CHART`.

use std::io::IsTerminal;

use checks::profiles::ProfileChoice;
use clap::CommandFactory;
use cli::{Environment, Format, MixedLineError, Output, store_place, watched};
use engine::Clock;
use helm::{FlagError, UpgradeLine};
use model::{CheckReport, ExitCode, Plan, UpgradeReport};
use tempfile::TempDir;
use thiserror::Error;
use upgrade::flow::{self, FlowError, Judged, UpgradeRequest};
use upgrade::plan::AfterWishes;
use upgrade::terms::{self, TermsError, Wishes};

use crate::agree::agree;
use crate::arguments::{UpgradeCommand, UpgradeFlags};
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
            Self::Flags(_) | Self::Terms(_) | Self::Words(_) | Self::Folder(_) | Self::Ask(_) => {
                ExitCode::CouldNotBegin
            }
        }
    }
}

/// Runs the command.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let (mut flags, mut line_words) = match cli::mixed_line::<UpgradeCommand>(words) {
        Ok(line) => (line.own.flags, line.helm),
        Err(MixedLineError::Told(code)) => return code,
        Err(MixedLineError::Flag(error)) => return usage(&environment, &error),
    };
    if let Some(release) = flags.release.take() {
        line_words.insert(0, release);
    }
    if line_words.is_empty() {
        drop(UpgradeCommand::command().print_help());
        return ExitCode::CouldNotBegin;
    }
    let session = match Session::open(&flags.common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    match act(&session, &flags, &line_words, &environment).await {
        Ok(code) => code,
        Err(refusal) => cli::fail(&session.output, &refusal, UNCHANGED, None, refusal.exit_code()),
    }
}

fn usage(environment: &Environment, error: &FlagError) -> ExitCode {
    let output = Output::new(&cli::OutputFlags::default(), environment);
    cli::fail(
        &output,
        error,
        UNCHANGED,
        Some("helm safe-upgrade --help"),
        ExitCode::CouldNotBegin,
    )
}

async fn act(
    session: &Session,
    flags: &UpgradeFlags,
    words: &[String],
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    let line = UpgradeLine::parse(words, session.helm.major())?;
    line.chart()?;
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
        wishes: Wishes::parse(&flags.terms.words(), clock.now())?,
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
        Err(_) if blocked != ExitCode::Done => return Ok(told(output, &judged.report, blocked)),
        Err(error) => return Err(error.into()),
    };
    show_plan(output, &plan, &request.line)?;
    let dry_run = flags
        .dry_run
        .as_deref()
        .is_some_and(|how| how != "none" && how != "false");
    if blocked != ExitCode::Done {
        return Ok(told(output, &judged.report, blocked));
    }
    let in_time = match &plan.terms {
        Some(terms) => terms::may_begin(terms, clock.now()),
        None => Ok(()),
    };
    if dry_run {
        if let Err(why) = &in_time {
            talk(output, &format!("  note: now it would be refused: {why}"))?;
        }
        let written = output.result(&plan, |_, _| Ok(()));
        return Ok(cli::end_with(output, written, ExitCode::Done));
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
                (ExitCode::Done, plan) => (again, plan?, later),
                (blocked, _) => return Ok(told(output, &again.report, blocked)),
            }
        }
    };
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::begin(&request, judged, plan, folder, options.telling(&notify))
    })
    .await;
    Ok(show_end(output, &ended?))
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

/// The report was shown to people already; a script gets it as the result.
pub(crate) fn told(output: &Output, report: &CheckReport, code: ExitCode) -> ExitCode {
    let written = match output.format {
        Format::Json => output.result(report, |_, _| Ok(())),
        Format::Table => Ok(()),
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
