//! The text that names a store.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;
use url::Url;

use super::ClaimAddress;

/// The options of an `s3://` URL.
const OPTIONS: [&str; 3] = ["endpoint", "region", "path-style"];

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// A folder on this machine, absolute.
    Folder(PathBuf),
    /// A bucket.
    Bucket(BucketAddress),
    /// A folder in a claim of the cluster.
    Claim(ClaimAddress),
}

/// Whose interface a bucket has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// S3, of Amazon or of anybody else.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// A bucket and what has to be known to reach it; no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BucketAddress {
    pub(super) provider: Provider,
    /// The bucket, which Azure calls a container.
    pub(super) bucket: String,
    /// Where in the bucket, without `/` at either end; empty for its root.
    pub(super) prefix: String,
    /// Another server than Amazon's.
    pub(super) endpoint: Option<String>,
    pub(super) region: Option<String>,
    /// `https://endpoint/bucket/key`; otherwise `https://bucket.endpoint/key`.
    pub(super) path_style: bool,
}

/// Why a text names no store. Never repeats a text that may hold a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressError {
    /// Neither a folder nor a bucket nor a claim.
    #[error(
        "{0:?} is no place for backups: name a folder, as a path or as file:///path, a bucket, as s3://bucket/prefix, or a \
         claim, as pvc://claim/folder or pvc://namespace/claim/path"
    )]
    NoStore(String),
    /// Credentials in the text.
    #[error(
        "the URL of the store holds credentials, which end up in histories, process lists and plans: leave them out and \
         set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or what your cloud gives) in the environment"
    )]
    Credentials,
    /// No bucket.
    #[error("{0}: the URL names no bucket; write {0}://bucket/prefix")]
    NoBucket(String),
    /// No folder of a claim.
    #[error(
        "{text} names no folder of a claim ({why}): write pvc://claim/folder or pvc://namespace/claim/path"
    )]
    Claim {
        /// The text.
        text: String,
        /// What is wrong.
        why: &'static str,
    },
    /// An option that there is not.
    #[error("a store has no option {name:?}{}; there are: {}", suggestion(.name), OPTIONS.join(", "))]
    Option {
        /// The word.
        name: String,
    },
    /// An option's value.
    #[error("option {name} of the store: {why}")]
    Value {
        /// The option.
        name: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Options of S3 at another provider's bucket.
    #[error("option {0} is for s3:// alone")]
    OnlyS3(&'static str),
}

fn suggestion(name: &str) -> String {
    OPTIONS
        .iter()
        .find(|option| strsim::damerau_levenshtein(option, name) <= 2)
        .map(|option| format!(" (did you mean {option}?)"))
        .unwrap_or_default()
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return if text.is_empty() {
                Err(AddressError::NoStore(String::new()))
            } else {
                folder(PathBuf::from(text), text)
            };
        };
        let provider = match scheme {
            "file" => {
                let path = Url::parse(text)
                    .ok()
                    .and_then(|url| url.to_file_path().ok())
                    .ok_or_else(|| AddressError::NoStore(text.to_owned()))?;
                return folder(path, text);
            }
            "s3" => Provider::S3,
            "gs" => Provider::Google,
            "az" => Provider::Azure,
            "pvc" => return ClaimAddress::parse(text).map(Self::Claim),
            // Only the scheme is repeated: what follows may hold anything.
            other => return Err(AddressError::NoStore(format!("{other}://…"))),
        };
        BucketAddress::parse(provider, scheme, text).map(Self::Bucket)
    }
}

fn folder(path: PathBuf, text: &str) -> Result<Address, AddressError> {
    std::path::absolute(&path)
        .map(Address::Folder)
        .map_err(|_| AddressError::NoStore(text.to_owned()))
}

