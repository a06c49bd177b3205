//! What a command reads from us.

use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use model::Secret;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Interval, interval};

/// How often we say that we are still there. Cloud load balancers cut connections that are quiet for a minute.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);

/// Standard input of a command: a password line if there is one, a body if there is one, then an empty line now and then
/// for as long as we live. It never ends: that it ends tells the command that we are gone.
pub(crate) struct Feed {
    head: Cursor<Vec<u8>>,
    body: Option<Box<dyn AsyncRead + Unpin + Send>>,
    beat: Interval,
    /// What is said at every beat.
    line: Cursor<Vec<u8>>,
}

impl Feed {
    /// Only a password and signs of life.
    pub(crate) fn new(password: Option<&Secret>) -> Self {
        let head = password
            .map(|password| format!("{}\n", password.expose()).into_bytes())
            .unwrap_or_default();
        Self {
            head: Cursor::new(head),
            body: None,
            beat: interval(SIGN_OF_LIFE),
            line: said(b"\n".to_vec()),
        }
    }

    /// The same with a question, one line, in the place of the sign of life: asked at once and then again and again.
    pub(crate) fn asking(mut self, question: &str, every: Duration) -> Self {
        self.beat = interval(every);
        self.line = said(format!("{question}\n").into_bytes());
        self
    }

    /// With a body behind the password.
    pub(crate) fn with_body(mut self, body: impl AsyncRead + Unpin + Send + 'static) -> Self {
        self.body = Some(Box::new(body));
        self
    }
}

/// A line that waits for the next beat.
fn said(line: Vec<u8>) -> Cursor<Vec<u8>> {
    let mut line = Cursor::new(line);
    line.set_position(line.get_ref().len() as u64);
    line
}

impl AsyncRead for Feed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        if (this.head.position() as usize) < this.head.get_ref().len() {
            return Pin::new(&mut this.head).poll_read(context, buffer);
        }
        if let Some(body) = &mut this.body {
            match Pin::new(body).poll_read(context, buffer) {
                Poll::Ready(Ok(())) if buffer.filled().len() == before => this.body = None,
                other => return other,
            }
        }
        if this.line.position() as usize >= this.line.get_ref().len() {
            match this.beat.poll_tick(context) {
                Poll::Ready(_) => this.line.set_position(0),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut this.line).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_goes_out_now_and_then_for_as_long_as_we_live() {
        let password = Secret::new("open sesame");
        let mut feed = Feed::new(Some(&password)).with_body(&b"a body"[..]);
        let begun = Instant::now();
        let expected = format!("open sesame\na body{}", "\n".repeat(12));
        let mut said = vec![0; expected.len()];
        feed.read_exact(&mut said).await.unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), expected);
        assert_eq!(
            begun.elapsed().as_secs(),
            SIGN_OF_LIFE.as_secs() * 11,
            "on a paused clock"
        );
    }
}
