//! Who would answer for a Service.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Api, ListParams};
use kube::runtime::watcher::Config;

use crate::error::Asked;
use crate::wait::{Judgement, watch_until};
use crate::{ApiError, Cluster};

/// The label by which an EndpointSlice names its Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

impl Cluster {
    /// How many endpoints of a Service are ready; `None` where there is no such Service. An endpoint that is ready takes
    /// connections; whether it answers them well nobody has asked.
    ///
    /// # Errors
    /// When the Service or its EndpointSlices cannot be read.
    pub async fn ready_endpoints(&self, namespace: &str, service: &str) -> Result<Option<usize>, ApiError> {
        let found = Api::<Service>::namespaced(self.client.clone(), namespace)
            .get_opt(service)
            .await
            .asked(|| format!("read service {service} in namespace {namespace}"))?;
        if found.is_none() {
            return Ok(None);
        }
        self.count_endpoints(namespace, service).await.map(Some)
    }

    /// The same, after waiting at most `limit` until there are as many as `wanted`: the controller of endpoints is later than
    /// the pods. Who may not watch is not waited for.
    ///
    /// # Errors
    /// As [`Cluster::ready_endpoints`].
    pub async fn wait_ready_endpoints(
        &self,
        namespace: &str,
        service: &str,
        wanted: usize,
        limit: Duration,
    ) -> Result<Option<usize>, ApiError> {
        let slices = Api::<EndpointSlice>::namespaced(self.client.clone(), namespace);
        let config = Config::default().labels(&format!("{SERVICE_NAME}={service}"));
        let what = format!("{wanted} endpoints of service {service}");
        let came = watch_until(
            slices,
            config,
            what,
            limit,
            |slices: &BTreeMap<String, EndpointSlice>| {
                let slices: Vec<EndpointSlice> = slices.values().cloned().collect();
                match ready(&slices) {
                    enough if enough >= wanted => Judgement::Done(()),
                    ready => Judgement::Wait(format!("{ready} are ready")),
                }
            },
        );
        // How it stands at the end counts, whatever became of the wait.
        drop(came.await);
        self.ready_endpoints(namespace, service).await
    }

    async fn count_endpoints(&self, namespace: &str, service: &str) -> Result<usize, ApiError> {
        let params = ListParams::default().labels(&format!("{SERVICE_NAME}={service}"));
        let slices = Api::<EndpointSlice>::namespaced(self.client.clone(), namespace)
            .list(&params)
            .await
            .asked(|| format!("list endpointslices of service {service} in namespace {namespace}"))?;
        Ok(ready(&slices.items))
    }
}

/// Counts addresses once: a Service of two address families has a slice for each, with the same pods.
fn ready(slices: &[EndpointSlice]) -> usize {
    let of_family = |family: &str| {
        slices
            .iter()
            .filter(|slice| slice.address_type == family)
            .flat_map(|slice| &slice.endpoints)
            .filter(|endpoint| {
                let ready = endpoint
                    .conditions
                    .as_ref()
                    .and_then(|conditions| conditions.ready);
                // What is not said is to be taken for ready.
                ready != Some(false)
            })
            .count()
    };
    of_family("IPv4").max(of_family("IPv6"))
}

#[cfg(test)]
mod tests {
    use super::ready;
    use serde_json::json;

    fn counted(slices: serde_json::Value) -> usize {
        ready(&serde_json::from_value::<Vec<_>>(slices).unwrap())
    }

    #[test]
    fn an_endpoint_counts_once_and_only_when_it_is_ready() {
        let endpoints = json!([
            {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
            {"addresses": ["10.0.0.3"]},
        ]);
        let slice = |family: &str| json!({"metadata": {}, "addressType": family, "endpoints": endpoints});
        assert_eq!(counted(json!([slice("IPv4"), slice("IPv6")])), 2);
        assert_eq!(
            counted(json!([{"metadata": {}, "addressType": "IPv4", "endpoints": []}])),
            0
        );
        assert_eq!(counted(json!([])), 0);
    }
}
