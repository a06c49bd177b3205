//! `helm safe-upgrade quiesce RELEASE`.

use std::time::Duration;

use cli::{Environment, Output, interrupts, watched};
use cluster::Cluster;
use jiff::{SignedDuration, Timestamp};
use model::{ExitCode, UpgradeOutcome, UpgradeReport};
use upgrade::flow::{self, FlowError, QuiesceRequest, UnquiesceRequest};
use upgrade::plan::{LimitKeeper, QuiesceLimit};

use crate::agree::agree;
use crate::arguments::{PlanForm, QuiesceFlags};
use crate::session::UNCHANGED;
use crate::unquiesce::show_return;
use crate::upgrade::{Refusal, show_end, show_report, told};

/// How long a client waits that was given no limit: longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Stops a release, proves that it stands still, and leaves it so, or waits.
pub(crate) async fn run(flags: &QuiesceFlags, environment: Environment) -> ExitCode {
    let output = Output::new(&flags.common.output, &environment);
    let cluster = match Cluster::connect(&flags.common.connection.options(&environment)).await {
        Ok(cluster) => cluster,
        Err(error) => return cli::fail(&output, &error, UNCHANGED, None, ExitCode::CouldNotBegin),
    };
    match act(cluster, flags, &output, &environment).await {
        Ok(code) => code,
        Err(refusal) => cli::fail(&output, &refusal, UNCHANGED, None, refusal.exit_code()),
    }
}

async fn act(
    cluster: Cluster,
    flags: &QuiesceFlags,
    output: &Output,
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    let notify = flags.notify.notify(environment)?;
    let request = QuiesceRequest {
        namespace: cluster.namespace.clone(),
        cluster,
        release: flags.release.clone(),
        profile: flags.profile.choice(),
        database: flags.database.options(),
        ask_sessions: !flags.no_sessions,
        roles: flags.roles.clone(),
        limit: limit(flags)?,
    };
    let judged = flow::plan_quiesce(&request).await?;
    show_report(output, &judged.report)?;
    let blocked = judged.report.exit_code(false);
    let plan = match judged.plan {
        // A finding that blocks says more than the plan that it prevents.
        _ if blocked != ExitCode::Done => {
            return Ok(told(output, PlanForm::of(output), &judged.report, blocked));
        }
        Err(error) => return Err(error.into()),
        Ok(plan) => plan,
    };
    output
        .talk(|err, style| {
            render::plan(err, style, &plan)?;
            writeln!(err)
        })
        .map_err(|error| Refusal::Words(format!("failed to write to standard error: {error}")))?;
    if flags.dry_run {
        let written = output.result(&plan, |_, _| Ok(()));
        return Ok(cli::end_with(output, written, ExitCode::Done));
    }
    agree(flags.yes)?;
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::begin_quiesce(&request, plan, options.telling(&notify))
    })
    .await?;
    if !flags.wait || ended.outcome != UpgradeOutcome::Quiesced {
        return Ok(show_end(output, &ended));
    }
    Ok(wait_and_bring_back(&request, &ended, flags, output).await)
}

/// The limit, and who looks at the clock: without anybody it would be a promise that nobody keeps.
fn limit(flags: &QuiesceFlags) -> Result<Option<QuiesceLimit>, Refusal> {
    let keeper = match (&flags.image, flags.wait) {
        (Some(image), _) => LimitKeeper::Job(image.clone()),
        (None, true) => LimitKeeper::Client,
        (None, false) if flags.limit.is_none() => return Ok(None),
        (None, false) => {
            let words = "--limit needs somebody who looks at the clock: --image IMAGE starts a Job in the cluster that \
                         does so whatever becomes of this machine; --wait lets this process wait in the foreground";
            return Err(Refusal::Words(words.into()));
        }
    };
    Ok(flags.limit.map(|limit| QuiesceLimit {
        seconds: limit.as_secs(),
        keeper,
    }))
}

/// Waits until the limit, or until a person interrupts it, and brings everything back then; or until somebody else did.
async fn wait_and_bring_back(
    request: &QuiesceRequest,
    ended: &UpgradeReport,
    flags: &QuiesceFlags,
    output: &Output,
) -> ExitCode {
    let until = until(flags.limit.unwrap_or(FOREVER));
    let back = UnquiesceRequest {
        cluster: request.cluster.clone(),
        namespace: request.namespace.clone(),
        release: request.release.clone(),
        run: Some(ended.run.clone()),
    };
    let words = match flags.limit {
        Some(_) => {
            format!("stopped, and proven idle; everything is brought back at {until:.0}, or now with Ctrl-C")
        }
        None => "stopped, and proven idle; everything is brought back with Ctrl-C".to_owned(),
    };
    // Talk that nobody takes is no reason to stop.
    drop(output.talk(|err, _| writeln!(err, "{words}")));
    let pressed = interrupts(|_| ());
    let waited = tokio::select! {
        () = pressed.cancel.cancelled() => Ok(false),
        over = flow::over_before(&back, &ended.run, until) => over,
    };
    drop(pressed);
    if let Err(error) = waited {
        return still_stopped(request, &error, output);
    }
    let returned = watched(output, None, |options| flow::unquiesce(&back, options)).await;
    match returned {
        Ok(report) => show_return(output, &report),
        Err(error) => still_stopped(request, &error, output),
    }
}

fn until(limit: Duration) -> Timestamp {
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    Timestamp::now().saturating_add(limit).unwrap_or(Timestamp::MAX)
}

fn still_stopped(request: &QuiesceRequest, error: &FlowError, output: &Output) -> ExitCode {
    let next = format!(
        "helm safe-upgrade unquiesce {} -n {}",
        request.release, request.namespace
    );
    let state = "The release is still stopped.";
    cli::fail(output, error, state, Some(&next), ExitCode::Stopped)
}
