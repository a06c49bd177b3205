//! A store in a volume of the cluster: a Job of ours mounts the claim, waits for commands, and goes when the store is no
//! longer used. Nothing of ours runs before the first file is asked for.

mod address;
mod backend;
mod fault;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

use std::fmt;
use std::sync::Arc;

use cluster::Cluster;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use super::StoreError;
use crate::background::afterwards;
use crate::helper_pod::{ClaimRequest, NotMounted, VOLUME, may_exist, mount};
use crate::script::last_words;
use crate::{RunEnd, Runner};

pub use address::ClaimAddress;
pub use fault::VolumeFault;

/// The user whose files they are: the one that a schedule's pods have.
const USER: i64 = crate::schedule::USER;

/// A folder of a claim.
pub(super) struct Volume {
    address: ClaimAddress,
    cluster: Option<Cluster>,
    /// Where commands run that see the volume.
    hand: OnceCell<Arc<dyn Runner>>,
    /// The store's folder, as they see it.
    root: String,
    /// What goes on for it: files on their way, and drafts that are taken away.
    background: TaskTracker,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Volume").field(&self.address).finish()
    }
}

impl Volume {
    /// The folder of a claim; without a cluster it can be named and nothing else.
    pub(super) fn open(address: &ClaimAddress, within: Option<(&Cluster, &str)>) -> Self {
        let root = match address.path.as_str() {
            "" => VOLUME.to_owned(),
            path => format!("{VOLUME}/{path}"),
        };
        Self {
            address: match within {
                Some((_, namespace)) => address.clone().within(namespace),
                None => address.clone(),
            },
            cluster: within.map(|(cluster, _)| cluster.clone()),
            hand: OnceCell::new(),
            root,
            background: TaskTracker::new(),
        }
    }

    pub(super) fn address(&self) -> &ClaimAddress {
        &self.address
    }

    /// A path as the commands see it.
    fn at(&self, path: &str) -> String {
        if path.is_empty() {
            self.root.clone()
        } else {
            format!("{}/{path}", self.root)
        }
    }

    fn fault<F: Into<VolumeFault>>(
        &self,
        doing: &'static str,
        path: &str,
    ) -> impl FnOnce(F) -> StoreError + use<F> {
        let file = self.address.place(path);
        move |source| StoreError::Volume {
            doing,
            file,
            source: source.into(),
        }
    }

    /// Where commands run that see the volume; begun when first asked for.
    async fn hand(&self) -> Result<Arc<dyn Runner>, VolumeFault> {
        let begun = self.hand.get_or_try_init(|| self.begin_hand()).await?;
        Ok(Arc::clone(begun))
    }

    async fn begin_hand(&self) -> Result<Arc<dyn Runner>, VolumeFault> {
        let (Some(cluster), Some(namespace)) = (&self.cluster, &self.address.namespace) else {
            return Err(VolumeFault::NoCluster);
        };
        let claim = &self.address.claim;
        match may_exist(cluster, namespace, claim).await {
            Ok(true) => {}
            Ok(false) => {
                return Err(VolumeFault::NoClaim {
                    claim: claim.clone(),
                    namespace: namespace.clone(),
                });
            }
            Err(error) => return Err(VolumeFault::Api(error)),
        }
        let request = ClaimRequest {
            purpose: "store",
            namespace,
            claim,
            read_only: false,
            image: self.address.image.as_deref(),
            user: USER,
            group: USER,
        };
        let mounted = mount(cluster, &request).await;
        mounted.map_err(|NotMounted { image, source }| VolumeFault::Pod { image, source })
    }

    /// Runs a script that says something on standard output, or nothing.
    async fn ask(&self, script: &str, arguments: &[&str]) -> Result<(RunEnd, Vec<u8>), VolumeFault> {
        let hand = self.hand().await?;
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let mut said = Vec::new();
        let input = Box::new(crate::feed::Feed::new(None));
        let end = hand.run(script, &arguments, input, &mut said).await?;
        Ok((end, said))
    }

    /// Like [`Volume::ask`] for a script whose bad end is a refusal.
    async fn told(&self, script: &str, arguments: &[&str]) -> Result<Vec<u8>, VolumeFault> {
        let (end, said) = self.ask(script, arguments).await?;
        if end.exit_code == 0 {
            Ok(said)
        } else {
            Err(refused(&end))
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if let Some(hand) = self.hand.take() {
            let tasks = self.background.clone();
            tasks.close();
            afterwards(async move {
                tasks.wait().await;
                hand.close().await;
            });
        }
    }
}

/// What a command that ended badly said.
fn refused(end: &RunEnd) -> VolumeFault {
    let words = last_words(&end.stderr_tail);
    VolumeFault::Refused(if words.is_empty() {
        format!("the command there ended with {}", end.exit_code)
    } else {
        words
    })
}
