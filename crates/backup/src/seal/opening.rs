//! Bytes on their way out of a sealed file.

use std::io;

use age::DecryptError;
use thiserror::Error;
use tokio::io::{AsyncRead, BufReader};
use tokio_util::compat::{FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};

use super::Identities;

/// Why a sealed file does not open. What comes after the header is judged while it is read: a cut or changed file ends in
/// an error of the reader.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another key is needed.
    #[error("{file} does not open with {identities}: it was sealed to {}", recipients.join(", "))]
    WrongIdentity {
        /// The file.
        file: String,
        /// Where the identities came from.
        identities: String,
        /// Fingerprints of the recipients that it was sealed to, where known.
        recipients: Vec<String>,
    },
    /// No key was given.
    #[error("{file} is encrypted to {}: name the identity that opens it with --identity", recipients.join(", "))]
    NoIdentity {
        /// The file.
        file: String,
        /// Fingerprints of the recipients, where known.
        recipients: Vec<String>,
    },
    /// The header is no header of age's, or was changed.
    #[error("{0} is damaged: its header is not what was written")]
    Damaged(String),
    /// The file cannot be read.
    #[error("failed to read {file}")]
    Read {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Opens a sealed stream. `file` and `recipients` are for messages.
pub(crate) async fn open<R: AsyncRead + Send + Unpin>(
    incoming: R,
    identities: &Identities,
    file: &str,
    recipients: &[String],
) -> Result<impl AsyncRead + Send + Unpin + use<R>, OpenError> {
    let file = || file.to_owned();
    let read = |source| OpenError::Read { file: file(), source };
    let refused = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys => OpenError::WrongIdentity {
            file: file(),
            identities: identities.files(),
            recipients: recipients.to_vec(),
        },
        DecryptError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => read(source),
        _ => OpenError::Damaged(file()),
    };
    let buffered = BufReader::new(incoming).compat();
    let decryptor = age::Decryptor::new_async_buffered(buffered)
        .await
        .map_err(refused)?;
    let opened = decryptor.decrypt_async(identities.each()).map_err(refused)?;
    Ok(opened.compat())
}
