//! `helm safe-upgrade recover RELEASE [CHART]`.

use std::time::Duration;

use clap::{Args, Parser};
use cli::{Consent, DatabaseFlags, Environment, Output, ProfileFlags, store_place, watched};
use helm::UpgradeLine;
use model::{ExitCode, Plan, StepSpec};
use tempfile::TempDir;
use upgrade::flow::{self, FlowError, RecoverPlanned, RecoverRequest};
use upgrade::recover::{InTheWay, Refused, Wish};

use crate::agree::agree;
use crate::arguments::{Common, PlanForm, time};
use crate::command_line::taken_apart;
use crate::notify::NotifyFlags;
use crate::session::{Session, UNCHANGED};
use crate::upgrade::{Refusal, show_end, show_report, told};

/// Adopt an upgrade that plain helm began and that crashes or hangs: finish it, or turn it back
#[derive(Debug, Parser)]
#[command(
    name = "helm safe-upgrade recover",
    bin_name = "helm safe-upgrade recover",
    version,
    override_usage = "helm safe-upgrade recover RELEASE [CHART] [flags of helm upgrade] [flags]",
    after_help = "CHART is needed only where helm's record of the upgrade does not hold the chart's sub-charts. Values are those of \
                  the record. Exit codes: 0 recovered, or the release works as it is, 1 could not begin, 2 blocked, 3 cannot tell which \
                  way is safe, 10 put back as it was found, 11 stopped half-way, 12 recovered but a check failed."
)]
pub(crate) struct RecoverCommand {
    #[command(flatten)]
    flags: RecoverFlags,
}

/// Flags of a recovery that are not helm's.
#[derive(Debug, Clone, Args)]
struct RecoverFlags {
    /// The release, where its name is also a command
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Show what is known and the plan, change nothing
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "server", value_name = "HOW")]
    dry_run: Option<String>,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// Finish the newer version, also where turning back is the usual way
    #[arg(long, conflicts_with = "back")]
    forward: bool,
    /// Go back to the older version, also where the newer one could be finished
    #[arg(long)]
    back: bool,
    /// The revision to turn back to; without it the last one that was in force
    #[arg(long, value_name = "REVISION")]
    to: Option<u32>,
    /// How long what may be at work must have been so, before it is taken for stuck
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    older_than: Duration,
    /// End the sessions of others that keep the database from standing still, without asking
    #[arg(long)]
    end_sessions: bool,
    /// Put the database back where the older version needs it: what was written since is then under another name only
    #[arg(long)]
    accept_loss: bool,
    /// Finish the newer version although the database could not be put back
    #[arg(long)]
    accept_no_way_back: bool,
    #[command(flatten)]
    profile: ProfileFlags,
    /// Store of backups, and for a new one: a name, a folder or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    backup_to: Option<String>,
    #[command(flatten)]
    notify: NotifyFlags,
    /// As for an upgrade, for tests
    #[arg(long, value_name = "FAULTS", hide = true)]
    fault: Option<engine::Faults>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    database: DatabaseFlags,
}

