//! The decision about a store, told or carried out.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use model::{API_VERSION, PruneOutcome, PruneReport, PrunedBackup, PrunedRemnant};

use crate::store::Partial;
use crate::{Backup, Progress, Store, StoreError};

use super::pin::pinned;
use super::survey::began;
use super::{Decision, KeepReason, Pin, Policy, PolicyError, ReleaseKey, Revisions, Survey, decide};

/// How long a backup may be in the making: what began earlier and is none yet was left by something that was killed, a
/// removal or an attempt.
const LONGEST_ATTEMPT: SignedDuration = SignedDuration::from_hours(24);

/// What becomes of everything in a store.
pub struct Plan {
    backups: Vec<(Backup, Decision)>,
    remnants: Vec<(Partial, Option<&'static str>)>,
    now: Timestamp,
}

/// What a prune did.
pub struct PruneEnd {
    /// Every backup and what became of it.
    pub report: PruneReport,
    /// The first failure; what could be removed after it was.
    pub failure: Option<StoreError>,
}

impl Plan {
    /// Decides.
    ///
    /// # Errors
    /// When the policy cannot be used.
    pub fn make(
        survey: Survey,
        revisions: &BTreeMap<ReleaseKey, Revisions>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Self, PolicyError> {
        let candidates = survey.candidates(revisions);
        let decisions = decide(&candidates, &survey.failed(), policy, now)?;
        let remnants = survey.partials.iter().map(|partial| {
            let stays = if survey.is_newest(partial) {
                Some("the newest attempt, which failed or goes on: nothing of this database is removed")
            } else if now.duration_since(partial.id.time()) < LONGEST_ATTEMPT {
                Some("no backup, but begun within a day: somebody may be making it")
            } else {
                None
            };
            (partial.clone(), stays)
        });
        let remnants = remnants.collect();
        let backups = survey.backups.into_iter().map(|(backup, _)| backup);
        let mut backups: Vec<(Backup, Decision)> = backups.zip(decisions).collect();
        backups.sort_by_cached_key(|(backup, _)| {
            let manifest = &backup.manifest;
            let place = [
                &manifest.cluster,
                &manifest.namespace,
                &manifest.server_name,
                &manifest.database,
            ];
            (
                place.map(Clone::clone),
                Reverse((began(backup), backup.id.clone())),
            )
        });
        Ok(Self {
            backups,
            remnants,
            now,
        })
    }

    /// Whether anything goes.
    pub fn removes_anything(&self) -> bool {
        let goes = |(_, decision): &(Backup, Decision)| matches!(decision, Decision::Remove(_));
        self.backups.iter().any(goes) || self.remnants.iter().any(|(_, stays)| stays.is_none())
    }

    /// What it would do.
    pub fn preview(&self, store: &Store) -> PruneReport {
        let backups = self.backups.iter().map(|(backup, decision)| {
            let outcome = match decision {
                Decision::Keep(_) => PruneOutcome::Kept,
                Decision::Remove(_) => PruneOutcome::WouldBeRemoved,
            };
            self.told(backup, decision, outcome)
        });
        let remnants = self.remnants.iter().map(|(partial, stays)| match stays {
            Some(why) => remnant(partial, PruneOutcome::Kept, why),
            None => remnant(partial, PruneOutcome::WouldBeRemoved, GONE),
        });
        report(store, true, backups.collect(), remnants.collect())
    }

    /// Does it: newest first, so that nothing that is left builds on something that is gone. Of each backup the manifest
    /// goes first. Carries on after a failure.
    pub async fn carry_out(self, store: &Store, progress: Progress<'_>) -> PruneEnd {
        let mut failure = None;
        let mut backups = Vec::new();
        for (backup, decision) in &self.backups {
            let outcome = match decision {
                Decision::Keep(_) => PruneOutcome::Kept,
                Decision::Remove(_) => match pinned(backup).await {
                    // Somebody may have pinned it since the decision.
                    Ok(Some(pin)) => {
                        let pin = Pin::Said { reason: pin.reason };
                        let decision = Decision::Keep(vec![KeepReason::Pinned(pin)]);
                        backups.push(self.told(backup, &decision, PruneOutcome::Kept));
                        continue;
                    }
                    Ok(None) => {
                        progress(&format!("removing {}", backup.id), None);
                        outcome(store.remove(backup).await, &mut failure)
                    }
                    Err(error) => outcome(Err(error), &mut failure),
                },
            };
            backups.push(self.told(backup, decision, outcome));
        }
        let mut remnants = Vec::new();
        for (partial, stays) in &self.remnants {
            remnants.push(match stays {
                Some(why) => remnant(partial, PruneOutcome::Kept, why),
                None => {
                    progress(&format!("clearing {}", partial.id), None);
                    remnant(partial, outcome(store.forget(partial).await, &mut failure), GONE)
                }
            });
        }
        PruneEnd {
            report: report(store, false, backups, remnants),
            failure,
        }
    }

    fn told(&self, backup: &Backup, decision: &Decision, outcome: PruneOutcome) -> PrunedBackup {
        let manifest = &backup.manifest;
        let began = began(backup);
        PrunedBackup {
            id: backup.id.to_string(),
            uri: backup.uri(),
            database: manifest.database.clone(),
            namespace: manifest.namespace.clone(),
            server: manifest.server_name.clone(),
            started_at: began.to_string(),
            age_seconds: self.now.as_second() - began.as_second(),
            bytes: manifest.files.iter().map(|file| file.bytes).sum(),
            outcome,
            reasons: match decision {
                Decision::Keep(reasons) => reasons.iter().map(ToString::to_string).collect(),
                Decision::Remove(reason) => vec![reason.to_string()],
            },
        }
    }
}

/// Why a remnant goes.
const GONE: &str = "no backup: what a killed attempt or removal left";

fn outcome(removed: Result<(), StoreError>, failure: &mut Option<StoreError>) -> PruneOutcome {
    match removed {
        Ok(()) => PruneOutcome::Removed,
        Err(error) => {
            failure.get_or_insert(error);
            PruneOutcome::NotRemoved
        }
    }
}

fn remnant(partial: &Partial, outcome: PruneOutcome, reason: &str) -> PrunedRemnant {
    PrunedRemnant {
        id: partial.id.to_string(),
        uri: partial.uri.clone(),
        outcome,
        reason: reason.to_owned(),
    }
}

fn report(
    store: &Store,
    dry_run: bool,
    backups: Vec<PrunedBackup>,
    remnants: Vec<PrunedRemnant>,
) -> PruneReport {
    let goes = |outcome| matches!(outcome, PruneOutcome::Removed | PruneOutcome::WouldBeRemoved);
    let gone = backups.iter().filter(|backup| goes(backup.outcome));
    PruneReport {
        api_version: API_VERSION.into(),
        kind: "PruneReport".into(),
        store: store.to_string(),
        dry_run,
        freed_bytes: gone.map(|backup| backup.bytes).sum(),
        backups,
        remnants,
        next: Vec::new(),
    }
}
