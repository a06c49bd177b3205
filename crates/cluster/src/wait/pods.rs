//! Waits for pods: gone, as wanted, in a condition.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::Api;
use kube::runtime::watcher::Config;
use model::PodFacts;

use super::selector::text;
use super::{Judgement, Selector, WaitError, matches, watch_until};
use crate::Cluster;
use crate::pods::{has_condition, has_ended, pod_facts};

impl Cluster {
    /// Waits until no pod matches any of the selectors. A terminating pod is still there: its processes may run to the
    /// end of its grace period. Pods that have ended by themselves (`Succeeded`, `Failed`) and lie about do not count.
    /// `progress` is told of every change with the pods that remain.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when pods cannot be watched.
    pub async fn wait_pods_gone(
        &self,
        namespace: &str,
        selectors: &[Selector],
        limit: Duration,
        mut progress: impl FnMut(&[PodFacts]) + Send,
    ) -> Result<(), WaitError> {
        let what = "the end of the pods".to_owned();
        watch_until(self.pods(namespace), config(selectors), what, limit, |pods| {
            let remaining = remaining(pods, selectors);
            progress(&remaining);
            if remaining.is_empty() {
                return Judgement::Done(());
            }
            let names: Vec<&str> = remaining.iter().map(|pod| pod.name.as_str()).collect();
            Judgement::Wait(format!("still there: {}", names.join(", ")))
        })
        .await
    }

    /// The addresses of the living pods that any of the selectors matches. A kubelet says a pod's address a moment after
    /// it has started the pod, whose processes may have used it by then: waits for those that are missing, at most `limit`
    /// (a pod that never gets one cannot have talked to anybody). A pod without a node needs none.
    ///
    /// # Errors
    /// When pods cannot be watched, or were not listed once within `limit`.
    pub async fn pod_addresses(
        &self,
        namespace: &str,
        selectors: &[Selector],
        limit: Duration,
    ) -> Result<Vec<String>, WaitError> {
        let (mut known, mut looked) = (Vec::new(), false);
        let what = "the addresses of the pods".to_owned();
        let waited = watch_until(self.pods(namespace), config(selectors), what, limit, |pods| {
            looked = true;
            let unknown = addresses(pods, selectors, &mut known);
            if unknown.is_empty() {
                Judgement::Done(())
            } else {
                Judgement::Wait(format!("without an address: {}", unknown.join(", ")))
            }
        })
        .await;
        match waited {
            Ok(()) => Ok(known),
            Err(WaitError::TimedOut { .. }) if looked => Ok(known),
            Err(error) => Err(error),
        }
    }

    /// Waits until a pod that the selector matches satisfies `wanted`, and returns it. `wanted` is asked of every such
    /// pod on every change, so it can also serve to follow what happens.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`], or when pods cannot be watched.
    pub async fn wait_pod(
        &self,
        namespace: &str,
        selector: &Selector,
        limit: Duration,
        mut wanted: impl FnMut(&Pod) -> bool + Send,
    ) -> Result<Pod, WaitError> {
        let selectors = std::slice::from_ref(selector);
        let what = format!("the pod of {}", text(selector));
        watch_until(self.pods(namespace), config(selectors), what, limit, |pods| {
            let here: Vec<&Pod> = pods
                .values()
                .filter(|pod| matches(selector, pod.labels()))
                .collect();
            match here.iter().find(|pod| wanted(pod)) {
                Some(pod) => Judgement::Done((*pod).clone()),
                None => Judgement::Wait(states(&here)),
            }
        })
        .await
    }

    /// Waits as long as the caller's judgement of the first pod that the selector matches says so. `None` is no pod yet, or
    /// none any more.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when the judgement is that; or when pods cannot be watched.
    pub async fn wait_pod_judged<T: Send>(
        &self,
        namespace: &str,
        selector: &Selector,
        what: &str,
        limit: Duration,
        mut judge: impl FnMut(Option<&Pod>) -> Judgement<T> + Send,
    ) -> Result<T, WaitError> {
        let config = config(std::slice::from_ref(selector));
        watch_until(self.pods(namespace), config, what.to_owned(), limit, |pods| {
            judge(pods.values().find(|pod| matches(selector, pod.labels())))
        })
        .await
    }

    /// Waits until a condition of one pod (`Ready`, `ContainersReady`, …) is `True`.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`]; [`WaitError::Stalled`] when the pod is gone or has ended; or when it cannot be watched.
    pub async fn wait_pod_condition(
        &self,
        namespace: &str,
        pod: &str,
        condition: &str,
        limit: Duration,
    ) -> Result<PodFacts, WaitError> {
        let config = Config::default().fields(&format!("metadata.name={pod}"));
        let what = format!("condition {condition} of pod {pod}");
        watch_until(self.pods(namespace), config, what, limit, |pods| {
            match pods.get(pod) {
                None => Judgement::Stalled("the pod does not exist".to_owned()),
                Some(found) if has_condition(found, condition) => Judgement::Done(pod_facts(found, None)),
                Some(found) if has_ended(found) => Judgement::Stalled("the pod has ended".to_owned()),
                Some(found) => Judgement::Wait(states(&[found])),
            }
        })
        .await
    }

