//! A container's log as it grows.

use std::io;
use std::pin::Pin;

use futures::stream::{self, BoxStream};
use futures::{AsyncBufRead, AsyncBufReadExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};

use crate::{ApiError, Cluster};

/// The longest line given in one piece.
const LINE_BYTES: usize = 64 * 1024;

impl Cluster {
    /// The lines of a container's log from its start, as they come, without their ends; bytes that are no UTF-8 are
    /// replaced, and a line longer than 64 KiB comes in pieces. Ends with the container: following a restart is the
    /// caller's, with `previous: false` for the new container and `true` for what the one before said. Nothing is asked
    /// before the stream is polled; it ends after its first error.
    pub fn follow_logs(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
    ) -> impl Stream<Item = Result<String, ApiError>> + Send + Unpin + 'static {
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let params = LogParams {
            container: Some(container.to_owned()),
            follow: !previous,
            previous,
            ..LogParams::default()
        };
        let pod = pod.to_owned();
        let action = format!("follow the log of container {container} of pod {pod} in namespace {namespace}");
        let opening = async move {
            match api.log_stream(&pod, &params).await {
                Ok(log) => lines(Box::pin(log), action),
                Err(error) => stream::iter([Err(ApiError::new(action, error))]).boxed(),
            }
        };
        stream::once(opening).flatten().boxed()
    }
}

type Log = Pin<Box<dyn AsyncBufRead + Send>>;

fn lines(log: Log, action: String) -> BoxStream<'static, Result<String, ApiError>> {
    stream::unfold(Some(log), move |log| {
        let action = action.clone();
        async move {
            let mut log = log?;
            match next_line(&mut log).await {
                Ok(Some(line)) => Some((Ok(line), Some(log))),
                Ok(None) => None,
                Err(error) => Some((Err(ApiError::new(action, kube::Error::ReadEvents(error))), None)),
            }
        }
    })
    .boxed()
}

/// The next line or piece of one; `None` at the end.
async fn next_line(log: &mut Log) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let available = log.fill_buf().await?;
        if available.is_empty() {
            return Ok((!line.is_empty()).then(|| text(&line)));
        }
        let room = &available[..available.len().min(LINE_BYTES - line.len())];
        let end = room.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&room[..end.unwrap_or(room.len())]);
        let used = end.map_or(room.len(), |end| end + 1);
        log.consume_unpin(used);
        if end.is_some() || line.len() >= LINE_BYTES {
            return Ok(Some(text(&line)));
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES, Log, next_line};

    async fn all(bytes: Vec<u8>) -> Vec<String> {
        let mut log: Log = Box::pin(futures::io::Cursor::new(bytes));
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut log).await.unwrap() {
            lines.push(line);
        }
        lines
    }

    #[tokio::test]
    async fn lines_come_without_their_ends_and_the_last_needs_none() {
        assert_eq!(all(b"one\r\n\ntwo".to_vec()).await, ["one", "", "two"]);
    }

    #[tokio::test]
    async fn a_line_without_end_comes_in_pieces() {
        let lines = all(vec![b'x'; LINE_BYTES + 5]).await;
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [LINE_BYTES, 5]);
    }
}
