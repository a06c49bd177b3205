//! What happens when a migration takes longer than it usually does.

use std::time::Duration;

use engine::StepContext;
use jiff::Timestamp;
use model::OnSlow;

/// Waits until a migration that began at `begun` has taken longer than `usual`, says so, and ends, with the reason, only
/// where it is not to go on: as was agreed beforehand, or as a person says.
pub(crate) async fn too_slow(context: &StepContext, begun: Timestamp, usual: Option<u64>) -> String {
    let Some(usual) = usual else {
        return std::future::pending().await;
    };
    let over = begun
        .saturating_add(Duration::from_secs(usual))
        .unwrap_or(Timestamp::MAX);
    context.clock().until(over).await;
    let words = format!("the migration takes longer than the usual {usual} s");
    match context.plan().on_slow() {
        OnSlow::Continue => context.events().notice(words.as_str()),
        OnSlow::Abort => return format!("{words} (--on-slow abort)"),
        OnSlow::Ask => {
            context.events().notice(words.as_str());
            let question = format!("{words}. Break it off? The run then turns back where that loses nothing");
            if context.asking().ask(question).await == Some(true) {
                return format!("{words}, and a person broke it off");
            }
            context.events().notice("the migration goes on");
        }
    }
    std::future::pending().await
}
