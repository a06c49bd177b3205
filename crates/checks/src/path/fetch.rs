//! Reading a path from where it is published: a file, or an address that is pinned by the digest of what it holds.

use std::io;
use std::path::Path;
use std::time::Duration;

use model::path::{PathFile, PathFileError, parse_path};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// How long an address may take to answer. A path file is small; who waits longer waits for nothing.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// No path file is larger. What is larger is something else, and is not read to its end.
const LARGEST: usize = 1 << 20;
/// Stands between a place and the digest of what it holds.
pub(super) const PIN: &str = "@sha256:";

/// Why a path cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PathAddressError {
    /// An address without a digest: it may hold something else tomorrow.
    #[error(
        "the path at {address} is not pinned: read it first, then give its digest along: {address}@sha256:…, by `curl -sL {address} | sha256sum`"
    )]
    NotPinned {
        /// The address.
        address: String,
    },
    /// A digest of a wrong form.
    #[error("`{digest}` is no sha256: 64 hexadecimal digits")]
    NoDigest {
        /// What was given.
        digest: String,
    },
    /// Something else is there now.
    #[error("the path at {place} has changed: its sha256 is {found}, and {wanted} was asked for")]
    OtherDigest {
        /// The file or address.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What is there.
        found: String,
    },
    /// An address with a name and password in it.
    #[error(
        "the path's address holds credentials, which would be seen by everybody: publish it where none are needed"
    )]
    Credentials,
    /// The file cannot be read.
    #[error("failed to read path {file}")]
    File {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The address does not answer.
    #[error("failed to fetch path {address}")]
    Fetch {
        /// The address.
        address: String,
        /// What happened.
        #[source]
        source: reqwest::Error,
    },
    /// What is there is too large to be a path.
    #[error("what is at {place} is larger than 1 MiB, and no path file")]
    TooLarge {
        /// The file or address.
        place: String,
    },
    /// The text is no path.
    #[error(transparent)]
    Wrong(PathFileError),
}

/// Where a path is, with the digest that was asked for.
struct Place<'a> {
    name: &'a str,
    digest: Option<String>,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Result<Self, PathAddressError> {
        let (name, digest) = match text.rsplit_once(PIN) {
            Some((name, digest)) => (name, Some(digest.to_ascii_lowercase())),
            None => (text, None),
        };
        if let Some(digest) = &digest
            && (digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(PathAddressError::NoDigest {
                digest: digest.clone(),
            });
        }
        Ok(Self { name, digest })
    }

    fn is_address(&self) -> bool {
        self.name.starts_with("https://") || self.name.starts_with("http://")
    }

    /// Whether a name or password stands before the host.
    fn has_credentials(&self) -> bool {
        let host = self.name.split_once("://").map_or("", |(_, rest)| rest);
        host.split(['/', '?', '#'])
            .next()
            .is_some_and(|host| host.contains('@'))
    }
}

/// Reads the path in a file, or at an address `URL@sha256:…`.
///
/// # Errors
/// See [`PathAddressError`]: an address without a digest, another digest than the one asked for, a text that is no path.
pub async fn read_path(text: &str) -> Result<PathFile, PathAddressError> {
    let place = Place::parse(text)?;
    let bytes = if place.is_address() {
        if place.has_credentials() {
            return Err(PathAddressError::Credentials);
        }
        if place.digest.is_none() {
            return Err(PathAddressError::NotPinned {
                address: place.name.to_owned(),
            });
        }
        fetch(place.name).await?
    } else {
        file(place.name)?
    };
    if let Some(wanted) = place.digest {
        let found = hex(&bytes);
        if found != wanted {
            return Err(PathAddressError::OtherDigest {
                place: place.name.to_owned(),
                wanted,
                found,
            });
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    parse_path(place.name, &text).map_err(PathAddressError::Wrong)
}

fn file(name: &str) -> Result<Vec<u8>, PathAddressError> {
    let bytes = std::fs::read(Path::new(name)).map_err(|source| PathAddressError::File {
        file: name.to_owned(),
        source,
    })?;
    if bytes.len() > LARGEST {
        return Err(PathAddressError::TooLarge {
            place: name.to_owned(),
        });
    }
    Ok(bytes)
}

async fn fetch(address: &str) -> Result<Vec<u8>, PathAddressError> {
    // The client asks for the process's provider of cryptography. An error means that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |source: reqwest::Error| PathAddressError::Fetch {
        address: address.to_owned(),
        source: source.without_url(),
    };
    let client = reqwest::Client::builder()
        .timeout(ANSWER_LIMIT)
        .build()
        .map_err(failed)?;
    let mut answer = client
        .get(address)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST {
            return Err(PathAddressError::TooLarge {
                place: address.to_owned(),
            });
        }
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const TEXT: &str = "apiVersion: safe-upgrade.dev/v1alpha1\nkind: Path\nname: shop\npath: {}\n";

    /// A web server that answers every request with the text.
    async fn serve(text: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    text.len()
                );
                let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
            }
        });
        format!("http://{address}/shop.yaml")
    }

    async fn refusal(text: &str) -> String {
        read_path(text).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_address_is_read_by_its_digest_and_by_no_other() {
        let address = serve(TEXT).await;
        let digest = hex(TEXT.as_bytes());
        let file = read_path(&format!("{address}@sha256:{digest}")).await.unwrap();
        assert_eq!(file.name, "shop");

        let other = hex(b"something else");
        let told = refusal(&format!("{address}@sha256:{other}")).await;
        assert!(
            told.contains("has changed") && told.contains(&digest) && told.contains(&other),
            "{told}"
        );
    }

    #[tokio::test]
    async fn an_address_without_a_digest_or_with_credentials_is_refused_unasked() {
        let told = refusal("https://vendor.example/shop.yaml").await;
        assert!(told.contains("not pinned") && told.contains("@sha256:"), "{told}");
        let pinned = format!("https://ann:hush@vendor.example/shop.yaml@sha256:{}", hex(b""));
        let told = refusal(&pinned).await;
        assert!(told.contains("credentials") && !told.contains("hush"), "{told}");
        let told = refusal("https://vendor.example/shop.yaml@sha256:12").await;
        assert!(told.contains("no sha256"), "{told}");
    }

    #[tokio::test]
    async fn a_file_needs_no_digest_and_keeps_to_one_that_is_given() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TEXT).unwrap();
        let name = file.path().display().to_string();
        assert_eq!(read_path(&name).await.unwrap().name, "shop");
        let told = refusal(&format!("{name}@sha256:{}", hex(b"x"))).await;
        assert!(told.contains("has changed"), "{told}");
        assert_eq!(
            refusal("/nowhere/x.yaml").await,
            "failed to read path /nowhere/x.yaml"
        );
    }

    #[tokio::test]
    async fn what_is_no_path_is_told_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TEXT.replace("path:", "paths:")).unwrap();
        let told = refusal(&file.path().display().to_string()).await;
        assert!(
            told.contains("line 4") && told.contains("did you mean `path`"),
            "{told}"
        );
    }
}
