//! Which way an upgrade that somebody else began is ended: forward, back, or not by this program. Pure.

use std::time::Duration;

use model::profile::AfterMigration;
use model::{ReleaseStatus, Seen};
use thiserror::Error;

use super::schema::Stand;
use super::sessions::InTheWay;
use super::trouble::Trouble;
use crate::plan::{KnownBackup, WayBack};

/// The way that a person wishes; each is gone only where it is known to be safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Finish the newer version.
    Forward,
    /// Go back to the older one.
    Back,
}

/// A backup of the time before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsableBackup {
    /// Which.
    pub backup: KnownBackup,
    /// When it was made (RFC 3339).
    pub made_at: String,
}

/// Everything that the decision is made from.
#[derive(Debug, Clone)]
pub struct Situation {
    /// The newest revision.
    pub newest: u32,
    /// What its record says.
    pub status: ReleaseStatus,
    /// Seconds since the record was last written.
    pub age_seconds: Option<i64>,
    /// How long it must have been at work before it is taken for stuck.
    pub older_than: Duration,
    /// The revision to go back to: the last one that was in force.
    pub older: Option<u32>,
    /// A run of this program that is not over.
    pub unfinished_run: Seen<String>,
    /// What is wrong, or why that could not be seen.
    pub trouble: Result<Trouble, String>,
    /// Where the schema stands; `Err` says why nothing can be told.
    pub schema: Result<Stand, String>,
    /// The profile's word on older versions and newer schemas.
    pub promise: AfterMigration,
    /// The newest backup that was made before the failed upgrade began, and that fits the older version; `Err` says why
    /// there is none.
    pub backup: Result<UsableBackup, String>,
    /// Why the chart of the newest revision is not at hand, if it is not.
    pub no_chart: Option<String>,
    /// Sessions of others that keep the database from standing still.
    pub in_the_way: Seen<Vec<InTheWay>>,
    /// Whether a person has agreed to end them.
    pub end_sessions: bool,
    /// What a person wishes.
    pub wish: Option<Wish>,
}

/// The way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// The newer version is finished, without probes that could end it; if that fails, `anchor` comes into force.
    FinishForward {
        /// The older revision where its image runs on the schema as it is, else the newest itself: as it was found.
        anchor: u32,
        /// Why.
        why: String,
    },
    /// The older revision comes into force.
    TurnBack {
        /// Which revision.
        revision: u32,
        /// By helm alone, or with the database.
        way: WayBack,
        /// When the backup was made, where one is restored.
        made_at: Option<String>,
    },
}

/// Why nothing is done, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Something that is known stands against it.
    #[error("{why}; {remedy}")]
    Blocked {
        /// What stands against it.
        why: String,
        /// What would change that.
        remedy: String,
    },
    /// The release works.
    #[error("nothing is to be recovered: revision {revision} is deployed and all its pods are ready")]
    Nothing {
        /// The revision that works.
        revision: u32,
    },
    /// A run of this program is not over.
    #[error("run {run} of this program is not over: resume carries it on, abort takes it back")]
    Unfinished {
        /// The run.
        run: String,
    },
    /// Sessions of others.
    #[error("{}; what they have not committed would be lost with them", told(.0))]
    Sessions(Vec<InTheWay>),
    /// Something that must be known is not.
    #[error("{why}; {remedy}")]
    Unknown {
        /// What is not known.
        why: String,
        /// What would let it be known.
        remedy: String,
    },
}

fn told(sessions: &[InTheWay]) -> String {
    let words: Vec<String> = sessions.iter().map(ToString::to_string).collect();
    format!("not of this release's pods, and connected: {}", words.join("; "))
}

fn blocked(why: impl Into<String>, remedy: impl Into<String>) -> Refused {
    Refused::Blocked {
        why: why.into(),
        remedy: remedy.into(),
    }
}

fn unknown(why: impl Into<String>, remedy: impl Into<String>) -> Refused {
    Refused::Unknown {
        why: why.into(),
        remedy: remedy.into(),
    }
}

