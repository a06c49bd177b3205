//! Putting a copy of a server into a volume.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use cluster::{ApiError, Cluster};
use thiserror::Error;

use super::survey::{DataDirectory, Survey};
use super::unpack::{Tools, UnpackError, run, unpack};
use crate::helper_pod::{HelperPod, HelperPodError, HelperRequest, HelperVolume, VOLUME};
use crate::script::{self, last_words};
use crate::transfer::size_in_words;
use crate::{Backup, Progress, RunError};

/// The folder of a data directory where a volume has none yet, as Postgres images name it.
const USUAL_FOLDER: &str = "pgdata";

/// Whose configuration files are in force afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conf {
    /// Those that are there.
    Keep,
    /// Those of the copy.
    FromBackup,
}

impl Conf {
    fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::FromBackup => "from-backup",
        }
    }
}

/// Who owns a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub user: i64,
    /// Group id.
    pub group: i64,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.user, self.group)
    }
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').unwrap_or((text, text));
        let number = |text: &str| text.parse::<i64>().ok().filter(|id| *id > 0);
        match (number(parts.0), number(parts.1)) {
            (Some(user), Some(group)) => Ok(Self { user, group }),
            _ => Err(format!(
                "{text:?} is no owner; write UID:GID, such as 26:26 (never 0)"
            )),
        }
    }
}

/// Where a copy goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRestore {
    /// The claim's namespace.
    pub namespace: String,
    /// The claim.
    pub claim: String,
    /// The data directory's path in the volume, where the user says.
    pub path: Option<String>,
    /// Whose configuration is in force afterwards.
    pub conf: Conf,
    /// The image of the helper pod.
    pub image: String,
    /// Who the files will belong to, where the user says.
    pub owner: Option<Owner>,
    /// Who they belong to where there is no data directory and nobody says.
    pub usual_owner: Owner,
    /// Whether another server's data may be replaced.
    pub foreign: bool,
    /// How long all of it may take.
    pub deadline: Duration,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseRestored {
    /// The data directory's path in the volume.
    pub data: String,
    /// Where the one before is now, where there was one.
    pub aside: Option<String>,
    /// Configuration files that were kept.
    pub kept: Vec<String>,
    /// Who owns the files.
    pub owner: Owner,
}

/// Why a copy was not put back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BaseRestoreError {
    /// It is no copy.
    #[error("backup {0} is no copy of a server")]
    NoCopy(String),
    /// The cluster cannot be asked.
    #[error("failed to look at the claim")]
    Api(#[from] ApiError),
    /// Somebody uses the volume.
    #[error("claim {claim} is in use by {}: stop them first", .pods.join(", "))]
    InUse {
        /// The claim.
        claim: String,
        /// The pods.
        pods: Vec<String>,
    },
    /// No pod.
    #[error("failed to start the helper pod")]
    Pod(#[from] HelperPodError),
    /// A command could not be run.
    #[error("failed to run a command in the helper pod")]
    Run(#[from] RunError),
    /// The copy could not be unpacked.
    #[error("failed to unpack the copy")]
    Unpack(#[source] UnpackError),
    /// There are several.
    #[error("the volume has several data directories ({}): choose with --path", .0.join(", "))]
    Several(Vec<String>),
    /// The path is not one.
    #[error("{0:?} is no path in a volume: name a folder below it, without ..")]
    Path(String),
    /// Files of two users.
    #[error("the data directory belongs to {found}, and --owner says {said}")]
    Owner {
        /// Who it belongs to.
        found: String,
        /// What was said.
        said: String,
    },
    /// Another server's data.
    #[error(
        "the volume holds the data of system {there}, and the copy is of system {copy}: --foreign replaces it all the same"
    )]
    Foreign {
        /// What is there.
        there: String,
        /// What the copy is of.
        copy: String,
    },
    /// The image has another version.
    #[error(
        "the image runs PostgreSQL {found}, and the copy is of {expected}: name an image of {expected} with --image"
    )]
    Major {
        /// The image's.
        found: i32,
        /// The copy's.
        expected: i32,
    },
    /// No room.
    #[error("the volume has {} free and the copy takes {}", size_in_words(*.free), size_in_words(*.needed))]
    NoRoom {
        /// Bytes free.
        free: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// Another restore was killed in this volume.
    #[error("restore {id} was broken off in this volume at {phase}: carry it on first, with the same backup")]
    Unfinished {
        /// The other restore.
        id: String,
        /// How far it came.
        phase: String,
    },
    /// What was unpacked beside the data directory is not what the server's own list says. Nothing was moved.
    #[error("failed to find the copy whole after unpacking: {0}")]
    NotWhole(String),
    /// A step failed.
    #[error("failed to {doing}: {words}")]
    Step {
        /// What was tried.
        doing: &'static str,
        /// The last words.
        words: String,
    },
}

