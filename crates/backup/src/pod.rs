//! Commands in the server's pod.

use async_trait::async_trait;
use cluster::{Cluster, ExecRequest};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::script::COMMAND_NAME;
use crate::{RunEnd, RunError, Runner};

/// Runs commands in a container of a pod.
#[derive(Debug, Clone)]
pub struct PodRunner {
    cluster: Cluster,
    namespace: String,
    pod: String,
    container: String,
}

impl PodRunner {
    /// Commands in this container.
    pub fn new(cluster: &Cluster, namespace: &str, pod: &str, container: &str) -> Self {
        Self {
            cluster: cluster.clone(),
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container.to_owned(),
        }
    }
}

#[async_trait]
impl Runner for PodRunner {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        let fixed = ["sh", "-c", script, COMMAND_NAME].map(str::to_owned);
        let command = fixed.into_iter().chain(arguments.iter().cloned());
        let request = ExecRequest::new(&self.namespace, &self.pod, &self.container, command);
        let end = self
            .cluster
            .exec(&request, Some(input), output)
            .await
            .map_err(|source| RunError::Exec {
                place: self.place(),
                source: Box::new(source),
            })?;
        Ok(RunEnd {
            exit_code: end.exit_code,
            stderr_tail: end.stderr_tail,
        })
    }

    fn place(&self) -> String {
        format!("pod {}", self.pod)
    }
}
