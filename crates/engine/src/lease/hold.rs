//! Getting, keeping and giving up a lease.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{LeaseRecord, LeaseStore};
use crate::journal::{StoreError, ask};
use crate::{Events, Holder, clock};

/// How long a silent holder keeps its lease: three renewals may be missed, and a person who resumes waits a minute.
pub(crate) const DURATION: Duration = Duration::from_secs(60);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(15);
/// How long after a renewal the lease is still certainly ours. Shorter than [`DURATION`], so that we stop before
/// another may begin.
const CERTAIN: Duration = Duration::from_secs(50);
/// The pause after a renewal that was not answered.
const RETRY: Duration = Duration::from_secs(2);
/// How often a silent holder's lease is looked at. A watch would only tell of renewals; what is waited for is that
/// there is none.
const LOOK: Duration = Duration::from_secs(5);
/// How often a person is told that a silent holder is waited for.
const NOTICE: Duration = Duration::from_secs(15);
/// Longest silence that a foreign lease may ask for, whatever it says.
const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Why a lease could not be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LeaseError {
    /// Another process works on this release.
    #[error("release {release} is being worked on by {holder}")]
    Held {
        /// The release.
        release: String,
        /// Who.
        holder: String,
    },
    /// The store does not answer or refuses.
    #[error("could not use the lease of release {release}")]
    Store {
        /// The release.
        release: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// In which situation a lease is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquire {
    /// A new run: a holder who renewed a moment ago by the time of day is refused at once.
    NewRun,
    /// `resume` and `abort`: the former process is expected to be dead, so its silence is waited for.
    TakeOver,
}

/// A lease that we hold, renewed by a task of its own. Clones share it; it is lost for all of them at once. When the
/// last clone is dropped without [`Lease::release`], renewing ends and the lease runs out, as after a death.
#[derive(Clone)]
pub struct Lease {
    held: Arc<Held>,
    renewing: Arc<Renewing>,
}

struct Held {
    store: Arc<dyn LeaseStore>,
    release: String,
    holder: Holder,
    state: Mutex<State>,
    lost: CancellationToken,
}

struct State {
    version: String,
    renewed: Instant,
    /// The same moment by the time of day, which goes on while a laptop sleeps.
    renewed_at: Timestamp,
    lost_to: Option<String>,
}

/// Ends the renewing task with its last owner.
struct Renewing(AbortHandle);

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Lease {
    /// Gets the lease of a release, waiting at most its duration for a silent holder.
    ///
    /// A holder's own clock is never trusted to call it dead: only a renewal that stays unchanged for the lease's
    /// duration on our clock is, or a process that this machine knows to be gone.
    ///
    /// # Errors
    /// [`LeaseError::Held`] names a holder who is alive.
    pub async fn acquire(
        store: Arc<dyn LeaseStore>,
        release: &str,
        holder: &Holder,
        situation: Acquire,
        events: &Events,
    ) -> Result<Self, LeaseError> {
        let failed = |source| LeaseError::Store {
            release: release.to_owned(),
            source,
        };
        let object = format!("the lease of {release}");
        let mut watched: Option<(LeaseRecord, Instant)> = None;
        loop {
            let found = ask(&object, store.read(release)).await.map_err(failed)?;
            if let Some(record) = &found {
                let since = match &watched {
                    Some((before, since)) if before.version == record.version => *since,
                    Some(_) => return Err(held(release, record)),
                    None => {
                        if situation == Acquire::NewRun && renewed_lately(record) && !is_free(record) {
                            return Err(held(release, record));
                        }
                        let now = Instant::now();
                        watched = Some((record.clone(), now));
                        now
                    }
                };
                let silence = Duration::from_secs(record.duration_seconds.max(1)).min(LONGEST_SILENCE);
                if !is_free(record) && since.elapsed() < silence {
                    let left = silence.saturating_sub(since.elapsed());
                    if left.as_secs() % NOTICE.as_secs() < LOOK.as_secs() {
                        events.notice(format!(
                            "waiting for {}: its lease on {release} runs out in {} s",
                            record.holder,
                            left.as_secs()
                        ));
                    }
                    tokio::time::sleep(LOOK.min(left)).await;
                    continue;
                }
            }
            let version = found.as_ref().map(|record| record.version.as_str());
            let (asked, asked_at) = (Instant::now(), clock::now());
            match ask(
                &object,
                store.write(release, holder.as_str(), DURATION.as_secs(), version),
            )
            .await
            {
                Ok(version) => {
                    let state = State {
                        version,
                        renewed: asked,
                        renewed_at: asked_at,
                        lost_to: None,
                    };
                    return Ok(Self::start(store, release, holder, state));
                }
                // Somebody was faster; look again at who it is.
                Err(StoreError::Conflict { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
        }
    }

    fn start(store: Arc<dyn LeaseStore>, release: &str, holder: &Holder, state: State) -> Self {
        let held = Arc::new(Held {
            store,
            release: release.to_owned(),
            holder: holder.clone(),
            state: Mutex::new(state),
            lost: CancellationToken::new(),
        });
        let task = tokio::spawn(renew(Arc::clone(&held)));
        Self {
            held,
            renewing: Arc::new(Renewing(task.abort_handle())),
        }
    }

    /// Who we are.
    pub fn holder(&self) -> &Holder {
        &self.held.holder
    }

    /// Fails with the name of who took it as soon as it is no longer certainly ours.
    ///
    /// # Errors
    /// The new holder, or why it is gone.
    pub fn check(&self) -> Result<(), String> {
        self.held.check()
    }

    /// Cancelled when the lease is lost.
    pub fn lost(&self) -> CancellationToken {
        self.held.lost.clone()
    }

    /// Stops renewing and removes the lease, if it is still ours. The loop does this at the end of a run; a caller only
    /// where no run came of it. What cannot be removed runs out.
    pub async fn release(&self) {
        self.renewing.0.abort();
        if self.held.lost.is_cancelled() {
            return;
        }
        let held = &self.held;
        let object = format!("the lease of {}", held.release);
        // Read again: the renewing task may have been ended between its write and our knowing the version.
        if let Ok(Some(record)) = ask(&object, held.store.read(&held.release)).await
            && record.holder == held.holder.as_str()
        {
            // A failure leaves a lease that runs out by itself, and there is nobody left to act on it.
            drop(ask(&object, held.store.delete(&held.release, &record.version)).await);
        }
        held.lose("nobody: it was given up");
    }
}

fn held(release: &str, record: &LeaseRecord) -> LeaseError {
    LeaseError::Held {
        release: release.to_owned(),
        holder: record.holder.clone(),
    }
}

/// Whether a lease that is there is nobody's.
fn is_free(record: &LeaseRecord) -> bool {
    record.holder.is_empty() || Holder::from_text(record.holder.as_str()).is_certainly_dead()
}

/// Whether the holder's clock and ours together say that it was renewed within its duration. Clocks may differ, so this
/// only ever serves to refuse.
fn renewed_lately(record: &LeaseRecord) -> bool {
    let Some(Ok(renewed)) = record.renewed.as_ref().map(|time| time.parse::<Timestamp>()) else {
        return false;
    };
    clock::now().duration_since(renewed).as_secs()
        < i64::try_from(record.duration_seconds).unwrap_or(i64::MAX)
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, to: &str) {
        self.state().lost_to.get_or_insert_with(|| to.to_owned());
        self.lost.cancel();
    }

    fn check(&self) -> Result<(), String> {
        let (lost_to, sure) = {
            let state = self.state();
            let asleep = clock::now().duration_since(state.renewed_at).unsigned_abs();
            let silent = state.renewed.elapsed().max(asleep);
            (state.lost_to.clone(), silent < CERTAIN)
        };
        match lost_to {
            Some(to) => Err(to),
            None if sure => Ok(()),
            None => {
                let why = format!(
                    "nobody we know: it could not be renewed for {} s",
                    CERTAIN.as_secs()
                );
                self.lose(&why);
                Err(why)
            }
        }
    }

    /// One renewal; how long to wait for the next.
    async fn renew_once(&self) -> Duration {
        let object = format!("the lease of {}", self.release);
        let version = self.state().version.clone();
        let (asked, asked_at) = (Instant::now(), clock::now());
        let write = self.store.write(
            &self.release,
            self.holder.as_str(),
            DURATION.as_secs(),
            Some(&version),
        );
        match ask(&object, write).await {
            Ok(version) => {
                let mut state = self.state();
                state.version = version;
                state.renewed = asked;
                state.renewed_at = asked_at;
                RENEWAL
            }
            Err(StoreError::Conflict { .. }) => {
                match ask(&object, self.store.read(&self.release)).await {
                    Ok(Some(record)) if record.holder == self.holder.as_str() => {
                        // Our own write whose answer was lost, or a touch of the metadata: renew on top of it.
                        self.state().version = record.version;
                        Duration::ZERO
                    }
                    Ok(Some(record)) => {
                        self.lose(&record.holder);
                        RENEWAL
                    }
                    Ok(None) => {
                        self.lose("nobody: it was removed");
                        RENEWAL
                    }
                    Err(_) => RETRY,
                }
            }
            // Unanswered or refused for now: `check` says when that has lasted too long.
            Err(StoreError::Unavailable { .. } | StoreError::Refused { .. }) => RETRY,
        }
    }
}

/// Renews until the lease is lost.
async fn renew(held: Arc<Held>) {
    let mut pause = RENEWAL;
    loop {
        tokio::time::sleep(pause).await;
        pause = held.renew_once().await;
        if held.check().is_err() {
            return;
        }
    }
}