impl BaseRestoreError {
    /// Whether the volume may be between two states: the same command carries on.
    pub fn is_half_way(&self) -> bool {
        matches!(self, Self::Step { .. } | Self::Run(_))
    }
}

/// A helper pod on a volume that nobody else uses, and what it found there.
pub struct PutBack {
    cluster: Cluster,
    pod: HelperPod,
    tools: Tools,
    request: BaseRestore,
    owner: Owner,
    /// What is in the volume.
    pub survey: Survey,
}

impl PutBack {
    /// Refuses a volume that is in use, starts the helper pod and looks. Changes nothing.
    ///
    /// # Errors
    /// See [`BaseRestoreError`].
    pub async fn begin(
        cluster: &Cluster,
        request: &BaseRestore,
        progress: Progress<'_>,
    ) -> Result<Self, BaseRestoreError> {
        if let Some(path) = &request.path {
            judge_path(path)?;
        }
        nobody_uses(cluster, request, None).await?;
        progress(&format!("starting a helper pod ({})", request.image), None);
        let mut owner = request.owner.unwrap_or(request.usual_owner);
        loop {
            let pod = start(cluster, request, owner).await?;
            let runner = pod.runner();
            let path = request.path.as_deref().unwrap_or_default();
            let looked = run(&runner, script::BASE_SURVEY, &[VOLUME, path]).await;
            let survey = match looked {
                Ok((said, end)) if end.exit_code == 0 => Survey::read(&said),
                Ok((_, end)) => {
                    pod.delete().await;
                    return Err(BaseRestoreError::Step {
                        doing: "look into the volume",
                        words: last_words(&end.stderr_tail),
                    });
                }
                Err(error) => {
                    pod.delete().await;
                    return Err(error.into());
                }
            };
            // A data directory is closed to all but its owner: look again as that one.
            let closed = survey.closed.first().map(|(_, owner)| owner.parse::<Owner>());
            if let Some(Ok(found)) = closed
                && survey.data.is_empty()
                && request.owner.is_none()
                && found != owner
            {
                pod.delete().await;
                owner = found;
                continue;
            }
            let tools = match Tools::look(&runner).await {
                Ok(tools) => tools,
                Err(error) => {
                    pod.delete().await;
                    return Err(BaseRestoreError::Unpack(error));
                }
            };
            return Ok(Self {
                cluster: cluster.clone(),
                pod,
                tools,
                request: request.clone(),
                owner,
                survey,
            });
        }
    }

    /// Ends without a change.
    pub async fn leave(self) {
        self.pod.delete().await;
    }

