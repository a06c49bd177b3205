//! The user's helm and cluster.

use cli::{Environment, Output};
use cluster::Cluster;
use helm::Helm;
use model::ExitCode;

use crate::arguments::Common;

/// Nothing has been touched yet.
pub(crate) const UNCHANGED: &str = "Nothing was changed.";

/// What every command works with.
pub(crate) struct Session {
    pub(crate) helm: Helm,
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) output: Output,
}

impl Session {
    /// Finds helm and reaches the cluster; tells a failure and gives the code to end with.
    pub(crate) async fn open(common: &Common, environment: &Environment) -> Result<Self, ExitCode> {
        Self::open_in(common, environment, None).await
    }

    /// As [`Self::open`], in a namespace that is said by something else than the flags.
    pub(crate) async fn open_in(
        common: &Common,
        environment: &Environment,
        namespace: Option<String>,
    ) -> Result<Self, ExitCode> {
        let output = Output::new(&common.output, environment);
        let mut options = common.connection.options(environment);
        options.namespace = namespace.or(options.namespace);
        let refused = |error: &dyn std::error::Error| {
            cli::fail(&output, error, UNCHANGED, None, ExitCode::CouldNotBegin)
        };
        let (helm, cluster) = tokio::join!(
            Helm::find(common.helm_bin.as_deref(), &options),
            Cluster::connect(&options)
        );
        let cluster = cluster.map_err(|error| refused(&error))?;
        let helm = helm.map_err(|error| refused(&error))?;
        let namespace = cluster.namespace.clone();
        Ok(Self {
            helm,
            cluster,
            namespace,
            output,
        })
    }
}
