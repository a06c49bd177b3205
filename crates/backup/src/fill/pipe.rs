//! What a blocking worker writes, as something to read.

use std::io::{self, Write};

use bytes::Bytes;
use futures::stream;
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio_util::io::StreamReader;

/// How many pieces wait between the worker and the reader.
const WAITING: usize = 4;

/// What the worker hands over at a time.
const PIECE: usize = 256 << 10;

/// Runs a worker on a thread of its own and gives what it writes. Its error arrives at the reader, so that a stream that
/// broke off is never taken for one that ended.
pub(crate) fn piped(
    work: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> impl AsyncRead + Send + Unpin {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut pieces = io::BufWriter::with_capacity(PIECE, Pieces(sender.clone()));
        if let Err(error) = work(&mut pieces).and_then(|()| pieces.flush()) {
            // Nobody reads any more where this cannot be told.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((piece, receiver))
    });
    StreamReader::new(Box::pin(pieces))
}

struct Pieces(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .blocking_send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn what_is_written_arrives_and_so_does_an_error() {
        let mut whole = String::new();
        let mut good = piped(|out| out.write_all(&vec![b'x'; 3 * PIECE]));
        good.read_to_string(&mut whole).await.unwrap();
        assert_eq!(whole.len(), 3 * PIECE);
        let mut bad = piped(|out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::UnexpectedEof.into())
        });
        let error = bad.read_to_string(&mut whole).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
