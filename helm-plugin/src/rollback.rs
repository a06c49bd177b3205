//! `helm safe-upgrade rollback RELEASE [REVISION]`.

use cli::{Environment, store_place, watched};
use model::{ExitCode, Plan, StepSpec};
use upgrade::flow::{self, RollbackRequest};

use crate::agree::agree;
use crate::arguments::RollbackFlags;
use crate::session::{Session, UNCHANGED};
use crate::upgrade::{Refusal, show_end};

/// Runs the command.
pub(crate) async fn run(flags: &RollbackFlags, environment: Environment) -> ExitCode {
    let session = match Session::open(&flags.common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    match act(&session, flags, &environment).await {
        Ok(code) => code,
        Err(refusal) => cli::fail(&session.output, &refusal, UNCHANGED, None, refusal.exit_code()),
    }
}

async fn act(
    session: &Session,
    flags: &RollbackFlags,
    environment: &Environment,
) -> Result<ExitCode, Refusal> {
    let request = RollbackRequest {
        cluster: session.cluster.clone(),
        helm: session.helm.clone(),
        namespace: session.namespace.clone(),
        release: flags.release.clone(),
        revision: flags.revision,
        profile: flags.profile.choice(),
        database: flags.database.options(),
        store: store_place(flags.backup_to.as_deref(), environment).map_err(Refusal::Words)?,
    };
    let notify = flags.notify.notify(environment)?;
    let plan = flow::plan_rollback(&request).await?;
    let output = &session.output;
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
    if restores(&plan) && !flags.accept_loss {
        let words =
            "the database would be put back; --accept-loss agrees that what was written since leaves it";
        return Ok(cli::fail(
            output,
            &Refusal::Words(words.into()),
            UNCHANGED,
            None,
            ExitCode::Blocked,
        ));
    }
    agree(flags.yes)?;
    let ended = watched(output, flags.fault.clone(), |options| {
        flow::begin_rollback(&request, plan, options.telling(&notify))
    })
    .await;
    Ok(show_end(output, &ended?))
}

fn restores(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|step| matches!(step.spec, StepSpec::RestoreDatabase(_)))
}