/// Runs the command; `words` begin with the program's name and the command's.
pub(crate) async fn run(words: &[String], environment: Environment) -> ExitCode {
    let help = "helm safe-upgrade recover --help";
    let release = |command: &mut RecoverCommand| command.flags.release.take();
    let (RecoverCommand { flags }, line_words) = match taken_apart(words, &environment, release, help) {
        Ok(line) => line,
        Err(code) => return code,
    };
    let session = match Session::open(&flags.common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let output = &session.output;
    let request = match request(&session, &flags, &line_words, &environment) {
        Ok(request) => request,
        Err(refusal) => return cli::fail(output, &refusal, UNCHANGED, None, refusal.exit_code()),
    };
    let release = request.line.release.clone();
    match act(&session, &flags, request, &environment).await {
        Ok(code) => code,
        Err(refusal) => {
            let next = next(&session, &release, &refusal);
            cli::fail(output, &refusal, UNCHANGED, next.as_deref(), refusal.exit_code())
        }
    }
}

fn request(
    session: &Session,
    flags: &RecoverFlags,
    words: &[String],
    environment: &Environment,
) -> Result<RecoverRequest, Refusal> {
    let line = UpgradeLine::parse(words, session.helm.major())?;
    if line.says_values() {
        let words = "recover finishes what was begun, with the values of helm's record: leave the flags on values out, or upgrade \
                     with helm safe-upgrade RELEASE CHART once it is recovered";
        return Err(Refusal::Words(words.into()));
    }
    let wish = match (flags.forward, flags.back) {
        (true, _) => Some(Wish::Forward),
        (false, true) => Some(Wish::Back),
        (false, false) => None,
    };
    Ok(RecoverRequest {
        cluster: session.cluster.clone(),
        helm: session.helm.clone(),
        namespace: session.namespace.clone(),
        line,
        revision: flags.to,
        profile: flags.profile.choice(),
        database: flags.database.options(),
        store: store_place(flags.backup_to.as_deref(), environment).map_err(Refusal::Words)?,
        older_than: flags.older_than,
        wish,
        end_sessions: flags.end_sessions,
    })
}

async fn act(
    session: &Session,
    flags: &RecoverFlags,
    mut request: RecoverRequest,
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    let output = &session.output;
    let notify = flags.notify.notify(environment)?;
    let mut judged = flow::plan_recover(&request, folder()?).await?;
    if let Err(FlowError::NotRecovered(Refused::Sessions(sessions))) = &judged.plan
        && may_end(output, sessions)?
    {
        request.end_sessions = true;
        judged = flow::plan_recover(&request, folder()?).await?;
    }
    show_report(output, &judged.report)?;
    let blocked = judged.report.exit_code(false);
    let planned = match judged.plan {
        Ok(planned) => planned,
        // A finding that blocks says more than the plan that it prevents.
        Err(_) if blocked != ExitCode::Done => {
            return Ok(told(output, PlanForm::of(output), &judged.report, blocked));
        }
        Err(FlowError::NotRecovered(works @ Refused::Nothing { .. })) if !leaves(flags) => {
            output
                .talk(|err, _| writeln!(err, "{works}"))
                .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))?;
            return Ok(told(output, PlanForm::of(output), &judged.report, ExitCode::Done));
        }
        Err(error) => return Err(error.into()),
    };
    show_plan(output, &planned.plan)?;
    if blocked != ExitCode::Done {
        return Ok(told(output, PlanForm::of(output), &judged.report, blocked));
    }
    let dry_run = flags.dry_run.as_deref();
    if dry_run.is_some_and(|how| how != "none" && how != "false") {
        let written = output.result(&planned.plan, |_, _| Ok(()));
        return Ok(cli::end_with(output, written, ExitCode::Done));
    }
    if let Some(words) = not_consented(&planned, flags) {
        return Ok(cli::fail(
            output,
            &Refusal::Words(words),
            UNCHANGED,
            None,
            ExitCode::Blocked,
        ));
    }
    agree(flags.yes)?;
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::begin_recover(&request, planned, options.telling(&notify))
    })
    .await;
    Ok(show_end(output, &ended?))
}

/// Whether another version was asked for than the one that runs: that this one works is then not what was asked for.
fn leaves(flags: &RecoverFlags) -> bool {
    flags.back || flags.to.is_some()
}

fn folder() -> Result<TempDir, Refusal> {
    TempDir::new().map_err(Refusal::Folder)
}

/// Shows who is in the way and asks a person; `--yes` is no answer to that.
fn may_end(output: &Output, sessions: &[InTheWay]) -> Result<bool, Refusal> {
    let shown = output.talk(|err, _| {
        writeln!(err, "connected to the database, and not of this release's pods:")?;
        for session in sessions {
            writeln!(err, "  {session}")?;
        }
        Ok(())
    });
    shown.map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))?;
    let question = "End these sessions when the writers are stopped? What they have not committed is lost.";
    match cli::ask(question, false).map_err(Refusal::Ask)? {
        Consent::Yes => Ok(true),
        Consent::No | Consent::NobodyThere => Ok(false),
    }
}

fn show_plan(output: &Output, plan: &Plan) -> Result<(), Refusal> {
    output
        .talk(|err, style| {
            render::plan(err, style, plan)?;
            writeln!(err)
        })
        .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))
}

/// What the plan costs that nobody has agreed to yet.
fn not_consented(planned: &RecoverPlanned, flags: &RecoverFlags) -> Option<String> {
    let does = |wanted: fn(&StepSpec) -> bool| planned.plan.steps.iter().any(|step| wanted(&step.spec));
    if does(|spec| matches!(spec, StepSpec::RestoreDatabase(_))) && !flags.accept_loss {
        let words =
            "the database would be put back; --accept-loss agrees that what was written since leaves it";
        return Some(words.into());
    }
    let finishes = does(|spec| matches!(spec, StepSpec::HelmPass(_)));
    match &planned.plan.no_way_back {
        Some(why) if finishes && !flags.accept_no_way_back => Some(format!(
            "there is no way back for the database: {why}; --accept-no-way-back goes on without one"
        )),
        Some(_) | None => None,
    }
}

/// What to type next after a refusal.
fn next(session: &Session, release: &str, refusal: &Refusal) -> Option<String> {
    let command = |words: &str| format!("helm safe-upgrade {words} -n {}", session.namespace);
    match refusal {
        Refusal::Flow(FlowError::NotRecovered(refused)) => Some(match refused {
            Refused::Nothing { .. } => command(&format!("rollback {release}")),
            Refused::Unfinished { .. } => command(&format!("resume {release}")),
            Refused::Sessions(_) => command(&format!("recover {release} --end-sessions")),
            Refused::Blocked { .. } | Refused::Unknown { .. } => {
                format!("kubectl upgrade-check {release} -n {}", session.namespace)
            }
        }),
        Refusal::Flow(_)
        | Refusal::Saved(_)
        | Refusal::Terms(_)
        | Refusal::Flags(_)
        | Refusal::Words(_)
        | Refusal::Folder(_)
        | Refusal::Ask(_) => None,
    }
}
