//! The end of a run that a person wants left as it stands.

use model::{StepState, UpgradeOutcome};
use tokio_util::sync::CancellationToken;

use super::Runner;
use crate::RunEnd;

impl Runner {
    /// Lets go what every begun step holds up, then ends the run. Where that fails the run stays stopped, so that it can
    /// be tried again.
    pub(super) async fn leave(&self) -> RunEnd {
        let mut told = vec!["left as it stands on the user's word".to_owned()];
        for index in (0..self.plan.steps.len()).rev() {
            if matches!(self.state(index), StepState::Pending | StepState::Restored) {
                continue;
            }
            let context = self.context(index, CancellationToken::new(), self.act.cancel.clone());
            let step = &self.act.steps[index];
            let let_go = tokio::select! {
                biased;
                () = self.act.lease.lost().cancelled_owned() => return self.halt(&self.lease_error()).await,
                let_go = step.let_go(&context) => let_go,
            };
            match let_go {
                Ok(None) => {}
                Ok(Some(words)) => {
                    self.act.events.progress(&step.planned().id, words.as_str(), None);
                    told.push(words);
                }
                Err(failure) => {
                    let title = &self.plan.steps[index].title;
                    let reason = format!("\"{title}\" could not be let go: {}", failure.text());
                    return self.finish(UpgradeOutcome::Stopped, Some(reason)).await;
                }
            }
        }
        self.finish(UpgradeOutcome::Left, Some(told.join("; "))).await
    }
}