    /// Who the files will belong to.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// The data directory that will be replaced, where there is one.
    ///
    /// # Errors
    /// When there are several.
    pub fn replaced(&self) -> Result<Option<&DataDirectory>, BaseRestoreError> {
        match self.survey.data.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            several => Err(BaseRestoreError::Several(
                several.iter().map(|data| data.path.clone()).collect(),
            )),
        }
    }

    /// Whether this backup may go where the volume's data is.
    ///
    /// # Errors
    /// See [`BaseRestoreError`].
    pub fn judge(&self, backup: &Backup) -> Result<(), BaseRestoreError> {
        let no_copy = || BaseRestoreError::NoCopy(backup.id.to_string());
        let base = backup.manifest.base.as_ref().ok_or_else(no_copy)?;
        let replaced = self.replaced()?;
        let half_way = self.half_way(backup);
        if let Some((id, _, phase)) = &self.survey.journal
            && !half_way
            && !matches!(phase.as_str(), "done" | "undone")
        {
            return Err(BaseRestoreError::Unfinished {
                id: id.clone(),
                phase: phase.clone(),
            });
        }
        if let Some(data) = replaced {
            if data.owner != self.owner.to_string() {
                return Err(BaseRestoreError::Owner {
                    found: data.owner.clone(),
                    said: self.owner.to_string(),
                });
            }
            let copy = backup
                .manifest
                .server
                .system_identifier
                .clone()
                .unwrap_or_default();
            if !self.request.foreign && data.system != copy {
                return Err(BaseRestoreError::Foreign {
                    there: data.system.clone(),
                    copy,
                });
            }
        }
        let expected = backup.manifest.server.version_num / 10_000;
        if let Some(found) = self.tools.major.filter(|found| *found != expected) {
            return Err(BaseRestoreError::Major { found, expected });
        }
        if !half_way && self.survey.free_bytes < base.archive_bytes {
            return Err(BaseRestoreError::NoRoom {
                free: self.survey.free_bytes,
                needed: base.archive_bytes,
            });
        }
        Ok(())
    }

    /// Whether a restore of this backup was killed here between two of its moves.
    fn half_way(&self, backup: &Backup) -> bool {
        self.survey.journal.as_ref().is_some_and(|(id, _, phase)| {
            *id == backup.id.as_str() && matches!(phase.as_str(), "unpacked" | "aside")
        })
    }

    /// Unpacks beside the data directory, compares, keeps the configuration, and moves the one aside and the other in.
    ///
    /// # Errors
    /// See [`BaseRestoreError`]; until the moves begin, the data directory is as it was.
    pub async fn put(
        &self,
        backup: &Backup,
        progress: Progress<'_>,
    ) -> Result<BaseRestored, BaseRestoreError> {
        self.judge(backup)?;
        let runner = self.pod.runner();
        let id = backup.id.as_str();
        let replaced = self.replaced()?;
        let data = match (&self.survey.journal, replaced, &self.request.path) {
            (Some((_, data, _)), _, _) if self.half_way(backup) => data.clone(),
            (_, Some(data), _) => data.path.clone(),
            (_, None, Some(path)) => path.clone(),
            (_, None, None) => USUAL_FOLDER.to_owned(),
        };
        if self.half_way(backup) {
            progress("carrying on a restore that was broken off", None);
        } else {
            progress("unpacking beside the data directory", None);
            let incoming = format!("{VOLUME}/.pgbackup-incoming-{id}");
            unpack(&runner, &self.tools, backup, &incoming)
                .await
                .map_err(BaseRestoreError::Unpack)?;
            self.check(&incoming, progress).await?;
        }
        self.still_unused().await?;
        progress(
            "moving the data directory aside and the copy into its place",
            None,
        );
        let arguments = [VOLUME, id, data.as_str(), self.request.conf.word()];
        let (said, end) = run(&runner, script::BASE_SWAP, &arguments).await?;
        if end.exit_code != 0 {
            return Err(BaseRestoreError::Step {
                doing: "move the copy into its place",
                words: last_words(&end.stderr_tail),
            });
        }
        let lines = |key: &str| -> Vec<String> {
            said.lines()
                .filter_map(|line| line.split_once(' '))
                .filter(|(found, _)| *found == key)
                .map(|(_, value)| value.to_owned())
                .collect()
        };
        let aside = lines("aside").into_iter().next();
        let (said, _) = run(&runner, script::BASE_SURVEY, &[VOLUME, &data]).await?;
        let there = Survey::read(&said).data.into_iter().next();
        let expected = backup.manifest.server.system_identifier.as_deref();
        match there {
            Some(there) if expected.is_none_or(|expected| there.system == expected) => {}
            _ => {
                return Err(BaseRestoreError::Step {
                    doing: "find the copy in its place",
                    words: "the control file there is missing or of another system".into(),
                });
            }
        }
        Ok(BaseRestored {
            data,
            aside: aside.filter(|_| replaced.is_some() || self.half_way(backup)),
            kept: lines("kept"),
            owner: self.owner,
        })
    }

    /// Somebody may have begun to use the volume while the copy was unpacked, or while a person was asked.
    async fn still_unused(&self) -> Result<(), BaseRestoreError> {
        nobody_uses(&self.cluster, &self.request, Some(self.pod.name())).await
    }

    /// The server's own program compares what was unpacked with the list in it; its control file must say that it is a
    /// copy of a running server.
    async fn check(&self, folder: &str, progress: Progress<'_>) -> Result<(), BaseRestoreError> {
        progress("comparing what was unpacked with the server's own list", None);
        let (_, end) = run(&self.pod.runner(), script::BASE_CHECK, &[folder]).await?;
        if end.exit_code == 0 {
            return Ok(());
        }
        Err(BaseRestoreError::NotWhole(last_words(&end.stderr_tail)))
    }

    /// Moves back what a restore of this backup moved aside.
    ///
    /// # Errors
    /// See [`BaseRestoreError`].
    pub async fn undo(&self, backup: &Backup, progress: Progress<'_>) -> Result<String, BaseRestoreError> {
        self.still_unused().await?;
        progress("moving the data directory back", None);
        let arguments = [VOLUME, backup.id.as_str()];
        let (said, end) = run(&self.pod.runner(), script::BASE_UNDO, &arguments).await?;
        if end.exit_code != 0 {
            return Err(BaseRestoreError::Step {
                doing: "move the data directory back",
                words: last_words(&end.stderr_tail),
            });
        }
        let aside = said.lines().find_map(|line| line.strip_prefix("aside "));
        Ok(aside.unwrap_or_default().to_owned())
    }
}