const NAME_THE_DATABASE: &str = "name it with --dsn or --secret, or say `migrations` in a profile";

/// Decides.
///
/// # Errors
/// When nothing is to be done, or no way is known to be safe.
pub fn decide(situation: &Situation) -> Result<Way, Refused> {
    no_run_of_ours(situation)?;
    let trouble = match &situation.trouble {
        Ok(trouble) => trouble,
        Err(why) => {
            return Err(unknown(
                format!("what is wrong with it could not be seen: {why}"),
                "grant the right to read pods, Jobs and events in the namespace",
            ));
        }
    };
    let older = worth_it(situation, trouble)?;
    let schema = situation.schema.as_ref().map_err(|why| {
        unknown(
            format!("which version the database is ready for is not known: {why}"),
            NAME_THE_DATABASE,
        )
    })?;
    let way = way(situation, trouble, schema, older)?;
    match &situation.in_the_way {
        Seen::Unreadable(why) => Err(unknown(
            format!("who is connected to the database cannot be seen: {why}"),
            "grant pg_read_all_stats to the application's role",
        )),
        Seen::Present(sessions) if sessions.iter().any(|one| one.kept.is_some()) => Err(blocked(
            told(sessions),
            "whoever opened them has to end those that cannot be ended from here",
        )),
        Seen::Present(sessions) if !sessions.is_empty() && !situation.end_sessions => {
            Err(Refused::Sessions(sessions.clone()))
        }
        Seen::Present(_) | Seen::Absent => Ok(way),
    }
}

/// A run of ours is carried on or taken back by its own journal.
fn no_run_of_ours(situation: &Situation) -> Result<(), Refused> {
    match &situation.unfinished_run {
        Seen::Present(run) => Err(Refused::Unfinished { run: run.clone() }),
        Seen::Unreadable(why) => Err(unknown(
            format!("whether a run of this program is not over could not be read: {why}"),
            "grant the right to read the journal's Secrets",
        )),
        Seen::Absent => Ok(()),
    }
}

/// The revision to go back to, where there is something to recover at all.
fn worth_it(situation: &Situation, trouble: &Trouble) -> Result<u32, Refused> {
    let (newest, status) = (situation.newest, situation.status);
    match status {
        ReleaseStatus::Deployed
        | ReleaseStatus::Failed
        | ReleaseStatus::PendingUpgrade
        | ReleaseStatus::PendingRollback => {}
        ReleaseStatus::PendingInstall
        | ReleaseStatus::Unknown
        | ReleaseStatus::Uninstalled
        | ReleaseStatus::Uninstalling
        | ReleaseStatus::Superseded => {
            return Err(blocked(
                format!("revision {newest} is {}, which is no upgrade", status.word()),
                "repair it with helm",
            ));
        }
    }
    let waits = status.is_pending() || matches!(trouble, Trouble::Hangs(_));
    if waits {
        let least = situation.older_than.as_secs();
        // A clock that is ahead writes times that are still to come.
        match situation.age_seconds.map(|age| u64::try_from(age).unwrap_or(0)) {
            None => {
                return Err(unknown(
                    format!("when revision {newest} was written is not told by its record"),
                    "look yourself, and mark it failed by hand",
                ));
            }
            Some(age) if age < least => {
                return Err(blocked(
                    format!("revision {newest} was written {age} s ago and nothing of it has failed"),
                    format!("it may be at work: wait until it is {least} s old, or say --older-than"),
                ));
            }
            Some(_) => {}
        }
    }
    if *trouble == Trouble::None {
        return Err(match &situation.schema {
            Ok(Stand::Dirty(words)) => blocked(
                format!("revision {newest} is deployed and all its pods are ready, but {words}"),
                "mend the migration by hand (kubectl upgrade-check says how), or go back with helm safe-upgrade rollback",
            ),
            Ok(Stand::Older(_) | Stand::Newer(_) | Stand::Between(_) | Stand::Untold(_)) => {
                Refused::Nothing { revision: newest }
            }
            Err(why) => unknown(
                format!(
                    "revision {newest} is deployed and all its pods are ready, but how its database stands is not known: {why}"
                ),
                NAME_THE_DATABASE,
            ),
        });
    }
    situation.older.ok_or_else(|| {
        blocked(
            format!("before revision {newest} none was ever in force, so there is nothing to turn back to"),
            "repair the release with helm first",
        )
    })
}