    fn pods(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// One selector is the API server's work; several are ours, as it knows no "or".
fn config(selectors: &[Selector]) -> Config {
    match selectors {
        [selector] if !selector.is_empty() => Config::default().labels(&text(selector)),
        _ => Config::default(),
    }
}

fn remaining(pods: &BTreeMap<String, Pod>, selectors: &[Selector]) -> Vec<PodFacts> {
    pods.values()
        .filter(|pod| !has_ended(pod) || pod.metadata.deletion_timestamp.is_some())
        .filter(|pod| selectors.iter().any(|selector| matches(selector, pod.labels())))
        .map(|pod| pod_facts(pod, None))
        .collect()
}

/// Adds the addresses of the pods to those that are known, each once, and returns the names of the pods that have a node
/// and no address yet.
fn addresses(pods: &BTreeMap<String, Pod>, selectors: &[Selector], known: &mut Vec<String>) -> Vec<String> {
    let mut unknown = Vec::new();
    for pod in remaining(pods, selectors) {
        match pod.ip {
            Some(ip) if known.contains(&ip) => {}
            Some(ip) => known.push(ip),
            None => unknown.push(pod.name),
        }
    }
    unknown.retain(|name| {
        let of_node = |pod: &Pod| pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
        pods.values().any(|pod| &pod.name_any() == name && of_node(pod))
    });
    unknown
}

/// How pods stand, for a message.
fn states(pods: &[&Pod]) -> String {
    let states: Vec<String> = pods
        .iter()
        .map(|pod| {
            let facts = pod_facts(pod, None);
            let state = facts.trouble.unwrap_or(facts.phase);
            format!("{} is {state}", facts.name)
        })
        .collect();
    if states.is_empty() {
        "no pod is there".to_owned()
    } else {
        states.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{WaitError, addresses, remaining};
    use crate::{Cluster, Selector};
    use serde_json::json;

    #[tokio::test]
    async fn pods_that_were_never_listed_are_not_none() {
        crate::install_crypto_provider();
        // It takes connections and never answers.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let config = kube::Config::new(format!("http://{address}").parse().unwrap());
        let client = kube::Client::try_from(config).unwrap();
        let cluster = Cluster::from_client(client, "fake", "shop");
        let selectors = [Selector::from([("app".to_owned(), "web".to_owned())])];
        let found = cluster
            .pod_addresses("shop", &selectors, Duration::from_millis(100))
            .await;
        assert!(matches!(found, Err(WaitError::TimedOut { .. })), "{found:?}");
    }

    #[test]
    fn a_pod_on_a_node_without_an_address_is_waited_for_and_what_was_known_stays_known() {
        let selector = [Selector::from([("app".to_owned(), "web".to_owned())])];
        let pod = |name: &str, node: Option<&str>, ip: Option<&str>| {
            let pod = json!({"metadata": {"name": name, "labels": {"app": "web"}},
                "spec": {"containers": [], "nodeName": node}, "status": {"phase": "Running", "podIP": ip}});
            (name.to_owned(), serde_json::from_value(pod).unwrap())
        };
        let mut known = Vec::new();
        let early = [
            pod("a", Some("n"), Some("10.0.0.7")),
            pod("b", Some("n"), None),
            pod("c", None, None),
        ];
        assert_eq!(addresses(&early.into(), &selector, &mut known), ["b"]);
        let late = [pod("b", Some("n"), Some("10.0.0.8"))];
        assert_eq!(
            addresses(&late.into(), &selector, &mut known),
            Vec::<String>::new()
        );
        assert_eq!(known, ["10.0.0.7", "10.0.0.8"]);
    }

    #[test]
    fn only_pods_that_ended_and_lie_about_do_not_count() {
        let pod = |phase: &str, deleted: Option<&str>| {
            let labels = json!({"app": "web"});
            serde_json::from_value(json!({"status": {"phase": phase},
                "metadata": {"name": phase, "labels": labels, "deletionTimestamp": deleted}}))
            .unwrap()
        };
        let selector = Selector::from([("app".to_owned(), "web".to_owned())]);
        let count = |pod| remaining(&[(String::new(), pod)].into(), std::slice::from_ref(&selector)).len();
        let now = Some("2026-01-01T00:00:00Z");
        assert_eq!(count(pod("Running", None)), 1);
        assert_eq!(count(pod("Running", now)), 1);
        assert_eq!(count(pod("Failed", now)), 1);
        assert_eq!(count(pod("Failed", None)), 0);
        assert_eq!(count(pod("Succeeded", None)), 0);
    }
}