/// Refuses a claim that pods use, but for our own one, whose name is given.
async fn nobody_uses(
    cluster: &Cluster,
    request: &BaseRestore,
    ours: Option<&str>,
) -> Result<(), BaseRestoreError> {
    let BaseRestore { namespace, claim, .. } = request;
    let mut pods = cluster.pods_of_claim(namespace, claim, &[]).await?;
    pods.retain(|pod| Some(pod.as_str()) != ours);
    if pods.is_empty() {
        return Ok(());
    }
    Err(BaseRestoreError::InUse {
        claim: claim.clone(),
        pods,
    })
}

async fn start(cluster: &Cluster, request: &BaseRestore, owner: Owner) -> Result<HelperPod, HelperPodError> {
    let helper = HelperRequest {
        purpose: "base-restore",
        namespace: &request.namespace,
        image: &request.image,
        pull_secrets: &[],
        user: owner.user,
        group: owner.group,
        volume: HelperVolume::Claim {
            name: request.claim.clone(),
            read_only: false,
        },
        deadline: request.deadline,
    };
    HelperPod::start(cluster, &helper).await
}

/// A path that stays in the volume and is no name of ours.
fn judge_path(path: &str) -> Result<(), BaseRestoreError> {
    let whole = path == ".";
    let below = !path.is_empty()
        && !path.contains('\n')
        && path
            .split('/')
            .all(|step| !step.is_empty() && !step.starts_with('.') && !step.starts_with('-'));
    if whole || below {
        Ok(())
    } else {
        Err(BaseRestoreError::Path(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_never_root() {
        assert_eq!("26:27".parse(), Ok(Owner { user: 26, group: 27 }));
        assert_eq!("26".parse(), Ok(Owner { user: 26, group: 26 }));
        for text in ["", "0:0", "26:0", "postgres", "1:2:3", "-1:5"] {
            assert!(text.parse::<Owner>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_stays_in_its_volume() {
        for path in [".", "pgdata", "data/pgdata", "my data"] {
            assert!(judge_path(path).is_ok(), "{path}");
        }
        for path in ["", "..", "/etc", "a/../b", "a//b", "./a", "-rf", "a\nb"] {
            assert!(judge_path(path).is_err(), "{path}");
        }
    }
}
