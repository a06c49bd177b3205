//! What goes on after its owner was dropped: pods that are taken away. A program that ended at once would leave them.

use std::sync::LazyLock;
use std::time::Duration;

use tokio_util::task::TaskTracker;

static TASKS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// How long a program waits for it: deadlines in the cluster end what is left.
const LIMIT: Duration = Duration::from_secs(20);

/// Does something after its owner was dropped; nothing where no runtime is left to do it.
pub(crate) fn afterwards(work: impl Future<Output = ()> + Send + 'static) {
    if tokio::runtime::Handle::try_current().is_ok() {
        TASKS.spawn(work);
    }
}

/// Waits until everything is taken away that was left in the cluster for the length of an act. To be called when a program
/// ends.
pub async fn settled() {
    TASKS.close();
    // What takes longer than that ends by itself in the cluster.
    let _ = tokio::time::timeout(LIMIT, TASKS.wait()).await;
    TASKS.reopen();
}
