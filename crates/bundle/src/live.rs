//! What runs for the release now, with all that the API server knows of it.

use std::collections::BTreeSet;

use cluster::ApiError;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use model::{DatabaseRoute, RenderedHook, Seen, Workload, WorkloadKind, WorkloadName, causes};
use serde_json::Value;

use crate::request::BundleRequest;

/// A pod, and to which workload it belongs.
pub(crate) struct OwnedPod {
    pub(crate) pod: Pod,
    pub(crate) owner: Option<WorkloadName>,
}

impl OwnedPod {
    pub(crate) fn name(&self) -> &str {
        self.pod.metadata.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> &str {
        self.pod.metadata.namespace.as_deref().unwrap_or_default()
    }
}

/// What runs. Has no `Debug`: environments hold values.
pub(crate) struct Live {
    /// The workloads, and the Jobs of hooks that are still there.
    pub(crate) workloads: Vec<Workload>,
    /// The same as objects.
    pub(crate) objects: Vec<Value>,
    /// What of them could not be read.
    pub(crate) unread: Vec<String>,
    /// Their pods, and that of the database.
    pub(crate) pods: Vec<OwnedPod>,
    /// Why there are none, where they could not be listed.
    pub(crate) no_pods: Option<String>,
    /// Why there is no pod of the database, where it has one.
    pub(crate) no_database_pod: Option<String>,
}

impl Live {
    pub(crate) async fn look(request: &BundleRequest<'_>) -> Self {
        let observation = &request.observed.observation;
        let mut live = Self {
            workloads: observation.workloads.present().cloned().unwrap_or_default(),
            objects: Vec::new(),
            unread: Vec::new(),
            pods: Vec::new(),
            no_pods: None,
            no_database_pod: None,
        };
        if let Seen::Unreadable(why) = &observation.workloads {
            live.unread.push(why.clone());
        }
        for job in hook_jobs(request) {
            match request.cluster.workload(&job).await {
                Ok(found) => live.workloads.extend(found),
                Err(error) => live.unread.push(causes(&error)),
            }
        }
        for workload in &live.workloads {
            match request.cluster.whole_workload(&workload.name).await {
                Ok(object) => live.objects.extend(object),
                Err(error) => live.unread.push(causes(&error)),
            }
        }
        match request.cluster.whole_pods_of(&live.workloads).await {
            Ok(pods) => live.pods.extend(pods.into_iter().map(|(pod, owner)| OwnedPod {
                pod,
                owner: Some(owner),
            })),
            Err(error) => live.no_pods = Some(why(&error, "list pods", request.namespace)),
        }
        live.look_at_the_database(request).await;
        live
    }

    /// The server's pod may be none of the release's own.
    async fn look_at_the_database(&mut self, request: &BundleRequest<'_>) {
        let Some((namespace, name, _)) = database_pod(request) else {
            return;
        };
        let known = |pod: &OwnedPod| pod.namespace() == namespace && pod.name() == name;
        if self.pods.iter().any(known) {
            return;
        }
        let pods: Api<Pod> = Api::namespaced(request.cluster.client.clone(), namespace);
        match pods.get(name).await {
            Ok(pod) => self.pods.push(OwnedPod { pod, owner: None }),
            Err(error) => {
                let error = ApiError::new(format!("read pod {name} in namespace {namespace}"), error);
                self.no_database_pod = Some(why(&error, "get pods", namespace));
            }
        }
    }
}

/// Namespace, pod and container of the database's server, where it runs in the cluster.
pub(crate) fn database_pod<'a>(request: &BundleRequest<'a>) -> Option<(&'a str, &'a str, &'a str)> {
    match &request.observed.observation.location.present()?.route {
        DatabaseRoute::Pod {
            namespace,
            pod,
            container,
            ..
        } => Some((namespace, pod, container)),
        DatabaseRoute::Direct => None,
    }
}

/// Why something could not be read, with the right that is missing where that is why.
pub(crate) fn why(error: &ApiError, right: &str, namespace: &str) -> String {
    let causes = causes(error);
    if error.is_forbidden() {
        format!("you may not {right} in namespace {namespace}: {causes}")
    } else {
        causes
    }
}

/// The Jobs of hooks of the running revision and of the target.
fn hook_jobs(request: &BundleRequest<'_>) -> BTreeSet<WorkloadName> {
    let running = request.observed.stored.iter().flat_map(|stored| &stored.hooks);
    let target = request.target.iter().flat_map(|(_, target)| &target.hooks);
    let is_job = |hook: &&RenderedHook| hook.object.kind == "Job";
    running
        .chain(target)
        .filter(is_job)
        .map(|hook| WorkloadName {
            kind: WorkloadKind::Job,
            namespace: match hook.object.namespace.as_str() {
                "" => request.namespace.to_owned(),
                namespace => namespace.to_owned(),
            },
            name: hook.object.name.clone(),
        })
        .collect()
}
