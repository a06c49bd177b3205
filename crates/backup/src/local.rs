//! Commands on this machine.

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{RunEnd, RunError, Runner};

/// Runs commands on this machine, with the client programs on PATH.
#[derive(Debug, Clone, Default)]
pub struct LocalRunner {}

#[async_trait]
impl Runner for LocalRunner {
    async fn run(
        &self,
        script: &str,
        arguments: &[String],
        input: Box<dyn AsyncRead + Unpin + Send>,
        output: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<RunEnd, RunError> {
        todo!()
    }

    fn place(&self) -> String {
        "this machine".into()
    }
}
