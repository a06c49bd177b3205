//! What an object store answered, in words.

use object_store::Error;
use thiserror::Error as ThisError;

/// Why an object store did not do what was asked.
#[derive(Debug, ThisError, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BucketFault {
    /// No such object, or no such bucket.
    #[error("there is no such {what}: {words}")]
    Missing {
        /// `bucket` or `object`.
        what: &'static str,
        /// The server's words.
        words: String,
    },
    /// The credentials are not good, or not good enough.
    #[error("the credentials are refused: {0}")]
    Refused(String),
    /// There are no credentials.
    #[error(
        "no credentials were found in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, a web identity), and \
         no cloud gives any here: {0}"
    )]
    NoCredentials(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// How S3 servers call credentials that are not good, or not good enough.
const REFUSALS: [&str; 8] = [
    "AccessDenied",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NotSignedUp",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

impl BucketFault {
    /// The library's error texts hold their sources, so the words of the outermost are all of them.
    pub(super) fn of(error: &Error) -> Self {
        let text = model::causes(error);
        let words = words(&text);
        let code = element(&text, "Code").unwrap_or_default();
        if code == "NoSuchBucket" {
            return Self::Missing {
                what: "bucket",
                words,
            };
        }
        match error {
            Error::NotFound { .. } => Self::Missing {
                what: "object",
                words,
            },
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Self::Refused(words),
            // A listing that is refused comes as any other failure.
            _ if REFUSALS.contains(&code) => Self::Refused(words),
            _ if text.contains("169.254.169.254") || text.contains("InstanceCredentials") => {
                Self::NoCredentials(words)
            }
            _ => Self::Other(words),
        }
    }
}

/// Whether an object is not there, though its bucket is.
pub(super) fn is_missing_object(error: &Error) -> bool {
    matches!(error, Error::NotFound { .. }) && !model::causes(error).contains("NoSuchBucket")
}

/// Whether the server does not know what was asked of it.
pub(super) fn is_not_implemented(error: &Error) -> bool {
    matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. })
        || model::causes(error).contains("NotImplemented")
}

/// The content of an element of a server's answer.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    (!value.is_empty()).then_some(value)
}

/// One line: code and message out of a server's XML, otherwise the text without what follows its first line.
fn words(text: &str) -> String {
    match (element(text, "Code"), element(text, "Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(words), None) | (None, Some(words)) => words.to_owned(),
        (None, None) => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Error {
        Error::Generic {
            store: "S3",
            source: text.into(),
        }
    }

    #[test]
    fn a_server_s_xml_becomes_its_code_and_message() {
        let fault = BucketFault::of(&generic(
            "Server returned 403: <?xml?><Error><Code>SlowDown</Code><Message>Not so fast</Message></Error>",
        ));
        assert_eq!(fault, BucketFault::Other("SlowDown: Not so fast".into()));
    }

    #[test]
    fn a_missing_bucket_is_no_missing_object() {
        let error = Error::NotFound {
            path: "x".into(),
            source: "<Code>NoSuchBucket</Code><Message>gone</Message>".into(),
        };
        assert!(!is_missing_object(&error));
        assert!(BucketFault::of(&error).to_string().contains("no such bucket"));
        let error = Error::NotFound {
            path: "x".into(),
            source: "<Code>NoSuchKey</Code>".into(),
        };
        assert!(is_missing_object(&error));
    }

    #[test]
    fn where_nobody_gives_credentials_the_words_say_which_were_looked_for() {
        let told = BucketFault::of(&generic(
            "error sending request for http://169.254.169.254/latest",
        ))
        .to_string();
        assert!(told.contains("AWS_ACCESS_KEY_ID"), "{told}");
    }
}
