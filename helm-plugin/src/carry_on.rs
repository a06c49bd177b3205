//! `helm safe-upgrade resume` and `abort`.

use cli::{Environment, watched};
use engine::{AbortConsent, Faults};
use model::ExitCode;
use upgrade::flow::{self, CarryOn, Direction};

use crate::arguments::{AbortFlags, Common, ResumeFlags};
use crate::notify::NotifyFlags;
use crate::session::Session;
use crate::upgrade::show_end;

/// What is true when a run could not be taken over.
const AS_IT_WAS: &str = "The run is as it was; nothing was changed by this command.";

/// Carries on.
pub(crate) async fn resume(flags: &ResumeFlags, environment: Environment) -> ExitCode {
    let ResumeFlags {
        release,
        notify,
        fault,
        common,
    } = flags;
    let what = Carry {
        release,
        direction: Direction::Resume,
        faults: fault.clone(),
        notify,
    };
    carry(what, common, environment).await
}

/// Takes back.
pub(crate) async fn abort(flags: &AbortFlags, environment: Environment) -> ExitCode {
    let AbortFlags {
        release,
        accept_loss,
        leave,
        notify,
        fault,
        common,
    } = flags;
    let direction = match (*leave, *accept_loss) {
        (true, _) => Direction::Leave,
        (false, true) => Direction::Abort(AbortConsent::Price),
        (false, false) => Direction::Abort(AbortConsent::FreeOnly),
    };
    let what = Carry {
        release,
        direction,
        faults: fault.clone(),
        notify,
    };
    carry(what, common, environment).await
}

/// What is carried on, and where to.
struct Carry<'a> {
    release: &'a str,
    direction: Direction,
    faults: Option<Faults>,
    notify: &'a NotifyFlags,
}

async fn carry(what: Carry<'_>, common: &Common, environment: Environment) -> ExitCode {
    let Carry {
        release,
        direction,
        faults,
        notify,
    } = what;
    let session = match Session::open(common, &environment).await {
        Ok(session) => session,
        Err(code) => return code,
    };
    let notify = match notify.notify(&environment) {
        Ok(notify) => notify,
        Err(refusal) => {
            return cli::fail(&session.output, &refusal, AS_IT_WAS, None, refusal.exit_code());
        }
    };
    let request = CarryOn {
        cluster: session.cluster,
        helm: Some(session.helm),
        namespace: session.namespace.clone(),
        release: release.to_owned(),
        direction,
        restore: None,
        identities: None,
    };
    let ended = watched(&session.output, faults, |options| {
        flow::carry_on(&request, options.telling(&notify))
    })
    .await;
    match ended {
        Ok(report) => show_end(&session.output, &report),
        Err(error) => {
            let next = format!("helm safe-upgrade status {release} -n {}", session.namespace);
            cli::fail(&session.output, &error, AS_IT_WAS, Some(&next), error.exit_code())
        }
    }
}
