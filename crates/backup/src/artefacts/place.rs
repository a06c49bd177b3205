//! A pod of ours that mounts a volume, as whoever owns its files.

use std::sync::Arc;

use cluster::Cluster;

use super::ArtefactError;
use crate::Runner;
use crate::base::{Tools, run};
use crate::helper_pod::{ClaimRequest, NotMounted, VOLUME, may_exist, mount};
use crate::script::{self, last_words};

/// The user where neither a workload nor the files say one.
const NOBODY: i64 = 65532;

/// What its pods are for, as their label says.
pub(super) const PURPOSE: &str = "artefact";

/// Which volume, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    pub(super) namespace: &'a str,
    pub(super) claim: &'a str,
    /// The folder in it; all of it where there is none.
    pub(super) path: Option<&'a str>,
    pub(super) read_only: bool,
    /// Who to be, as `uid:gid`, where known.
    pub(super) owner: Option<&'a str>,
}

impl Wanted<'_> {
    /// The volume in words.
    pub(super) fn words(&self) -> String {
        format!("volume {}/{}", self.namespace, self.claim)
    }
}

/// The pod, and what it found.
pub(super) struct Hand {
    pub(super) runner: Arc<dyn Runner>,
    pub(super) tools: Tools,
    /// Who it runs as, `uid:gid`.
    pub(super) owner: String,
    /// Bytes free in the volume.
    pub(super) free_bytes: u64,
    /// Bytes in use on its file system, which may hold more than the volume.
    pub(super) used_bytes: u64,
    /// Restores whose files have begun to move in this volume, by their ids.
    pub(super) begun: Vec<String>,
    /// Folders that this user cannot move, by name; looked for where the volume is written.
    pub(super) fixed: Vec<String>,
}

/// What `artefact_look.sh` said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    owners: Vec<String>,
    closed: Vec<String>,
    absent: bool,
    free_bytes: u64,
    used_bytes: u64,
    begun: Vec<String>,
    fixed: Vec<String>,
}

impl Look {
    fn read(text: &str) -> Self {
        let all = |key: &str| -> Vec<String> {
            let values = text
                .lines()
                .filter_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
            values.map(str::to_owned).collect()
        };
        let one = |key: &str| all(key).into_iter().next();
        const KIB: u64 = 1024;
        let kib = |key: &str| one(key).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * KIB;
        Self {
            owners: all("owner"),
            closed: all("closed"),
            absent: text.lines().any(|line| line == "absent"),
            free_bytes: kib("free"),
            used_bytes: kib("used"),
            begun: all("journal")
                .iter()
                .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
                .collect(),
            fixed: all("fixed"),
        }
    }
}

impl Hand {
    /// Starts the pod: as the owner that is known, as the workload that mounts the volume does, else as whoever owns what
    /// lies in it.
    pub(super) async fn begin(cluster: &Cluster, wanted: &Wanted<'_>) -> Result<Self, ArtefactError> {
        let Wanted { namespace, claim, .. } = wanted;
        there(cluster, namespace, claim).await?;
        // Who may not look for workloads finds out by the files.
        let workload = cluster.user_of_claim(namespace, claim).await.ok().flatten();
        let known = wanted.owner.map(str::to_owned);
        let of_workload = workload
            .and_then(|workload| workload.user)
            .filter(|user| *user != 0);
        let first = known.or_else(|| of_workload.map(|user| format!("{user}:{user}")));
        // A guess that does not hold is made once more, by what lies there.
        let mut guessed = first.is_none();
        let mut owner = first.unwrap_or_else(|| format!("{NOBODY}:{NOBODY}"));
        loop {
            let runner = start(cluster, wanted, &owner).await?;
            let looked = look(&runner, wanted).await;
            let found = match looked {
                Ok(found) => found,
                Err(error) => {
                    runner.close().await;
                    return Err(error);
                }
            };
            match judge(&found, &owner, guessed && wanted.read_only) {
                Standing::Open => {}
                Standing::As(other) => {
                    runner.close().await;
                    guessed = false;
                    owner = other.to_owned();
                    continue;
                }
                Standing::Closed(other) => {
                    runner.close().await;
                    return Err(ArtefactError::Closed {
                        volume: wanted.words(),
                        owner: other.to_owned(),
                    });
                }
            }
            if found.absent && wanted.read_only {
                runner.close().await;
                return Err(ArtefactError::NoFolder {
                    volume: wanted.words(),
                    path: wanted.path.unwrap_or_default().to_owned(),
                });
            }
            let tools = match Tools::look(&runner).await {
                Ok(tools) => tools,
                Err(source) => {
                    runner.close().await;
                    return Err(ArtefactError::Unpack {
                        volume: wanted.words(),
                        source,
                    });
                }
            };
            // Whoever unpacks makes files of its own: those of the owner, where there is only one.
            let recorded = match found.owners.as_slice() {
                [one] if !one.starts_with("0:") => one.clone(),
                _ => owner,
            };
            return Ok(Self {
                runner,
                tools,
                owner: recorded,
                free_bytes: found.free_bytes,
                used_bytes: found.used_bytes,
                begun: found.begun,
                fixed: found.fixed,
            });
        }
    }
}

