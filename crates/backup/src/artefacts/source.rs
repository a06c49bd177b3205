//! The words that name an artefact: `CLAIM`, `CLAIM:PATH`, or a bucket's address.

use std::fmt;
use std::str::FromStr;

use model::ArtefactOf;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

/// An artefact as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtefactSource {
    /// A claim of the namespace, or a folder in it.
    Volume {
        /// The claim.
        claim: String,
        /// The folder in it, without `/` at either end.
        path: Option<String>,
    },
    /// A bucket, as a store is named: `s3://bucket/prefix?endpoint=…`.
    Bucket(String),
}

/// A text that names no artefact.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0:?} names no artefact: write CLAIM, CLAIM:FOLDER (without . and ..) or s3://bucket/prefix")]
pub struct SourceError(String);

impl FromStr for ArtefactSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if text.starts_with("s3://") {
            // A secret in it is found, and not repeated, where the bucket is opened.
            return Ok(Self::Bucket(text.to_owned()));
        }
        let (claim, path) = match text.split_once(':') {
            Some((claim, path)) => (claim, Some(path.trim_matches('/'))),
            None => (text, None),
        };
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let is_claim = !claim.is_empty() && claim.bytes().all(plain) && !claim.starts_with(['-', '.']);
        let is_step =
            |step: &str| !step.is_empty() && !step.starts_with(['.', '-']) && !step.contains(['\n', '\0']);
        let is_path = path.is_none_or(|path| path.split('/').all(is_step));
        if !is_claim || !is_path {
            return Err(SourceError(text.to_owned()));
        }
        Ok(Self::Volume {
            claim: claim.to_owned(),
            path: path.map(str::to_owned),
        })
    }
}

impl fmt::Display for ArtefactSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume { claim, path: None } => f.write_str(claim),
            Self::Volume {
                claim,
                path: Some(path),
            } => write!(f, "{claim}:{path}"),
            Self::Bucket(url) => f.write_str(url),
        }
    }
}

/// What the archive of a volume is called in its backup, without the end that says how it is packed.
pub(super) fn file_name(of: &ArtefactOf) -> Option<String> {
    match of {
        ArtefactOf::Volume { claim, path, .. } => {
            let path = path
                .as_deref()
                .map(|path| utf8_percent_encode(path, NON_ALPHANUMERIC));
            let path = path.map(|path| format!("+{path}")).unwrap_or_default();
            Some(format!("artefact-{claim}{path}.tar"))
        }
        ArtefactOf::Bucket { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_a_folder_of_one_and_a_bucket_are_artefacts() {
        let volume = |claim: &str, path: Option<&str>| {
            Ok(ArtefactSource::Volume {
                claim: claim.into(),
                path: path.map(str::to_owned),
            })
        };
        assert_eq!("uploads".parse(), volume("uploads", None));
        assert_eq!("data-web-0:/a b/c/".parse(), volume("data-web-0", Some("a b/c")));
        let bucket: ArtefactSource = "s3://b/p".parse().unwrap();
        assert_eq!(bucket, ArtefactSource::Bucket("s3://b/p".into()));
        for text in [
            "",
            "Uploads",
            "a:",
            "a:..",
            "a:b/../c",
            "a:.hidden",
            "-a",
            "a:b\nc",
            "a/b",
        ] {
            assert!(text.parse::<ArtefactSource>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn two_folders_of_one_claim_are_two_files_and_neither_leaves_its_backup() {
        let name = |path: Option<&str>| {
            file_name(&ArtefactOf::Volume {
                namespace: "shop".into(),
                claim: "data".into(),
                path: path.map(str::to_owned),
            })
            .unwrap()
        };
        assert_eq!(name(None), "artefact-data.tar");
        assert_eq!(name(Some("a/b c")), "artefact-data+a%2Fb%20c.tar");
    }
}