/// The way by trouble and schema, or by wish.
fn way(situation: &Situation, trouble: &Trouble, schema: &Stand, older: u32) -> Result<Way, Refused> {
    let forward = |why: String| forward(situation, schema, older, why);
    let back = |why: &str| back(situation, schema, older, why);
    match situation.wish {
        Some(Wish::Forward) => return forward("it was asked for (--forward)".into()),
        Some(Wish::Back) => return back("it was asked for (--back)"),
        None => {}
    }
    match (schema, trouble) {
        // Somebody has to look at what is half done, or it is left behind.
        (Stand::Dirty(_), _) => back("it cannot be finished"),
        (_, Trouble::Killed(words)) => forward(format!("it was not let finish: {words}")),
        (_, Trouble::Hangs(words)) => forward(format!("nothing of it has failed: {words}")),
        (_, Trouble::Interrupted(words)) => {
            forward(format!("nothing speaks against the newer version: {words}"))
        }
        (_, Trouble::Fails(words)) => back(words),
        // Refused before.
        (_, Trouble::None) => forward("nothing is wrong with it".into()),
    }
}

fn forward(situation: &Situation, schema: &Stand, older: u32, why: String) -> Result<Way, Refused> {
    if let Some(why) = &situation.no_chart {
        return Err(blocked(
            format!("revision {} could be finished, but {why}", situation.newest),
            "name the chart: helm safe-upgrade recover RELEASE CHART; or go back with --back",
        ));
    }
    let (anchor, words) = match schema {
        Stand::Dirty(words) => {
            return Err(blocked(
                words.clone(),
                "no version starts on it: mend the migration by hand first (kubectl upgrade-check says how), or go back with --back",
            ));
        }
        Stand::Older(words) => (older, words),
        Stand::Newer(words) | Stand::Between(words) | Stand::Untold(words) => {
            let runs = situation.promise == AfterMigration::Compatible;
            (if runs { older } else { situation.newest }, words)
        }
    };
    Ok(Way::FinishForward {
        anchor,
        why: format!("{why}; {words}"),
    })
}

fn back(situation: &Situation, schema: &Stand, older: u32, why: &str) -> Result<Way, Refused> {
    let (words, stays) = match schema {
        Stand::Older(words) => (words, true),
        Stand::Newer(words) | Stand::Between(words) | Stand::Untold(words) => {
            (words, situation.promise == AfterMigration::Compatible)
        }
        Stand::Dirty(words) => (words, false),
    };
    let turn = |way: WayBack, made_at: Option<String>| Way::TurnBack {
        revision: older,
        way,
        made_at,
    };
    if stays {
        let words = match schema {
            Stand::Older(words) => words.clone(),
            Stand::Newer(_) | Stand::Between(_) | Stand::Untold(_) | Stand::Dirty(_) => {
                "the profile says that the older version runs on the newer schema".to_owned()
            }
        };
        return Ok(turn(WayBack::HelmOnly(format!("{why}; {words}")), None));
    }
    match &situation.backup {
        Ok(usable) => Ok(turn(
            WayBack::Restore(usable.backup.clone(), format!("{why}; {words}")),
            Some(usable.made_at.clone()),
        )),
        Err(no_backup) => {
            let why = format!("{why}; {words}; the older version may not run on it, and {no_backup}");
            let remedy = "--backup-to names another store; --forward tries the newer version without probes, or upgrade to a version \
                          that mends it";
            Err(match schema {
                Stand::Untold(_) => unknown(
                    why,
                    format!(
                        "say in a profile which schema the older version runs on (`migrations.schema`); {remedy}"
                    ),
                ),
                Stand::Older(_) | Stand::Newer(_) | Stand::Between(_) | Stand::Dirty(_) => {
                    blocked(why, remedy)
                }
            })
        }
    }
}
