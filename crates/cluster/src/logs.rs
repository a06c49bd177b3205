//! A container's log as it grows, and the end of one.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{AsyncBufRead, AsyncBufReadExt, Stream, StreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, LogParams};

use crate::{ApiError, Cluster};

/// The longest line given in one piece.
const LINE_BYTES: usize = 64 * 1024;

/// What a kubelet writes in place of a log, and no error, where the container is not there any more.
const GONE: &str = "unable to retrieve container logs for ";

/// How much of the end of a log is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEnd {
    /// Of the container that ran before the one that runs.
    pub previous: bool,
    /// Lines.
    pub lines: u32,
    /// Bytes of whole lines.
    pub bytes: usize,
    /// How old a line may be; any age where it is `None`.
    pub since: Option<Duration>,
    /// How long reading may take.
    pub limit: Duration,
}

/// The end of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogText {
    /// Its lines, each with the time at which it was written, and a line end.
    pub text: String,
    /// How many lines were read and are not among them, because they are too many bytes.
    pub dropped_lines: u64,
    /// Whether there may be older lines than those that were asked for.
    pub more_lines: bool,
    /// Whether reading ended by its time limit.
    pub out_of_time: bool,
    /// Whether the node has removed the container, and its log with it.
    pub gone: bool,
}

impl Cluster {
    /// The end of a container's log.
    ///
    /// # Errors
    /// When it cannot be read; [`ApiError::is_forbidden`] tells a missing right.
    pub async fn end_of_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        wanted: &LogEnd,
    ) -> Result<LogText, ApiError> {
        let api = Api::<Pod>::namespaced(self.client.clone(), namespace);
        let params = LogParams {
            container: Some(container.to_owned()),
            previous: wanted.previous,
            since_seconds: wanted.since.and_then(|since| i64::try_from(since.as_secs()).ok()),
            tail_lines: Some(i64::from(wanted.lines)),
            timestamps: true,
            ..LogParams::default()
        };
        let action =
            || format!("read the log of container {container} of pod {pod} in namespace {namespace}");
        let deadline = tokio::time::Instant::now() + wanted.limit;
        let opened = tokio::time::timeout_at(deadline, api.log_stream(pod, &params)).await;
        let mut log: Log = match opened {
            Ok(Ok(log)) => Box::pin(log),
            Ok(Err(error)) => return Err(ApiError::new(action(), error)),
            Err(_) => {
                return Ok(LogText {
                    out_of_time: true,
                    ..LogText::default()
                });
            }
        };
        let mut end = End::new(wanted.bytes);
        let out_of_time = loop {
            match tokio::time::timeout_at(deadline, next_line(&mut log)).await {
                Ok(Ok(Some(line))) => end.push(line),
                Ok(Ok(None)) => break false,
                Ok(Err(error)) => return Err(ApiError::new(action(), kube::Error::ReadEvents(error))),
                Err(_) => break true,
            }
        };
        Ok(end.text(wanted.lines, out_of_time))
    }

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

/// The newest lines that have room.
struct End {
    room: usize,
    lines: VecDeque<String>,
    bytes: usize,
    read: u64,
}

impl End {
    fn new(room: usize) -> Self {
        Self {
            room,
            lines: VecDeque::new(),
            bytes: 0,
            read: 0,
        }
    }

    fn push(&mut self, line: String) {
        self.read += 1;
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > self.room
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes -= oldest.len() + 1;
        }
    }

    fn text(self, asked: u32, out_of_time: bool) -> LogText {
        if self.read == 1 && self.lines.front().is_some_and(|line| line.starts_with(GONE)) {
            return LogText {
                gone: true,
                ..LogText::default()
            };
        }
        let mut text = String::with_capacity(self.bytes);
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        LogText {
            text,
            dropped_lines: self.read - self.lines.len() as u64,
            more_lines: self.read >= u64::from(asked),
            out_of_time,
            gone: false,
        }
    }
}

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
    use super::{End, LINE_BYTES, Log, next_line};

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

    #[test]
    fn the_newest_whole_lines_stay_and_the_rest_is_counted() {
        let of = |room: usize| {
            let mut end = End::new(room);
            for line in ["first", "second", "third"] {
                end.push(line.to_owned());
            }
            let text = end.text(3, false);
            (text.text, text.dropped_lines, text.more_lines)
        };
        assert_eq!(of(100), ("first\nsecond\nthird\n".to_owned(), 0, true));
        assert_eq!(of(13), ("second\nthird\n".to_owned(), 1, true));
        assert_eq!(of(12), ("third\n".to_owned(), 2, true));
        assert_eq!(of(3), (String::new(), 3, true));
    }

    #[test]
    fn what_a_kubelet_says_of_a_container_that_is_gone_is_no_log() {
        let of = |lines: &[&str]| {
            let mut end = End::new(1000);
            for line in lines {
                end.push((*line).to_owned());
            }
            let text = end.text(100, false);
            (text.text, text.gone)
        };
        let word = "unable to tell";
        let gone = "unable to retrieve container logs for containerd://4711";
        assert_eq!(of(&[gone]), (String::new(), true));
        assert_eq!(of(&[word]), (format!("{word}\n"), false));
        assert_eq!(of(&[word, gone]), (format!("{word}\n{gone}\n"), false));
    }
}
