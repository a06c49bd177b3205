//! The one loop behind every wait.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use kube::api::Api;
use kube::runtime::watcher::{self, Event, watcher};
use kube::runtime::{WatchStreamExt, watcher::Config};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::WaitError;
use crate::RequestError;

/// What a look at the objects says of the wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement<T> {
    /// It is over.
    Done(T),
    /// It goes on; how things stand.
    Wait(String),
    /// It is in vain.
    Stalled(String),
}

/// Watches the objects that `config` selects and asks `judge` on every change, with all of them by name.
///
/// Broken watches are taken up again with growing pauses for as long as the time lasts; a refusal ends the wait.
pub(crate) async fn watch_until<K, T>(
    api: Api<K>,
    config: Config,
    what: String,
    limit: Duration,
    mut judge: impl FnMut(&BTreeMap<String, K>) -> Judgement<T> + Send,
) -> Result<T, WaitError>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut state = "nothing was seen yet".to_owned();
    let mut trouble = None;
    let watching = async {
        let mut events = Box::pin(watcher(api, config).default_backoff());
        let mut objects = BTreeMap::new();
        let mut is_complete = false;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => {
                    objects.clear();
                    is_complete = false;
                }
                Ok(Event::InitApply(object) | Event::Apply(object)) => {
                    objects.insert(object.name_any(), object);
                }
                Ok(Event::Delete(object)) => {
                    objects.remove(&object.name_any());
                }
                Ok(Event::InitDone) => is_complete = true,
                Err(error) if is_refusal(&error) => {
                    return Err(WaitError::Watch {
                        what: what.clone(),
                        source: request_error(error),
                    });
                }
                Err(error) => {
                    trouble = Some(error);
                    continue;
                }
            }
            trouble = None;
            if !is_complete {
                continue;
            }
            match judge(&objects) {
                Judgement::Done(result) => return Ok(result),
                Judgement::Wait(now) => state = now,
                Judgement::Stalled(reason) => {
                    return Err(WaitError::Stalled {
                        what: what.clone(),
                        reason,
                    });
                }
            }
        }
        Err(WaitError::Stalled {
            what: what.clone(),
            reason: "the watch ended".to_owned(),
        })
    };
    let watched = timeout(limit, watching).await;
    match (watched, trouble) {
        (Ok(result), _) => result,
        (Err(_), Some(error)) => Err(WaitError::Watch {
            what,
            source: request_error(error),
        }),
        (Err(_), None) => Err(WaitError::TimedOut { what, limit, state }),
    }
}

/// The request behind a watcher's error.
fn request_error(error: watcher::Error) -> RequestError {
    RequestError(Box::new(match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error,
        watcher::Error::WatchError(status) => kube::Error::Api(status),
        error @ watcher::Error::NoResourceVersion => kube::Error::Service(Box::new(error)),
    }))
}

/// Whether asking again is in vain: no right, no such resource, credentials refused.
fn is_refusal(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => {
            matches!(status.code, 401 | 403 | 404)
        }
        _ => false,
    }
}
