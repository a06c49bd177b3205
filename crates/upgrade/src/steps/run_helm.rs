//! Running helm as a part of a step: its lines become events, its end a result, and it ends with the step.

use engine::{StepContext, StepFailure};
use helm::{HelmEnd, OutputLine, Running};
use model::Event;

/// Follows a running helm to its end. Ends helm when the run is cancelled; dropping the future ends it too.
pub(crate) async fn follow(context: &StepContext, mut running: Running) -> Result<HelmEnd, StepFailure> {
    loop {
        tokio::select! {
            line = running.next_line() => match line {
                // What helm says of a success on standard output is said by the step itself; a failure is in its tail.
                Some(OutputLine::Out(_)) => {}
                Some(OutputLine::Err(line)) => context.events().send(Event::Log { source: None, line }),
                None => return Ok(running.wait().await?),
            },
            () = context.cancel().cancelled() => {
                running.stop().await?;
                return Err(StepFailure::new("interrupted while helm was running"));
            }
        }
    }
}

/// Makes a failure of a helm that ended badly.
pub(crate) fn expect_success(act: &str, end: &HelmEnd) -> Result<(), StepFailure> {
    if end.is_success() {
        return Ok(());
    }
    let words = end
        .error()
        .unwrap_or_else(|| format!("it ended with code {}", end.code));
    Err(StepFailure::new(format!("helm {act} failed: {words}")))
}
