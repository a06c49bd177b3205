//! The one that writes a run's journal: every write is bounded, validated, leased and conditional.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Plan, StepState, UpgradeOutcome};
use tokio::time::Instant;

use super::document::bounded;
use super::store::ask;
use super::{HeadLabels, JournalError, JournalStore, PartEntry, RunDocument, StoreError, parts, unfinished};
use crate::{Faults, Lease, clock};

/// How long a write is tried again while the API server does not answer: long enough for one that is restarted, and
/// shorter than the lease, so that no write is tried when another process may already have taken the run over.
const WRITE_PATIENCE: Duration = Duration::from_secs(45);
/// First and longest pause between two tries of a write.
const WRITE_PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Largest head, in bytes: a Secret holds 1 MiB with its metadata.
const HEAD_LIMIT: usize = 900 * 1024;
/// Largest head that a step's record may make: the rest is kept for states, details and the outcome, which must always
/// fit.
const RECORD_LIMIT: usize = 600 * 1024;

/// What a new run begins with.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The run's id, from [`Journal::new_run_id`].
    pub run: String,
    /// What it will do.
    pub plan: Plan,
    /// What the program needs to continue that is not in the plan: helm's flags without secrets, helm's major version.
    pub inputs: serde_json::Value,
    /// The pinned chart, the pinned values, … by name: lower-case letters, digits and `-`.
    pub parts: Vec<(String, Vec<u8>)>,
}

/// The journal of one run, open for writing. Clones share one state.
#[derive(Clone)]
pub struct Journal {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn JournalStore>,
    lease: Lease,
    faults: Faults,
    release: String,
    run: String,
    /// The head's version; held while writing, so that writes happen one after the other.
    version: tokio::sync::Mutex<String>,
    known: Mutex<Known>,
}

/// What we know of the journal. Once it is broken nothing is written any more.
struct Known {
    document: RunDocument,
    broken: Option<JournalError>,
}

impl Journal {
    /// A new run's id: its time and random hex, so that ids sort by time and never meet.
    pub fn new_run_id() -> String {
        let time = clock::now().strftime("%Y%m%d-%H%M%S");
        format!("{time}-{:08x}", rand::random::<u32>())
    }

    /// Writes the head and the parts of a new run.
    ///
    /// # Errors
    /// An earlier run of the release has not ended for good; the store refuses or does not answer, the plan does not fit,
    /// the lease is lost.
    pub async fn create(
        store: Arc<dyn JournalStore>,
        lease: Lease,
        faults: Faults,
        new: NewRun,
    ) -> Result<Self, JournalError> {
        let holder = lease.holder().as_str().to_owned();
        let document = RunDocument::of_new_run(&new.run, &holder, new.plan, new.inputs);
        let earlier = unfinished(store.as_ref(), &document.release).await?;
        if let Some(earlier) = earlier.first().filter(|earlier| earlier.run != document.run) {
            return Err(JournalError::Unfinished {
                release: document.release,
                run: earlier.run.clone(),
            });
        }
        let journal = Self::of(store, lease, faults, document);
        journal.shared.create().await?;
        match journal.put_parts(&new.parts).await {
            Ok(()) => Ok(journal),
            Err(error) => {
                // Nothing was begun; without this word the head would stand in the way of the next run. Where it
                // cannot be written either, `abort` says it.
                let reason = format!("nothing was begun: {}", model::causes(&error));
                drop(journal.finish(UpgradeOutcome::Restored, Some(reason)).await);
                Err(error)
            }
        }
    }

    async fn put_parts(&self, parts: &[(String, Vec<u8>)]) -> Result<(), JournalError> {
        if parts.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(parts.len());
        for (name, bytes) in parts {
            entries.push(self.shared.store_part(name, bytes).await?);
        }
        self.append(HEAD_LIMIT, move |document| {
            document.parts = entries;
            Ok(())
        })
        .await
    }

    /// Takes an existing run over: reads, validates, and writes our name into it. One that has ended for good is only
    /// read.
    ///
    /// # Errors
    /// As [`Journal::create`]; also a run that is not there or cannot be understood.
    pub async fn open(
        store: Arc<dyn JournalStore>,
        lease: Lease,
        faults: Faults,
        release: &str,
        run: &str,
    ) -> Result<Self, JournalError> {
        let head = ask(&format!("run {run}"), store.read_head(release, run))
            .await
            .map_err(|source| JournalError::Store {
                run: run.to_owned(),
                source,
            })?
            .ok_or_else(|| JournalError::NotFound {
                release: release.to_owned(),
                run: run.to_owned(),
            })?;
        let document = RunDocument::parse(run, &head.text)?;
        let finished = document.is_final();
        let holder = lease.holder().as_str().to_owned();
        let journal = Self::of(store, lease, faults, document);
        *journal.shared.version.lock().await = head.version;
        if !finished {
            journal
                .append(HEAD_LIMIT, move |document| {
                    document.holder = holder;
                    Ok(())
                })
                .await?;
        }
        Ok(journal)
    }