/// Refuses a claim that does not exist.
pub(super) async fn there(cluster: &Cluster, namespace: &str, claim: &str) -> Result<(), ArtefactError> {
    match may_exist(cluster, namespace, claim).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(ArtefactError::NoClaim {
            claim: claim.to_owned(),
            namespace: namespace.to_owned(),
        }),
        Err(source) => Err(ArtefactError::Api {
            what: format!("claim {claim}"),
            source,
        }),
    }
}

/// Whether whoever looked may go on.
#[derive(Debug, PartialEq, Eq)]
enum Standing<'a> {
    /// Nothing is closed to them.
    Open,
    /// This one, whose files are closed, may look instead.
    As(&'a str),
    /// Files of this one are closed to them.
    Closed(&'a str),
}

/// What to do about files that are closed to the user that looked; another one is tried where this one was a guess.
fn judge<'a>(found: &'a Look, owner: &str, guessed: bool) -> Standing<'a> {
    match found.closed.iter().find(|closed| *closed != owner) {
        None => Standing::Open,
        Some(other) if guessed && !other.starts_with("0:") => Standing::As(other),
        Some(other) => Standing::Closed(other),
    }
}

/// The user and group of `uid:gid`. Nothing of ours is root; a group of root's is one like others.
pub(super) fn ids(owner: &str) -> (i64, i64) {
    let (user, group) = owner.split_once(':').unwrap_or((owner, owner));
    let number = |text: &str, least: i64| {
        let id = text.parse::<i64>().ok();
        id.filter(|id| *id >= least).unwrap_or(NOBODY)
    };
    (number(user, 1), number(group, 0))
}

/// The folder as the pod sees it.
pub(super) fn folder(path: Option<&str>) -> String {
    path.map_or_else(|| VOLUME.to_owned(), |path| format!("{VOLUME}/{path}"))
}

/// What of a folder that is to be moved out of, or into, its place cannot be moved, by name.
pub(super) async fn fixed_in(
    runner: &Arc<dyn Runner>,
    wanted: &Wanted<'_>,
    path: &str,
) -> Result<Vec<String>, ArtefactError> {
    let wanted = Wanted {
        path: Some(path),
        ..wanted.clone()
    };
    Ok(look(runner, &wanted).await?.fixed)
}

async fn look(runner: &Arc<dyn Runner>, wanted: &Wanted<'_>) -> Result<Look, ArtefactError> {
    let act = if wanted.read_only { "read" } else { "write" };
    let looked = run(
        runner,
        script::ARTEFACT_LOOK,
        &[VOLUME, wanted.path.unwrap_or("."), act],
    )
    .await;
    let (said, end) = looked.map_err(|source| ArtefactError::Stream {
        volume: wanted.words(),
        source,
    })?;
    if end.exit_code == 0 {
        return Ok(Look::read(&said));
    }
    Err(ArtefactError::Step {
        doing: "look into",
        volume: wanted.words(),
        words: last_words(&end.stderr_tail),
    })
}

async fn start(
    cluster: &Cluster,
    wanted: &Wanted<'_>,
    owner: &str,
) -> Result<Arc<dyn Runner>, ArtefactError> {
    let (user, group) = ids(owner);
    let request = ClaimRequest {
        purpose: PURPOSE,
        namespace: wanted.namespace,
        claim: wanted.claim,
        read_only: wanted.read_only,
        image: None,
        user,
        group,
    };
    let mounted = mount(cluster, &request).await;
    mounted.map_err(|NotMounted { image, source }| ArtefactError::Pod {
        image,
        volume: wanted.words(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pod_found_is_read() {
        let look =
            Look::read("used 1\nfree 3\njournal x-0 aside\nowner 7:8\nclosed 26:26\nfixed a b\nfixed .\n");
        assert_eq!((look.used_bytes, look.free_bytes), (1024, 3072));
        assert_eq!(
            (look.owners, look.closed),
            (vec!["7:8".to_owned()], vec!["26:26".to_owned()])
        );
        assert_eq!(look.begun, ["x-0"]);
        assert_eq!(look.fixed, ["a b", "."]);
        assert!(Look::read("used 1\nabsent\n").absent);
    }

    #[test]
    fn another_user_is_tried_once_and_never_root() {
        let closed = |owners: &[&str]| Look {
            closed: owners.iter().map(|owner| (*owner).to_owned()).collect(),
            ..Look::default()
        };
        let nobody = format!("{NOBODY}:{NOBODY}");
        assert_eq!(judge(&closed(&["26:26"]), &nobody, true), Standing::As("26:26"));
        assert_eq!(judge(&closed(&["26:26"]), "26:26", false), Standing::Open);
        assert_eq!(judge(&closed(&["0:0"]), &nobody, true), Standing::Closed("0:0"));
        // Two owners whose files are closed to each other: whoever was tried after the guess is the last one.
        let two = closed(&["655320:1", "655321:1"]);
        assert_eq!(judge(&two, "655321:1", false), Standing::Closed("655320:1"));
        assert_eq!(judge(&two, "655320:1", false), Standing::Closed("655321:1"));
    }

    #[test]
    fn nobody_is_root_and_a_group_may_be_root_s() {
        assert_eq!(ids("26:27"), (26, 27));
        assert_eq!(ids("1001:0"), (1001, 0));
        assert_eq!(ids("0:0"), (NOBODY, 0));
        assert_eq!(ids("x:-1"), (NOBODY, NOBODY));
    }
}