impl BucketAddress {
    fn parse(provider: Provider, scheme: &str, text: &str) -> Result<Self, AddressError> {
        let no_bucket = || AddressError::NoBucket(scheme.to_owned());
        // Looked for before the text is parsed: a secret with a `/` in it does not parse. Buckets have no port.
        let authority = text.split("://").nth(1).unwrap_or_default();
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains(['@', ':']) {
            return Err(AddressError::Credentials);
        }
        let url = Url::parse(text).map_err(|_| no_bucket())?;
        let bucket = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(no_bucket)?;
        let prefix = percent_encoding::percent_decode_str(url.path().trim_matches('/'))
            .decode_utf8_lossy()
            .into_owned();
        let mut address = Self {
            provider,
            bucket: bucket.to_owned(),
            prefix,
            endpoint: None,
            region: None,
            path_style: true,
        };
        for (name, value) in url.query_pairs() {
            address.set(&name, &value)?;
        }
        if address.prefix.split('/').any(|step| matches!(step, "." | "..")) {
            return Err(AddressError::NoStore(text.to_owned()));
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), AddressError> {
        let Some(name) = OPTIONS.into_iter().find(|option| *option == name) else {
            return Err(AddressError::Option {
                name: name.to_owned(),
            });
        };
        if self.provider != Provider::S3 {
            return Err(AddressError::OnlyS3(name));
        }
        let wrong = |why: &str| AddressError::Value {
            name,
            why: why.to_owned(),
        };
        match name {
            "endpoint" => {
                let url = Url::parse(value).map_err(|_| wrong("it is no URL; write https://host"))?;
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(AddressError::Credentials);
                }
                if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
                    return Err(wrong("write http://host or https://host"));
                }
                self.endpoint = Some(value.trim_end_matches('/').to_owned());
            }
            "region" => self.region = Some(value.to_owned()),
            _ => self.path_style = value.parse().map_err(|_| wrong("write true or false"))?,
        }
        Ok(())
    }

    /// The bucket and its prefix, without options.
    pub(super) fn place(&self) -> String {
        let scheme = match self.provider {
            Provider::S3 => "s3",
            Provider::Google => "gs",
            Provider::Azure => "az",
        };
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("{scheme}://{}{slash}{}", self.bucket, self.prefix)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket(address) => address.fmt(f),
            Self::Claim(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for BucketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = Url::parse(&self.place()) else {
            return self.place().fmt(f);
        };
        let style = (!self.path_style).then_some("false");
        let options = [
            ("endpoint", self.endpoint.as_deref()),
            ("region", self.region.as_deref()),
            ("path-style", style),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        url.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn bucket(text: &str) -> BucketAddress {
        match Address::parse(text).unwrap() {
            Address::Bucket(address) => address,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn folders_and_buckets_are_stores_and_other_places_are_not() {
        let folder = |text: &str| Address::parse(text).unwrap();
        assert_eq!(folder("/a/b"), Address::Folder(Path::new("/a/b").into()));
        assert_eq!(
            folder("file:///a/b%20c"),
            Address::Folder(Path::new("/a/b c").into())
        );
        for text in ["", "https://host/x", "ftp://x", "file://host/x"] {
            assert!(
                matches!(Address::parse(text), Err(AddressError::NoStore(_))),
                "{text}"
            );
        }
        let found = bucket("s3://backups/team%20a/prod/");
        assert_eq!(
            (found.bucket.as_str(), found.prefix.as_str()),
            ("backups", "team a/prod")
        );
        assert_eq!(bucket("gs://b").provider, Provider::Google);
        assert_eq!(bucket("az://b/p").provider, Provider::Azure);
    }

    #[test]
    fn the_text_of_a_bucket_opens_the_same_bucket_again() {
        for text in [
            "s3://b",
            "s3://b/team%20a/prod",
            "s3://b/p?endpoint=http%3A%2F%2F127.0.0.1%3A9000&region=eu-west-1&path-style=false",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::parse(&address.to_string()).unwrap(), address);
        }
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for text in [
            "s3://AKIA:hush@bucket/p",
            "s3://AKIA:hu/sh@bucket/p",
            "s3://hush@bucket",
            "s3://bucket?endpoint=https%3A%2F%2Fme%3Ahush%40host",
            "az://hush@container/x",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error, AddressError::Credentials, "{text}");
            assert!(!error.to_string().contains("hush"));
        }
        let told = Address::parse("s3://bucket?secret_access_key=hush")
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("secret_access_key") && !told.contains("hush"),
            "{told}"
        );
        let told = Address::parse("https://key:hush@host/x").unwrap_err().to_string();
        assert!(!told.contains("hush"), "{told}");
    }

    #[test]
    fn a_misspelt_option_is_named_with_the_one_that_was_meant() {
        let told = |text: &str| Address::parse(text).unwrap_err().to_string();
        assert!(told("s3://b?endpiont=https://x").contains("did you mean endpoint?"));
        assert!(told("s3://b?path-style=maybe").contains("true or false"));
        assert!(told("gs://b?region=x").contains("s3:// alone"));
        assert!(told("s3:///x").contains("names no bucket"));
    }
}