    fn of(store: Arc<dyn JournalStore>, lease: Lease, faults: Faults, document: RunDocument) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                lease,
                faults,
                release: document.release.clone(),
                run: document.run.clone(),
                version: tokio::sync::Mutex::default(),
                known: Mutex::new(Known {
                    document,
                    broken: None,
                }),
            }),
        }
    }

    /// The document as last written.
    pub fn document(&self) -> RunDocument {
        self.shared.known().document.clone()
    }

    /// What a step recorded.
    pub fn recorded(&self, step: &str) -> Option<serde_json::Value> {
        self.shared.known().document.step(step)?.record.clone()
    }

    /// Puts a part of the run into Secrets of its own.
    ///
    /// # Errors
    /// As [`Journal::create`].
    pub async fn put_part(&self, name: &str, bytes: &[u8]) -> Result<(), JournalError> {
        let entry = self.shared.store_part(name, bytes).await?;
        self.append(HEAD_LIMIT, move |document| {
            document.parts.retain(|part| part.name != entry.name);
            document.parts.push(entry);
            Ok(())
        })
        .await
    }

    /// The bytes of a part, checked; `None` if the run has no such part.
    ///
    /// # Errors
    /// The store does not answer or the part is damaged.
    pub async fn get_part(&self, name: &str) -> Result<Option<Vec<u8>>, JournalError> {
        let entry = self.document().parts.into_iter().find(|part| part.name == name);
        match entry {
            Some(entry) => {
                let shared = &self.shared;
                parts::get(shared.store.as_ref(), &shared.release, &shared.run, &entry)
                    .await
                    .map(Some)
            }
            None => Ok(None),
        }
    }

    /// Why nothing can be written any more, once that is so.
    pub(crate) fn broken(&self) -> Option<JournalError> {
        self.shared.known().broken.clone()
    }

    pub(crate) fn store(&self) -> &dyn JournalStore {
        self.shared.store.as_ref()
    }

    /// Journals what a step wants to know later.
    pub(crate) async fn record(&self, step: &str, value: serde_json::Value) -> Result<(), JournalError> {
        let id = step.to_owned();
        self.append(RECORD_LIMIT, move |document| {
            if let Some(step) = document.steps.iter_mut().find(|step| step.id == id) {
                step.record = Some(value);
            }
            Ok(())
        })
        .await
    }

    /// Journals a step's new state.
    pub(crate) async fn set_state(
        &self,
        index: usize,
        to: StepState,
        detail: Option<String>,
        warning: bool,
    ) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.set_state(index, to, detail.as_deref(), warning)
        })
        .await
    }

    /// Journals that a step failed, and, where the run turns back for it, that too: in one write, so that no later
    /// process can find one without the other.
    pub(crate) async fn set_failed(
        &self,
        index: usize,
        detail: String,
        turning_back: Option<String>,
    ) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.turning_back = turning_back.as_deref().map(bounded);
            document.set_state(index, StepState::Failed, Some(&detail), false)
        })
        .await
    }

    /// Journals that the run turns back, and whether a person agreed to what that costs.
    pub(crate) async fn turn_back(&self, reason: String, price_agreed: bool) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.take_up();
            document.turning_back.get_or_insert_with(|| bounded(&reason));
            document.price_agreed |= price_agreed;
            Ok(())
        })
        .await
    }

    /// Journals that the run goes on although its time is over, and why.
    pub(crate) async fn overtime(&self, why: String) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.overtime = Some(bounded(&why));
            Ok(())
        })
        .await
    }

    /// Journals that a step that changes nothing is put back.
    pub(crate) async fn set_restored_without_acting(&self, index: usize) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.set_state(index, StepState::Restoring, None, false)?;
            document.set_state(index, StepState::Restored, None, false)
        })
        .await
    }

    /// Journals the outcome.
    pub(crate) async fn finish(
        &self,
        outcome: UpgradeOutcome,
        reason: Option<String>,
    ) -> Result<(), JournalError> {
        self.append(HEAD_LIMIT, move |document| {
            document.outcome = Some(outcome);
            document.reason = reason.as_deref().map(bounded);
            Ok(())
        })
        .await
    }

    /// Writes a changed document. It happens in a task of its own: a step that is dropped while it records must not
    /// leave us without the version of what was written.
    async fn append(
        &self,
        limit: usize,
        change: impl FnOnce(&mut RunDocument) -> Result<(), JournalError> + Send + 'static,
    ) -> Result<(), JournalError> {
        let shared = Arc::clone(&self.shared);
        let writing = tokio::spawn(async move { shared.append(limit, change).await });
        match writing.await {
            Ok(result) => result,
            Err(error) => Err(JournalError::Malformed {
                run: self.shared.run.clone(),
                why: format!("writing it broke off: {error}"),
            }),
        }
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn labels(&self, document: &RunDocument) -> HeadLabels {
        HeadLabels {
            release: self.release.clone(),
            run: self.run.clone(),
            outcome: document.outcome,
        }
    }

    async fn create(&self) -> Result<(), JournalError> {
        let mut version = self.version.lock().await;
        let document = self.known().document.clone();
        let text = document.to_text(HEAD_LIMIT)?;
        let written = self.write(&document, &text, None).await;
        *version = self.note(written)?;
        Ok(())
    }

    async fn append(
        &self,
        limit: usize,
        change: impl FnOnce(&mut RunDocument) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let mut version = self.version.lock().await;
        let mut next = {
            let known = self.known();
            if let Some(error) = &known.broken {
                return Err(error.clone());
            }
            known.document.clone()
        };
        change(&mut next)?;
        let text = next.to_text(limit)?;
        let written = self.write(&next, &text, Some(version.clone())).await;
        *version = self.note(written)?;
        self.known().document = next;
        Ok(())
    }

    /// Remembers that a write failed, after which there is no other.
    fn note(&self, written: Result<String, JournalError>) -> Result<String, JournalError> {
        if let Err(error) = &written {
            self.known().broken = Some(error.clone());
        }
        written
    }

    async fn write(
        &self,
        document: &RunDocument,
        text: &[u8],
        version: Option<String>,
    ) -> Result<String, JournalError> {
        self.check_lease()?;
        self.faults
            .before_write()
            .map_err(|_| JournalError::SimulatedDeath)?;
        let version = self.write_patiently(document, text, version).await?;
        self.faults
            .after_write()
            .map_err(|_| JournalError::SimulatedDeath)?;
        Ok(version)
    }

    async fn write_patiently(
        &self,
        document: &RunDocument,
        text: &[u8],
        mut version: Option<String>,
    ) -> Result<String, JournalError> {
        let labels = self.labels(document);
        let object = format!("run {}", self.run);
        let begun = Instant::now();
        let (mut pause, longest) = WRITE_PAUSES;
        loop {
            let written = match &version {
                Some(version) => ask(&object, self.store.replace_head(&labels, text, version)).await,
                None => ask(&object, self.store.create_head(&labels, text)).await,
            };
            let trouble = match written {
                Ok(version) => return Ok(version),
                Err(StoreError::Conflict { .. }) => match self.reconcile(text).await {
                    Ok(Reconciled::Written(version)) => return Ok(version),
                    Ok(Reconciled::Again(newer)) => {
                        version = Some(newer);
                        continue;
                    }
                    Err(error) => error,
                },
                Err(source) => self.store_error(source),
            };
            let passing = matches!(
                trouble,
                JournalError::Store {
                    source: StoreError::Unavailable { .. },
                    ..
                }
            );
            if !passing || begun.elapsed() + pause > WRITE_PATIENCE {
                return Err(trouble);
            }
            tokio::time::sleep(pause).await;
            pause = longest.min(pause * 2);
            self.check_lease()?;
        }
    }

    /// Finds out why a write met another version: our own write whose answer was lost, a touch that left the document
    /// alone, or somebody else's word.
    async fn reconcile(&self, text: &[u8]) -> Result<Reconciled, JournalError> {
        let changed = |by: &str| JournalError::Changed {
            run: self.run.clone(),
            by: by.to_owned(),
        };
        let head = ask(
            &format!("run {}", self.run),
            self.store.read_head(&self.release, &self.run),
        )
        .await
        .map_err(|source| self.store_error(source))?
        .ok_or_else(|| changed("somebody who removed it"))?;
        if head.text == text {
            return Ok(Reconciled::Written(head.version));
        }
        let stored = RunDocument::parse(&self.run, &head.text).map_err(|_| changed("an unknown hand"))?;
        let known = self.known();
        if stored == known.document {
            Ok(Reconciled::Again(head.version))
        } else if stored.holder == known.document.holder {
            Err(changed("an unknown hand"))
        } else {
            Err(changed(&stored.holder))
        }
    }

    async fn store_part(&self, name: &str, bytes: &[u8]) -> Result<PartEntry, JournalError> {
        self.check_lease()?;
        parts::put(self.store.as_ref(), &self.release, &self.run, name, bytes).await
    }

    fn check_lease(&self) -> Result<(), JournalError> {
        self.lease.check().map_err(|to| JournalError::LeaseLost { to })
    }

    fn store_error(&self, source: StoreError) -> JournalError {
        JournalError::Store {
            run: self.run.clone(),
            source,
        }
    }
}

enum Reconciled {
    /// What we wanted to write is there, in this version.
    Written(String),
    /// What we knew is there, in this version.
    Again(String),
}
