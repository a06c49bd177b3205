//! Several clusters at once. One that does not answer holds none of the others up.

use std::future::ready;

use checks::fleet::{FleetEvent, FleetRequest, look};
use cluster::{Cluster, ConnectOptions, ListScope};
use futures::stream::{self, LocalBoxStream, Stream, StreamExt};
use model::{FleetDepth, causes};

/// What to look at in each.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) all_namespaces: bool,
    pub(super) selector: Option<String>,
    pub(super) depth: FleetDepth,
    pub(super) store: String,
}

/// What comes of the clusters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// Something of the cluster of this context.
    Of(String, FleetEvent),
    /// It could not be reached, and why.
    Unreachable(String, String),
}

/// Looks at all of them at the same time.
pub(super) fn look_at(clusters: Vec<ConnectOptions>, wanted: &Wanted) -> impl Stream<Item = Told> + use<> {
    let looks = clusters.into_iter().map(|options| {
        let wanted = wanted.clone();
        stream::once(one(options, wanted)).flatten().boxed_local()
    });
    stream::select_all(looks.collect::<Vec<_>>())
}

async fn one(options: ConnectOptions, wanted: Wanted) -> LocalBoxStream<'static, Told> {
    match Cluster::connect(&options).await {
        Ok(cluster) => {
            let context = cluster.context.clone();
            let request = FleetRequest {
                scope: if wanted.all_namespaces {
                    ListScope::All
                } else {
                    ListScope::Namespace(cluster.namespace.clone())
                },
                cluster,
                selector: wanted.selector,
                depth: wanted.depth,
                store: wanted.store,
            };
            look(request)
                .map(move |event| Told::Of(context.clone(), event))
                .boxed_local()
        }
        Err(error) => {
            let context = options.context.unwrap_or_else(|| "current context".into());
            stream::once(ready(Told::Unreachable(context, causes(&error)))).boxed_local()
        }
    }
}
