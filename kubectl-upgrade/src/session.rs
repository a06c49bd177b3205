//! What every command begins with: where output goes, and the cluster.

use std::error::Error;

use clap::Args;
use cli::{ConnectionFlags, Environment, Output, OutputFlags};
use cluster::{Cluster, ConnectOptions};
use model::ExitCode;
use model::text::shell_word;

/// Nothing has been touched yet.
pub(crate) const UNCHANGED: &str = "Nothing was changed.";

/// Flags of every command that talks to a cluster.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) connection: ConnectionFlags,
    #[command(flatten)]
    pub(crate) output: OutputFlags,
}

/// A cluster that answers to a name, and where output goes.
pub(crate) struct Session {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) output: Output,
    pub(crate) options: ConnectOptions,
    /// The flags that mean the same cluster again, as they are typed.
    pub(crate) connection: Vec<String>,
}

impl Session {
    /// Settles output and cluster; tells a failure and gives the code to end with.
    pub(crate) async fn open(common: &Common, environment: &Environment) -> Result<Self, ExitCode> {
        let output = Output::new(&common.output, environment);
        let options = common.connection.options(environment);
        match Cluster::connect(&options).await {
            Ok(cluster) => Ok(Self {
                namespace: cluster.namespace.clone(),
                cluster,
                output,
                options,
                connection: common.connection.words(),
            }),
            Err(error) => Err(could_not_begin(&output, &error)),
        }
    }

    /// What a person types to mean the same namespace of the same cluster again.
    pub(crate) fn typed(&self) -> String {
        let words = [
            &["-n".to_owned(), self.namespace.clone()][..],
            self.connection.as_slice(),
        ]
        .concat();
        let words: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
        words.join(" ")
    }
}

/// Tells why nothing could begin.
pub(crate) fn could_not_begin(output: &Output, error: &dyn Error) -> ExitCode {
    cli::fail(output, error, UNCHANGED, None, ExitCode::CouldNotBegin)
}
