//! Reading a path from where it is published: a file, or an address that is pinned by the digest of what it holds.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use model::path::{PathFile, PathFileError, parse_path};
use reqwest::Url;
use sha2::{Digest, Sha256};
use thiserror::Error;
use web::Patience;

/// How long an address may take to answer. A path file is small; who waits longer waits for nothing.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// No path file is larger. What is larger is something else, and is not read to its end.
const LARGEST: usize = 1 << 20;
/// Stands between a place and the digest of what it holds.
const PIN: &str = "@sha256:";

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
    #[error("what stands behind `@sha256:` is no sha256: 64 hexadecimal digits")]
    NoDigest,
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
    /// An address with a user, a password or a query in it. It is not shown.
    #[error(
        "the path's address holds credentials or a query, which would be seen by everybody: publish it where none are needed"
    )]
    Credentials,
    /// Something like an address that cannot be read as one. It is not shown: nobody knows what it holds.
    #[error("the path's address cannot be read: write https://HOST/FILE@sha256:DIGEST")]
    NoAddress,
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

/// A place, and the digest that it is pinned by.
pub(super) fn split_pin(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(PIN) {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    }
}

/// Where a path is, with the digest that was asked for.
#[derive(Debug)]
struct Place<'a> {
    name: &'a str,
    address: Option<Url>,
    digest: Option<String>,
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Result<Self, PathAddressError> {
        let (name, digest) = split_pin(text);
        // Before anything that shows the text.
        let address = address(name)?;
        let digest = digest.map(str::to_ascii_lowercase);
        if let Some(digest) = &digest
            && (digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            return Err(PathAddressError::NoDigest);
        }
        Ok(Self {
            name,
            address,
            digest,
        })
    }
}

/// The address that a text is, `None` where it is a file.
fn address(text: &str) -> Result<Option<Url>, PathAddressError> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "https" | "http") => {
            let is_open = url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none();
            if is_open {
                Ok(Some(url))
            } else {
                Err(PathAddressError::Credentials)
            }
        }
        Ok(_) | Err(_) if looks_like_one(text) => Err(PathAddressError::NoAddress),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Whether a person meant an address, whatever is wrong with it.
fn looks_like_one(text: &str) -> bool {
    let text = text.trim_start().to_ascii_lowercase();
    text.contains("://") || text.starts_with("http:") || text.starts_with("https:")
}

/// Reads the path in a file, or at an address `URL@sha256:…`.
///
/// # Errors
/// See [`PathAddressError`]: an address without a digest, another digest than the one asked for, a text that is no path.
pub async fn read_path(text: &str) -> Result<PathFile, PathAddressError> {
    let place = Place::parse(text)?;
    let bytes = match place.address {
        Some(_) if place.digest.is_none() => {
            return Err(PathAddressError::NotPinned {
                address: place.name.to_owned(),
            });
        }
        Some(address) => fetch(address, place.name).await?,
        None => file(place.name)?,
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
    let mut bytes = Vec::new();
    // One byte more tells that there is more.
    File::open(name)
        .and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| PathAddressError::File {
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

async fn fetch(url: Url, address: &str) -> Result<Vec<u8>, PathAddressError> {
    let failed = |source: reqwest::Error| PathAddressError::Fetch {
        address: address.to_owned(),
        source: source.without_url(),
    };
    let patience = Patience {
        answer: ANSWER_LIMIT,
        ..Patience::default()
    };
    let client = web::client(patience).map_err(failed)?;
    let mut answer = client
        .get(url)
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
    async fn an_address_that_may_hold_a_secret_is_refused_and_never_shown() {
        let digest = hex(b"");
        for address in [
            "https://ann:hush@vendor.example/shop.yaml",
            "https://:hush@vendor.example/shop.yaml",
            "https://hush@vendor.example/shop.yaml",
            "HTTPS://ann:hush@vendor.example/shop.yaml",
            "https:/ann:hush@vendor.example/shop.yaml",
            " https://ann:hush@vendor.example/shop.yaml",
            "https://vendor.example/shop.yaml?token=hush",
            "https://vendor.example/shop.yaml#hush",
            "https://ann:hush@[vendor/shop.yaml",
            "https:/ann:hush@[vendor/shop.yaml",
            "ftp://ann:hush@vendor.example/shop.yaml",
        ] {
            for text in [address.to_owned(), format!("{address}@sha256:{digest}")] {
                let told = refusal(&text).await;
                assert!(
                    told.contains("the path's address") && !told.contains("hush"),
                    "{told}"
                );
            }
        }
        let told = refusal("https://vendor@sha256:hush@vendor.example/shop.yaml").await;
        assert!(!told.contains("hush"), "{told}");
    }

    #[test]
    fn an_address_is_one_however_its_scheme_is_written() {
        let is_address = |text: &str| Place::parse(text).unwrap().address.is_some();
        assert!(is_address("HTTPS://vendor.example/shop.yaml"));
        assert!(is_address("http://vendor.example/shop.yaml"));
        assert!(!is_address("./shop.yaml") && !is_address("/srv/shop.yaml") && !is_address("shop.yaml"));
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_is_not_read_to_its_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // It has holes and takes no room; nobody could hold all of it.
        file.as_file().set_len(1 << 40).unwrap();
        let told = refusal(&file.path().display().to_string()).await;
        assert!(told.contains("larger than 1 MiB"), "{told}");
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
